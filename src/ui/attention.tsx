import { plural } from './format.ts';
import { Prose, Stale, Time, Waiting } from './parts.tsx';
import { OVERVIEW_EVERY_MS, usePolled } from './polled.ts';
import { linkTo } from './state.ts';
import type { Attention as AttentionAnswer, AttentionItem } from './wire.ts';

const titles: Readonly<Record<string, string>> = {
  'breaker-open': 'Failovers are stopped',
  'release-held': 'Releases that are held',
  'load-balancer-error': 'Load balancers in ERROR',
  'amphora-silent': 'Silent amphorae',
  'operation-stalled': 'Operations that do not come further',
  'load-balancer-pending': 'Load balancers that are PENDING for long',
  image: 'Images',
  certificate: 'Certificates',
  'pair-mixed': 'Pairs of two images',
};

/** Where all of a group are, and others with them. */
const whole: Readonly<Record<string, string>> = {
  'release-held': linkTo('releases'),
  'load-balancer-error': linkTo('load-balancers', null, { status: 'ERROR' }),
  'operation-stalled': linkTo('operations'),
  'load-balancer-pending': linkTo('operations'),
  image: linkTo('fleet'),
};

/** What needs an operator, worst first. */
export function Attention() {
  const { data, error, refresh } = usePolled(
    'attention',
    (get) => get<{ attention: AttentionAnswer }>('v2/kiln/attention'),
    OVERVIEW_EVERY_MS,
  );
  if (!data) return <Waiting error={error} retry={refresh} />;
  const { at, groups } = data.attention;
  return (
    <>
      <Stale error={error} />
      <p class="quiet">
        Looked at <Time at={at} />
      </p>
      {groups.length === 0 ? (
        <div class="card good">
          <p>
            <strong>● Nothing needs you.</strong>
          </p>
          <p>
            No load balancer is in ERROR, no amphora is silent, no operation is stuck, no image and no certificate is
            near its end.
          </p>
        </div>
      ) : (
        groups.map(({ kind, severity, total, items }) => (
          <section key={kind} class={`card ${severity === 'error' ? 'bad' : 'busy'}`}>
            <h2>
              <span aria-hidden="true">{severity === 'error' ? '✖' : '▲'}</span> {titles[kind] ?? kind}{' '}
              <span class="count">{total}</span>
            </h2>
            <ul class="items">
              {items.map((item) => (
                <Item
                  key={`${item.loadbalancer_id} ${item.amphora_id} ${item.operation_id} ${item.release_id} ${item.message}`}
                  of={item}
                />
              ))}
            </ul>
            {total > items.length && (
              <p>
                and {plural(total - items.length, 'more', 'more')}
                {whole[kind] && (
                  <>
                    : <a href={whole[kind]}>all of them</a>
                  </>
                )}
              </p>
            )}
          </section>
        ))
      )}
    </>
  );
}

function Item({ of: item }: { of: AttentionItem }) {
  return (
    <li>
      <p>
        <Prose>{item.message}</Prose>
        {item.since && (
          <>
            {' '}
            <span class="quiet">
              since <Time at={item.since} />
            </span>
          </>
        )}
      </p>
      <p class="quiet">
        <Prose>{item.advice}</Prose>
      </p>
      {(item.loadbalancer_id || item.amphora_id || item.operation_id || item.release_id) && (
        <p class="links">
          {item.loadbalancer_id && <a href={linkTo('load-balancers', item.loadbalancer_id)}>Load balancer</a>}
          {item.amphora_id && <a href={linkTo('amphorae', item.amphora_id)}>Amphora</a>}
          {item.release_id && <a href={linkTo('releases', item.release_id)}>Release</a>}
          {item.operation_id && <a href={linkTo('operations', item.operation_id)}>Operation</a>}
        </p>
      )}
    </li>
  );
}
