import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createLocalSecretStore } from '../../src/adapters/secrets/local-secret-store.ts';
import { createPolicy } from '../../src/api/policy/policy.ts';
import { createApi } from '../../src/api/v2/server.ts';
import { type LoadedConfiguration, loadConfiguration } from '../../src/config/load.ts';
import type { Worker } from '../../src/flows/worker.ts';
import type { HealthManager } from '../../src/health/health-manager.ts';
import { findAccess } from '../../src/main/cloud-access.ts';
import { wireMetrics } from '../../src/main/metrics.ts';
import { apiDeps } from '../../src/main/roles/api-deps.ts';
import { wireHealthManager } from '../../src/main/roles/health-manager.ts';
import { wireQueue, wireWorker } from '../../src/main/roles/worker.ts';
import { openState, type State } from '../../src/main/state.ts';
import { statePaths } from '../../src/main/state-paths.ts';
import { wireOpenStack, wireProcess } from '../../src/main/wire.ts';
import type { ComputeService } from '../../src/ports/compute.ts';
import { createFakeLog } from './fakes/fake-log.ts';
import { freePort } from './free-port.ts';
import { openNetworks, type TestNetworks } from './test-networks.ts';

export interface LoadBalancerSubject {
  /** octavia.conf of the cloud. */
  configurationFile: string;
  /** Bytes of an image that this cloud can boot. */
  imageData: Buffer;
  /** Runs what Nova's pretended hypervisor does not. Absent where servers are real. */
  withGuests?: (compute: ComputeService) => ComputeService;
  close(): Promise<void>;
}

