import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NetworkService } from '../../../src/ports/network.ts';
import type { NetworkReferences } from '../../../src/ports/network-references.ts';
import type { AllocatedVips, VipAllocator, VipRequest } from '../../../src/ports/vip-allocator.ts';
import { createReferenceChecker } from '../../../src/services/reference-checker.ts';

export interface VipAllocatorSubject {
  vips: VipAllocator;
  network: NetworkService;
  networkId: string;
  /** Of that network. */
  subnetId: string;
  /** Of another one. */
  otherSubnetId: string;
  /** A network without subnets. */
  emptyNetworkId: string;
  /** Null where there is no QoS. */
  qosPolicyId: string | null;
  securityGroupId: string;
  /** Whose load balancers they are. */
  projectId: string;
  close?(): Promise<void>;
}

/** What the allocator of VIPs does over any NetworkService. */
export function describeVipAllocatorContract(name: string, makeSubject: () => Promise<VipAllocatorSubject>): void {
  describe(`VipAllocator: ${name}`, () => {
    let subject: VipAllocatorSubject;
    const toRelease: string[] = [];
    const toDelete: string[] = [];

    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterEach(async () => {
      for (const id of toRelease.splice(0)) await subject.vips.release(id);
      for (const id of toDelete.splice(0)) await subject.network.deletePort(id);
    });
    afterAll(async () => subject?.close?.());

    async function allocate(fields: Partial<VipRequest>): Promise<AllocatedVips & { loadBalancerId: string }> {
      const loadBalancerId = fields.loadBalancerId ?? randomUUID();
      const allocated = await subject.vips.allocate({
        loadBalancerId,
        projectId: subject.projectId,
        name: 'lb',
        address: null,
        portId: null,
        subnetId: null,
        networkId: null,
        qosPolicyId: null,
        securityGroupIds: [],
        allowedNetworkIds: [],
        deniedNetworkIds: [],
        additional: [],
        ...fields,
      });
      toRelease.push(loadBalancerId);
      return { ...allocated, loadBalancerId };
    }
    const portsOf = (loadBalancerId: string) => subject.network.findPortsByName(`octavia-lb-${loadBalancerId}`);
    /** Refused in these words, and no port is left. */
    async function isRefused(fields: Partial<VipRequest>, message: string | RegExp, code = 'REQUEST_INVALID') {
      const loadBalancerId = randomUUID();
      const refusal = allocate({ ...fields, loadBalancerId });
      await expect(refusal).rejects.toMatchObject({
        code,
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      });
      expect(await portsOf(loadBalancerId)).toEqual([]);
    }
    const gone = randomUUID();

    it('makes one port for a subnet, as Octavia makes it', async () => {
      const { subnetId, networkId, projectId } = subject;
      const { vip, additionalVips, qosPolicyId, loadBalancerId } = await allocate({ subnetId });
      const [port, ...others] = await portsOf(loadBalancerId);
      expect(others).toEqual([]);
      expect(port).toMatchObject({
        deviceId: `lb-${loadBalancerId}`,
        deviceOwner: 'Octavia',
        adminStateUp: false,
        networkId,
        projectId,
        qosPolicyId: null,
      });
      expect(vip).toEqual({
        address: port?.fixedIps[0]?.ipAddress,
        networkId,
        subnetId,
        portId: port?.id,
        octaviaOwned: true,
      });
      expect({ additionalVips, qosPolicyId }).toEqual({ additionalVips: [], qosPolicyId: null });
    });

    it('gives the port back, twice if need be', async () => {
      const allocated = await allocate({ subnetId: subject.subnetId });
      await subject.vips.release(allocated.loadBalancerId);
      await subject.vips.release(allocated.loadBalancerId);
      expect(await portsOf(allocated.loadBalancerId)).toEqual([]);
    });

    it('finds the subnet of a network, by the address if one is given', async () => {
      const { networkId, subnetId } = subject;
      const first = await allocate({ networkId });
      expect(first.vip).toMatchObject({ networkId, subnetId });
      await subject.vips.release(first.loadBalancerId);
      const { address } = first.vip;
      expect((await allocate({ networkId, address })).vip).toMatchObject({ networkId, subnetId, address });
    });

    it('takes an address that is free, and refuses one that is not', async () => {
      const { subnetId } = subject;
      const { vip } = await allocate({ subnetId });
      await isRefused({ subnetId, address: vip.address }, new RegExp(vip.address), 'RESOURCE_CONFLICT');
      await isRefused({ subnetId, address: '203.0.113.9' }, /203\.0\.113\.9 is not a valid IP/);
    });

    it('uses a port that is brought, and leaves it there', async () => {
      const { network, networkId, subnetId, vips } = subject;
      const port = await network.createPort({
        name: `mine-${randomUUID()}`,
        networkId,
        projectId: subject.projectId,
        fixedIps: [{ subnetId, ipAddress: null }],
        deviceId: '',
        deviceOwner: '',
        adminStateUp: true,
        securityGroupIds: [],
        allowedAddressPairs: [],
        qosPolicyId: subject.qosPolicyId,
      });
      toDelete.push(port.id);
      const allocated = await allocate({ portId: port.id });
      expect(allocated).toMatchObject({
        vip: { portId: port.id, networkId, subnetId, address: port.fixedIps[0]?.ipAddress, octaviaOwned: false },
        // The policy that the port has already.
        qosPolicyId: subject.qosPolicyId,
      });
      await vips.release(allocated.loadBalancerId);
      expect(await network.getPort(port.id)).toEqual(port);

      await isRefused(
        { portId: port.id, subnetId: subject.otherSubnetId },
        'Validation failure: No VIP address found on the specified VIP port within the specified subnet.',
      );
      await network.updatePort(port.id, { deviceId: 'someone' });
      // The blank at the end is Octavia's.
      const inUse = `Validation failure: Port ${port.id} is already used by device someone `;
      await isRefused({ portId: port.id }, inUse);
    });

    it('refuses what is not there, by its kind and ID', async () => {
      const { subnetId, networkId } = subject;
      await isRefused({ subnetId: gone }, `Subnet ${gone} not found.`);
      await isRefused({ networkId: gone }, `Network ${gone} not found.`);
      await isRefused({ portId: gone }, `Port ${gone} not found.`);
      const noQos = 'Validation failure: VIP QoS policy is not allowed in this deployment.';
      const noPolicy = subject.qosPolicyId === null ? noQos : `qos_policy ${gone} not found.`;
      await isRefused({ subnetId, qosPolicyId: gone }, noPolicy);
      await isRefused(
        { subnetId, securityGroupIds: [subject.securityGroupId, gone] },
        `Security Group ${gone} not found.`,
      );
      const nowhere = [{ subnetId: gone, address: null, portId: null }];
      await isRefused({ subnetId, additional: nowhere }, `Validation failure: Subnet ${gone} not found`);
      const references = createReferenceChecker(() => subject.network);
      const isMissing = async (asked: NetworkReferences, message: string) =>
        expect(references.check(asked)).rejects.toMatchObject({ code: 'REQUEST_INVALID', message });
      await isMissing({ subnetIds: [subnetId, gone] }, `Subnet ${gone} not found.`);
      await isMissing({ securityGroupIds: [gone] }, `Security Group ${gone} not found.`);
      await isMissing({ qosPolicyIds: [gone] }, noPolicy);
      await references.check({ subnetIds: [subnetId, subnetId], securityGroupIds: [subject.securityGroupId] });
      expect((await allocate({ networkId, securityGroupIds: [subject.securityGroupId] })).vip.networkId).toBe(
        networkId,
      );
      expect((await allocate({ networkId, qosPolicyId: subject.qosPolicyId })).qosPolicyId).toBe(subject.qosPolicyId);
    });

    it('refuses what does not fit together', async () => {
      const { subnetId, otherSubnetId, networkId, emptyNetworkId } = subject;
      await isRefused({ networkId, subnetId: otherSubnetId }, `Subnet ${otherSubnetId} not found.`);
      await isRefused(
        { networkId, address: '203.0.113.9' },
        'Validation failure: Supplied network does not contain a subnet for VIP address specified.',
      );
      await isRefused({ networkId: emptyNetworkId }, 'Validation failure: Supplied network does not contain a subnet.');
      const also = (id: string) => [{ subnetId: id, address: null, portId: null }];
      await isRefused(
        { subnetId, additional: also(subnetId) },
        'Validation failure: Duplicate VIP subnet(s) specified. Only one IP can be bound per subnet.',
      );
      await isRefused(
        { subnetId, additional: also(otherSubnetId) },
        'Validation failure: All VIP subnets must belong to the same network.',
      );
    });
  });
}
