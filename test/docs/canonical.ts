import { createHash } from 'node:crypto';

export interface Canonical {
  /** Replaces what differs from run to run by what the guide shows. */
  toShown(output: string): string;
  /** A command of the guide as it has to be typed in this run. */
  toReal(command: string): string;
}

/**
 * IDs, times, durations, sizes, addresses and paths differ from run to run; here they become what is the same in all.
 * One ID always becomes the same example ID, so that a guide that shows the wrong one is still found out.
 * @param places text of this run and what the guide shows instead; longer ones first.
 */
export function createCanonical(places: readonly (readonly [real: string, shown: string])[]): Canonical {
  const examples = new Map<string, string>();
  const realOnes = new Map<string, string>();
  const example = (make: (index: number) => string) => {
    let count = 0;
    return (real: string) => {
      const shown = examples.get(real) ?? make(count++);
      examples.set(real, shown);
      realOnes.set(shown, real);
      return shown;
    };
  };
  const uuid = example((index) =>
    digest('uuid', index).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-4$3-8$4-$5'),
  );
  /** Of a plan: four parts. */
  const planDigest = example((index) => digest('plan', index).replace(/^(.{8})(.{8})(.{8})(.{8}).*/, '$1-$2-$3-$4'));
  const project = example((index) => digest('project', index).slice(0, 32));
  const address = example((index) => `192.0.2.${17 + index}`);
  /** Times of whole seconds are those of images, first shown when the image is made: their order is kept. */
  const imageTime = example((index) => `2026-03-20T02:59:${10 + 5 * index}Z`);

  return {
    toReal(command) {
      let real = command;
      for (const [place, shown] of places) if (shown.startsWith('/')) real = real.replaceAll(shown, place);
      return real.replace(anyIdOrDigest, (id) => {
        const known = realOnes.get(id);
        if (known === undefined) throw new Error(`no output above has the ID in: ${command}`);
        return known;
      });
    },
    toShown(output) {
      let shown = output;
      for (const [place, name] of places) shown = shown.replaceAll(place, name);
      return shown
        .replace(/\b[0-9a-f]{128}\b/g, `${digest('hash', 0).slice(0, 16)}…`)
        .replace(anyDigest, planDigest)
        .replace(anyId, (id) => (id.includes('-') ? uuid(id) : project(id)))
        .replace(/\bkiln-probe-[0-9a-f]{8}\b/g, 'kiln-probe-3c16294e')
        .replace(/^\d\d:\d\d:\d\d (?=[a-z])/gm, '02:59:50 ')
        .replace(/\b[\d,]+ free in/g, '65,530 free in')
        .replace(/UDP port \d+ of [\d.]+/g, 'UDP port 5555 of 0.0.0.0')
        .replace(/\b127\.\d+\.\d+\.\d+\b/g, address)
        .replace(/\bpid \d+/g, 'pid 4711')
        .replace(/\b\d+ bytes\b/g, '327155712 bytes')
        .replace(/\d{4}-\d\d-\d\d [\d:]{8}Z/g, '2026-03-20 03:00:00Z')
        .replace(/\d{4}-\d\d-\d\dT[\d:]{8}\.\d+Z/g, byDistance)
        .replace(/(?<!^Updated .*)\d{4}-\d\d-\d\dT[\d:]{8}Z/gm, imageTime)
        .replace(/(?<=^Updated +)\S+/gm, imageUpdated)
        .replace(/(?:less than a minute|\d\d? minutes?) ago/g, 'less than a minute ago')
        .replace(/up for (?:less than a minute|\d minutes?)/g, 'up for less than a minute')
        .replace(/the token ends in [\w ]+/g, 'the token ends in 1 hour')
        .replace(/in 36\d\d days/g, 'in 3649 days')
        .replace(/in (?:29|30) days/g, 'in 29 days')
        .replace(/ {2,3}(?:<1|\d) min$/gm, '  <1 min')
        .replace(/(?<=^ID .*) {4,5}AGE$/gm, '     AGE')
        .replace(/(?<=^\S{36} {2}\w+ +)(192[\d.]+|-) +/gm, (_all, text: string) => `${text.padEnd(10)}  `)
        .replace(/ADDRESS +/g, 'ADDRESS     ')
        .replace(/ {2,}(?:[\d.]+ [KM]iB|SIZE)(?= {2})/g, (text) => `  ${text.endsWith('SIZE') ? '   SIZE' : '312 MiB'}`)
        .replace(/(?<=^Size +|upload: |^✓ upload .*? m?s {2})[\d.]+ [KM]iB/gm, '312 MiB')
        .replace(/^((?:✓ | {2})(\w+).*?)( {2,}[\d.]+ m?s)(?= {2}|$)/gm, (_line, before: string, part: string, time) => {
          const { length } = String(time);
          return before + (durations[part] ?? '1 ms').padStart(length);
        });
    },
  };
}

const now = '2026-03-20T03:00:00.000Z';
const imageUpdated = '2026-03-20T02:59:50Z';

/** Times to the millisecond are now, the end of an agent's certificate, or that of an authority. */
function byDistance(time: string): string {
  const days = (Date.parse(time) - Date.now()) / 86_400_000;
  return days < 1 ? now : days < 366 ? '2026-04-19T03:00:00.000Z' : '2036-03-17T03:00:00.000Z';
}

const anyDigest = /\b[0-9a-f]{8}(?:-[0-9a-f]{8}){3}\b/g;
const anyId = /\b(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/g;
const anyIdOrDigest = new RegExp(`${anyDigest.source}|${anyId.source}`, 'g');

function digest(kind: string, index: number): string {
  return createHash('sha256').update(`${kind} ${index}`).digest('hex');
}

/** By the first word of the line: what such parts take on a cloud of the usual speed. */
const durations: Readonly<Record<string, string>> = {
  upload: '2.9 s',
  active: '6.1 s',
  check: '1 ms',
  tag: '52 ms',
  choose: '87 ms',
  create: '412 ms',
  server: '6.1 s',
  agent: '13.0 s',
  total: '19.6 s',
};
