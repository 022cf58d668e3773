import { plural } from './format.ts';
import { Name, Pages, Stale, Status, Table, Time, Waiting } from './parts.tsx';
import { OVERVIEW_EVERY_MS, usePolled } from './polled.ts';
import { ReleaseDrawer } from './release.tsx';
import { ReleaseStart } from './release-start.tsx';
import { goTo, linkTo, may, place } from './state.ts';
import type { ReleaseSummary } from './wire.ts';

const PAGE = 50;
/** In the place of an ID: the one that is not there yet. */
const NEW = 'new';

/** Releases of images to the fleet, the newest first. */
export function Releases() {
  const { id, query } = place.value;
  const marker = query.get('marker') ?? '';
  const path = `v2/kiln/releases?limit=${PAGE}${marker === '' ? '' : `&marker=${encodeURIComponent(marker)}`}`;
  const { data, error, refresh } = usePolled(
    path,
    (get) => get<{ releases: ReleaseSummary[] }>(path),
    OVERVIEW_EVERY_MS,
  );
  return (
    <>
      {may('release:post_plan') && may('fleet:get_one') && (
        <p class="actions">
          <a class="button" href={linkTo('releases', NEW)}>
            New release…
          </a>
        </p>
      )}
      {!data ? (
        <Waiting error={error} retry={refresh} />
      ) : data.releases.length === 0 ? (
        <p class="card">
          There is no release yet: “New release…” shows what one would do before anything is changed. On a controller{' '}
          <code>kiln release plan</code> and <code>kiln release start</code> do the same.
        </p>
      ) : (
        <>
          <Stale error={error} />
          <Table label="Releases" head={['Image', 'Tag', 'Phase', 'Moved', 'Failures', 'Started', 'Ended']}>
            {data.releases.map((one) => (
              <tr key={one.id}>
                <td>
                  <a href={linkTo('releases', one.id, { marker })}>
                    <Name>{one.image.name || one.image.id}</Name>
                  </a>
                </td>
                <td>
                  <Name>{one.tag}</Name>
                </td>
                <td>
                  <Status of={one.phase} />
                  {one.holds.length > 0 && (
                    <p class="bad-text">
                      <strong>▲ {plural(one.holds.length, 'hold')}</strong>
                    </p>
                  )}
                </td>
                <td class="number">
                  {(one.counts.moved ?? 0).toLocaleString()} of {one.load_balancers.toLocaleString()}
                </td>
                <td class="number">{one.failures}</td>
                <td>
                  <Time at={one.created_at} />
                </td>
                <td>
                  <Time at={one.ended_at} />
                </td>
              </tr>
            ))}
          </Table>
          <Pages
            marker={marker}
            last={data.releases.length === PAGE ? (data.releases.at(-1)?.id ?? null) : null}
            link={(behind) => linkTo('releases', null, { marker: behind })}
          />
        </>
      )}
      {id === NEW && <ReleaseStart onClose={() => goTo(linkTo('releases', null, { marker }))} />}
      {id !== null && id !== NEW && (
        <ReleaseDrawer
          key={id}
          id={id}
          onClose={() => goTo(linkTo('releases', null, { marker }))}
          onChanged={refresh}
        />
      )}
    </>
  );
}
