import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCloudOrphans } from '../../../src/adapters/storage/cloud-orphans.ts';
import { openDatabase } from '../../../src/adapters/storage/database.ts';
import { createLoadBalancerStore } from '../../../src/adapters/storage/load-balancer-store.ts';
import type { KilnDatabase } from '../../../src/adapters/storage/schema.ts';
import { createVipReservations } from '../../../src/adapters/storage/vip-reservations.ts';
import { createFakeClock, type FakeClock } from '../fakes/fake-clock.ts';
import { storedLoadBalancer } from '../stored-resources.ts';
import type { DatabaseSubject } from './amphora-store.ts';

/** Reservations and the creations that redeem them, on any engine. */
export function describeVipReservationsContract(name: string, makeSubject: () => Promise<DatabaseSubject>): void {
  describe(`VipReservations: ${name}`, () => {
    let subject: DatabaseSubject;
    let clock: FakeClock;
    let database: KilnDatabase;
    beforeEach(async () => {
      subject = await makeSubject();
      clock = createFakeClock({ autoAdvance: true });
      database = await openDatabase(subject.connection, clock);
    });
    afterEach(async () => {
      await database.destroy();
      await subject.close();
    });

    const reservations = () => createVipReservations(database, clock);
    const make = (id: string) =>
      createLoadBalancerStore(database, clock).apply({
        loadBalancerId: id,
        mutableFrom: [],
        rows: [{ kind: 'loadbalancer', put: storedLoadBalancer(id) }],
        operation: null,
      });
    const long = () => new Date(clock.now().getTime() + 60_000).toISOString();

    it('a creation takes its reservation away', async () => {
      const id = randomUUID();
      await reservations().reserve(id);
      await make(id);
      expect(await reservations().giveUp(id)).toBe(false);
      expect(await reservations().giveUpOlderThan(long(), 10)).toEqual([]);
    });

    it('one that was refused leaves it', async () => {
      const id = randomUUID();
      await make(id);
      await reservations().reserve(id);
      await expect(make(id)).rejects.toMatchObject({ code: 'RESOURCE_CONFLICT' });
      expect(await reservations().giveUp(id)).toBe(true);
    });

    it('what was given up can not be made any more', async () => {
      const id = randomUUID();
      await reservations().reserve(id);
      expect(await reservations().giveUp(id)).toBe(true);
      expect(await reservations().giveUp(id)).toBe(true);
      await expect(make(id)).rejects.toMatchObject({ code: 'RESOURCE_CONFLICT' });
      expect(await createLoadBalancerStore(database, clock).get('loadbalancer', id)).toBeNull();
      await reservations().forget(id, { mayTurnUp: false });
      await reservations().forget(id, { mayTurnUp: false });
      expect(await reservations().giveUpOlderThan(long(), 10)).toEqual([]);
    });

    it('what was forgotten is made by no process that was halted meanwhile, and what turns up of it is ours', async () => {
      const id = randomUUID();
      await reservations().reserve(id);
      expect(await reservations().giveUpOlderThan(long(), 10)).toEqual([id]);
      await reservations().forget(id, { mayTurnUp: true });
      await reservations().forget(id, { mayTurnUp: true });
      await expect(make(id)).rejects.toMatchObject({ code: 'RESOURCE_CONFLICT' });
      const claim = { loadBalancerId: id, amphoraId: null, serverId: null, serverName: null };
      expect(await createCloudOrphans(database, clock).judge([claim])).toEqual(['gone']);
    });

    it('what is old is given up, the oldest first, and stays until it is forgotten', async () => {
      const ids = Array.from({ length: 4 }, () => randomUUID());
      for (const id of ids) {
        await reservations().reserve(id);
        await clock.advance(10_000);
      }
      const [first = '', second = '', third = ''] = ids;
      const before = new Date(clock.now().getTime() - 15_000).toISOString();
      expect(await reservations().findOlderThan(before, 2)).toEqual([first, second]);
      expect(await reservations().giveUpOlderThan(before, 2)).toEqual([first, second]);
      await reservations().forget(first, { mayTurnUp: false });
      expect(await reservations().findOlderThan(before, 10)).toEqual([second, third]);
      expect(await reservations().giveUpOlderThan(before, 10)).toEqual([second, third]);
      await expect(make(third)).rejects.toMatchObject({ code: 'RESOURCE_CONFLICT' });
      await make(ids[3] ?? '');
    });

    it('of a creation and of giving it up at the same moment, one wins', async () => {
      for (let n = 0; n < 10; n++) {
        const id = randomUUID();
        await reservations().reserve(id);
        const [made, givenUp] = await Promise.allSettled([make(id), reservations().giveUp(id)]);
        expect(made.status === 'fulfilled').toBe(givenUp.status === 'fulfilled' && !givenUp.value);
      }
    });
  });
}
