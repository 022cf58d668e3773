import { Chart } from './chart.tsx';
import { parseTime } from './format.ts';
import { Table, Time } from './parts.tsx';
import type { ErrorCount, Judgement, Release } from './wire.ts';

/** Those that have moved beside those that have not, at the same time: at the newest judgement, and at those before it. */
export function ReleaseErrors(props: { of: NonNullable<Release['error_comparison']>; judgements: Judgement[] }) {
  const { judgements } = props;
  const { at, wave, moved, not_moved: notMoved, p } = props.of;
  const most = Math.max(moved.error_percent, notMoved.error_percent, 0.001);
  const rows = [
    { name: 'moved', count: moved, kind: 'behind' },
    { name: 'not moved', count: notMoved, kind: 'current' },
  ];
  return (
    <>
      <h3>Request errors</h3>
      <p class="quiet">
        When {wave === 0 ? 'the canary' : `wave ${wave}`} was judged, <Time at={at} />.{' '}
        {p === null ? 'Too few connections to tell them apart.' : `By chance alone: p = ${p.toPrecision(2)}.`}
      </p>
      <Table label="Request errors" head={['Load balancers', 'Connections', 'Errors', 'Percent', 'Beside each other']}>
        {rows.map(({ name, count, kind }) => (
          <tr key={name}>
            <td>{name}</td>
            <td class="number">{count.connections.toLocaleString()}</td>
            <td class="number">{count.errors.toLocaleString()}</td>
            <td class="number">{formatPercent(count.error_percent)}</td>
            <td>
              <span class="bar-track stacked" aria-hidden="true">
                <span class={`bar-fill ${kind}`} style={{ width: `${(count.error_percent / most) * 100}%` }} />
              </span>
            </td>
          </tr>
        ))}
      </Table>
      {judgements.length > 1 && (
        <Chart
          title="Request errors at each judgement, in percent"
          times={judgements.map((one) => parseTime(one.at).getTime() / 1000)}
          series={[
            { name: 'moved', values: judgements.map((one) => percentOf(one.moved)) },
            { name: 'not moved', values: judgements.map((one) => percentOf(one.notMoved)) },
          ]}
          format={formatPercent}
        />
      )}
    </>
  );
}

const formatPercent = (percent: number) => percent.toLocaleString(undefined, { maximumFractionDigits: 3 });

const percentOf = ({ connections, errors }: Pick<ErrorCount, 'connections' | 'errors'>): number | null =>
  connections === 0 ? null : (errors / connections) * 100;
