import assert from 'node:assert/strict';
import { type Case, SkipCase } from '../case.ts';
import { refusalOf } from '../cloud-user.ts';
import { assertBootedFrom, type Context } from '../context.ts';

/** A new image is released by moving the tag, and by nothing else. */
export const releaseCases: readonly Case[] = [
  {
    name: 'a load balancer boots from the image that carries the tag',
    needs: [],
    async run({ images, carry, boot }) {
      const image = await images.older();
      await carry(image);
      assertBootedFrom(await boot(), image);
    },
  },
  {
    name: 'the tag moves: the next one boots from the new image, without a restart or a change of configuration',
    needs: [],
    async run({ images, carry, kiln, boot, inspect }) {
      const [older, newer] = [await images.older(), await images.newer()];
      await carry(older);
      const before = kiln.fingerprint();
      const first = await boot();
      assertBootedFrom(first, older, newer);
      await carry(newer);
      assertBootedFrom(await boot(), newer, older);
      assertBootedFrom(await inspect(first.api, first.id), older, newer);
      assert.equal(kiln.fingerprint(), before);
    },
  },
  {
    name: 'the tag moves under two API and two worker processes: each worker follows it, whichever API was asked',
    needs: ['several'],
    async run(context) {
      const [older, newer] = [await context.images.older(), await context.images.newer()];
      const before = context.kiln.fingerprint();
      assert.equal(context.kiln.apis.length, 2);
      await context.carry(older);
      await bootOnEachWorker(context, older.id);
      await context.carry(newer);
      await bootOnEachWorker(context, newer.id);
      assert.equal(context.kiln.fingerprint(), before);
    },
  },
  {
    name: 'the old image stays usable: the tag goes back, and the next one boots from it',
    needs: [],
    alongside: true,
    async run({ images, carry, boot }) {
      const [older, newer] = [await images.older(), await images.newer()];
      await carry(newer);
      assertBootedFrom(await boot(), newer, older);
      await carry(older);
      assertBootedFrom(await boot(), older, newer);
    },
  },
  {
    name: 'failover after the tag moved: the new amphora is on the new image',
    needs: [],
    alongside: true,
    async run({ images, carry, boot, inspect }) {
      const [older, newer] = [await images.older(), await images.newer()];
      await carry(older);
      const { id, api, amphoraId } = await boot();
      await carry(newer);
      await api.failOver(id);
      const after = await inspect(api, id);
      assertBootedFrom(after, newer, older);
      assert.notEqual(after.amphoraId, amphoraId);
    },
  },
  {
    name: 'the old image is deleted: what runs on it stays, and its failover takes the new one',
    needs: [],
    alongside: true,
    async run({ images, carry, boot, inspect }) {
      const doomed = await images.make({ suffix: 'doomed' });
      await carry(doomed);
      const first = await boot();
      assertBootedFrom(first, doomed);
      const newer = await images.newer();
      await carry(newer);
      await images.delete(doomed).catch((error: unknown) => {
        if (refusalOf(error) !== 409) throw error;
        throw new SkipCase('Glance deletes no image that is in use');
      });
      assertBootedFrom(await inspect(first.api, first.id), doomed, newer);
      await first.api.failOver(first.id);
      assertBootedFrom(await inspect(first.api, first.id), newer, doomed);
    },
  },
];

/** Who gets which operation is the broker's choice: load balancers are made until each worker has built one. */
async function bootOnEachWorker({ kiln, boot }: Context, imageId: string): Promise<void> {
  const start = kiln.workers.map(({ lines }) => lines.length);
  const booted = () =>
    kiln.workers.every(({ lines }, index) =>
      lines.slice(start[index]).some((line) => line.includes(`will boot image ${imageId}`)),
    );
  for (let round = 0; round < 4; round++) {
    for (const one of await Promise.all(kiln.apis.map((api) => boot({ api })))) assert.equal(one.imageId, imageId);
    if (booted()) return;
  }
  assert.fail('one worker built nothing');
}
