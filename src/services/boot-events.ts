import type { BootEvent, BootPart, BootTimings } from '../model/amphora.ts';
import type { ImageChoice } from '../model/image.ts';
import type { JournalEntry, JsonObject } from '../model/operation.ts';

/** What is reported of a step of the flow `boot-amphora`; of the others nothing. */
const parts: Readonly<Record<string, { part: BootPart; detail: (output: JsonObject) => string }>> = {
  'resolve-amphora': { part: 'choose', detail: ({ imageChoice }) => describeChoice(imageChoice as never) },
  'create-server': { part: 'create', detail: ({ serverId }) => `server ${serverId}` },
  'wait-for-server': { part: 'active', detail: ({ address }) => `management address ${address}` },
  'wait-for-agent': { part: 'agent', detail: ({ agentVersion }) => `agent ${agentVersion}` },
};

/** The journal of a boot, as it is reported to people while it goes on. */
export function bootEventsOf(entries: readonly JournalEntry[]): BootEvent[] {
  return entries.flatMap((entry): BootEvent[] => {
    if (entry.kind === 'note') return [{ kind: 'note', message: entry.message }];
    const known = parts[entry.step];
    if (!known) return [];
    const { part, detail } = known;
    if (entry.kind === 'started') return [{ kind: 'part-started', part }];
    if (entry.kind !== 'done') return [];
    const timings = (entry.output.timings ?? {}) as BootTimings;
    return [{ kind: 'part-done', part, milliseconds: timings[`${part}Ms`] ?? 0, detail: detail(entry.output) }];
  });
}

function describeChoice(choice: ImageChoice): string {
  if (choice.rule === 'configured-id') return `image ${choice.imageId} (amp_image_id)`;
  if (choice.rule === 'requested-id') return `image ${choice.imageId} (as asked)`;
  const name = choice.image?.name ? ` ${choice.image.name}` : '';
  const several = choice.candidates.length > 1 ? `, newest of ${choice.candidates.length}` : '';
  return `image ${choice.imageId}${name} (tag ${choice.tag}${several})`;
}
