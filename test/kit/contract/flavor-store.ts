import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createFlavorStore } from '../../../src/adapters/storage/flavor-store.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import type { Flavor, FlavorProfile, Zone, ZoneProfile } from '../../../src/model/flavor.ts';
import type { LoadBalancer } from '../../../src/model/load-balancer.ts';
import type { FlavorListQuery, FlavorStore } from '../../../src/ports/flavor-store.ts';
import { createFakeClock } from '../fakes/fake-clock.ts';
import { storedLoadBalancer } from '../stored-resources.ts';
import type { DatabaseSubject } from './amphora-store.ts';

const flavorProfile = (id: string, over: Partial<FlavorProfile> = {}): FlavorProfile => ({
  id,
  name: 'profile',
  providerName: 'amphora',
  flavorData: '{"loadbalancer_topology": "SINGLE",  "amp_image_tag": "ä\\ud83d\\udd25"}',
  ...over,
});
const flavor = (id: string, flavorProfileId: string, over: Partial<Flavor> = {}): Flavor => ({
  id,
  name: `flavor ${id}`,
  description: '',
  enabled: true,
  flavorProfileId,
  ...over,
});
const zoneProfile = (id: string, over: Partial<ZoneProfile> = {}): ZoneProfile => ({
  id,
  name: 'profile',
  providerName: 'amphora',
  availabilityZoneData: '{"compute_zone": "nova"}',
  ...over,
});
const zone = (name: string, availabilityZoneProfileId: string, over: Partial<Zone> = {}): Zone => ({
  name,
  description: 'ä "quoted" \\ \'🔥\'',
  enabled: true,
  availabilityZoneProfileId,
  ...over,
});

const everything: FlavorListQuery = { filters: {}, sort: [], limit: 100 };

