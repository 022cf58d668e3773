import { useSignal } from '@preact/signals';
import { Chart } from './chart.tsx';
import { formatQuantity, parseTime } from './format.ts';
import { Stale, Waiting } from './parts.tsx';
import { usePolled } from './polled.ts';
import type { Statistics as StatisticsAnswer, StatisticsInterval } from './wire.ts';

/** A sample is taken each minute. */
const EVERY_MS = 30_000;
const windows = { hour: 'the last hour', day: 'the last day' } as const;

/** The traffic of a load balancer over time, of all listeners or of one. */
export function Statistics({ id, listeners }: { id: string; listeners: { id: string; title: string }[] }) {
  const window = useSignal<keyof typeof windows>('hour');
  const listener = useSignal('');
  const query = `window=${window.value}${listener.value && `&listener_id=${encodeURIComponent(listener.value)}`}`;
  const path = `v2/kiln/loadbalancers/${encodeURIComponent(id)}/statistics?${query}`;
  const { data, error, refresh } = usePolled(path, (get) => get<{ statistics: StatisticsAnswer }>(path), EVERY_MS);
  return (
    <>
      <h3>Traffic</h3>
      <div class="filter">
        <label>
          Period
          <select
            value={window.value}
            onChange={(event) => {
              window.value = event.currentTarget.value as keyof typeof windows;
            }}
          >
            {Object.entries(windows).map(([name, title]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        {listeners.length > 1 && (
          <label>
            Listener
            <select
              value={listener.value}
              onChange={(event) => {
                listener.value = event.currentTarget.value;
              }}
            >
              <option value="">all together</option>
              {listeners.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.title}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      {!data ? (
        <Waiting error={error} retry={refresh} />
      ) : data.statistics.intervals.length === 0 ? (
        <p class="card">
          Nothing was measured yet: <code>kiln serve</code> (role housekeeping) looks{' '}
          {window.value === 'hour' ? 'each minute' : 'every 15 minutes'}, and two looks are needed.
        </p>
      ) : (
        <>
          <Stale error={error} />
          <Charts of={data.statistics} />
        </>
      )}
    </>
  );
}

function Charts({ of: { intervals, step_seconds: step } }: { of: StatisticsAnswer }) {
  const times = intervals.map(({ at }) => parseTime(at).getTime() / 1000);
  // Where looks are missing, nobody knows when it was.
  const each = (value: (interval: StatisticsInterval) => number) =>
    intervals.map((interval) => (interval.seconds > 2.5 * step ? null : value(interval)));
  const rate = (field: 'connections' | 'bytes_in' | 'bytes_out' | 'request_errors') =>
    each((interval) => interval[field] / interval.seconds);
  return (
    <>
      <Chart
        title="Connections"
        times={times}
        series={[
          { name: 'new, a second', values: rate('connections') },
          { name: 'open', values: each(({ active_connections: open }) => open) },
        ]}
        format={formatQuantity}
      />
      <Chart
        title="Bytes a second"
        times={times}
        series={[
          { name: 'out, to clients', values: rate('bytes_out') },
          { name: 'in, from clients', values: rate('bytes_in') },
        ]}
        format={formatBytes}
      />
      <Chart
        title="Request errors"
        times={times}
        series={[{ name: 'in each look', values: each(({ request_errors: errors }) => errors) }]}
        format={formatQuantity}
      />
    </>
  );
}

const formatBytes = (value: number) => `${formatQuantity(value)}${value >= 999.5 ? '' : ' '}B`;
