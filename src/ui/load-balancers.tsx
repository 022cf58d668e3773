import type { SubmitEventHandler } from 'preact';
import { nameOrId, searchFilter } from './format.ts';
import { LoadBalancerDrawer } from './load-balancer.tsx';
import { Name, Pages, Stale, Status, Table, Time, Waiting } from './parts.tsx';
import { LIST_EVERY_MS, usePolled } from './polled.ts';
import { goTo, linkTo, may, place } from './state.ts';
import type { LoadBalancer } from './wire.ts';

const PAGE = 50;
const statuses = ['ACTIVE', 'ERROR', 'PENDING_CREATE', 'PENDING_UPDATE', 'PENDING_DELETE'];

/** All load balancers for who may see all, else those of the project; in pages, with a filter. */
export function LoadBalancers() {
  const { id, query } = place.value;
  const text = query.get('q') ?? '';
  const status = query.get('status') ?? '';
  const marker = query.get('marker') ?? '';
  const asked = new URLSearchParams({
    limit: String(PAGE),
    sort: 'name,id',
    ...searchFilter(text),
    ...(status === '' ? {} : { provisioning_status: status }),
    ...(marker === '' ? {} : { marker }),
  }).toString();
  const path = `v2/lbaas/loadbalancers?${asked}`;
  const { data, error, refresh } = usePolled(
    path,
    (get) => get<{ loadbalancers: LoadBalancer[] }>(path),
    LIST_EVERY_MS,
  );
  const seesAll = may('loadbalancer:get_all-global');
  const here = { q: text, status, marker };

  const onSubmit: SubmitEventHandler<HTMLFormElement> = (event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    goTo(
      linkTo('load-balancers', null, { q: String(fields.get('q') ?? ''), status: String(fields.get('status') ?? '') }),
    );
  };

  return (
    <>
      <form class="filter" onSubmit={onSubmit} key={`${text} ${status}`}>
        <label>
          Name, ID or address <small>(the whole of it)</small>
          <input type="search" name="q" defaultValue={text} />
        </label>
        <label>
          Status
          <select name="status" defaultValue={status}>
            <option value="">any</option>
            {statuses.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <button type="submit">Show</button>
      </form>
      {data ? (
        <>
          <Stale error={error} />
          {data.loadbalancers.length === 0 ? (
            <Nothing isFiltered={text !== '' || status !== ''} isPage={marker !== ''} />
          ) : (
            <Table
              label="Load balancers"
              head={['Name', 'Status', 'Operating', 'Address', ...(seesAll ? ['Project'] : []), 'Changed']}
            >
              {data.loadbalancers.map((one) => (
                <tr key={one.id}>
                  <td>
                    <a href={linkTo('load-balancers', one.id, here)}>
                      <Name>{nameOrId(one.name, one.id)}</Name>
                    </a>
                  </td>
                  <td>
                    <Status of={one.provisioning_status} />
                  </td>
                  <td>
                    <Status of={one.operating_status} />
                  </td>
                  <td>{one.vip_address}</td>
                  {seesAll && (
                    <td>
                      <code class="id">{one.project_id}</code>
                    </td>
                  )}
                  <td>
                    <Time at={one.updated_at ?? one.created_at} />
                  </td>
                </tr>
              ))}
            </Table>
          )}
          <Pages
            marker={marker}
            last={data.loadbalancers.length === PAGE ? (data.loadbalancers.at(-1)?.id ?? null) : null}
            link={(behind) => linkTo('load-balancers', null, { q: text, status, marker: behind })}
          />
        </>
      ) : (
        <Waiting error={error} retry={refresh} />
      )}
      {id !== null && (
        <LoadBalancerDrawer
          key={id}
          id={id}
          onClose={() => goTo(linkTo('load-balancers', null, here))}
          onChanged={refresh}
        />
      )}
    </>
  );
}

function Nothing({ isFiltered, isPage }: { isFiltered: boolean; isPage: boolean }) {
  if (isPage) return <p class="card">There are no more. Go back to the first page.</p>;
  if (isFiltered) return <p class="card">None is like that. Names, IDs and addresses are compared as a whole.</p>;
  return (
    <p class="card">
      There is no load balancer here yet. <code>openstack loadbalancer create --vip-subnet-id SUBNET</code> makes one.
    </p>
  );
}
