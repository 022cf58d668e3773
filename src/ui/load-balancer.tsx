import { useSignal } from '@preact/signals';
import { silenceFindingText } from '../model/silence.ts';
import { ApiError, ask, type Get } from './api.ts';
import { nameOrId } from './format.ts';
import { Dialog, Facts, Id, Name, Prose, Reason, Refusal, Stale, Status, Table, Time, Waiting } from './parts.tsx';
import { OVERVIEW_EVERY_MS, usePolled } from './polled.ts';
import { linkTo, may, notice } from './state.ts';
import { Statistics } from './statistics.tsx';
import type { Amphora, LoadBalancer, Operation, PoolNode, StatusNode, StatusTree } from './wire.ts';

interface Listener {
  id: string;
  protocol: string;
  protocol_port: number;
}

interface Everything {
  loadBalancer: LoadBalancer;
  tree: StatusTree;
  listeners: Listener[];
  /** Null: the reader may not see them. */
  amphorae: Amphora[] | null;
  operations: Operation[] | null;
}

async function load(get: Get, id: string): Promise<Everything> {
  const of = encodeURIComponent(id);
  const seesAmphorae = may('amphora:get_all');
  const seesOperations = may('operation:get_all');
  const [shown, status, listeners, amphorae, operations] = await Promise.all([
    get<{ loadbalancer: LoadBalancer }>(`v2/lbaas/loadbalancers/${of}`),
    get<{ statuses: { loadbalancer: StatusTree } }>(`v2/lbaas/loadbalancers/${of}/status`),
    get<{ listeners: Listener[] }>(
      `v2/lbaas/listeners?loadbalancer_id=${of}&fields=id&fields=protocol&fields=protocol_port`,
    ),
    seesAmphorae ? get<{ amphorae: Amphora[] }>(`v2/kiln/amphorae/health?loadbalancer_id=${of}`) : null,
    seesOperations ? get<{ operations: Operation[] }>(`v2/kiln/operations?loadbalancer_id=${of}&limit=10`) : null,
  ]);
  return {
    loadBalancer: shown.loadbalancer,
    tree: status.statuses.loadbalancer,
    listeners: listeners.listeners,
    amphorae: amphorae?.amphorae ?? null,
    operations: operations?.operations ?? null,
  };
}

/** One load balancer: how it is, what it is made of, what runs it, and what was done to it. */
export function LoadBalancerDrawer(props: { id: string; onClose(): void; onChanged(): void }) {
  const { id, onClose, onChanged } = props;
  const { data, error, refresh } = usePolled(id, (get) => load(get, id), OVERVIEW_EVERY_MS);
  const asksFailover = useSignal(false);
  const name = data ? nameOrId(data.loadBalancer.name, id) : id.slice(0, 8);

  return (
    <Dialog isDrawer title={<Name>{name}</Name>} onClose={onClose}>
      {data ? (
        <>
          <Stale error={error} />
          <About of={data.loadBalancer} />
          {may('loadbalancer:put_failover') && (
            <p>
              <button
                type="button"
                disabled={!['ACTIVE', 'ERROR'].includes(data.loadBalancer.provisioning_status)}
                onClick={() => {
                  asksFailover.value = true;
                }}
              >
                Fail over…
              </button>
            </p>
          )}
          <Tree of={data.tree} listeners={data.listeners} />
          {may('loadbalancer:get_stats') && (
            <Statistics
              id={id}
              listeners={data.listeners.map((one) => ({ id: one.id, title: `${one.protocol} ${one.protocol_port}` }))}
            />
          )}
          {data.amphorae && <Amphorae of={data.amphorae} />}
          {data.operations && <Operations of={data.operations} />}
        </>
      ) : error?.status === 404 ? (
        <p class="card">There is no such load balancer: it may be deleted. Close this to see those that there are.</p>
      ) : (
        <Waiting error={error} retry={refresh} />
      )}
      {asksFailover.value && (
        <FailoverQuestion
          id={id}
          name={name}
          onClose={(isDone) => {
            asksFailover.value = false;
            if (!isDone) return;
            refresh();
            onChanged();
          }}
        />
      )}
    </Dialog>
  );
}

function About({ of: one }: { of: LoadBalancer }) {
  return (
    <>
      <Facts
        rows={[
          ['Status', <Status key="p" of={one.provisioning_status} />],
          ['Operating', <Status key="o" of={one.operating_status} />],
          ['Address', one.vip_address],
          ['ID', <Id key="i">{one.id}</Id>],
          ['Project', <Id key="j">{one.project_id}</Id>],
          ...(one.description
            ? [['Description', <Name key="d">{one.description}</Name>] as [string, preact.ComponentChildren]]
            : []),
          ['Created', <Time key="c" at={one.created_at} />],
          ['Changed', <Time key="u" at={one.updated_at} />],
        ]}
      />
      {one.provisioning_reason && <Reason of={one.provisioning_reason} />}
    </>
  );
}

