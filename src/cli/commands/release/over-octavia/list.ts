import { dirname } from 'node:path';
import type { OctaviaReleaseListing } from '../../../../ports/octavia-releases.ts';
import { formatAge } from '../../../format/duration.ts';
import { printable } from '../../../format/printable.ts';
import { type Column, renderTable } from '../../../output/table.ts';
import type { View } from '../../../output/view.ts';
import type { OverOctavia } from './also-over-octavia.ts';
import { type StateFileOption, stateFileOf, stateFileOption, tagOrUsual } from './options.ts';
import { renderRecord, stateDocument } from './render.ts';

/** The tag is that of octavia.conf, where it is at hand. */
export const listOverOctavia: OverOctavia<StateFileOption & { limit?: number }> = {
  options: [{ ...stateFileOption, help: 'with --octavia: releases whose state files are in its folder' }],
  example: 'kiln release list --octavia --os-cloud production',
  async run({ options, context }) {
    const tag = await tagOrUsual(undefined, context);
    const all = await (await context.octaviaReleases()).list(dirname(stateFileOf(options)), tag);
    const found = all.slice(0, options.limit);
    return {
      document: found.map(({ state, ...one }) => ({ ...one, state: state === null ? null : stateDocument(state) })),
      ids: found.map(({ releaseId }) => releaseId),
      render: (view) =>
        found.length === 0
          ? `No release: no state file here, and no image that carries the tag ${tag} is marked by one.`
          : renderTable(columns(view), found, view),
    };
  },
};

const columns = (view: View): Column<OctaviaReleaseListing>[] => [
  { title: 'RELEASE', value: ({ releaseId }) => printable(releaseId) },
  { title: 'IMAGE', value: ({ state, imageIds }) => printable(state?.start.image.name ?? imageIds.join(', ')) },
  { title: 'PHASE', value: ({ state }) => state?.phase ?? 'carried out elsewhere' },
  {
    title: 'STARTED',
    value: ({ state }) => (state ? formatAge(new Date(state.startedAtMs).toISOString(), view.now) : '-'),
  },
  { title: 'STATE FILE', value: ({ stateFile }) => printable(stateFile ?? '-') },
];

export const historyOverOctavia: OverOctavia<
  StateFileOption & { after?: number; limit?: number; loadBalancer?: string }
> = {
  options: [stateFileOption],
  example: 'kiln release history --octavia --os-cloud production',
  async run({ options, context }) {
    const { after = 0, limit = Number.POSITIVE_INFINITY, loadBalancer } = options;
    const { records } = await (await context.octaviaReleases()).read(stateFileOf(options));
    const found = records
      .map((record, index) => ({ n: index + 1, ...record }))
      .filter(({ n }) => n > after)
      .filter((one) => loadBalancer === undefined || ('loadBalancerId' in one && one.loadBalancerId === loadBalancer))
      .slice(0, limit);
    return {
      document: found,
      ids: found.map(({ n }) => String(n)),
      render: () => found.flatMap((one) => renderRecord(one) ?? []).join('\n') || 'Nothing was decided.',
    };
  },
};
