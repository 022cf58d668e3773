import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAmphoraStore } from '../../../src/adapters/storage/amphora-store.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createFlavorStore } from '../../../src/adapters/storage/flavor-store.ts';
import { createFleetStore } from '../../../src/adapters/storage/fleet-store.ts';
import { createHealthStore } from '../../../src/adapters/storage/health-store.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import * as fleetMigration from '../../../src/adapters/storage/migrations/0017-fleet.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import type { Amphora } from '../../../src/model/amphora.ts';
import type { LoadBalancer } from '../../../src/model/load-balancer.ts';
import type { AmphoraStore } from '../../../src/ports/amphora-store.ts';
import type { FleetStore } from '../../../src/ports/fleet-store.ts';
import type { LoadBalancerStore } from '../../../src/ports/load-balancer-store.ts';
import { anImage } from '../builders.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import { storedLoadBalancer } from '../stored-resources.ts';
import { type DatabaseSubject, storedAmphora } from './amphora-store.ts';

const silentBefore = '2026-11-23T12:09:00.000Z';
const longAgo = '2026-11-23T12:00:00.000Z';
const justNow = '2026-11-23T12:09:30.000Z';

/** What FleetStore does, and what AmphoraStore notes for it, whatever engine is behind them. */
export function describeFleetStoreContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`FleetStore: ${name}`, () => {
    let subject: DatabaseSubject;
    let database: KilnDatabase;
    let store: FleetStore;
    let amphorae: AmphoraStore;
    let loadBalancers: LoadBalancerStore;
    let statements: number;
    const clock = createFakeClock({ start: '2026-11-23T12:10:00Z', autoAdvance: true });

    beforeEach(async () => {
      subject = await makeSubject();
      database = await openDatabase(subject.connection, clock, () => {
        statements++;
      });
      store = createFleetStore(database, clock);
      amphorae = createAmphoraStore(database, clock);
      loadBalancers = createLoadBalancerStore(database, clock);
      statements = 0;
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    async function hasLoadBalancer(id: string, over: Partial<LoadBalancer> = {}): Promise<void> {
      const rows = [{ kind: 'loadbalancer' as const, put: storedLoadBalancer(id, over) }];
      await loadBalancers.apply({ loadBalancerId: id, mutableFrom: [], operation: null, rows });
    }

    async function hasAmphora(id: string, over: Partial<Amphora>, heardAt: string | null = null): Promise<void> {
      await amphorae.insert(storedAmphora(id, { status: 'ALLOCATED', ...over }));
      if (heardAt === null) return;
      await createHealthStore(database, clock).record([
        {
          amphoraId: id,
          receivedAt: heardAt,
          beats: 1,
          restarts: 0,
          statistics: [],
          countersAreDeltas: true,
          operatingStatuses: [],
        },
      ]);
    }

    async function hasFlavor(id: string, data: object): Promise<void> {
      const flavors = createFlavorStore(database, clock);
      const profile = { id: `p-${id}`, name: id, providerName: 'amphora', flavorData: JSON.stringify(data) };
      await flavors.insert('flavorProfile', profile);
      await flavors.insert('flavor', { id, name: id, description: '', enabled: true, flavorProfileId: `p-${id}` });
    }

    it('an empty fleet has nothing in it', async () => {
      const survey = await store.survey(silentBefore);
      expect(survey).toEqual({ amphorae: [], loadBalancers: [], flavorTags: new Map(), images: new Map() });
    });

    it('groups amphorae by image and flavor, and knows errors and silence', async () => {
      await hasLoadBalancer('a');
      await hasLoadBalancer('b');
      await hasFlavor('f', {});
      await hasLoadBalancer('c', { flavorId: 'f' });
      await hasAmphora('a1', { loadBalancerId: 'a', imageId: 'old' }, longAgo);
      await hasAmphora('a2', { loadBalancerId: 'a', imageId: 'old', status: 'ERROR' }, justNow);
      await hasAmphora('a3', { loadBalancerId: 'a', imageId: 'old', status: 'DELETED' }, longAgo);
      await hasAmphora('b1', { loadBalancerId: 'b', imageId: 'old' }, justNow);
      await hasAmphora('b2', { loadBalancerId: 'b', imageId: null, status: 'BOOTING' });
      await hasAmphora('c1', { loadBalancerId: 'c', imageId: 'old' }, justNow);
      await hasAmphora('x1', { imageId: 'new', status: 'READY' });
      const { amphorae: groups } = await store.survey(silentBefore);
      const sorted = groups.toSorted((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)));
      expect(sorted).toEqual([
        { imageId: 'new', flavorId: null, loadBalancers: 0, amphorae: 1, inError: 0, silent: 0 },
        { imageId: 'old', flavorId: 'f', loadBalancers: 1, amphorae: 1, inError: 0, silent: 0 },
        { imageId: 'old', flavorId: null, loadBalancers: 2, amphorae: 3, inError: 1, silent: 1 },
        { imageId: null, flavorId: null, loadBalancers: 1, amphorae: 1, inError: 0, silent: 0 },
      ]);
    });

    it('counts pairs, and those whose two amphorae run different images', async () => {
      for (const id of ['even', 'mixed', 'building']) await hasLoadBalancer(id, { topology: 'ACTIVE_STANDBY' });
      await hasLoadBalancer('single');
      await hasLoadBalancer('gone', { provisioningStatus: 'DELETED' });
      for (const [id, first, second] of [
        ['even', 'old', 'old'],
        ['mixed', 'old', 'new'],
        ['single', 'old', 'new'],
      ] as const) {
        await hasAmphora(`${id}1`, { loadBalancerId: id, imageId: first });
        await hasAmphora(`${id}2`, { loadBalancerId: id, imageId: second });
      }
      await hasAmphora('building1', { loadBalancerId: 'building', imageId: 'old' });
      await hasAmphora('building2', { loadBalancerId: 'building', imageId: 'new', status: 'BOOTING' });
      const survey = await store.survey(silentBefore);
      expect(survey.loadBalancers).toEqual([
        { assignedImageId: null, flavorId: null, loadBalancers: 4, pairs: 3, mixedPairs: 1 },
      ]);
    });

    it('knows the tags of flavors', async () => {
      await hasFlavor('tagged', { amp_image_tag: 'edge' });
      await hasFlavor('plain', { compute_flavor: '65' });
      await hasFlavor('odd', { compute_flavor: 'amp_image_tag' });
      expect((await store.survey(silentBefore)).flavorTags).toEqual(new Map([['tagged', 'edge']]));
    });

    it('a load balancer is assigned the image of the amphora that last began to serve it', async () => {
      await hasLoadBalancer('a');
      await hasLoadBalancer('b');
      await hasAmphora('one', { loadBalancerId: 'a', imageId: 'old', status: 'BOOTING' });
      expect(await amphorae.assignedImageId('a')).toBeNull();
      await amphorae.allocate('one');
      expect(await amphorae.get('one')).toMatchObject({ status: 'ALLOCATED' });
      await hasAmphora('two', { loadBalancerId: 'a', imageId: 'new', status: 'BOOTING' });
      expect(await amphorae.assignedImageId('a')).toBe('old');
      await amphorae.allocate('two');
      expect(await amphorae.assignedImageId('a')).toBe('new');
      expect(await amphorae.assignedImageId('b')).toBeNull();
      expect(await amphorae.assignedImageId('none')).toBeNull();
      await expect(amphorae.allocate('none')).rejects.toMatchObject({ code: 'AMPHORA_NOT_FOUND' });
      // What changes a load balancer leaves it as it is.
      const put = storedLoadBalancer('a', { name: 'renamed' });
      const rows = [{ kind: 'loadbalancer' as const, put }];
      await loadBalancers.apply({ loadBalancerId: 'a', mutableFrom: ['ACTIVE'], operation: null, rows });
      expect(await amphorae.assignedImageId('a')).toBe('new');
    });

    it('keeps what was known of an image, whatever became of its amphorae', async () => {
      const image = anImage({ id: 'i', name: 'amphora-1', createdAt: '2026-01-01T00:00:00Z' });
      const choice = {
        imageId: 'i',
        rule: 'only-candidate' as const,
        tag: 'amphora',
        tagSource: null,
        ownerRequired: null,
        image,
        candidates: [],
        chosenAt: longAgo,
      };
      await amphorae.insert(storedAmphora('one', { imageId: 'i', imageChoice: { ...choice, image: null } }));
      const known = async () => [...(await store.survey(silentBefore)).images];
      expect(await known()).toEqual([['i', { name: null, createdAt: null }]]);
      await amphorae.insert(storedAmphora('two'));
      await amphorae.update('two', { imageId: 'i', imageChoice: choice });
      await amphorae.update('two', { imageId: 'i', imageChoice: { ...choice, image: null } });
      expect(await known()).toEqual([['i', { name: 'amphora-1', createdAt: '2026-01-01T00:00:00Z' }]]);
    });

    it('asks as many times for a large fleet as for a small one', async () => {
      const countOf = async () => {
        const before = statements;
        await store.survey(silentBefore);
        return statements - before;
      };
      const empty = await countOf();
      for (let n = 0; n < 30; n++) {
        await hasLoadBalancer(`lb-${n}`);
        await hasAmphora(`a-${n}`, { loadBalancerId: `lb-${n}`, imageId: `i-${n}` });
      }
      expect(await countOf()).toBe(empty);
    });

    it('an upgrade assigns what the newest amphora runs that serves, and does no harm when done again', async () => {
      await hasLoadBalancer('a');
      await hasLoadBalancer('b');
      await hasAmphora('one', { loadBalancerId: 'a', imageId: 'old', createdAt: '2026-11-23T10:00:00.000Z' });
      await hasAmphora('two', { loadBalancerId: 'a', imageId: 'new', createdAt: '2026-11-23T11:00:00.000Z' });
      await hasAmphora('three', { loadBalancerId: 'a', imageId: 'bad', status: 'ERROR' });
      await hasAmphora('four', { loadBalancerId: 'b', imageId: 'bad', status: 'ERROR' });
      await sql`delete from kiln_amphora_image`.execute(database);
      for (let time = 0; time < 2; time++) {
        await fleetMigration.up(database as never);
        expect(await Promise.all([amphorae.assignedImageId('a'), amphorae.assignedImageId('b')])).toEqual([
          'new',
          null,
        ]);
        expect([...(await store.survey(silentBefore)).images.keys()].toSorted()).toEqual(['bad', 'new', 'old']);
      }
    });
  });
}
