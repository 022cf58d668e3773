/**
 * Progress of what takes a while, on stderr. On a terminal one line is drawn over and over; elsewhere (a log, CI) each
 * thing worth knowing is one plain line, and no more of them than needed.
 */

import type { Clock } from '../../ports/clock.ts';
import type { OutputStream } from '../context.ts';
import { formatDuration } from '../format/duration.ts';
import { displayWidth, printable, shorten } from '../format/printable.ts';
import { formatSize } from '../format/size.ts';
import { createView } from './view.ts';

export interface Progress {
  /** One step after another; each is drawn as running until it is done or failed. */
  step(title: string): Step;
  /** So many of `totalBytes`: a bar on a terminal, else a line about every tenth. */
  transfer(title: string, totalBytes: number): Transfer;
  /** A line of its own, above whatever is being drawn. */
  line(text: string): void;
  /** What is going on; null wipes it. Not on a terminal, only what comes after a long silence. */
  status(text: string | null): void;
}

export interface Step {
  done(detail: string, milliseconds?: number): void;
  fail(detail?: string): void;
}

export interface Transfer {
  update(bytes: number): void;
  done(): void;
  fail(): void;
}

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 100;
/** Between two statuses that are lines of their own. */
const silenceMs = 5_000;
const titleColumns = 14;
/** Room for " 100 %  999 MiB of 999 MiB, 99.9 MiB/s": reserved, so that the bar keeps its length. */
const tailColumns = 42;

export const silentProgress: Progress = {
  step: () => ({ done() {}, fail() {} }),
  transfer: () => ({ update() {}, done() {}, fail() {} }),
  line() {},
  status() {},
};

export function createProgress(stream: OutputStream, clock: Clock): Progress {
  const view = createView(stream, clock.now());
  let running: { draw(): string } | null = null;
  let statusSaidMs = clock.monotonicMs();

  const clear = (): void => {
    if (stream.isTTY && running) stream.write('\r\u001b[2K');
  };
  const draw = (): void => {
    if (stream.isTTY && running) stream.write(`\r\u001b[2K${running.draw()}`);
  };
  const end = (text: string): void => {
    clear();
    running = null;
    stream.write(`${text}\n`);
  };
  const line = (text: string): void => {
    clear();
    stream.write(`${printable(text)}\n`);
    draw();
  };

  /** Draws now, and again every frame until `stop` is aborted. Nothing waits for it. */
  function animate(item: { draw(): string }, stop: AbortSignal): void {
    running = item;
    draw();
    if (!stream.isTTY) return;
    const loop = async (): Promise<void> => {
      while (!stop.aborted) {
        await clock.sleep(frameMs, stop);
        if (running === item) draw();
      }
    };
    loop().catch(() => undefined);
  }

  function step(title: string): Step {
    const started = clock.monotonicMs();
    const elapsed = (): number => clock.monotonicMs() - started;
    const stop = new AbortController();
    const name = title.padEnd(titleColumns);
    animate(
      {
        draw: () => {
          const frame = spinner[Math.floor(elapsed() / frameMs) % spinner.length] ?? '';
          return `${view.paint('cyan', frame)} ${name} ${view.paint('dim', formatDuration(elapsed()))}`;
        },
      },
      stop.signal,
    );
    const finish = (mark: string, detail: string): void => {
      stop.abort();
      end(`${mark} ${name} ${printable(detail)}`.trimEnd());
    };
    return {
      done: (detail, milliseconds = elapsed()) =>
        finish(view.paint('green', '✓'), `${formatDuration(milliseconds).padStart(8)}  ${detail}`),
      fail: (detail = '') => finish(view.paint('red', '✗'), detail),
    };
  }

  function transfer(title: string, totalBytes: number): Transfer {
    const started = clock.monotonicMs();
    let bytes = 0;
    let tenthSaid = 0;
    let drawnAt = Number.NEGATIVE_INFINITY;
    const share = (): number => (totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes));
    const summary = (): string => {
      const seconds = (clock.monotonicMs() - started) / 1000;
      const rate = seconds > 0 ? `, ${formatSize(bytes / seconds)}/s` : '';
      return `${String(Math.floor(share() * 100)).padStart(3)} %  ${formatSize(bytes)} of ${formatSize(totalBytes)}${rate}`;
    };
    const bar = (): string => {
      const head = `  ${shorten(printable(title), titleColumns).padEnd(titleColumns)} `;
      const tail = ` ${summary()}`;
      const columns = Math.min(40, (stream.columns ?? 80) - displayWidth(head) - tailColumns - 1);
      if (columns < 5) return `${head}${tail.trimStart()}`;
      const full = Math.floor(share() * columns);
      return `${head}${view.paint('cyan', '█'.repeat(full))}${'░'.repeat(columns - full)}${tail}`;
    };
    if (stream.isTTY) {
      running = { draw: bar };
      draw();
    } else {
      line(`  ${title}: ${formatSize(totalBytes)}`);
    }
    return {
      update(sent) {
        bytes = sent;
        if (stream.isTTY) {
          if (clock.monotonicMs() - drawnAt < frameMs) return;
          drawnAt = clock.monotonicMs();
          draw();
        } else {
          const tenth = Math.floor(share() * 10);
          // The end has a line of its own.
          if (tenth > tenthSaid && tenth < 10) line(`  ${title}: ${summary().trimStart()}`);
          tenthSaid = tenth;
        }
      },
      done() {
        const milliseconds = clock.monotonicMs() - started;
        end(
          `${view.paint('green', '✓')} ${title.padEnd(titleColumns)} ${formatDuration(milliseconds).padStart(8)}  ${formatSize(bytes)}`,
        );
      },
      fail: () => end(`${view.paint('red', '✗')} ${title.padEnd(titleColumns)} stopped at ${formatSize(bytes)}`),
    };
  }

  function status(text: string | null): void {
    if (!stream.isTTY) {
      const now = clock.monotonicMs();
      if (text !== null && now - statusSaidMs >= silenceMs) {
        statusSaidMs = now;
        line(text);
      }
      return;
    }
    clear();
    running =
      text === null ? null : { draw: () => view.paint('dim', shorten(printable(text), (stream.columns ?? 80) - 1)) };
    draw();
  }

  return { step, transfer, line, status };
}
