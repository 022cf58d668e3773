import assert from 'node:assert/strict';
import { runKiln } from '../../../kit/kiln-process.ts';
import type { Case } from '../case.ts';
import { assertBootedFrom, assertCode, type Context } from '../context.ts';
import { type Refused, refusedTogether } from './refused-together.ts';

const queued: Refused = {
  make: ({ images }) => images.make({ suffix: 'queued', content: 'none' }),
  spoil: async () => {},
};
const hidden: Refused = {
  make: ({ images }) => images.make({ suffix: 'hidden', content: 'bytes' }),
  spoil: ({ operator }, { id }) => operator.images.setHidden(id, true),
};
const deactivated: Refused = {
  make: ({ images }) => images.make({ suffix: 'deactivated', content: 'bytes' }),
  spoil: async ({ admin }, { id }) => await admin.images.deactivate(id),
};
/** By the configuration's tag: no flavor may name such a one. */
const reasonAgainst = refusedTogether([queued, hidden, deactivated]);

/** No image is usable, or not all are that carry the tag. */
export const unusableCases: readonly Case[] = [
  {
    name: 'no image carries the tag: the load balancer is in ERROR and says so; once one does, failover and the next succeed',
    needs: [],
    async run({ images, carry, tag, kiln, boot, fail, inspect }) {
      const image = await images.older();
      await carry();
      const { id, api, provisioning_reason: reason } = await fail();
      assertCode(reason, 'IMAGE_NOT_FOUND');
      assert.match(reason.message, new RegExp(`carries the tag \`${tag}\``));
      assert.match(reason.advice, new RegExp(`kiln image tag IMAGE ${tag}`));
      const { arguments: options, environment } = kiln.command;
      const list = ['operation', 'list', '--load-balancer', id, ...options];
      const { stdout, output } = await runKiln(['--json', ...list], environment);
      assert.match(stdout, /IMAGE_NOT_FOUND/, output);

      await carry(image);
      const [next] = await Promise.all([boot(), api.failOver(id)]);
      assertBootedFrom(next, image);
      assertBootedFrom(await inspect(api, id), image);
    },
  },
  {
    name: 'two images carry the tag: the newest is booted, and the log names both',
    needs: [],
    alongside: true,
    async run({ images, carry, tag, kiln, boot }) {
      const [older, newer] = [await images.older(), await images.newer()];
      await carry(newer, older);
      assertBootedFrom(await boot(), newer, older);
      const said = await kiln.said(new RegExp(`"tag":"${tag}".*2 images carry the tag; the newest one is booted`));
      for (const { id } of [older, newer]) assert.ok(said.includes(id), said);
    },
  },
  {
    name: 'two images carry the tag and amp_image_tag_policy = unique: none is booted',
    needs: [],
    async run({ images, carry, reconfigured, fail }) {
      const [older, newer] = [await images.older(), await images.newer()];
      await carry(newer, older);
      const kiln = await reconfigured({ amp_image_tag_policy: 'unique' });
      const { provisioning_reason: reason } = await fail({ kiln });
      assertCode(reason, 'IMAGE_AMBIGUOUS');
      for (const { id } of [older, newer]) assert.ok(reason.message.includes(id), reason.message);
    },
  },
  {
    name: 'a queued image with the tag is not booted',
    needs: [],
    run: (context) => isRefused(context, queued, 'is queued'),
  },
  {
    name: 'a hidden image with the tag is not booted',
    needs: [],
    run: (context) => isRefused(context, hidden, 'is hidden'),
  },
  {
    name: 'a deactivated image with the tag is not booted',
    needs: ['admin'],
    run: (context) => isRefused(context, deactivated, 'is deactivated'),
  },
];

/** The reason names the image and says why. */
async function isRefused(context: Context, refused: Refused, why: string): Promise<void> {
  const { image, message } = await reasonAgainst(context, refused);
  assert.ok(message.includes(`${image.id} ${why}`), message);
}
