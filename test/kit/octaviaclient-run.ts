import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { request } from 'undici';
import { withoutDifferences } from './octaviaclient-differences.ts';
import { type Step, type Who, words } from './octaviaclient-script.ts';
import { type OpenstackClients, openstackClients } from './openstack-client.ts';
import type { TestbedAccess } from './testbed-access.ts';

/** What one step gave, without what differs from one run to the next. */
export interface Outcome {
  step: string;
  /** Exit status of the command, or status of the answer. */
  status: number;
  /** What was printed or answered: JSON if it was JSON. */
  output: unknown;
  /** What was printed to stderr. */
  message: string;
}

const SETTLE_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 50;
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Fields that Octavia has had since 2.27 of its API, and the test bed's 2.26 has not. */
const newer = new Set([
  'vip_sg_ids',
  'vip_vnic_type',
  'vnic_type',
  'hsts_max_age',
  'hsts_include_subdomains',
  'hsts_preload',
]);

/** Of an amphora that is none. */
const madeUp = new Set([
  'compute_id',
  'image_id',
  'compute_flavor',
  'vrrp_ip',
  'vrrp_port_id',
  'ha_port_id',
  'lb_network_ip',
]);

/** An ID that nothing has. */
const nobody = '00000000-0000-4000-8000-000000000bad';

/** Runs the script against the load-balancer API at `endpoint`, with the test bed's Keystone and Neutron. */
export async function runScript(
  script: readonly Step[],
  endpoint: string,
  bed: TestbedAccess,
  given: Readonly<Record<string, string>>,
  folder: string,
): Promise<Outcome[]> {
  const clients = openstackClients(cloudsFile(bed, endpoint, folder));
  const kept: Record<string, string> = { nobody, demo: bed.users.demo.projectId, ...given };
  const names = createNames(endpoint, bed, kept);
  const outcomes: Outcome[] = [];
  try {
    for (const step of script) {
      if (step.settle) {
        await settle(endpoint, await bed.token('demo'), refer(step.settle, kept));
        continue;
      }
      const given = step.request
        ? await send(endpoint, await bed.token(step.who), step.request, kept)
        : await runCommand(clients, step.who, refer(step.command ?? '', kept));
      if (step.keep) {
        const id = idIn(given.output);
        // All that follows would fail, on both sides alike.
        if (id === undefined) throw new Error(`${endpoint}: ${describe(step)}: ${JSON.stringify(given)}`);
        kept[step.keep] = id;
      }
      const { status, output, message } = withoutDifferences(describe(step), given);
      outcomes.push({ step: describe(step), status, output: names.hide(output), message: names.hideText(message) });
    }
  } finally {
    await clients.close();
  }
  return outcomes;
}

/** Takes away what a run that broke off has left. */
export async function clearAway(endpoint: string, bed: TestbedAccess): Promise<void> {
  const token = await bed.token('admin');
  const call = async (method: 'GET' | 'DELETE', path: string) => {
    const answer = await request(`${endpoint}/v2.0/lbaas/${path}`, { method, headers: { 'x-auth-token': token } });
    const text = await answer.body.text();
    return text === '' ? {} : (JSON.parse(text) as Record<string, { id: string; name: string }[]>);
  };
  for (const { id } of (await call('GET', 'loadbalancers')).loadbalancers ?? []) {
    await settle(endpoint, token, id);
    await call('DELETE', `loadbalancers/${id}?cascade=true`);
    await settle(endpoint, token, id);
  }
  for (const { name } of (await call('GET', 'availabilityzones')).availability_zones ?? [])
    await call('DELETE', `availabilityzones/${name}`);
  const kinds = [
    ['availabilityzoneprofiles', 'availability_zone_profiles'],
    ['flavors', 'flavors'],
    ['flavorprofiles', 'flavorprofiles'],
  ] as const;
  for (const [path, key] of kinds)
    for (const { id } of (await call('GET', path))[key] ?? []) await call('DELETE', `${path}/${id}`);
  await call('DELETE', `quotas/${bed.users.demo.projectId}`);
}

/** Waits until nothing changes the load balancer any more, or it is gone. */
async function settle(endpoint: string, token: string, id: string): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_LIMIT_MS;
  for (;;) {
    const url = `${endpoint}/v2.0/lbaas/loadbalancers/${id}?fields=provisioning_status`;
    const status = await (await request(url, { headers: { 'x-auth-token': token } })).body.text();
    if (!status.includes('"PENDING_')) return;
    if (performance.now() > deadlineMs) throw new Error(`${id} is not settled in a minute: ${status}`);
    await pause(LOOK_EVERY_MS);
  }
}

async function send(
  endpoint: string,
  token: string,
  { method, path, body }: NonNullable<Step['request']>,
  kept: Readonly<Record<string, string>>,
): Promise<{ status: number; output: unknown; message: string }> {
  const answer = await request(endpoint + refer(path, kept), {
    method,
    headers: { 'x-auth-token': token, accept: 'application/json', 'content-type': 'application/json' },
    body: body === undefined ? null : refer(JSON.stringify(body), kept),
  });
  return { status: answer.statusCode, output: parsed(await answer.body.text()), message: '' };
}

