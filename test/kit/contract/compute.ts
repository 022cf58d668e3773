import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Server, ServerSpec } from '../../../src/model/compute.ts';
import type { ComputeService } from '../../../src/ports/compute.ts';
import type { NetworkService, Port } from '../../../src/ports/network.ts';

export interface ComputeSubject {
  compute: ComputeService;
  /** The Neutron that Nova works with. */
  network: NetworkService;
  /** An image that boots. */
  imageId: string;
  /** An image that is not active, or that is not there. */
  deadImageIds: readonly string[];
  flavorId: string;
  networkId: string;
  securityGroupId: string;
  keyName: string;
  /** How many there are that servers can be started on. */
  hosts: number;
  /** Files that the image needs to boot. */
  files?: Readonly<Record<string, string>>;
  close?(): Promise<void>;
}

/** What every ComputeService does, whatever is behind it. */
export function describeComputeContract(name: string, makeSubject: () => Promise<ComputeSubject>): void {
  // A real Nova on a busy machine takes its time to build and to delete.
  describe(`ComputeService: ${name}`, { timeout: 120_000 }, () => {
    let subject: ComputeSubject;
    const made: string[] = [];
    const madePorts: string[] = [];
    const madeGroups: string[] = [];

    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterEach(async () => {
      for (const id of madeGroups.splice(0)) await subject.compute.deleteServerGroup(id);
      for (const id of made.splice(0)) await subject.compute.deleteServer(id);
      for (const id of madePorts.splice(0)) await subject.network.deletePort(id);
    });
    afterAll(async () => subject?.close?.());

    const specOf = (fields: Partial<ServerSpec> = {}): ServerSpec => ({
      name: `amphora-${randomUUID()}`,
      imageId: subject.imageId,
      flavorId: subject.flavorId,
      keyName: subject.keyName,
      securityGroupIds: [subject.securityGroupId],
      networkIds: [subject.networkId],
      portIds: [],
      availabilityZone: null,
      serverGroupId: null,
      files: subject.files ?? { '/etc/octavia/amphora-agent.conf': '[DEFAULT]\n# größe\n' },
      userData: null,
      ...fields,
    });
    async function boot(spec: ServerSpec): Promise<string> {
      const { id } = await subject.compute.createServer(spec);
      made.push(id);
      return id;
    }
    async function createPort(): Promise<Port> {
      const port = await subject.network.createPort({
        name: `contract-${randomUUID()}`,
        networkId: subject.networkId,
        projectId: null,
        fixedIps: [],
        deviceId: '',
        deviceOwner: 'Octavia',
        adminStateUp: true,
        securityGroupIds: [],
        allowedAddressPairs: [],
        qosPolicyId: null,
      });
      madePorts.push(port.id);
      return port;
    }
    /** Nova answers before it has done it. */
    async function unplugged(portId: string): Promise<void> {
      while ((await subject.network.getPort(portId)).deviceId !== '') await wait(100);
    }
    async function built(id: string): Promise<Server> {
      for (;;) {
        const server = await subject.compute.getServer(id);
        if (server.status !== 'BUILD') return server;
        await wait(200);
      }
    }

    it('boots a server from exactly the image asked for, with its interface', async () => {
      const spec = specOf();
      const id = await boot(spec);
      const server = await built(id);
      expect(server).toMatchObject({ id, name: spec.name, status: 'ACTIVE', imageId: spec.imageId, fault: null });
      expect(Number.isNaN(Date.parse(server.createdAt))).toBe(false);

      const interfaces = await subject.compute.listInterfaces(id);
      expect(interfaces).toHaveLength(1);
      expect(interfaces[0]).toMatchObject({ networkId: subject.networkId });
      expect(interfaces[0]?.macAddress).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
      expect(interfaces[0]?.fixedIps[0]?.ipAddress).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      const ports = await subject.network.listPortsOfDevice(id);
      expect(ports.map((port) => port.id)).toEqual(interfaces.map((one) => one.portId));
      expect(ports[0]?.fixedIps).toEqual(interfaces[0]?.fixedIps);
      expect(await subject.compute.getConsoleOutput(id, 10)).toEqual(expect.any(String));
    });

    it('plugs a port in and takes it out, once, however often it is asked; the port stays', async () => {
      const { compute, network } = subject;
      const id = await boot(specOf());
      await built(id);
      const port = await createPort();
      await compute.attachPort(id, port.id);
      await compute.attachPort(id, port.id);
      const interfaces = await compute.listInterfaces(id);
      expect(interfaces.filter((one) => one.portId === port.id)).toEqual([
        { portId: port.id, networkId: port.networkId, macAddress: port.macAddress, fixedIps: port.fixedIps },
      ]);
      expect(interfaces).toHaveLength(2);
      expect(await network.getPort(port.id)).toMatchObject({ deviceId: id, deviceOwner: 'compute:nova' });

      const other = await boot(specOf());
      await built(other);
      await expect(compute.attachPort(other, port.id)).rejects.toMatchObject({ code: 'SERVICE_CONFLICT' });

      await compute.detachPort(id, port.id);
      await unplugged(port.id);
      await compute.detachPort(id, port.id);
      expect(await compute.listInterfaces(id)).toHaveLength(1);
      expect(await network.getPort(port.id)).toMatchObject({ deviceId: '', fixedIps: port.fixedIps });
      // It can go elsewhere now, and survives the server it is in.
      await compute.attachPort(other, port.id);
      await compute.deleteServer(other);
      await unplugged(port.id);
      expect((await network.getPort(port.id)).fixedIps).toEqual(port.fixedIps);
    });

    it('says what is not there to be plugged in; what is not there is out already', async () => {
      const { compute } = subject;
      const id = await boot(specOf());
      await built(id);
      const port = await createPort();
      await expect(compute.attachPort(id, randomUUID())).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
      await expect(compute.attachPort(randomUUID(), port.id)).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
      await compute.detachPort(id, port.id);
      await compute.detachPort(id, randomUUID());
      await compute.detachPort(randomUUID(), port.id);
      expect(await compute.listInterfaces(id)).toHaveLength(1);
    });

    it('boots with a port that is there already', async () => {
      const { compute, network } = subject;
      const port = await createPort();
      const id = await boot(specOf({ portIds: [port.id] }));
      await built(id);
      const [, plugged] = (await compute.listInterfaces(id)).toSorted((a) => (a.portId === port.id ? 1 : -1));
      expect(plugged).toMatchObject({ portId: port.id, macAddress: port.macAddress, fixedIps: port.fixedIps });
      await compute.deleteServer(id);
      await unplugged(port.id);
      expect((await network.getPort(port.id)).fixedIps).toEqual(port.fixedIps);
    });

    it('finds servers by their exact name and no others', async () => {
      const spec = specOf({ name: `amphora.${randomUUID()}` });
      const id = await boot(spec);
      const ids = async (wanted: string) => (await subject.compute.findServersByName(wanted)).map((one) => one.id);
      expect(await ids(spec.name)).toEqual([id]);
      expect(await ids(spec.name.toUpperCase())).toEqual([]);
      expect(await ids(spec.name.replace('.', 'x'))).toEqual([]);
      expect(await ids(spec.name.slice(0, -1))).toEqual([]);
      expect(await ids(spec.name.slice(8))).toEqual([]);
    });

    it('deletes, until the server is gone, and deletes again', async () => {
      const spec = specOf();
      const id = await boot(spec);
      await built(id);
      await subject.compute.deleteServer(id);
      await expect(
        (async () => {
          for (;;) {
            await subject.compute.getServer(id);
            await wait(100);
          }
        })(),
      ).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND', call: { status: 404 } });
      await subject.compute.deleteServer(id);
      expect(await subject.compute.findServersByName(spec.name)).toEqual([]);
      await expect(subject.compute.listInterfaces(id)).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
    });

    it('keeps groups of servers, found by their exact name and no other', async () => {
      const { compute } = subject;
      const name = `octavia-lb-${randomUUID()}`;
      expect(await compute.findServerGroupsByName(name)).toEqual([]);
      const groups = [];
      for (const policy of ['anti-affinity', 'soft-anti-affinity'] as const) {
        const group = await compute.createServerGroup({ name, policy });
        madeGroups.push(group.id);
        expect(group).toEqual({ id: expect.any(String), name, policy });
        groups.push(group);
      }
      const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1);
      expect((await compute.findServerGroupsByName(name)).sort(byId)).toEqual(groups.sort(byId));
      expect(await compute.findServerGroupsByName(name.slice(0, -1))).toEqual([]);
      for (const { id } of groups) {
        await compute.deleteServerGroup(id);
        await compute.deleteServerGroup(id);
      }
      expect(await compute.findServerGroupsByName(name)).toEqual([]);
    });

    it('boots servers of a soft group wherever there is room; a hard one is full when its hosts are', async () => {
      const { compute } = subject;
      const groupOf = async (policy: 'anti-affinity' | 'soft-anti-affinity') => {
        const { id } = await compute.createServerGroup({ name: `octavia-lb-${randomUUID()}`, policy });
        madeGroups.push(id);
        return id;
      };
      const soft = await groupOf('soft-anti-affinity');
      const hard = await groupOf('anti-affinity');
      const bootIn = async (serverGroupId: string) => await built(await boot(specOf({ serverGroupId })));
      expect((await bootIn(soft)).status).toBe('ACTIVE');
      expect((await bootIn(soft)).status).toBe('ACTIVE');
      expect((await bootIn(hard)).status).toBe('ACTIVE');
      for (let others = 1; others <= subject.hosts; others++) {
        const server = await bootIn(hard);
        if (others < subject.hosts) expect(server.status).toBe('ACTIVE');
        else
          expect(server).toMatchObject({
            status: 'ERROR',
            fault: { message: expect.stringMatching(/no valid host/i) },
          });
      }
      const gone = compute.createServer(specOf({ serverGroupId: randomUUID() }));
      await expect(gone).rejects.toMatchObject({ code: 'SERVICE_REJECTED_REQUEST' });
    });

    it('tells an image that is gone or not active from other refusals, and makes no server', async () => {
      for (const imageId of subject.deadImageIds) {
        const spec = specOf({ imageId });
        await expect(subject.compute.createServer(spec)).rejects.toMatchObject({ code: 'IMAGE_GONE', retryable: true });
        expect(await subject.compute.findServersByName(spec.name)).toEqual([]);
      }
      for (const wrong of [{ flavorId: 'no-such-flavor' }, { keyName: 'no-such-key' }]) {
        const creation = subject.compute.createServer(specOf(wrong));
        await expect(creation).rejects.toMatchObject({ code: 'SERVICE_REJECTED_REQUEST', call: { status: 400 } });
      }
    });

    it('knows flavors', async () => {
      const flavor = await subject.compute.getFlavor(subject.flavorId);
      expect(flavor).toMatchObject({ id: subject.flavorId, extraSpecs: expect.any(Object) });
      expect(flavor.vcpus).toBeGreaterThan(0);
      expect(flavor.ramMiB).toBeGreaterThan(0);
      await expect(subject.compute.getFlavor('no-such-flavor')).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
    });

    it('knows key pairs, zones and its newest microversion', async () => {
      expect(await subject.compute.hasKeypair(subject.keyName)).toBe(true);
      expect(await subject.compute.hasKeypair('no-such-key')).toBe(false);
      expect(await subject.compute.listAvailabilityZones()).toContain('nova');
      expect(await subject.compute.hasAvailabilityZone('nova')).toBe(true);
      expect(await subject.compute.hasAvailabilityZone('no-such-zone')).toBe(false);
      expect(await subject.compute.maxMicroversion()).toMatch(/^2\.\d+$/);
    });

    it('says that a server is not there', async () => {
      await expect(subject.compute.getServer(randomUUID())).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
      const output = subject.compute.getConsoleOutput(randomUUID(), 10);
      await expect(output).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
      await subject.compute.deleteServer(randomUUID());
    });
  });
}
