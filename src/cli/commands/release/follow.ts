import { exitCodes } from '../../../model/errors.ts';
import type { ReleaseEvent } from '../../../model/release.ts';
import type { StoredRelease } from '../../../ports/release-store.ts';
import type { Releases } from '../../../ports/releases.ts';
import type { Invocation } from '../../command.ts';
import { createView } from '../../output/view.ts';
import { eventDocument } from './document.ts';
import { hasEnded } from './find.ts';
import { renderEvent, renderRelease } from './render.ts';

const EVERY_MS = 1000;
const PAGE = 500;
/** Of the events, on a terminal. */
const LINES = 10;

/** How it is shown: drawn over and over, a line for each event, a JSON object for each event, or not at all. */
export type Showing = 'screen' | 'lines' | 'json' | 'nothing';

/**
 * Shows a release until it has ended.
 * @param options.after events up to this one are not shown.
 * @param options.untilHeld also ends when the release waits for an operator.
 * @returns the release as it is then. @throws the signal's reason: the release goes on without whoever watched.
 */
export async function followRelease(
  releases: Releases,
  releaseId: string,
  { stdout, clock, signal }: Pick<Invocation<never>, 'stdout' | 'clock' | 'signal'>,
  options: { showing: Showing; after: number; untilHeld: boolean },
): Promise<StoredRelease> {
  const recent: string[] = [];
  let seen = options.after;
  let drawnLines = 0;

  function show(event: ReleaseEvent): void {
    const view = createView(stdout, clock.now());
    if (options.showing === 'json') stdout.write(`${JSON.stringify(eventDocument(event))}\n`);
    else if (options.showing === 'lines') stdout.write(`${renderEvent(event, view, { isWhole: true })}\n`);
    else recent.push(renderEvent(event, view, { isWhole: false }));
  }

  async function showNewEvents(): Promise<void> {
    for (;;) {
      const events = await releases.events(releaseId, seen, PAGE);
      events.forEach(show);
      recent.splice(0, Math.max(0, recent.length - LINES));
      seen = events.at(-1)?.n ?? seen;
      if (events.length < PAGE) return;
    }
  }

  function draw(release: StoredRelease): void {
    const text = [renderRelease(release, createView(stdout, clock.now())), ...recent].join('\n');
    const back = drawnLines > 0 ? `\u001b[${drawnLines}A\r\u001b[J` : '';
    stdout.write(`${back}${text}\n`);
    drawnLines = text.split('\n').length;
  }

  for (;;) {
    // In this order: what is reported of a release that has ended is all of it.
    const release = await releases.get(releaseId);
    if (options.showing !== 'nothing') await showNewEvents();
    if (options.showing === 'screen') draw(release);
    if (hasEnded(release) || (options.untilHeld && isHeld(release))) return release;
    await clock.sleep(EVERY_MS, signal);
  }
}

const isHeld = ({ progress }: StoredRelease) => progress.holds.some(({ clears }) => clears === 'operator');

/** The exit status that tells how a release stands. */
export function exitCodeOf(release: StoredRelease): number {
  if (!hasEnded(release)) return exitCodes.releaseHeld;
  return release.progress.phase === 'completed' ? exitCodes.done : exitCodes.releaseNotCompleted;
}
