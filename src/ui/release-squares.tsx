import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Id, Status, Table } from './parts.tsx';
import { linkTo } from './state.ts';
import type { Target } from './wire.ts';

const marks: Readonly<Record<string, string>> = {
  pending: '·',
  moving: '→',
  watching: '◔',
  moved: '●',
  failed: '✖',
  skipped: '–',
  reverting: '←',
  reverted: '○',
  stuck: '✖',
};

/** So many squares are elements of their own, each a link; more are drawn. */
const MOST_ELEMENTS = 500;
/** So many rows a table of those that are drawn shows at once. */
const ROWS = 100;
const SIDE = 9;
const PITCH = 11;

/** The load balancers of a release, one square each. */
export function Squares({ of: targets }: { of: Target[] }) {
  return (
    <>
      <h3>Load balancers</h3>
      {targets.length > MOST_ELEMENTS ? <Drawn of={targets} /> : <Links of={targets} />}
    </>
  );
}

/** Each is a link and says what it is. */
function Links({ of: targets }: { of: Target[] }) {
  return (
    <>
      <p class="quiet">
        {statesOf(targets)
          .map((state) => `${marks[state]} ${state}`)
          .join('   ')}
      </p>
      <ul class="squares">
        {targets.map((target) => (
          <li key={target.load_balancer_id}>
            <a
              class={`square ${target.state}`}
              href={linkTo('load-balancers', target.load_balancer_id)}
              title={`${target.load_balancer_id}: ${target.state}${target.reason ? `, ${target.reason}` : ''}`}
            >
              <span aria-hidden="true">{marks[target.state] ?? '?'}</span>
              <span class="for-ears">
                {target.load_balancer_id}: {target.state}, wave {target.wave}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

/** On a canvas, with a table of each state that says the same. */
function Drawn({ of: targets }: { of: Target[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const chosen = useSignal<string | null>(null);
  const latest = useRef(targets);
  latest.current = targets;
  const redraw = useRef(() => {});
  const states = statesOf(targets);
  const state = chosen.value !== null && states.includes(chosen.value) ? chosen.value : (states[0] ?? 'pending');
  const ofState = targets.filter((target) => target.state === state);

  useEffect(() => {
    const [element, around] = [canvas.current, box.current];
    if (!element || !around) return;
    redraw.current = () => drawSquares(element, around, latest.current);
    const again = () => redraw.current();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', again);
    const resized = new ResizeObserver(again);
    resized.observe(around);
    return () => {
      scheme.removeEventListener('change', again);
      resized.disconnect();
    };
  }, []);
  useEffect(() => redraw.current(), [targets]);

  return (
    <>
      <p class="keys">
        {states.map((one) => (
          <span key={one} class={`square-key ${one}`}>
            <span aria-hidden="true">{marks[one]}</span> {one}{' '}
            {targets.filter((target) => target.state === one).length.toLocaleString()}
          </span>
        ))}
      </p>
      <div ref={box} class="drawn" aria-hidden="true">
        <canvas
          ref={canvas}
          onClick={({ offsetX, offsetY, currentTarget }) => {
            const columns = Math.floor(currentTarget.clientWidth / PITCH);
            const target = targets[Math.floor(offsetY / PITCH) * columns + Math.floor(offsetX / PITCH)];
            if (target) location.hash = linkTo('load-balancers', target.load_balancer_id);
          }}
        />
      </div>
      <details>
        <summary>Load balancers as a table</summary>
        <p>
          <label>
            In the state{' '}
            <select
              value={state}
              onChange={(event) => {
                chosen.value = event.currentTarget.value;
              }}
            >
              {states.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
        </p>
        <Table label={`Load balancers that are ${state}`} head={['Load balancer', 'Wave', 'State', 'Why']}>
          {ofState.slice(0, ROWS).map((target) => (
            <tr key={target.load_balancer_id}>
              <td>
                <a href={linkTo('load-balancers', target.load_balancer_id)}>
                  <Id>{target.load_balancer_id}</Id>
                </a>
              </td>
              <td class="number">{target.wave === 0 ? 'canary' : target.wave}</td>
              <td>
                <Status of={target.state} />
              </td>
              <td>{target.reason || '–'}</td>
            </tr>
          ))}
        </Table>
        {ofState.length > ROWS && (
          <p class="quiet">
            The first {ROWS} of {ofState.length.toLocaleString()}: <code>kiln release show --state {state}</code> lists
            them, too.
          </p>
        )}
      </details>
    </>
  );
}

const statesOf = (targets: readonly Target[]): string[] => {
  const known = new Set(targets.map(({ state }) => state));
  return Object.keys(marks).filter((state) => known.has(state));
};

/** Filled where it has moved, hollow where it has not, crossed where it failed: shape beside colour. */
function drawSquares(canvas: HTMLCanvasElement, box: HTMLElement, targets: readonly Target[]): void {
  const columns = Math.max(1, Math.floor(box.clientWidth / PITCH));
  const height = Math.ceil(targets.length / columns) * PITCH;
  const scale = devicePixelRatio;
  canvas.width = columns * PITCH * scale;
  canvas.height = height * scale;
  canvas.style.width = `${columns * PITCH}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext('2d');
  if (!pen) return;
  pen.scale(scale, scale);
  const colours = new Map<string, string>();
  const colourOf = (state: string): string => {
    const known = colours.get(state);
    if (known !== undefined) return known;
    const key = box.parentElement?.querySelector(`.square-key.${CSS.escape(state)}`) ?? box;
    const { color } = getComputedStyle(key);
    colours.set(state, color);
    return color;
  };
  for (const [index, { state }] of targets.entries()) {
    const [x, y] = [(index % columns) * PITCH, Math.floor(index / columns) * PITCH];
    const colour = colourOf(state);
    pen.strokeStyle = colour;
    pen.fillStyle = colour;
    if (state === 'moved') pen.fillRect(x, y, SIDE, SIDE);
    else pen.strokeRect(x + 0.5, y + 0.5, SIDE - 1, SIDE - 1);
    if (['moving', 'watching', 'reverting'].includes(state)) pen.fillRect(x, y, SIDE / 2, SIDE);
    if (['failed', 'stuck'].includes(state)) {
      pen.beginPath();
      pen.moveTo(x + 1, y + 1);
      pen.lineTo(x + SIDE - 1, y + SIDE - 1);
      pen.moveTo(x + SIDE - 1, y + 1);
      pen.lineTo(x + 1, y + SIDE - 1);
      pen.stroke();
    }
  }
}
