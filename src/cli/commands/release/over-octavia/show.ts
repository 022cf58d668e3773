import { endedOctaviaPhases } from '../../../../model/octavia-release.ts';
import type { OverOctavia } from './also-over-octavia.ts';
import { type StateFileOption, stateFileOf, stateFileOption } from './options.ts';
import { renderNoted, renderRecord, renderState, stateDocument } from './render.ts';

const EVERY_MS = 1_000;
/** Lines of what was before. */
const LATEST = 10;

export const showOverOctavia: OverOctavia<StateFileOption> = {
  options: [stateFileOption],
  example: 'kiln release show --octavia --os-cloud production',
  async run({ options, context }) {
    const { state } = await (await context.octaviaReleases()).read(stateFileOf(options));
    return {
      document: stateDocument(state),
      ids: [state.start.releaseId],
      render: (view) =>
        [renderState(state, view), renderNoted(state, view)].filter((part) => part !== null).join('\n\n'),
    };
  },
};

export const watchOverOctavia: OverOctavia<StateFileOption> = {
  options: [stateFileOption],
  example: 'kiln release watch --octavia --os-cloud production',
  async run({ options, context, stdout, clock, signal, json }) {
    const releases = await context.octaviaReleases();
    let shown: number | null = null;
    for (;;) {
      const { state, records } = await releases.read(stateFileOf(options));
      const lines = records.flatMap((record) => (json ? JSON.stringify(record) : (renderRecord(record) ?? [])));
      for (const line of lines.slice(shown ?? -LATEST)) stdout.write(`${line}\n`);
      shown = lines.length;
      const isHeld = state.holds.some(({ clears }) => clears === 'operator') || state.intent.want === 'pause';
      if (endedOctaviaPhases.includes(state.phase) || isHeld) {
        return {
          document: null,
          isSaid: json,
          ids: [state.start.releaseId],
          render: (view) => `\n${renderState(state, view)}`,
        };
      }
      await clock.sleep(EVERY_MS, signal);
    }
  },
};
