import type { Target } from './wire.ts';

const SIDE = 9;
const PITCH = 11;
/** So many squares are drawn in one frame, so that none takes long. */
const IN_A_FRAME = 1000;

const halves = new Set(['moving', 'watching', 'reverting']);
const crosses = new Set(['failed', 'stuck']);

export interface SquareCanvas {
  /** Draws what has changed, within the next frames. */
  show(targets: readonly Target[]): void;
  /** Which one is at a point. */
  at(x: number, y: number): Target | undefined;
  stop(): void;
}

/**
 * One square for each load balancer: filled where it has moved, hollow where it has not, with a cross cut out where it failed; shape
 * beside colour.
 * @param around what gives the width; colours are those of the elements `.square-key` in its parent.
 */
export function createSquareCanvas(canvas: HTMLCanvasElement, around: HTMLElement): SquareCanvas {
  const pen = canvas.getContext('2d');
  let targets: readonly Target[] = [];
  let columns = 1;
  /** What is on the canvas, by place. */
  let drawn: string[] = [];
  let colours = new Map<string, string>();
  let frame: number | null = null;

  function resize(): void {
    columns = Math.max(1, Math.floor(around.clientWidth / PITCH));
    const [width, height] = [columns * PITCH, Math.ceil(targets.length / columns) * PITCH];
    const scale = devicePixelRatio;
    if (canvas.width === Math.round(width * scale) && canvas.height === Math.round(height * scale)) return;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    // A canvas of another size is empty.
    pen?.scale(scale, scale);
    drawn = [];
  }

  function colourOf(state: string): string {
    const known = colours.get(state);
    if (known !== undefined) return known;
    const key = around.parentElement?.querySelector(`.square-key.${CSS.escape(state)}`) ?? around;
    const { color } = getComputedStyle(key);
    colours.set(state, color);
    return color;
  }

  function draw(context: CanvasRenderingContext2D, index: number, state: string): void {
    const [x, y] = [(index % columns) * PITCH, Math.floor(index / columns) * PITCH];
    context.clearRect(x, y, SIDE, SIDE);
    context.fillStyle = colourOf(state);
    context.fillRect(x, y, SIDE, SIDE);
    if (crosses.has(state)) cutCross(context, x, y);
    else if (state !== 'moved') {
      context.clearRect(x + 1, y + 1, SIDE - 2, SIDE - 2);
      if (halves.has(state)) context.fillRect(x, y, SIDE / 2, SIDE);
    }
  }

  function step(): void {
    frame = null;
    if (!pen) return;
    resize();
    let left = IN_A_FRAME;
    for (const [index, { state }] of targets.entries()) {
      if (drawn[index] === state) continue;
      if (left-- === 0) {
        plan();
        return;
      }
      draw(pen, index, state);
      drawn[index] = state;
    }
  }

  function plan(): void {
    frame ??= requestAnimationFrame(step);
  }

  const anew = () => {
    drawn = [];
    colours = new Map();
    plan();
  };
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', anew);
  const resized = new ResizeObserver(plan);
  resized.observe(around);
  return {
    show(shown) {
      targets = shown;
      plan();
    },
    at: (x, y) => targets[Math.floor(y / PITCH) * columns + Math.floor(x / PITCH)],
    stop() {
      scheme.removeEventListener('change', anew);
      resized.disconnect();
      if (frame !== null) cancelAnimationFrame(frame);
    },
  };
}

function cutCross(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.save();
  context.globalCompositeOperation = 'destination-out';
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x + 1.5, y + 1.5);
  context.lineTo(x + SIDE - 1.5, y + SIDE - 1.5);
  context.moveTo(x + SIDE - 1.5, y + 1.5);
  context.lineTo(x + 1.5, y + SIDE - 1.5);
  context.stroke();
  context.restore();
}
