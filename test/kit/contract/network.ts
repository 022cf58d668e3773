import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NetworkService, NewPort, NewSecurityGroupRule, Port, Subnet } from '../../../src/ports/network.ts';

export interface NetworkSubject {
  network: NetworkService;
  networkId: string;
  securityGroupId: string;
  /** Owner of both. */
  projectId: string;
  /** Another project, for which ports can be made. */
  tenantProjectId: string;
  /** A subnet of another network; null where there is none. */
  otherSubnetId: string | null;
  /** A QoS policy; null where there is no QoS. */
  qosPolicyId: string | null;
  close?(): Promise<void>;
}

/** What every NetworkService does, whatever is behind it. Ports of servers are in the contract of ComputeService. */
export function describeNetworkContract(name: string, makeSubject: () => Promise<NetworkSubject>): void {
  describe(`NetworkService: ${name}`, () => {
    let subject: NetworkSubject;
    let subnet: Subnet;
    const madePorts: string[] = [];
    const madeGroups: string[] = [];

    beforeAll(async () => {
      subject = await makeSubject();
      const [first] = await subject.network.listSubnetsOfNetwork(subject.networkId);
      if (!first) throw new Error('the network has no subnet');
      subnet = first;
    });
    afterEach(async () => {
      for (const id of madePorts.splice(0)) await subject.network.deletePort(id);
      for (const id of madeGroups.splice(0)) await subject.network.deleteSecurityGroup(id);
    });
    afterAll(async () => subject?.close?.());

    async function createPort(fields: Partial<NewPort> = {}): Promise<Port> {
      const port = await subject.network.createPort({
        name: `contract-${randomUUID()}`,
        networkId: subject.networkId,
        projectId: null,
        fixedIps: [],
        deviceId: '',
        deviceOwner: 'Octavia',
        adminStateUp: true,
        securityGroupIds: null,
        allowedAddressPairs: [],
        qosPolicyId: null,
        ...fields,
      });
      madePorts.push(port.id);
      return port;
    }
    async function createGroup(): Promise<string> {
      const group = { name: `contract-${randomUUID()}`, description: 'made by a test' };
      const { id } = await subject.network.createSecurityGroup(group);
      madeGroups.push(id);
      return id;
    }
    const at = (ipAddress: string | null, subnetId: string | null = subnet.id) => ({ subnetId, ipAddress });
    const notThere = { name: 'ServiceError', code: 'SERVICE_NOT_FOUND', call: { status: 404 } };

    it('knows a network', async () => {
      const network = await subject.network.getNetwork(subject.networkId);
      expect(network).toMatchObject({
        id: subject.networkId,
        projectId: subject.projectId,
        adminStateUp: true,
        status: 'ACTIVE',
        shared: expect.any(Boolean),
      });
      expect(network.subnetIds.length).toBeGreaterThan(0);
      expect(network.mtu).toBeGreaterThanOrEqual(576);
    });

    it('knows the subnets of a network', async () => {
      const { network, networkId } = subject;
      expect(subnet).toMatchObject({ networkId, ipVersion: 4, hostRoutes: expect.any(Array) });
      expect(subnet.cidr).toMatch(/^\d+\.\d+\.\d+\.\d+\/\d+$/);
      expect(await network.getSubnet(subnet.id)).toEqual(subnet);
      const { subnetIds } = await network.getNetwork(networkId);
      const listed = (await network.listSubnetsOfNetwork(networkId)).map((one) => one.id);
      expect(listed.toSorted()).toEqual([...subnetIds].toSorted());
      expect(await network.listSubnetsOfNetwork(randomUUID())).toEqual([]);
    });

    it('counts the addresses that are free', async () => {
      const { network, networkId } = subject;
      const before = (await network.freeAddresses(networkId)).get(subnet.id) ?? 0;
      expect(before).toBeGreaterThan(0);
      await createPort({ fixedIps: [at(null), at(null)] });
      const after = await network.freeAddresses(networkId);
      expect(after.get(subnet.id)).toBe(before - 2);
      expect([...after.keys()].toSorted()).toEqual([...(await network.getNetwork(networkId)).subnetIds].toSorted());
      await expect(network.freeAddresses(randomUUID())).rejects.toMatchObject(notThere);
    });

    it('knows a security group with its rules', async () => {
      const group = await subject.network.getSecurityGroup(subject.securityGroupId);
      expect(group).toMatchObject({ id: subject.securityGroupId, projectId: subject.projectId });
      expect(group.rules).toContainEqual({
        id: expect.any(String),
        direction: 'ingress',
        protocol: 'tcp',
        portRangeMin: 9443,
        portRangeMax: 9443,
        etherType: 'IPv4',
        remoteIpPrefix: null,
      });
    });

    it('says what is not there', async () => {
      const gone = randomUUID();
      const { network } = subject;
      await expect(network.getNetwork(gone)).rejects.toMatchObject(notThere);
      await expect(network.getSubnet(gone)).rejects.toMatchObject(notThere);
      await expect(network.getPort(gone)).rejects.toMatchObject(notThere);
      await expect(network.updatePort(gone, { name: 'x' })).rejects.toMatchObject(notThere);
      await expect(network.getSecurityGroup(gone)).rejects.toMatchObject(notThere);
      await expect(network.getQosPolicy(gone)).rejects.toMatchObject(notThere);
      await expect(createPort({ networkId: gone })).rejects.toMatchObject(notThere);
      await expect(createPort({ securityGroupIds: [gone] })).rejects.toMatchObject(notThere);
      expect(await network.findPortsByName(gone)).toEqual([]);
      expect(await network.findSecurityGroupsByName(gone)).toEqual([]);
    });

    it('makes a port with all that was asked for', async () => {
      const groupId = await createGroup();
      const spare = await createPort();
      const [{ ipAddress = '' } = {}] = spare.fixedIps;
      await subject.network.deletePort(spare.id);
      const wanted: NewPort = {
        name: `contract-${randomUUID()}`,
        networkId: subject.networkId,
        projectId: null,
        fixedIps: [at(ipAddress)],
        deviceId: `lb-${randomUUID()}`,
        deviceOwner: 'Octavia',
        adminStateUp: false,
        securityGroupIds: [groupId],
        allowedAddressPairs: [{ ipAddress: '203.0.113.7' }],
        qosPolicyId: null,
        description: 'made by a test',
      };
      const port = await createPort(wanted);
      expect(port).toEqual({
        ...wanted,
        id: expect.stringMatching(/./),
        projectId: subject.projectId,
        macAddress: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/),
        status: 'DOWN',
        portSecurityEnabled: true,
      });
      expect(await subject.network.getPort(port.id)).toEqual(port);
      expect(await subject.network.listPortsOfDevice(wanted.deviceId)).toEqual([port]);
    });

    it('chooses an address, for whichever project owns the port', async () => {
      const port = await createPort({ projectId: subject.tenantProjectId });
      expect(port.projectId).toBe(subject.tenantProjectId);
      expect(port.fixedIps).toHaveLength(1);
      expect(port.fixedIps[0]?.subnetId).toBe(subnet.id);
      const two = await createPort({ fixedIps: [at(null), at(null)] });
      expect(new Set([...port.fixedIps, ...two.fixedIps].map((ip) => ip.ipAddress)).size).toBe(3);
    });

    it('finds ports by their exact name and no others', async () => {
      const { id, name } = await createPort();
      await createPort();
      const ids = async (wanted: string) => (await subject.network.findPortsByName(wanted)).map((port) => port.id);
      expect(await ids(name)).toEqual([id]);
      expect(await ids(name.toUpperCase())).toEqual([]);
      expect(await ids(name.slice(0, -1))).toEqual([]);
      expect(await ids('')).not.toContain(id);
    });

    it('finds ports by their exact description and no others', async () => {
      const description = `contract-${randomUUID()}`;
      const { id } = await createPort({ description });
      await createPort();
      const ids = async (wanted: string) =>
        (await subject.network.findPortsByDescription(wanted)).map((port) => port.id);
      expect(await ids(description)).toEqual([id]);
      expect(await ids(description.toUpperCase())).toEqual([]);
      await subject.network.updatePort(id, { deviceId: '', deviceOwner: '' });
      expect(await ids(description)).toEqual([id]);
    });

    it('refuses an address in use, and one that does not belong there', async () => {
      const [{ ipAddress = '' } = {}] = (await createPort()).fixedIps;
      const name = `contract-${randomUUID()}`;
      await expect(createPort({ name, fixedIps: [at(ipAddress)] })).rejects.toMatchObject({
        code: 'SERVICE_CONFLICT',
        retryable: false,
        call: { status: 409, serviceMessage: expect.stringContaining(ipAddress) },
      });
      const rejected = { code: 'SERVICE_REJECTED_REQUEST', call: { status: 400 } };
      await expect(createPort({ name, fixedIps: [at('203.0.113.7')] })).rejects.toMatchObject(rejected);
      await expect(createPort({ name, fixedIps: [at(null, randomUUID())] })).rejects.toMatchObject(notThere);
      if (subject.otherSubnetId !== null) {
        const elsewhere = createPort({ name, fixedIps: [at(null, subject.otherSubnetId)] });
        await expect(elsewhere).rejects.toMatchObject(rejected);
      }
      expect(await subject.network.findPortsByName(name)).toEqual([]);
    });

    it('changes of a port what is given, and nothing else', async () => {
      const groupId = await createGroup();
      const before = await createPort({ allowedAddressPairs: [{ ipAddress: '203.0.113.7' }], deviceId: 'lb-1' });
      const change = (patch: Parameters<NetworkService['updatePort']>[1]) =>
        subject.network.updatePort(before.id, patch);

      expect(await change({ securityGroupIds: [groupId] })).toEqual({ ...before, securityGroupIds: [groupId] });
      const pairs = [{ ipAddress: '203.0.113.8' }, { ipAddress: '2001:db8::8' }];
      const patch = { name: 'other', adminStateUp: false, deviceId: 'lb-2', deviceOwner: 'other' } as const;
      const changed = await change({ ...patch, allowedAddressPairs: pairs });
      // In no order.
      const same = expect.arrayContaining(pairs);
      expect(changed).toEqual({ ...before, ...patch, securityGroupIds: [groupId], allowedAddressPairs: same });
      expect(changed.allowedAddressPairs).toHaveLength(2);
      expect(await change({ allowedAddressPairs: [], securityGroupIds: [] })).toEqual({
        ...changed,
        allowedAddressPairs: [],
        securityGroupIds: [],
      });
      const another = { subnetId: subnet.id, ipAddress: null };
      const more = await change({ fixedIps: [...before.fixedIps, another] });
      expect(more.fixedIps).toHaveLength(2);
      expect(more.fixedIps).toEqual(expect.arrayContaining([...before.fixedIps]));
      expect((await change({ fixedIps: before.fixedIps })).fixedIps).toEqual(before.fixedIps);
      await expect(change({ securityGroupIds: [randomUUID()] })).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
    });

    it('deletes ports, and deletes them again', async () => {
      const { id, fixedIps } = await createPort();
      await subject.network.deletePort(id);
      await subject.network.deletePort(id);
      await expect(subject.network.getPort(id)).rejects.toMatchObject(notThere);
      // The address is free again.
      const [{ ipAddress = '' } = {}] = fixedIps;
      expect((await createPort({ fixedIps: [at(ipAddress)] })).fixedIps).toEqual(fixedIps);
    });

    it('gives a port a QoS policy where there are any', async () => {
      const { qosPolicyId, network } = subject;
      if (qosPolicyId === null) {
        await expect(network.getQosPolicy(randomUUID())).rejects.toMatchObject(notThere);
        expect((await createPort()).qosPolicyId).toBeNull();
        return;
      }
      expect(await network.getQosPolicy(qosPolicyId)).toEqual({ id: qosPolicyId });
      const port = await createPort({ qosPolicyId });
      expect(port.qosPolicyId).toBe(qosPolicyId);
      expect((await network.updatePort(port.id, { qosPolicyId: null })).qosPolicyId).toBeNull();
      expect((await network.updatePort(port.id, { qosPolicyId })).qosPolicyId).toBe(qosPolicyId);
      await expect(createPort({ qosPolicyId: randomUUID() })).rejects.toMatchObject({ code: 'SERVICE_NOT_FOUND' });
    });

    it('makes a security group that lets nothing in, and finds it by its exact name', async () => {
      const name = `contract-${randomUUID()}`;
      const group = await subject.network.createSecurityGroup({ name, description: 'made by a test' });
      madeGroups.push(group.id);
      expect(group).toMatchObject({ name, projectId: subject.projectId });
      expect(group.rules.filter((rule) => rule.direction === 'ingress')).toEqual([]);
      const ids = async (wanted: string) =>
        (await subject.network.findSecurityGroupsByName(wanted)).map((one) => one.id);
      expect(await ids(name)).toEqual([group.id]);
      expect(await ids(name.toUpperCase())).toEqual([]);
    });

    it('adds rules once, however often it is asked, and removes them', async () => {
      const { network } = subject;
      const groupId = await createGroup();
      const ingress = async () =>
        (await network.getSecurityGroup(groupId)).rules.filter((rule) => rule.direction === 'ingress');
      const rules: NewSecurityGroupRule[] = [
        { protocol: 'tcp', portRangeMin: 80, portRangeMax: 80, etherType: 'IPv4', remoteIpPrefix: null },
        { protocol: 'udp', portRangeMin: 53, portRangeMax: 53, etherType: 'IPv4', remoteIpPrefix: '192.0.2.0/24' },
        { protocol: 'sctp', portRangeMin: 9, portRangeMax: 9, etherType: 'IPv6', remoteIpPrefix: '2001:db8::/32' },
        { protocol: '112', portRangeMin: null, portRangeMax: null, etherType: 'IPv4', remoteIpPrefix: null },
        { protocol: '51', portRangeMin: null, portRangeMax: null, etherType: 'IPv4', remoteIpPrefix: null },
      ];
      for (const rule of [...rules, ...rules]) await network.createSecurityGroupRule(groupId, rule);
      const made = await ingress();
      // Neutron may name a protocol by its name where a number was given.
      const key = (rule: NewSecurityGroupRule) => `${rule.portRangeMin} ${rule.etherType} ${rule.remoteIpPrefix}`;
      expect(made.map(key).toSorted()).toEqual(rules.map(key).toSorted());
      expect(new Set(made.map((rule) => rule.protocol)).size).toBe(5);

      const [first] = made;
      await network.deleteSecurityGroupRule(first?.id ?? '');
      await network.deleteSecurityGroupRule(first?.id ?? '');
      expect((await ingress()).map((rule) => rule.id).toSorted()).toEqual(
        made
          .slice(1)
          .map((rule) => rule.id)
          .toSorted(),
      );
      await expect(network.createSecurityGroupRule(randomUUID(), rules[0] as never)).rejects.toMatchObject(notThere);
    });

    it('does not delete a security group that a port uses, and deletes it afterwards, twice', async () => {
      const { network } = subject;
      const groupId = await createGroup();
      const port = await createPort({ securityGroupIds: [groupId] });
      await expect(network.deleteSecurityGroup(groupId)).rejects.toMatchObject({
        code: 'SERVICE_CONFLICT',
        retryable: true,
      });
      await network.updatePort(port.id, { securityGroupIds: [] });
      await network.deleteSecurityGroup(groupId);
      await network.deleteSecurityGroup(groupId);
      await expect(network.getSecurityGroup(groupId)).rejects.toMatchObject(notThere);
    });

    it('lists no ports of a device that has none', async () => {
      expect(await subject.network.listPortsOfDevice(randomUUID())).toEqual([]);
    });
  });
}
