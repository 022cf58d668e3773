import { useId } from 'preact/hooks';
import { defaultReleasePolicy as usual } from '../model/release.ts';

interface NumberField {
  name: string;
  label: string;
  /** What counts where nothing is typed. */
  usual: number | string;
}

/** What is chosen most often. */
const first: readonly NumberField[] = [
  { name: 'canary', label: 'Canary: so many move first, one at a time', usual: usual.canary },
  { name: 'max_parallel', label: 'Moves at once', usual: usual.maxParallel },
];

const others: readonly NumberField[] = [
  { name: 'before_seconds', label: 'Measured before a wave, seconds', usual: usual.beforeSeconds },
  { name: 'settle_seconds', label: 'After a move nothing is measured for, seconds', usual: usual.settleSeconds },
  { name: 'watch_seconds', label: 'Then watched and judged, seconds', usual: usual.watchSeconds },
  { name: 'canary_bake_seconds', label: 'Pause behind the canary, seconds', usual: usual.canaryBakeSeconds },
  { name: 'wave_bake_seconds', label: 'Pause behind each wave, seconds', usual: usual.waveBakeSeconds },
  { name: 'canary_max_failures', label: 'More failures stop the canary', usual: usual.canaryMaxFailures },
  { name: 'max_failures', label: 'More failures stop the waves', usual: '1 percent, from 2 to 10' },
  {
    name: 'max_unwell_percent',
    label: 'No move while more of the fleet is unwell, percent',
    usual: usual.maxUnwellPercent,
  },
  { name: 'tries', label: 'Tries for each load balancer', usual: usual.tries },
  { name: 'probe_seconds', label: 'A probe may take, seconds', usual: usual.probeSeconds },
  { name: 'mixed_seconds', label: 'A pair may run two images for, seconds', usual: usual.mixedSeconds },
];
const numbers = [...first, ...others];
const outcomes = [
  { name: 'on_canary_failure', label: 'If the canary fails', usual: usual.onCanaryFailure },
  { name: 'on_failure', label: 'If a later wave fails', usual: usual.onFailure },
];

/** What was typed, as the API takes it; what was left empty is as by default. */
export function policyOf(fields: FormData): object {
  const text = (name: string) => String(fields.get(name) ?? '').trim();
  const list = (name: string) =>
    text(name)
      .split(/[\s,%]+/u)
      .filter((part) => part !== '')
      .map(Number);
  const windows = text('windows')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(windowOf);
  return {
    ...Object.fromEntries(
      numbers.filter(({ name }) => text(name) !== '').map(({ name }) => [name, Number(text(name))]),
    ),
    ...Object.fromEntries(outcomes.map(({ name }) => [name, text(name)])),
    ...(text('wave_percents') !== '' && { wave_percents: list('wave_percents') }),
    ...(text('gates_after_waves') !== '' && { gates_after_waves: list('gates_after_waves') }),
    ...(windows.length > 0 && { windows }),
  };
}

/** `0 22 * * 1-5 Europe/Berlin 240`, as on the command line. What is no such thing is refused by the server, which says why. */
function windowOf(line: string): object {
  const parts = line.trim().split(/\s+/u);
  return { cron: parts.slice(0, 5).join(' '), zone: parts[5] ?? '', duration_minutes: Number(parts[6]) };
}

/** How a release goes. Each field shows what counts when it is left empty. */
export function PolicyFields() {
  const id = useId();
  return (
    <>
      <div class="fields">
        {first.map((field) => (
          <NumberInput key={field.name} of={field} />
        ))}
        <p class="field">
          <label htmlFor={`${id}-waves`}>Waves: so far after each, percent</label>
          <input
            id={`${id}-waves`}
            name="wave_percents"
            placeholder={usual.wavePercents.join(', ')}
            autoComplete="off"
          />
        </p>
        <p class="field">
          <label htmlFor={`${id}-gates`}>Waits for a word behind these waves (0: the canary)</label>
          <input id={`${id}-gates`} name="gates_after_waves" placeholder="none" autoComplete="off" />
        </p>
      </div>
      <details>
        <summary>More: times, failures, maintenance windows</summary>
        <div class="fields">
          {others.map((field) => (
            <NumberInput key={field.name} of={field} />
          ))}
          {outcomes.map(({ name, label, usual: byDefault }) => (
            <p class="field" key={name}>
              <label htmlFor={`${id}-${name}`}>{label}</label>
              <select id={`${id}-${name}`} name={name} defaultValue={byDefault}>
                <option value="rollback">it is rolled back</option>
                <option value="pause">it waits for an operator</option>
              </select>
            </p>
          ))}
        </div>
        <p class="field">
          <label htmlFor={`${id}-windows`}>
            Maintenance windows, one a line <small>(crontab, time zone, minutes; none: at any time)</small>
          </label>
          <textarea id={`${id}-windows`} name="windows" rows={2} placeholder="0 22 * * 1-5 Europe/Berlin 240" />
        </p>
      </details>
    </>
  );
}

function NumberInput({ of: { name, label, usual: placeholder } }: { of: NumberField }) {
  const id = useId();
  return (
    <p class="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} type="number" name={name} min={0} step="any" placeholder={String(placeholder)} />
    </p>
  );
}
