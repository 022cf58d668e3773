import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NetworkService } from '../../ports/network.ts';

export interface NetworkSubject {
  network: NetworkService;
  networkId: string;
  securityGroupId: string;
  /** Owner of both. */
  projectId: string;
  close?(): Promise<void>;
}

/** What every NetworkService does, whatever is behind it. Ports of servers are in the contract of ComputeService. */
export function describeNetworkContract(name: string, makeSubject: () => Promise<NetworkSubject>): void {
  describe(`NetworkService: ${name}`, () => {
    let subject: NetworkSubject;
    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterAll(async () => subject?.close?.());

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
      const notThere = { name: 'ServiceError', code: 'SERVICE_NOT_FOUND', call: { status: 404 } };
      await expect(subject.network.getNetwork(gone)).rejects.toMatchObject(notThere);
      await expect(subject.network.getSecurityGroup(gone)).rejects.toMatchObject(notThere);
    });

    it('lists no ports of a device that has none', async () => {
      expect(await subject.network.listPortsOfDevice(randomUUID())).toEqual([]);
    });
  });
}
