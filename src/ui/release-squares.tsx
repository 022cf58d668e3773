import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Id, Status, Table } from './parts.tsx';
import { createSquareCanvas, type SquareCanvas } from './square-canvas.ts';
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
      <Keys of={targets} />
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
  const squares = useRef<SquareCanvas | null>(null);
  const states = [...countStates(targets).keys()];
  const state = chosen.value !== null && states.includes(chosen.value) ? chosen.value : (states[0] ?? 'pending');
  const ofState = targets.filter((target) => target.state === state);

  useEffect(() => {
    const [element, around] = [canvas.current, box.current];
    if (!element || !around) return;
    const made = createSquareCanvas(element, around);
    squares.current = made;
    return () => made.stop();
  }, []);
  useEffect(() => squares.current?.show(targets), [targets]);

  return (
    <>
      <Keys of={targets} />
      <div ref={box} class="drawn" aria-hidden="true">
        <canvas
          ref={canvas}
          onClick={({ offsetX, offsetY }) => {
            const target = squares.current?.at(offsetX, offsetY);
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

/** What the marks mean, and how many there are of each. */
function Keys({ of: targets }: { of: Target[] }) {
  return (
    <p class="keys">
      {[...countStates(targets)].map(([state, count]) => (
        <span key={state} class={`square-key ${state}`}>
          <span aria-hidden="true">{marks[state]}</span> {state} {count.toLocaleString()}
        </span>
      ))}
    </p>
  );
}

/** In the order of the marks. */
function countStates(targets: readonly Target[]): Map<string, number> {
  const counts = new Map(Object.keys(marks).map((state) => [state, 0]));
  for (const { state } of targets) counts.set(state, (counts.get(state) ?? 0) + 1);
  return new Map([...counts].filter(([, count]) => count > 0));
}
