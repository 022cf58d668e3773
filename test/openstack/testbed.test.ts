import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeLeftRegions } from '../conformance/catalog.ts';
import { readTestbed } from '../kit/testbed-access.ts';

/**
 * What the other suites take for granted about the test bed: who may log in, what is set up, that Nova boots, and that
 * the danger Kiln guards against is real here (a tenant's private image, seen by the controller's token).
 * Speaks to the services with bare requests, so that a fault of Kiln's clients cannot hide one of the test bed.
 */

interface User {
  id: string;
  name: string;
  password: string;
  domainId: string;
  projectId: string;
}

interface Testbed {
  endpoints: Record<'identity' | 'image' | 'compute' | 'network' | 'placement', string>;
  users: Record<'kiln' | 'demo' | 'admin', User>;
  flavors: Record<'amphora' | 'tooSmall', { id: string; name: string; vcpus: number; ram: number; disk: number }>;
  network: { id: string; name: string; subnetId: string; cidr: string };
  securityGroup: { id: string; name: string };
  keypair: string;
  files: { cloudsYaml: string; octaviaConf: string; certificates: string };
}

/** The fields of all answers that this suite reads; each answer has its own few. */
interface Body {
  id: string;
  images: { id: string }[];
  flavor: unknown;
  network: unknown;
  security_group: { security_group_rules: unknown[] };
  server: { id: string; status: string };
  ports: unknown[];
}

interface Answer {
  status: number;
  body: Body;
}

const folder = process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed';
const bed = JSON.parse(readFileSync(`${folder}/testbed.json`, 'utf8')) as Testbed;

type Service = keyof Testbed['endpoints'];
type Call = (method: string, service: Service, path: string, body?: unknown) => Promise<Answer>;

/** Sends what is a Buffer as it is, and anything else as JSON. */
async function send(method: string, url: string, headers: Record<string, string>, body?: unknown): Promise<Answer> {
  const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json';
  const response = await request(url, {
    method: method as 'GET',
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': type }) },
    body: body === undefined ? null : Buffer.isBuffer(body) ? body : JSON.stringify(body),
  });
  const text = await response.body.text();
  // Glance's refusals are HTML; Nova's 204 calls nothing at all JSON.
  const json = text !== '' && String(response.headers['content-type']).startsWith('application/json');
  return { status: response.statusCode, body: (json ? JSON.parse(text) : {}) as Body };
}