/** A load balancer through the API, with real traffic, whichever cloud it is on. VIPs and members are on loopback. */
export function describeLoadBalancers(name: string, start: () => Promise<LoadBalancerSubject>): void {
  describe(`load balancers: ${name}`, () => {
    const tag = `kiln-test-${randomUUID()}`;
    let subject: LoadBalancerSubject;
    let folder: string;
    let loaded: LoadedConfiguration;
    let openstack: ReturnType<typeof wireOpenStack>;
    let state: State;
    let worker: Worker;
    let health: HealthManager;
    let networks: TestNetworks;
    let secrets: ReturnType<typeof createLocalSecretStore>;
    let app: ReturnType<typeof createApi>;
    const images: string[] = [];
    const members: Server[] = [];
    const made: string[] = [];

    beforeAll(async () => {
      subject = await start();
      folder = await mkdtemp(join(tmpdir(), 'kiln-lb-'));
      const heartbeatPort = await freePort();
      loaded = loadConfiguration({
        configFiles: [subject.configurationFile],
        environment: {
          OS_KILN__STATE_PATH: folder,
          OS_API_SETTINGS__AUTH_STRATEGY: 'noauth',
          OS_CONTROLLER_WORKER__AMP_IMAGE_TAG: tag,
          OS_HEALTH_MANAGER__BIND_IP: '127.0.0.1',
          OS_HEALTH_MANAGER__BIND_PORT: `${heartbeatPort}`,
          OS_HEALTH_MANAGER__CONTROLLER_IP_PORT_LIST: `127.0.0.1:${heartbeatPort}`,
          OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL: '1',
        },
      });
      const { config } = loaded;
      const clock = createSystemClock();
      const around = { clock, log: createFakeLog(), current: () => config };
      const wired = wireOpenStack(findAccess(config, null, {}), around);
      // Flows act through the patient ones.
      const compute = subject.withGuests?.(wired.patient.compute) ?? wired.patient.compute;
      openstack = { ...wired, compute, patient: { ...wired.patient, compute } };
      networks = await openNetworks(config);
      const paths = statePaths(config, {}, false);
      state = await openState(paths.database, clock);
      secrets = createLocalSecretStore(join(folder, 'secrets'));
      const queue = wireQueue(state, around);
      const own = wireProcess(openstack, around);
      worker = wireWorker({ openstack, state, secrets, queue, own }, around);
      await worker.start();
      health = wireHealthManager(state, around);
      await health.start();
      const policy = createPolicy({ everybodyIsAdmin: true });
      app = createApi(
        apiDeps(
          {
            openstack,
            state,
            ...own,
            secrets,
            queue,
            policy,
            metrics: wireMetrics(state, around),
          },
          around,
        ),
      );
      await push();
      for (const said of ['one', 'two']) {
        const member = createServer((_request, answer) => answer.end(said));
        await new Promise<void>((resolve) => member.listen(0, '127.0.0.1', resolve));
        members.push(member);
      }
    }, 120_000);

    afterAll(async () => {
      for (const id of made) await remove(id).catch(() => {});
      for (const member of members) member.close();
      await app?.close();
      await worker?.stop();
      await health?.stop();
      for (const id of images) await openstack.images.delete(id).catch(() => {});
      await networks?.close();
      await state?.close();
      await openstack?.close();
      await subject?.close();
      await rm(folder, { recursive: true, force: true });
    }, 120_000);

    /** One more image, with the tag; the others lose it. */
    async function push(): Promise<string> {
      const image = await openstack.images.create({ name: tag, diskFormat: 'raw', containerFormat: 'bare' });
      const { imageData } = subject;
      await openstack.images.upload(image.id, Readable.from([imageData]), imageData.length);
      await openstack.images.addTag(image.id, tag);
      for (const other of images) await openstack.images.removeTag(other, tag);
      images.push(image.id);
      return image.id;
    }

    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
    async function call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<any> {
      const answer = await app.inject({
        method,
        url: path.startsWith('/v2') ? path : `/v2/lbaas${path}`,
        headers: { 'x-project-id': 'a'.repeat(32), ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { payload: JSON.stringify(body) } : {}),
      });
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${answer.body}`);
      return answer.body === '' ? null : answer.json();
    }
    const show = async (id: string) => (await call('GET', `/loadbalancers/${id}`)).loadbalancer;

    /** Waits until the operation on it has ended. */
    async function settled(id: string, status = 'ACTIVE') {
      await expect
        .poll(async () => (await show(id)).provisioning_status, { timeout: 60_000, interval: 50 })
        .not.toMatch(/^PENDING/);
      const now = await show(id);
      expect(now.provisioning_status, JSON.stringify(now.provisioning_reason)).toBe(status);
      return now;
    }
    const memberSpecs = () =>
      members.map((member) => ({ address: '127.0.0.1', protocol_port: (member.address() as AddressInfo).port }));
    const webListener = (port: number) => ({
      name: 'web',
      protocol: 'HTTP',
      protocol_port: port,
      default_pool: {
        name: `pool-${port}`,
        protocol: 'HTTP',
        lb_algorithm: 'ROUND_ROBIN',
        healthmonitor: { type: 'HTTP', delay: 1, timeout: 1, max_retries: 1, url_path: '/' },
        members: memberSpecs(),
      },
    });
    async function create(fields: object, status = 'ACTIVE') {
      const wanted = { name: 'lb', vip_subnet_id: networks.vip.subnetId, ...fields };
      const { loadbalancer } = await call('POST', '/loadbalancers', { loadbalancer: wanted });
      made.push(loadbalancer.id);
      return await settled(loadbalancer.id, status);
    }
    async function remove(id: string): Promise<void> {
      if (!(await state.loadBalancers.get('loadbalancer', id))) return;
      await call('DELETE', `/loadbalancers/${id}?cascade=true`);
      await expect
        .poll(() => state.loadBalancers.get('loadbalancer', id), { timeout: 60_000, interval: 50 })
        .toBeNull();
    }
    const answersOf = async (url: string, count = 4): Promise<string[]> => {
      const answers: string[] = [];
      for (let sent = 0; sent < count; sent++) {
        const answer = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5_000) });
        answers.push(await answer.text());
      }
      return answers;
    };
    const amphoraOf = async (id: string) => {
      const [amphora, ...others] = await state.amphorae.list({ loadBalancerId: id });
      expect(others).toEqual([]);
      if (!amphora) throw new Error(`no amphora of ${id}`);
      return amphora;
    };
    const portNamed = async (portName: string) => (await openstack.network.findPortsByName(portName))[0] ?? null;

    it('is made whole in one request, boots the tagged image, and carries requests to both members', async () => {
      const lb = await create({ listeners: [webListener(8080)] });
      expect(new Set(await answersOf(`http://${lb.vip_address}:8080/`))).toEqual(new Set(['one', 'two']));
      const amphora = await amphoraOf(lb.id);
      expect(amphora).toMatchObject({ status: 'ALLOCATED', imageId: images.at(-1), haIp: lb.vip_address });
      const [group] = await openstack.network.findSecurityGroupsByName(`lb-${lb.id}`);
      expect(group?.rules.filter(({ direction }) => direction === 'ingress')).toMatchObject([
        { protocol: 'tcp', portRangeMin: 8080, portRangeMax: 8080 },
      ]);
      const vrrp = await openstack.network.getPort(amphora.vrrpPortId ?? '');
      expect(vrrp).toMatchObject({ deviceId: amphora.computeId, securityGroupIds: [group?.id] });
      expect(vrrp.allowedAddressPairs.map(({ ipAddress }) => ipAddress)).toEqual([lb.vip_address]);
    }, 90_000);

    it('is ONLINE, with its members, once its amphora is heard of; and counts its traffic', async () => {
      const [id = ''] = made;
      const lb = await show(id);
      await answersOf(`http://${lb.vip_address}:8080/`, 10);
      const status = async () => (await call('GET', `/loadbalancers/${id}/status`)).statuses.loadbalancer;
      await expect.poll(async () => (await status()).operating_status, { timeout: 30_000 }).toBe('ONLINE');
      const [listener] = (await status()).listeners;
      expect(listener).toMatchObject({ operating_status: 'ONLINE', pools: [{ operating_status: 'ONLINE' }] });
      const stats = async () => (await call('GET', `/loadbalancers/${id}/stats`)).stats;
      await expect.poll(async () => (await stats()).total_connections, { timeout: 30_000 }).toBeGreaterThanOrEqual(10);
    }, 90_000);

    it('changes while it serves: a listener more, a member less, an L7 policy', async () => {
      const [id = ''] = made;
      const { vip_address: vip } = await show(id);
      const [pool] = (await call('GET', `/pools?loadbalancer_id=${id}`)).pools;
      const { listener } = await call('POST', '/listeners', {
        listener: { loadbalancer_id: id, protocol: 'HTTP', protocol_port: 8081, default_pool_id: pool.id },
      });
      await settled(id);
      expect(new Set(await answersOf(`http://${vip}:8081/`))).toEqual(new Set(['one', 'two']));
      await call('PUT', `/pools/${pool.id}/members`, { members: memberSpecs().slice(0, 1) });
      await settled(id);
      expect(new Set(await answersOf(`http://${vip}:8081/`))).toEqual(new Set(['one']));
      const { l7policy } = await call('POST', '/l7policies', {
        l7policy: { listener_id: listener.id, action: 'REJECT', rules: [aPathRule] },
      });
      await settled(id);
      expect((await fetch(`http://${vip}:8081/no`)).status).toBe(403);
      expect((await fetch(`http://${vip}:8081/yes`)).status).toBe(200);
      await call('DELETE', `/l7policies/${l7policy.id}`);
      await settled(id);
      await call('DELETE', `/listeners/${listener.id}`);
      await settled(id);
      await expect(fetch(`http://${vip}:8081/`)).rejects.toThrow();
      const [group] = await openstack.network.findSecurityGroupsByName(`lb-${id}`);
      const ports = group?.rules.filter(({ direction }) => direction === 'ingress').map((rule) => rule.portRangeMin);
      expect(ports).toEqual([8080]);
    }, 120_000);

    const aPathRule = { type: 'PATH', compare_type: 'EQUAL_TO', value: '/no' };

    it('ends TLS with the certificate that a listener refers to', async () => {
      const [id = ''] = made;
      const { vip_address: vip } = await show(id);
      const reference = await storeCertificate();
      const { listener } = await call('POST', '/listeners', {
        listener: {
          loadbalancer_id: id,
          protocol: 'TERMINATED_HTTPS',
          protocol_port: 8443,
          default_tls_container_ref: reference,
          default_pool_id: (await call('GET', `/pools?loadbalancer_id=${id}`)).pools[0].id,
        },
      });
      await settled(id);
      expect(await httpsAnswer(vip, 8443)).toEqual({ body: 'one', commonName: 'kiln.example' });
      await call('DELETE', `/listeners/${listener.id}`);
      await settled(id);
    }, 90_000);

    async function storeCertificate(): Promise<string> {
      const file = (ending: string) => join(folder, `tls.${ending}`);
      const subjectName = ['-subj', '/CN=kiln.example', '-addext', 'subjectAltName=DNS:kiln.example'];
      execFileSync(
        'openssl',
        [
          'req',
          '-x509',
          '-newkey',
          'rsa:2048',
          '-nodes',
          '-days',
          '2',
          '-keyout',
          file('key'),
          '-out',
          file('crt'),
          ...subjectName,
        ],
        { stdio: 'ignore' },
      );
      execFileSync('openssl', [
        'pkcs12',
        '-export',
        '-inkey',
        file('key'),
        '-in',
        file('crt'),
        '-passout',
        'pass:',
        '-out',
        file('p12'),
      ]);
      return (await secrets.store(await readFile(file('p12')), 'web', 'a'.repeat(32))).reference;
    }

    it('reaches members in another network by a port there, and leaves the network with the last of them', async () => {
      const [id = ''] = made;
      const [pool] = (await call('GET', `/pools?loadbalancer_id=${id}`)).pools;
      const amphora = await amphoraOf(id);
      const name = `octavia-lb-member-${amphora.id}-${networks.member.networkId}`;
      const { member } = await call('POST', `/pools/${pool.id}/members`, {
        member: { address: networks.member.address, protocol_port: 9, subnet_id: networks.member.subnetId },
      });
      await settled(id);
      expect(await portNamed(name)).toMatchObject({ deviceId: amphora.computeId });
      await call('DELETE', `/pools/${pool.id}/members/${member.id}`);
      await settled(id);
      expect(await portNamed(name)).toBeNull();
    }, 90_000);

    it("gives ports an address in each subnet of members, the VIP's network and the management network as well", async () => {
      const [id = ''] = made;
      const [pool] = (await call('GET', `/pools?loadbalancer_id=${id}`)).pools;
      const amphora = await amphoraOf(id);
      const ports = async () => {
        const all = await openstack.network.listPortsOfDevice(amphora.computeId ?? '');
        return all.map(({ name, fixedIps }) => [name, fixedIps.map(({ subnetId }) => subnetId)]);
      };
      const before = await ports();
      const managed = (await openstack.network.listPortsOfDevice(amphora.computeId ?? '')).find(({ fixedIps }) =>
        fixedIps.some(({ ipAddress }) => ipAddress === amphora.lbNetworkIp),
      );
      const management = { networkId: managed?.networkId ?? '', subnetId: managed?.fixedIps[0]?.subnetId ?? '' };
      const { vip, member } = networks;
      const subnets = [member.subnetId, member.otherSubnetId, vip.otherSubnetId, management.subnetId];
      const members: string[] = [];
      for (const [index, subnet_id] of subnets.entries()) {
        const asked = { address: member.address, protocol_port: 10 + index, subnet_id };
        members.push((await call('POST', `/pools/${pool.id}/members`, { member: asked })).member.id);
        await settled(id);
      }
      const memberPort = (networkId: string) => `octavia-lb-member-${amphora.id}-${networkId}`;
      const vrrp = `octavia-lb-vrrp-${amphora.id}`;
      const others = before.filter(([name]) => name !== vrrp);
      expect(await ports()).toEqual(
        expect.arrayContaining([
          ...others,
          [vrrp, [vip.subnetId, vip.otherSubnetId]],
          [memberPort(member.networkId), [member.subnetId, member.otherSubnetId]],
          [memberPort(management.networkId), [management.subnetId]],
        ]),
      );
      expect(await ports()).toHaveLength(before.length + 2);
      for (const one of members) {
        await call('DELETE', `/pools/${pool.id}/members/${one}`);
        await settled(id);
      }
      expect((await ports()).toSorted()).toEqual(before.toSorted());
    }, 180_000);

    it('fails over to the image that carries the tag now, and answers all the while', async () => {
      const [id = ''] = made;
      const before = await amphoraOf(id);
      const { vip_address: vip } = await show(id);
      const newer = await push();
      await call('PUT', `/loadbalancers/${id}/failover`);
      const answers = () =>
        answersOf(`http://${vip}:8080/`, 1).then(
          () => true,
          () => false,
        );
      let failures = 0;
      do {
        // A connection that the old amphora has when it goes ends with it; new ones are answered, at the latest a second later.
        let answered = await answers();
        for (let again = 0; !answered && again < 4; again++) {
          await sleep(250);
          answered = await answers();
        }
        if (!answered) failures++;
      } while ((await show(id)).provisioning_status === 'PENDING_UPDATE');
      await settled(id);
      const after = await amphoraOf(id);
      expect(after).toMatchObject({ imageId: newer, status: 'ALLOCATED' });
      expect(after.id).not.toBe(before.id);
      expect(new Set(await answersOf(`http://${vip}:8080/`))).toEqual(new Set(['one']));
      expect(failures).toBe(0);
      expect(await portNamed(`octavia-lb-vrrp-${before.id}`)).toBeNull();
      const servers = await openstack.compute.findServersByName(before.serverName);
      expect(servers.filter(({ status }) => status !== 'DELETED')).toEqual([]);
    }, 120_000);

    it('takes a port that its user brings, and gives it back when it goes', async () => {
      const portId = await networks.makePort();
      const lb = await create({ vip_subnet_id: undefined, vip_port_id: portId });
      expect(lb).toMatchObject({ vip_port_id: portId });
      await remove(lb.id);
      expect(await openstack.network.getPort(portId)).toMatchObject({ deviceId: '' });
      await networks.removePort(portId);
    }, 90_000);

    it('leaves nothing behind when it is deleted', async () => {
      for (const id of made) {
        await remove(id);
        expect(await portNamed(`octavia-lb-${id}`)).toBeNull();
        expect(await openstack.network.findSecurityGroupsByName(`lb-${id}`)).toEqual([]);
        for (const amphora of await state.amphorae.list({ includeDeleted: true, loadBalancerId: id })) {
          expect(amphora.status).toBe('DELETED');
          expect(await portNamed(`octavia-lb-vrrp-${amphora.id}`)).toBeNull();
          const servers = await openstack.compute.findServersByName(amphora.serverName);
          expect(servers.filter(({ status }) => status !== 'DELETED')).toEqual([]);
        }
      }
    }, 120_000);
  });
}

async function httpsAnswer(host: string, port: number): Promise<{ body: string; commonName: string }> {
  return await new Promise((resolve, reject) => {
    const sent = httpsRequest({ host, port, servername: 'kiln.example', rejectUnauthorized: false }, (answer) => {
      const { subject } = (answer.socket as import('node:tls').TLSSocket).getPeerCertificate();
      let body = '';
      answer.on('data', (chunk) => {
        body += chunk;
      });
      answer.on('end', () => resolve({ body, commonName: String(subject.CN) }));
    });
    sent.on('error', reject);
    sent.end();
  });
}
