import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Cloud, startCloud } from './cloud.ts';
import type { CloudAccount } from './files.ts';

/**
 * Plays the whole conversation that was recorded with a real Keystone 22 and Glance 25.1 (on MariaDB) against the
 * embedded cloud, in its order, with its clock and its image IDs, and compares every answer.
 */
interface Exchange {
  request: { method: string; url: string; headers: Record<string, string>; body: unknown };
  response: { status: number; headers: Record<string, string>; body: unknown };
}

const folder = new URL('../../test/recorded/glance/', import.meta.url);
/** Each image was uploaded before the next one was created. */
const order = (name: string) => name.replace(/^1[01]-(create|upload)-(\d)$/, '10-$2-$1');
const names = readdirSync(folder)
  .map((file) => file.replace(/\.json$/, ''))
  .sort((left, right) => (order(left) < order(right) ? -1 : 1));

/** Projects of the recording. */
const recordedProjects = {
  admin: 'd8d533369b794ed1b42c4ab13b129018',
  demo: '0138dbc351334b58a935608fc79d79cc',
  kiln: '07d93f1ddbe8442eb59f8a103921336a',
} as const;

type Caller = keyof typeof recordedProjects;

/** Tokens are masked in the recording; the file's name tells who called. */
function callerOf(name: string): Caller | 'nobody' | 'stranger' | null {
  if (/^0[0-3]/.test(name)) return null;
  if (name.includes('no-token')) return 'nobody';
  if (name.includes('bad-token')) return 'stranger';
  if (name.includes('octavia-') && !name.includes('glanceclient')) return 'kiln';
  return name.includes('demo-') && !name.includes('add-member') ? 'demo' : name === '88-accept' ? 'demo' : 'admin';
}

/** Bodies that the recording has only the length of. */
const replace = (path: string, value: unknown) => [{ op: 'replace', path, value }];
const patches: Record<string, unknown> = {
  '70-hide': replace('/os_hidden', true),
  '76-unhide': replace('/os_hidden', false),
  '82-share': replace('/visibility', 'shared'),
  '92-private-again': replace('/visibility', 'public'),
  '94-community': replace('/visibility', 'community'),
  '97-back-to-private': replace('/visibility', 'private'),
  'b1-patch-tags': replace('/tags', ['x', 'grö']),
  'b4-patch-tags-clear': replace('/tags', []),
};

const queuedImage = '482f0ae3-756f-4aff-9265-1f775330a023';
const tiedImages = {
  'vis-0': '7df50b07-a959-436d-a0e3-51311b9b8823',
  'vis-1': '58455b2e-be17-4d90-8ee5-01e5895c9251',
  'vis-2': 'a3cbba58-0de2-451f-8063-44d0e43a7d8c',
  'vis-3': '926ccc9d-756f-4e54-95a7-38c8f1a70d47',
};

/** What happened between two exchanges without being recorded. */
const unrecorded: Record<string, () => Promise<unknown>> = {
  'a0-tag-order-second-amphora': () => call('admin', 'DELETE', `/image/v2/images/${queuedImage}`),
  'b6-tie-created_at': async () => {
    for (const [name, id] of Object.entries(tiedImages)) {
      const image = { id, name, tags: ['tie'], disk_format: 'raw', container_format: 'bare' };
      await call('admin', 'POST', '/image/v2/images', image);
    }
  },
  'b7-sort-created_at-asc-id': async () => {
    for (const id of Object.values(tiedImages)) await call('admin', 'DELETE', `/image/v2/images/${id}`);
  },
};

let directory: string;
let cloud: Cloud;
const tokens = new Map<Caller, string>();

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime('2026-11-22T21:49:28Z');
  directory = mkdtempSync(join(tmpdir(), 'kiln-recorded-'));
  cloud = await startCloud({ stateDirectory: directory });
  for (const caller of ['admin', 'demo', 'kiln'] as const) tokens.set(caller, await logIn(cloud.accounts[caller]));
});

afterAll(async () => {
  await cloud.close();
  rmSync(directory, { recursive: true });
  vi.useRealTimers();
});

function credentials(account: CloudAccount) {
  const user = { name: account.userName, domain: { id: 'default' }, password: account.password };
  return {
    auth: {
      identity: { methods: ['password'], password: { user } },
      scope: { project: { name: account.projectName, domain: { id: 'default' } } },
    },
  };
}

async function logIn(account: CloudAccount): Promise<string> {
  const answer = await fetch(`${account.authUrl}/auth/tokens`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(credentials(account)),
  });
  return answer.headers.get('X-Subject-Token') ?? '';
}

