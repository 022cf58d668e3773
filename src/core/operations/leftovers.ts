import type { JournalEntry, Json, JsonObject, Leftover } from '../../model/operation.ts';

/** What outputs of steps are called: `serverId`, `vrrpPortId`, `securityGroupIds`. */
const kinds: readonly (readonly [name: RegExp, kind: string])[] = [
  [/serverid$/i, 'server'],
  [/servergroupid$/i, 'server group'],
  [/portids?$/i, 'port'],
  [/securitygroupids?$/i, 'security group'],
  [/amphoraid$/i, 'amphora'],
];

/**
 * What the steps of a journal may have left, by what they gave: for flows that this version does not know. What was undone
 * is gone, and what a step was at when it was stopped has no ID yet.
 */
export function leftoversOf(entries: readonly JournalEntry[]): Leftover[] {
  const undone = new Set(entries.filter(({ kind }) => kind === 'undone').map(({ step }) => step));
  const all = entries.flatMap((entry) => {
    return entry.kind === 'done' && !undone.has(entry.step) ? leftoversIn(entry.output) : [];
  });
  return [...new Map(all.map((one) => [`${one.kind} ${one.id}`, one])).values()];
}

/** What belongs to one amphora of a pair stands in an object of its own. */
function leftoversIn(output: JsonObject): Leftover[] {
  return Object.entries(output).flatMap(([name, value]) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return leftoversIn(value as JsonObject);
    const kind = kinds.find(([pattern]) => pattern.test(name))?.[1] ?? (/Ids?$/.test(name) ? name : null);
    return kind === null ? [] : idsIn(value).map((id) => ({ kind, id, name: null }));
  });
}

function idsIn(value: Json): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
