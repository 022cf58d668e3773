import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCloudOrphans } from '../../../src/adapters/storage/cloud-orphans.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { rememberFormerIds } from '../../../src/adapters/storage/former-ids.ts';
import { removeOrphansJob } from '../../../src/housekeeping/remove-orphans.ts';
import type { CloudObject } from '../../../src/model/cloud-object.ts';
import type { CloudInventory } from '../../../src/ports/cloud-inventory.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import { createFakeLog } from '../fakes/fake-log.ts';
import { jobRun } from '../job-run.ts';
import type { ComputeSubject } from './compute.ts';

/** The job `orphans` on a real cloud: what is ours and has no owner goes; what another one's controller may have made stays. */
export function describeOrphansContract(
  name: string,
  makeSubject: () => Promise<ComputeSubject & { inventory: CloudInventory; tenantProjectId: string }>,
): void {
  describe(`orphans: ${name}`, { timeout: 120_000 }, () => {
    let subject: Awaited<ReturnType<typeof makeSubject>>;
    const folder = mkdtempSync(join(tmpdir(), 'kiln-orphans-'));
    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterAll(async () => {
      await subject?.close?.();
      rmSync(folder, { recursive: true });
    });

    /** A server, its port, a VIP in its user's project, and the groups of one load balancer. */
    async function makeObjects(loadBalancerId: string, amphoraId: string): Promise<Pick<CloudObject, 'kind' | 'id'>[]> {
      const { compute, network } = subject;
      const port = {
        networkId: subject.networkId,
        fixedIps: [],
        securityGroupIds: null,
        allowedAddressPairs: [],
        qosPolicyId: null,
        deviceId: '',
        deviceOwner: 'Octavia',
        adminStateUp: true,
        projectId: null,
      };
      const serverGroup = await compute.createServerGroup({
        name: `octavia-lb-${loadBalancerId}`,
        policy: 'soft-anti-affinity',
      });
      const vrrp = await network.createPort({ ...port, name: `octavia-lb-vrrp-${amphoraId}` });
      const vip = await network.createPort({
        ...port,
        name: `octavia-lb-${loadBalancerId}`,
        deviceId: `lb-${loadBalancerId}`,
        projectId: subject.tenantProjectId,
        adminStateUp: false,
      });
      const group = await network.createSecurityGroup({ name: `lb-${loadBalancerId}`, description: '' });
      const server = await compute.createServer({
        name: `amphora-${amphoraId}`,
        imageId: subject.imageId,
        flavorId: subject.flavorId,
        keyName: null,
        securityGroupIds: [],
        networkIds: [subject.networkId],
        portIds: [vrrp.id],
        availabilityZone: null,
        serverGroupId: null,
        files: subject.files ?? {},
        userData: null,
      });
      return [
        { kind: 'server', id: server.id },
        { kind: 'port', id: vrrp.id },
        { kind: 'port', id: vip.id },
        { kind: 'security group', id: group.id },
        { kind: 'server group', id: serverGroup.id },
      ];
    }
    const existing = async (objects: readonly Pick<CloudObject, 'kind' | 'id'>[]) => {
      const found = await Promise.all(objects.map(({ kind, id }) => subject.inventory.find(kind, id)));
      return found.flatMap((one) => (one ? [one.kind] : []));
    };

    it('whose load balancer and amphora this database has named go after the grace time, all others stay', async () => {
      const clock = createFakeClock({ start: new Date().toISOString() });
      const database = await openDatabase(`sqlite:///${folder}/kiln.sqlite`, clock);
      const [loadBalancerId, amphoraId] = [randomUUID(), randomUUID()];
      const ours = await makeObjects(loadBalancerId, amphoraId);
      const foreign = await makeObjects(randomUUID(), randomUUID());
      const everyKind = ours.map(({ kind }) => kind);
      try {
        await rememberFormerIds(database, [loadBalancerId, amphoraId], clock.now().toISOString());
        const job = removeOrphansJob({
          inventory: subject.inventory,
          orphans: createCloudOrphans(database, clock),
          clock,
          log: createFakeLog(),
          settings: () => ({ intervalSeconds: 300, graceSeconds: 3600 }),
        });
        const reported = await job.run({ ...jobRun, dryRun: true });
        const ids = (objects: typeof ours) => objects.map(({ id }) => id);
        const ownerOf = (id: string) => reported.details?.find((one) => one.id === id)?.owner;
        expect(ids(ours).map(ownerOf)).toEqual(ours.map(() => 'gone'));
        expect(ids(foreign).map(ownerOf)).toEqual(foreign.map(() => 'unknown'));

        for (let looks = 1; looks <= 12; looks++) {
          expect((await job.run(jobRun)).counts).toMatchObject({ orphans: 5, removed: 0 });
          await clock.advance(300_000);
        }
        // By the services' clocks they are a little younger than by when they were first seen.
        await clock.advance(300_000);
        expect(await existing(ours)).toEqual(everyKind);
        expect((await job.run(jobRun)).counts).toMatchObject({ removed: 5, failed: 0 });
        await expect.poll(() => existing(ours), { timeout: 60_000, interval: 500 }).toEqual([]);
        expect(await existing(foreign)).toEqual(everyKind);
      } finally {
        for (const { kind, id } of [...ours, ...foreign]) await subject.inventory.remove(kind, id);
        await database.destroy();
      }
    });
  });
}