function Node({ of: node, what }: { of: StatusNode; what: string }) {
  return (
    <>
      {what} {node.name && <Name>{node.name}</Name>} <Status of={node.operating_status} />
      {node.provisioning_status !== 'ACTIVE' && (
        <>
          {' '}
          <Status of={node.provisioning_status} />
        </>
      )}
    </>
  );
}

function Tree({ of: tree, listeners }: { of: StatusTree; listeners: Listener[] }) {
  const ports = new Map(listeners.map((one) => [one.id, `${one.protocol} ${one.protocol_port}`]));
  const shown = new Set(tree.listeners.flatMap(({ pools }) => pools.map(({ id }) => id)));
  const others = (tree.pools ?? []).filter(({ id }) => !shown.has(id));
  return (
    <>
      <h3>Listeners, pools, members</h3>
      {tree.listeners.length === 0 && others.length === 0 ? (
        <p class="quiet">
          It has no listener yet: <code>openstack loadbalancer listener create</code> adds one.
        </p>
      ) : (
        <ul class="tree">
          {tree.listeners.map((listener) => (
            <li key={listener.id}>
              <Node of={listener} what={`Listener ${ports.get(listener.id) ?? ''}`} />
              <Pools of={listener.pools} />
            </li>
          ))}
          {others.length > 0 && (
            <li>
              Of no listener
              <Pools of={others} />
            </li>
          )}
        </ul>
      )}
    </>
  );
}

function Pools({ of: pools }: { of: PoolNode[] }) {
  if (pools.length === 0) return null;
  return (
    <ul>
      {pools.map((pool) => (
        <li key={pool.id}>
          <Node of={pool} what="Pool" />
          {pool.members.length === 0 && <p class="quiet">It has no member yet.</p>}
          <ul>
            {pool.members.map((member) => (
              <li key={member.id}>
                <Node of={member} what={`${member.address} : ${member.protocol_port}`} />
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}

function Amphorae({ of: amphorae }: { of: Amphora[] }) {
  return (
    <>
      <h3>Amphorae</h3>
      {amphorae.length === 0 ? (
        <p class="quiet">None serves it at the moment.</p>
      ) : (
        <Table label="Amphorae" head={['ID', 'Role', 'Status', 'Image', 'Last heartbeat']}>
          {amphorae.map((one) => (
            <tr key={one.id}>
              <td>
                <a href={linkTo('amphorae', one.id)}>
                  <Id>{one.id}</Id>
                </a>
              </td>
              <td>{one.role ?? '–'}</td>
              <td>
                <Status of={one.status} />
                {one.reason && (
                  <p class="quiet">
                    <Prose>{one.reason.message}</Prose>
                  </p>
                )}
              </td>
              <td>
                {one.image_name && <Name>{one.image_name}</Name>} {one.image_id && <Id>{one.image_id}</Id>}
              </td>
              <td>
                {one.is_silent && <strong class="bad-text">✖ silent </strong>}
                <Time at={one.last_heartbeat_at} none="never" />
                {one.is_silent && one.finding && (
                  <p class="quiet">
                    <Prose>{silenceFindingText[one.finding]}</Prose>
                  </p>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

function Operations({ of: operations }: { of: Operation[] }) {
  return (
    <>
      <h3>Operations</h3>
      {operations.length === 0 ? (
        <p class="quiet">None that is kept.</p>
      ) : (
        <ul class="items">
          {operations.map((one) => (
            <li key={one.id}>
              <a href={linkTo('operations', one.id)}>{one.flow}</a> <Status of={one.status} />{' '}
              <Time at={one.created_at} />
              {one.reason && (
                <p class="quiet">
                  <Prose>{one.reason.message}</Prose>
                </p>
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function FailoverQuestion({ id, name, onClose }: { id: string; name: string; onClose(isDone: boolean): void }) {
  const error = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  async function failOver(): Promise<void> {
    isBusy.value = true;
    try {
      await ask('PUT', `v2/lbaas/loadbalancers/${encodeURIComponent(id)}/failover`);
      notice.value = `The failover of ${name} is asked for.`;
      onClose(true);
    } catch (thrown) {
      error.value = thrown instanceof ApiError ? thrown.message : String(thrown);
      isBusy.value = false;
    }
  }
  return (
    <Dialog title="Fail over?" onClose={() => onClose(false)}>
      <p>
        Each amphora of <Name>{name}</Name> is replaced by a new one, with the image that the tag gives now. A load
        balancer of one amphora answers nothing while its address moves; of a pair, the other amphora serves.
      </p>
      <Refusal text={error.value} />
      <p class="actions">
        <button type="button" class="plain" onClick={() => onClose(false)}>
          Leave it
        </button>
        <button type="button" class="danger" disabled={isBusy.value} onClick={() => void failOver()}>
          Fail over
        </button>
      </p>
    </Dialog>
  );
}
