import { ask } from './api.ts';
import { plural } from './format.ts';
import { Name, Pages, Stale, Status, Table, Time, Waiting } from './parts.tsx';
import { OVERVIEW_EVERY_MS, usePolled } from './polled.ts';
import { ReleaseDrawer } from './release.tsx';
import { goTo, linkTo, place } from './state.ts';
import type { ReleaseSummary } from './wire.ts';

const PAGE = 50;

/** Releases of images to the fleet, the newest first. */
export function Releases() {
  const { id, query } = place.value;
  const marker = query.get('marker') ?? '';
  const path = `v2/kiln/releases?limit=${PAGE}${marker === '' ? '' : `&marker=${encodeURIComponent(marker)}`}`;
  const { data, error, refresh } = usePolled(
    path,
    () => ask<{ releases: ReleaseSummary[] }>('GET', path),
    OVERVIEW_EVERY_MS,
  );
  return (
    <>
      {!data ? (
        <Waiting error={error} retry={refresh} />
      ) : data.releases.length === 0 ? (
        <p class="card">
          There is no release yet. <code>kiln release plan --image ID</code> shows what one would take, and{' '}
          <code>kiln release start</code> begins it; then it is steered from here.
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
                  {one.counts.moved ?? 0} of {one.load_balancers}
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
      {id !== null && (
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