/** What every keeper of flavors and zones must do: run against SQLite and MariaDB. */
export function describeFlavorStoreContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`flavor store: ${name}`, () => {
    const clock = createFakeClock({ autoAdvance: true });
    let subject: DatabaseSubject;
    let database: KilnDatabase;
    let store: FlavorStore;
    let statements: number;

    beforeEach(async () => {
      subject = await makeSubject();
      database = await openDatabase(subject.connection, clock, () => {
        statements++;
      });
      store = createFlavorStore(database, clock);
      statements = 0;
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    const refuses = (action: Promise<unknown>, code: string) => expect(action).rejects.toMatchObject({ code });

    async function addLoadBalancer(over: Partial<LoadBalancer>): Promise<void> {
      await createLoadBalancerStore(database, clock).apply({
        loadBalancerId: 'lb',
        mutableFrom: [],
        rows: [{ kind: 'loadbalancer', put: storedLoadBalancer('lb', over) }],
        operation: null,
      });
    }

    it('keeps each kind as it is', async () => {
      await store.insert('flavorProfile', flavorProfile('fp'));
      await store.insert('flavor', flavor('f', 'fp', { enabled: false, description: '🔥' }));
      await store.insert('availabilityZoneProfile', zoneProfile('zp'));
      await store.insert('availabilityZone', zone('nova', 'zp'));
      expect(await store.get('flavorProfile', 'fp')).toEqual(flavorProfile('fp'));
      expect(await store.get('flavor', 'f')).toEqual(flavor('f', 'fp', { enabled: false, description: '🔥' }));
      expect(await store.get('availabilityZoneProfile', 'zp')).toEqual(zoneProfile('zp'));
      expect(await store.get('availabilityZone', 'nova')).toEqual(zone('nova', 'zp'));
      expect(await store.get('availabilityZone', 'Nova')).toBeNull();
      expect(await store.get('flavor', 'fp')).toBeNull();
    });

    it('refuses a flavor or zone of a name that another one has; profiles may share one', async () => {
      await store.insert('flavorProfile', flavorProfile('fp'));
      await store.insert('flavorProfile', flavorProfile('fp-2'));
      await store.insert('availabilityZoneProfile', zoneProfile('zp'));
      await store.insert('flavor', flavor('f', 'fp', { name: 'a' }));
      await store.insert('flavor', flavor('g', 'fp', { name: 'A' }));
      await refuses(store.insert('flavor', flavor('h', 'fp', { name: 'a' })), 'RESOURCE_CONFLICT');
      await refuses(store.update('flavor', 'g', { name: 'a' }), 'RESOURCE_CONFLICT');
      await store.insert('availabilityZone', zone('z', 'zp'));
      await refuses(store.insert('availabilityZone', zone('z', 'zp')), 'RESOURCE_CONFLICT');
      expect(await store.get('flavor', 'g')).toMatchObject({ name: 'A' });
      expect(await store.list('flavor', everything)).toHaveLength(2);
    });

    it('refuses a flavor or zone without its profile', async () => {
      await refuses(store.insert('flavor', flavor('f', 'fp')), 'RESOURCE_NOT_FOUND');
      await refuses(store.insert('availabilityZone', zone('z', 'zp')), 'RESOURCE_NOT_FOUND');
      expect(await store.list('flavor', everything)).toEqual([]);
    });

    it('changes what the patch names', async () => {
      await store.insert('flavorProfile', flavorProfile('fp'));
      await store.insert('flavor', flavor('f', 'fp'));
      const changed = await store.update('flavor', 'f', { enabled: false, description: 'd' });
      expect(changed).toEqual(flavor('f', 'fp', { enabled: false, description: 'd' }));
      expect(await store.update('flavor', 'f', {})).toEqual(changed);
      await refuses(store.update('flavor', 'g', { name: 'x' }), 'RESOURCE_NOT_FOUND');
      await refuses(store.update('availabilityZone', 'z', {}), 'RESOURCE_NOT_FOUND');
    });

    it('deletes what nothing uses', async () => {
      await store.insert('flavorProfile', flavorProfile('fp'));
      await store.insert('flavor', flavor('f', 'fp'));
      await refuses(store.delete('flavorProfile', 'fp'), 'RESOURCE_CONFLICT');
      await store.delete('flavor', 'f');
      await store.delete('flavorProfile', 'fp');
      await refuses(store.delete('flavor', 'f'), 'RESOURCE_NOT_FOUND');
      expect(await store.get('flavorProfile', 'fp')).toBeNull();
    });

    it.each(['ACTIVE', 'DELETED'] as const)('a flavor and a zone of a load balancer that is %s', async (status) => {
      await store.insert('flavorProfile', flavorProfile('fp'));
      await store.insert('flavor', flavor('f', 'fp'));
      await store.insert('availabilityZoneProfile', zoneProfile('zp'));
      await store.insert('availabilityZone', zone('z', 'zp'));
      await addLoadBalancer({ provisioningStatus: status, flavorId: 'f', availabilityZone: 'z' });
      if (status === 'ACTIVE') {
        await refuses(store.delete('flavor', 'f'), 'RESOURCE_CONFLICT');
        await refuses(store.delete('availabilityZone', 'z'), 'RESOURCE_CONFLICT');
      } else {
        await store.delete('flavor', 'f');
        await store.delete('availabilityZone', 'z');
      }
    });

    it('changes no more than the name of a profile that is in use', async () => {
      await store.insert('flavorProfile', flavorProfile('fp'));
      await store.insert('availabilityZoneProfile', zoneProfile('zp'));
      expect(await store.update('flavorProfile', 'fp', { flavorData: '{}' })).toMatchObject({ flavorData: '{}' });
      expect(await store.update('flavorProfile', 'fp', { flavorData: '{}' })).toMatchObject({ flavorData: '{}' });
      await store.insert('flavor', flavor('f', 'fp'));
      await store.insert('availabilityZone', zone('z', 'zp'));
      await refuses(store.update('flavorProfile', 'fp', { flavorData: '{"compute_flavor":"7"}' }), 'RESOURCE_CONFLICT');
      await refuses(store.update('flavorProfile', 'fp', { name: 'n', providerName: 'x' }), 'RESOURCE_CONFLICT');
      await refuses(store.update('availabilityZoneProfile', 'zp', { availabilityZoneData: '{}' }), 'RESOURCE_CONFLICT');
      expect(await store.update('flavorProfile', 'fp', { name: 'n' })).toMatchObject({ name: 'n', flavorData: '{}' });
      await refuses(store.update('flavorProfile', 'none', { flavorData: '{}' }), 'RESOURCE_NOT_FOUND');
    });

    it('says what a flavor and a zone mean', async () => {
      await store.insert('flavorProfile', flavorProfile('fp'));
      await store.insert('flavor', flavor('f', 'fp'));
      await store.insert('availabilityZoneProfile', zoneProfile('zp'));
      await store.insert('availabilityZone', zone('z', 'zp'));
      expect(await store.flavorCapabilities('f')).toEqual({ loadbalancer_topology: 'SINGLE', amp_image_tag: 'ä🔥' });
      expect(await store.flavorCapabilities(null)).toEqual({});
      expect(await store.zoneCapabilities('z')).toEqual({ compute_zone: 'nova' });
      expect(await store.zoneCapabilities(null)).toBeNull();
      await refuses(store.flavorCapabilities('fp'), 'RESOURCE_NOT_FOUND');
      await refuses(store.zoneCapabilities('Z'), 'RESOURCE_NOT_FOUND');
    });

    it('lists in pages, zones by their names, in as many statements however many there are', async () => {
      await store.insert('availabilityZoneProfile', zoneProfile('zp'));
      const names = ['d', 'b', 'a', 'c', 'e'];
      for (const [n, zoneName] of names.entries()) {
        await store.insert('availabilityZone', zone(zoneName, 'zp', { enabled: n % 2 === 0 }));
      }
      const namesOf = async (query: Partial<FlavorListQuery>) =>
        (await store.list('availabilityZone', { ...everything, ...query })).map((one) => one.name);
      statements = 0;
      expect(await namesOf({})).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(statements).toBe(1);
      expect(await namesOf({ limit: 2, marker: 'b' })).toEqual(['c', 'd']);
      expect(statements).toBe(3);
      expect(await namesOf({ limit: 2, marker: 'd', reverse: true })).toEqual(['b', 'c']);
      expect(await namesOf({ filters: { enabled: false } })).toEqual(['b', 'c']);
      expect(await namesOf({ filters: { availabilityZoneProfileId: 'zp', name: 'e' } })).toEqual(['e']);
      const sort = [{ field: 'enabled', direction: 'desc' as const }];
      expect(await namesOf({ sort })).toEqual(['a', 'd', 'e', 'b', 'c']);
      await refuses(namesOf({ filters: { colour: 'red' } }), 'REQUEST_INVALID');
    });
  });
}