async function login(user: User): Promise<{ token: string; roles: string[]; catalog: string[]; call: Call }> {
  const response = await request(`${bed.endpoints.identity}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: user.name, password: user.password, domain: { id: user.domainId } } },
        },
        scope: { project: { id: user.projectId } },
      },
    }),
  });
  const answer = (await response.body.json()) as { token: { roles: { name: string }[]; catalog: { type: string }[] } };
  expect(response.statusCode).toBe(201);
  const token = String(response.headers['x-subject-token']);
  return {
    token,
    roles: answer.token.roles.map((role) => role.name),
    catalog: answer.token.catalog.map((service) => service.type),
    call: (method, service, path, body) => send(method, bed.endpoints[service] + path, { 'x-auth-token': token }, body),
  };
}

describe('the test bed', () => {
  let kiln: Awaited<ReturnType<typeof login>>;
  let demo: Awaited<ReturnType<typeof login>>;
  /** Undone last first, whatever failed. */
  const cleanups: Array<() => Promise<unknown>> = [];
  const run = randomUUID().slice(0, 8);

  beforeAll(async () => {
    await removeLeftRegions(readTestbed());
    kiln = await login(bed.users.kiln);
    demo = await login(bed.users.demo);
  });

  afterAll(async () => {
    const failures: unknown[] = [];
    for (const undo of cleanups.reverse()) await undo().catch((error: unknown) => failures.push(error));
    expect(failures).toEqual([]);
  });

  async function createImage(owner: { call: Call }, tags: string[]): Promise<string> {
    const created = await owner.call('POST', 'image', '/v2/images', {
      name: `testbed-test-${run}`,
      disk_format: 'raw',
      container_format: 'bare',
      visibility: 'private',
      tags,
    });
    expect(created.status).toBe(201);
    const id = created.body.id;
    cleanups.push(() => owner.call('DELETE', 'image', `/v2/images/${id}`));
    const uploaded = await owner.call('PUT', 'image', `/v2/images/${id}/file`, Buffer.from(`image ${run}`));
    expect(uploaded.status).toBe(204);
    return id;
  }

  it('gives kiln the roles of a service user, demo those of a tenant, and both the whole catalog', () => {
    expect(kiln.roles).toEqual(expect.arrayContaining(['admin', 'service']));
    expect(demo.roles).not.toContain('admin');
    expect(demo.roles).toContain('member');
    for (const user of [kiln, demo]) {
      expect(user.catalog.toSorted()).toEqual(['compute', 'identity', 'image', 'network', 'placement']);
    }
  });

  it("shows a tenant's private image that carries the tag to kiln: the threat is real here", async () => {
    const id = await createImage(demo, ['amphora']);
    const listed = await kiln.call('GET', 'image', '/v2/images?tag=amphora&status=active&limit=1000');
    const planted = listed.body.images.find((image) => image.id === id);
    expect(planted).toMatchObject({ visibility: 'private', owner: bed.users.demo.projectId, tags: ['amphora'] });
    expect(bed.users.demo.projectId).not.toBe(bed.users.kiln.projectId);
  });

  it("keeps kiln's private image from the tenant", async () => {
    const id = await createImage(kiln, []);
    expect((await demo.call('GET', 'image', `/v2/images/${id}`)).status).toBe(404);
  });

  it('compares tags without case, as the collation of real deployments does', async () => {
    const id = await createImage(kiln, [`Tag-${run}`]);
    const listed = await kiln.call('GET', 'image', `/v2/images?tag=tag-${run}`);
    expect(listed.body.images.map((image) => image.id)).toEqual([id]);
  });

  it('holds the flavors, the management network, the security group and the key pair that octavia.conf names', async () => {
    for (const flavor of Object.values(bed.flavors)) {
      const shown = await kiln.call('GET', 'compute', `/flavors/${flavor.id}`);
      expect(shown.body.flavor).toMatchObject(flavor);
    }
    const network = await kiln.call('GET', 'network', `/v2.0/networks/${bed.network.id}`);
    expect(network.body.network).toMatchObject({
      name: 'lb-mgmt-net',
      project_id: bed.users.kiln.projectId,
      subnets: [bed.network.subnetId],
    });
    const group = await kiln.call('GET', 'network', `/v2.0/security-groups/${bed.securityGroup.id}`);
    expect(group.body.security_group).toMatchObject({ name: 'lb-mgmt-sec-grp', project_id: bed.users.kiln.projectId });
    expect(group.body.security_group.security_group_rules).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ direction: 'ingress', protocol: 'tcp', port_range_min: 9443, port_range_max: 9443 }),
        expect.objectContaining({ direction: 'ingress', protocol: 'icmp' }),
      ]),
    );
    expect((await kiln.call('GET', 'compute', `/os-keypairs/${bed.keypair}`)).status).toBe(200);

    const octaviaConf = readFileSync(bed.files.octaviaConf, 'utf8');
    for (const value of [bed.flavors.amphora.id, bed.network.id, bed.securityGroup.id, bed.keypair]) {
      expect(octaviaConf).toContain(` = ${value}\n`);
    }
  });

  it('comes up again although an earlier boot of the machine left a record of a service that is not wanted now', async () => {
    const record = `${folder}/run/left-behind.process`;
    await writeFile(record, `${randomUUID()} 1 1 0\n`);
    await promisify(execFile)('bash', ['testbed/up.sh'], { timeout: 120_000 });
    expect(existsSync(record)).toBe(false);
  });

  it('boots a server to ACTIVE with a port on the management network, and deletes it', async () => {
    const image = await createImage(kiln, []);
    const created = await kiln.call('POST', 'compute', '/servers', {
      server: {
        name: `testbed-test-${run}`,
        imageRef: image,
        flavorRef: bed.flavors.amphora.id,
        key_name: bed.keypair,
        networks: [{ uuid: bed.network.id }],
        security_groups: [{ name: bed.securityGroup.id }],
      },
    });
    expect(created.status).toBe(202);
    const path = `/servers/${created.body.server.id}`;
    cleanups.push(() => kiln.call('DELETE', 'compute', path));

    const server = await until(
      async () => (await kiln.call('GET', 'compute', path)).body.server,
      (shown) => shown.status !== 'BUILD',
    );
    expect(server).toMatchObject({
      status: 'ACTIVE',
      image: { id: image },
      addresses: { 'lb-mgmt-net': [{ version: 4 }] },
    });
    const ports = await kiln.call('GET', 'network', `/v2.0/ports?device_id=${created.body.server.id}`);
    expect(ports.body.ports).toMatchObject([{ status: 'ACTIVE', security_groups: [bed.securityGroup.id] }]);

    expect((await kiln.call('DELETE', 'compute', path)).status).toBe(204);
    const gone = await until(
      async () => (await kiln.call('GET', 'compute', path)).status,
      (status) => status === 404,
    );
    expect(gone).toBe(404);
  });
});

/** Asks again until the answer is accepted; the suite's own time limit ends it otherwise. */
async function until<T>(ask: () => Promise<T>, accepted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (accepted(answer)) return answer;
    await delay(200);
  }
}
