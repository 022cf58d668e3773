import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type SmallCloud, type SmallCloudAnswer, startSmallCloud } from '../../../test/kit/compute-network-fixture.ts';

/**
 * A conversation with a real Nova 26 and Neutron 21 (test/recorded/nova, in the order of the files' names), said again
 * to the embedded ones: every answer must have the recorded status, headers and shape, and errors the very words.
 */
const folder = join(import.meta.dirname, '../../../test/recorded/nova');

interface Exchange {
  request: { method: string; url: string; headers: Record<string, string>; body: unknown };
  response: { status: number; headers: Record<string, string>; body: unknown };
}

/** Where the embedded cloud differs on purpose, by file and path in the body. */
const differences: Record<string, string[]> = {
  // No v2.0 is served.
  '01-versions': ['.versions[1]'],
  // Only the extensions whose behaviour is there.
  '05-neutron-extensions': ['.extensions[*]'],
  // The recorded Neutron had no QoS.
  '34-port-of-server': ['.ports[0].qos_policy_id'],
  '60-port-create': ['.port.qos_policy_id'],
  '64-port-show-bound': ['.port.qos_policy_id'],
  '66-port-after-detach': ['.port.qos_policy_id'],
  // An inner number of Neutron's database, which slipped into the answer.
  '22-sg-create': ['.security_group.security_group_rules[0].standard_attr_id'],
};

const imageId = '9d5291cc-7374-4b87-95f5-7a1ccd963d9f';
let cloud: SmallCloud;
/** Recorded ID → ours. */
const known = new Map<string, string>();

beforeAll(async () => {
  cloud = await startSmallCloud({ seeded: false });
  await cloud.addImage(imageId, 'setInterval(() => {}, 1000)');
});
afterAll(() => cloud.close());

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
/** The recorded subnet is elsewhere than the embedded cloud takes one. */
const translate = (text: string) =>
  text.replace(uuid, (id) => known.get(id) ?? id).replace(/\b172\.30\.(?=\d+\.\d)/g, '127.30.');

async function say(exchange: Exchange): Promise<SmallCloudAnswer> {
  const { method, url, headers, body } = exchange.request;
  const { port, pathname, search } = new URL(translate(url));
  return cloud.call(method, `${port === '9696' ? '/network' : '/compute'}${pathname}${search}`, {
    ...(body === null ? {} : { body: JSON.parse(translate(JSON.stringify(body))) }),
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'X-Auth-Token')),
  });
}

/** Learns which of our IDs stands for which recorded one. */
function learn(recorded: unknown, ours: unknown): void {
  if (typeof recorded === 'string' && typeof ours === 'string') {
    if (/^[0-9a-f-]{36}$/.test(recorded) && !known.has(recorded)) known.set(recorded, ours);
  } else if (recorded && ours && typeof recorded === 'object' && typeof ours === 'object') {
    for (const [key, value] of Object.entries(recorded)) learn(value, (ours as Record<string, unknown>)[key]);
  }
}

/** Every path of a value with the type that is there. Lists are described by their first item. */
function shape(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [`${path}: list`, ...value.slice(0, 1).flatMap((item) => shape(item, `${path}[0]`))];
  if (typeof value !== 'object' || value === null) return [`${path}: ${value === null ? 'null' : typeof value}`];
  return Object.entries(value).flatMap(([key, item]) => shape(item, `${path}.${key}`));
}

function sameButFor(name: string, lines: string[]): string[] {
  const ignored = (differences[name] ?? []).map((path) => path.replace('[*]', '[0]'));
  return lines.filter((line) => !ignored.some((path) => line.startsWith(path))).sort();
}

const wanted = ['openstack-api-version', 'x-openstack-nova-api-version', 'vary'];

test.each(readdirSync(folder).map((file) => [file.replace('.json', '')]))('%s', async (name) => {
  const exchange = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Exchange;
  const { status, headers, body } = exchange.response;
  const isAboutServer = /\/servers\/./.test(exchange.request.url);
  // The recorder waited until servers were up, or gone.
  const answer = await vi.waitFor(
    async () => {
      const said = await say(exchange);
      if (isAboutServer) {
        expect(said.status).toBe(status);
        if (said.body?.server) expect(said.body.server.status).toBe('ACTIVE');
      }
      return said;
    },
    { timeout: 60_000, interval: 20 },
  );
  expect({ status: answer.status, body: answer.body }).toEqual({ status, body: expect.anything() });

  for (const header of wanted) {
    const recorded = Object.entries(headers).find(([key]) => key.toLowerCase() === header)?.[1];
    expect(`${header}: ${answer.headers[header]}`).toBe(`${header}: ${recorded}`);
  }
  expect('location' in answer.headers).toBe('location' in headers);

  learn(body, answer.body);
  expect(sameButFor(name, shape(answer.body))).toEqual(sameButFor(name, shape(body)));
  if (status >= 400) expect(answer.body).toEqual(JSON.parse(translate(JSON.stringify(body))));
});

test('servers of one name are found by a part of it', async () => {
  const list = JSON.parse(readFileSync(join(folder, '73-server-list.json'), 'utf8')) as Exchange;
  const answer = await say(list);
  expect(answer.body.servers.map((server: { name: string }) => server.name)).toEqual(['30-boot-2.1-personality']);
});
