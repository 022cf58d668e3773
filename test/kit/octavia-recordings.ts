import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { type Given, wordsOf } from './api-comparison.ts';

/** What one request was answered: words of a refusal, or, of what was done, what differs from the answer to the usual request. */
export interface Recorded {
  /** The field that the case is about, with dots; of a request that reads: its query. */
  about: string;
  body?: unknown;
  status: number;
  words?: string;
  /** By the path of the value in the answer, as JSON; null where it is not there. */
  values?: Readonly<Record<string, string | null>>;
}

/** What distinguishes a case from others. */
export const recordKey = ({ about, body }: Pick<Recorded, 'about' | 'body'>): string =>
  JSON.stringify([about, body ?? null]);

/** The recorded answers of a file; none where it is not there. A last line that was cut is not one. */
export function readRecords(file: string): Recorded[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(unfolded(line)) as Recorded);
}

/** Cuts off a last line that is not whole, so that recording goes on where it ended. */
export function mendRecords(file: string): void {
  if (!existsSync(file)) return;
  const text = readFileSync(file);
  truncateSync(file, text.lastIndexOf('\n') + 1);
}

/** Adds a line, which is in the file when this returns. */
export const addRecord = (file: string, record: Recorded): void =>
  appendFileSync(file, `${folded(JSON.stringify(record))}\n`);

/** Long texts are rows of one letter: they are kept as `a{300}`. */
const folded = (line: string) => line.replace(/a{40,}/g, (row) => `a{${row.length}}`);
const unfolded = (line: string) => line.replace(/a\{(\d+)\}/g, (_all, length) => 'a'.repeat(Number(length)));

/**
 * What is kept of an answer.
 * @param usual the values that an answer has when nothing is asked for in particular (`valuesOf`).
 */
export function recorded(
  one: Pick<Recorded, 'about' | 'body'>,
  { status, answer }: Given,
  usual: ReadonlyMap<string, string>,
): Recorded {
  const { about, body } = one;
  if (status >= 300) return { about, body, status, words: wordsOf(answer) };
  const seen = valuesOf(answer);
  const paths = [...new Set([...usual.keys(), ...seen.keys()])].sort();
  const values = paths
    .filter((path) => usual.get(path) !== seen.get(path))
    .map((path) => [path, seen.get(path) ?? null] as const);
  return { about, body, status, values: Object.fromEntries(values) };
}

/** What is kept of the answer to a request of which only counts whether it is refused, and how. */
export function recordedWords({ about }: { about: string }, { status, answer }: Given): Recorded {
  return { about, status, ...(status >= 300 && { words: wordsOf(answer) }) };
}

/** What is kept of the answer to a request that reads a list. */
export function recordedRead(
  { about, ordered }: { about: string; ordered: boolean },
  { status, answer }: Given,
): Recorded {
  if (status >= 300) return { about, status, words: wordsOf(answer) };
  const [, rows = []] = Object.entries(answer as object).find(([key]) => !key.endsWith('_links')) ?? [];
  const [, links = []] = Object.entries(answer as object).find(([key]) => key.endsWith('_links')) ?? [];
  const found = (rows as Row[]).map((row) => row.id ?? row.name ?? row.project_id ?? null);
  const [first = {}] = rows as Row[];
  const values = {
    found: JSON.stringify(ordered ? found : found.sort()),
    ...(about.includes('fields=') && {
      fields: JSON.stringify(
        Object.keys(first)
          .filter((field) => !unknownToOctavia11.includes(field))
          .sort(),
      ),
    }),
    ...(ordered && {
      links: JSON.stringify((links as Link[]).map(({ rel, href }) => `${rel} ${href.replace(/^.*\/v2/, '/v2')}`)),
    }),
  };
  return { about, status, values };
}

type Row = Readonly<Record<string, unknown>>;
interface Link {
  rel: string;
  href: string;
}

/** The values of an answer, as JSON, by their paths; lists of objects are in no order. */
export function valuesOf(answer: unknown): Map<string, string> {
  return new Map(entriesOf(answer, '').map(([path, value]) => [path, JSON.stringify(value)]));
}

function entriesOf(answer: unknown, path: string): [string, unknown][] {
  if (typeof answer !== 'object' || answer === null) return [[path, answer]];
  if (Array.isArray(answer)) return [[path, answer.map((one) => JSON.stringify(entriesOf(one, ''))).sort()]];
  return Object.entries(answer)
    .filter(([name]) => !unknownToOctavia11.includes(name) && name !== 'vip_network_id')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => entriesOf(value, `${path}.${name}`));
}

/** Fields that are newer than the recorded Octavia (11.0). Its driver without a network names another network each time. */
export const unknownToOctavia11 = [
  ...['vip_sg_ids', 'request_sriov', 'hsts_max_age', 'hsts_preload', 'hsts_include_subdomains', 'port_id'],
  ...['vip_vnic_type', 'vnic_type'],
];