async function call(caller: Caller, method: string, path: string, body?: unknown): Promise<void> {
  const answer = await fetch(cloud.url + path, {
    method,
    headers: { 'X-Auth-Token': tokens.get(caller) ?? '', 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}

/** IDs, addresses and secrets of the recording, turned into those of this cloud, and back. */
function toHere(text: string): string {
  let here = text;
  for (const caller of ['admin', 'demo', 'kiln'] as const) {
    here = here.replaceAll(recordedProjects[caller], cloud.accounts[caller].projectId);
  }
  return here.replace('"password":"secret"', `"password":"${cloud.accounts.admin.password}"`);
}

function toRecorded(text: string): string {
  let recorded = text
    .replaceAll(`${cloud.url}/identity`, 'http://127.0.0.1:5000')
    .replaceAll(`${cloud.url}/image`, 'http://127.0.0.1:9292')
    .replaceAll(cloud.url, 'http://127.0.0.1:9292');
  for (const caller of ['admin', 'demo', 'kiln'] as const) {
    recorded = recorded.replaceAll(cloud.accounts[caller].projectId, recordedProjects[caller]);
  }
  return recorded;
}

/** What the recording does not fix: the order of tags (a set), hashes of data that was not kept, words of the schema. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key === 'tags' && Array.isArray(item)) return [key, [...item].sort()];
      if ((key === 'checksum' || key === 'os_hash_value') && typeof item === 'string') {
        return [key, `${item.length} of ${/^[0-9a-f]+$/.test(item) ? 'hexadecimal' : 'something else'}`];
      }
      return [key, comparable(item)];
    }),
  );
}

const shapeOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.length > 0 ? [shapeOf(value[0])] : [];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]));
};

function withoutDescriptions(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutDescriptions);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key, item]) => !(key === 'description' && typeof item === 'string'));
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutDescriptions(item)]));
}

function timeOf(body: unknown): string | undefined {
  const match = /"(?:updated_at|issued_at)":"([^"]+)"/.exec(JSON.stringify(body) ?? '');
  return match?.[1];
}

describe('the recorded conversation with a real Keystone and Glance', () => {
  test.each(names)('%s', async (name) => {
    const { request, response } = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as Exchange;
    if (request.method !== 'GET' && timeOf(response.body)) vi.setSystemTime(timeOf(response.body) ?? '');
    await unrecorded[name]?.();

    const url = toHere(request.url)
      .replace('http://127.0.0.1:5000', `${cloud.url}/identity`)
      .replace('http://127.0.0.1:9292', `${cloud.url}/image`);
    const headers: Record<string, string> = { ...request.headers };
    const caller = callerOf(name);
    if (caller === 'stranger') headers['X-Auth-Token'] = 'gAAAAA-of-nobody';
    else if (caller !== null && caller !== 'nobody') headers['X-Auth-Token'] = tokens.get(caller) ?? '';
    const answer = await fetch(url, { method: request.method, headers, ...bodyOf(name, request.body, response.body) });
    const text = toRecorded(await answer.text());

    expect(answer.status).toBe(response.status);
    const isJson = answer.headers.get('Content-Type') === 'application/json';
    const body: unknown = isJson && text !== '' ? JSON.parse(text) : text;
    if (name.startsWith('00-')) expectSameToken(body, response.body);
    else if (name === '99b-schema-image') expectSameSchema(body, response.body);
    else expect(comparable(body)).toEqual(comparable(response.body));

    for (const [header, value] of Object.entries(response.headers)) {
      const here = answer.headers.get(header);
      if (/request-id$/i.test(header)) expect(here).toMatch(/^req-[0-9a-f-]{36}$/);
      else if (/^(content-type|www-authenticate|location|vary)$/i.test(header))
        expect(toRecorded(here ?? '')).toBe(value);
    }
  });
});

function bodyOf(name: string, recorded: unknown, answered: unknown): { body?: string | Buffer } {
  if (name in patches) return { body: JSON.stringify(patches[name]) };
  const bytes = typeof recorded === 'string' ? /^<(\d+) bytes>$/.exec(recorded)?.[1] : undefined;
  if (bytes) return { body: Buffer.alloc(Number(bytes), 'kiln') };
  if (recorded === null) return {};
  // The image gets the ID it had, so that answers can be compared whole.
  const id = (answered as { id?: string }).id;
  const body = id && name.includes('create') ? { ...(recorded as object), id } : recorded;
  return { body: toHere(JSON.stringify(body)) };
}

function expectSameToken(here: unknown, recorded: unknown): void {
  type Body = { token: { catalog: unknown[]; roles: { name: string }[] } };
  const [mine, theirs] = [here as Body, recorded as Body];
  expect(shapeOf(mine)).toEqual(shapeOf(theirs));
  const roles = (body: Body) => body.token.roles.map((role) => role.name).sort();
  expect(roles(mine)).toEqual(roles(theirs));
}

/** Of `locations`, which this Glance never shows, the schema has less. */
function expectSameSchema(here: unknown, recorded: unknown): void {
  type Body = { properties: Record<string, unknown> };
  const parts = (body: unknown) => {
    const { properties, ...rest } = withoutDescriptions(body) as Body;
    const { locations: _locations, description: _description, ...others } = properties;
    return { ...rest, properties: others };
  };
  expect(parts(here)).toEqual(parts(recorded));
}
