import assert from 'node:assert/strict';
import { runKiln } from '../../../kit/kiln-process.ts';
import type { Case } from '../case.ts';
import { assertBootedFrom, assertCode, type Context } from '../context.ts';
import type { RunImage } from '../run-images.ts';

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
    run: (context) => isRefused(context, 'is queued', 'none'),
  },
  {
    name: 'a hidden image with the tag is not booted',
    needs: [],
    run: (context) => isRefused(context, 'is hidden', 'bytes', ({ id }) => context.operator.images.setHidden(id, true)),
  },
  {
    name: 'a deactivated image with the tag is not booted',
    needs: ['admin'],
    run: (context) => isRefused(context, 'is deactivated', 'bytes', ({ id }) => context.admin.images.deactivate(id)),
  },
];

/** The reason names the image and says why. By the configuration's tag: no flavor may name such a one. */
async function isRefused(
  { images, carry, fail }: Context,
  why: string,
  content: 'bytes' | 'none',
  spoil: (image: RunImage) => Promise<void> = async () => {},
): Promise<void> {
  const image = await images.make({ suffix: why.replaceAll(' ', '-'), content });
  await carry(image);
  await spoil(image);
  const { provisioning_reason: reason } = await fail();
  assertCode(reason, 'IMAGE_NOT_FOUND');
  assert.ok(reason.message.includes(`${image.id} ${why}`), reason.message);
}