async function runCommand(
  clients: OpenstackClients,
  who: Who,
  command: string,
): Promise<{ status: number; output: unknown; message: string }> {
  const prints = /^loadbalancer (?!status)(\w+ )*?(list|show|create|quota set)\b/.test(command);
  const { status, stdout, stderr } = await clients.run(`testbed-${who}`, [
    ...words(command),
    ...(prints ? ['-f', 'json'] : []),
  ]);
  return { status, output: parsed(stdout), message: stderr };
}

/** clouds.yaml of the test bed, with the load-balancer service at `endpoint`. */
function cloudsFile(bed: TestbedAccess, endpoint: string, folder: string): string {
  const clouds = Object.entries(bed.users).map(([name, user]) => [
    `testbed-${name}`,
    {
      region_name: bed.region,
      load_balancer_endpoint_override: endpoint,
      auth: {
        auth_url: bed.endpoints.identity,
        username: user.name,
        password: user.password,
        project_name: user.projectName,
        user_domain_name: user.domainName,
        project_domain_name: user.domainName,
      },
    },
  ]);
  const file = join(folder, `clouds-${new URL(endpoint).port}.yaml`);
  writeFileSync(file, JSON.stringify({ clouds: Object.fromEntries(clouds) }), { mode: 0o600 });
  return file;
}

function describe({ who, command, request: sent }: Step): string {
  return `${who}: ${sent ? `${sent.method} ${sent.path} ${JSON.stringify(sent.body) ?? ''}`.trim() : command}`;
}

function refer(text: string, kept: Readonly<Record<string, string>>): string {
  return text.replace(/\$([a-zA-Z]+)/g, (whole, name: string) => kept[name] ?? whole);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The first `id` in what was answered. */
function idIn(output: unknown): string | undefined {
  if (Array.isArray(output)) return idIn(output[0]);
  if (typeof output !== 'object' || output === null) return undefined;
  if ('id' in output && typeof output.id === 'string') return output.id;
  for (const value of Object.values(output)) {
    const id = idIn(value);
    if (id !== undefined) return id;
  }
  return undefined;
}

/** Replaces IDs by numbers in the order of their first appearance, times and addresses of this run by words. */
function createNames(endpoint: string, bed: TestbedAccess, kept: Readonly<Record<string, string>>) {
  const numbers = new Map<string, string>();
  const isKnown = (id: string) => Object.values(kept).includes(id) || numbers.has(id);
  const nameOf = (id: string) => {
    const keptAs = Object.entries(kept).find(([, value]) => value === id)?.[0];
    if (keptAs !== undefined) return `<${keptAs}>`;
    const name = numbers.get(id) ?? `<id ${numbers.size + 1}>`;
    numbers.set(id, name);
    return name;
  };
  const hideText = (text: string): string =>
    text
      .replaceAll(endpoint, '<endpoint>')
      .replaceAll(encodeURIComponent(endpoint), '<endpoint>')
      .replaceAll(bed.users.demo.projectId, '<demo>')
      .replaceAll(bed.users.admin.projectId, '<admin>')
      .replace(/(should be one of: )(.*)/g, (_all, words, list) => words + list.split(', ').sort().join(', '))
      .replace(/req-<?[\w-]+/g, '<request>')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?/g, '<time>')
      .replace(uuid, nameOf);
  /** What a row is, whatever its IDs that nobody has seen yet. */
  const sortKey = (value: unknown): string =>
    JSON.stringify(value)
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/g, '')
      .replace(uuid, (id) => (isKnown(id) ? nameOf(id) : ''));
  /** What drivers that touch no cloud make up, each in its own way. */
  const isPretended = (key: string, value: unknown): boolean =>
    madeUp.has(key) ||
    (key === 'vip_network_id' && typeof value === 'string' && value !== kept.network) ||
    (key === 'vip_subnet_id' && typeof value === 'string' && value !== kept.subnet);
  const hide = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      // Order is promised only to those who ask for one, and no answer here has rows that differ in nothing but order.
      const rows = value.every((row) => typeof row === 'object')
        ? [...value].sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1))
        : value;
      return rows.map(hide);
    }
    if (typeof value === 'object' && value !== null) {
      const fields = Object.entries(value).filter(([key]) => !newer.has(key));
      return Object.fromEntries(
        fields.map(([key, inner]) => [key, isPretended(key, inner) ? '<pretended>' : hide(inner)]),
      );
    }
    if (typeof value !== 'string') return value;
    const lines = value.split('\n'); // how the client prints a list
    return lines.length > 1 ? lines.map(hideText).sort().join('\n') : hideText(value);
  };
  return { hide, hideText };
}
