import { silenceFindingText } from '../model/silence.ts';
import { Facts, Id, Name, Prose, Reason, Stale, Status, Time, Waiting } from './parts.tsx';
import { OVERVIEW_EVERY_MS, usePolled } from './polled.ts';
import { linkTo, place } from './state.ts';
import type { Amphora } from './wire.ts';

/** One amphora, to which a link leads. */
export function AmphoraView() {
  const id = place.value.id ?? '';
  const path = `v2/kiln/amphorae/health?id=${encodeURIComponent(id)}`;
  const { data, error, refresh } = usePolled(path, (get) => get<{ amphorae: Amphora[] }>(path), OVERVIEW_EVERY_MS);
  if (!data) return <Waiting error={error} retry={refresh} />;
  const [one] = data.amphorae;
  if (!one) return <p class="card">There is no such amphora: it may have been replaced by another one.</p>;
  return (
    <>
      <Stale error={error} />
      <div class="card">
        <Facts
          rows={[
            ['ID', <Id key="i">{one.id}</Id>],
            ['Status', <Status key="s" of={one.status} />],
            ['Role', one.role ?? '–'],
            [
              'Load balancer',
              one.loadbalancer_id ? (
                <a key="l" href={linkTo('load-balancers', one.loadbalancer_id)}>
                  <Id>{one.loadbalancer_id}</Id>
                </a>
              ) : (
                'none'
              ),
            ],
            [
              'Image',
              <span key="m">
                {one.image_name && <Name>{one.image_name}</Name>} {one.image_id ? <Id>{one.image_id}</Id> : '–'}
              </span>,
            ],
            ['Zone', one.cached_zone === null ? '–' : <Name key="z">{one.cached_zone}</Name>],
            [
              'Last heartbeat',
              <span key="h">
                {one.is_silent && <strong class="bad-text">✖ silent </strong>}
                <Time at={one.last_heartbeat_at} none="never" />
              </span>,
            ],
            ['Certificate ends', <Time key="c" at={one.cert_expiration} />],
          ]}
        />
        {one.is_silent && one.finding && (
          <p>
            <Prose>{silenceFindingText[one.finding]}</Prose>
          </p>
        )}
      </div>
      {one.reason && <Reason of={one.reason} />}
    </>
  );
}
