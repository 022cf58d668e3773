import assert from 'node:assert/strict';
import type { Case } from '../case.ts';
import { assertBootedFrom } from '../context.ts';

/** A flavor of Octavia's may name a tag of its own. */
export const flavorCases: readonly Case[] = [
  {
    name: "a flavor's own tag comes before the configuration's",
    needs: [],
    async run({ images, carry, operator, runName, kiln, boot }) {
      const [ofConfiguration, ofFlavor] = [await images.newer(), await images.older()];
      const tag = `${runName}-flavor`;
      await carry(ofConfiguration);
      await images.alone(() => operator.images.addTag(ofFlavor.id, tag));
      const flavorId = await kiln.apis[0].makeFlavor(`${runName}-own-tag`, { amp_image_tag: tag });
      assertBootedFrom(await boot({ flavorId }), ofFlavor, ofConfiguration);
    },
  },
  {
    name: "a flavor with an empty tag: the configuration's counts",
    needs: [],
    async run({ images, carry, runName, kiln, boot }) {
      const image = await images.older();
      await carry(image);
      const flavorId = await kiln.apis[0].makeFlavor(`${runName}-empty-tag`, { amp_image_tag: '' });
      assertBootedFrom(await boot({ flavorId }), image);
    },
  },
  {
    name: "a flavor's tag by which nothing boots: the flavor is refused, and once it is there its load balancers are",
    needs: [],
    async run({ images, carry, operator, runName, kiln, boot }) {
      const image = await images.older();
      await carry(image);
      const tag = `${runName}-flavor-withdrawn`;
      const make = () => kiln.apis[0].makeFlavor(tag, { amp_image_tag: tag });
      await assert.rejects(make, new RegExp(`400 .*Failed to find an image with tag ${tag}`));
      await images.alone(() => operator.images.addTag(image.id, tag));
      const flavorId = await make();
      assertBootedFrom(await boot({ flavorId }), image);
      await images.alone(() => operator.images.removeTag(image.id, tag));
      await assert.rejects(
        boot({ flavorId }),
        new RegExp(`400 .*flavor_id ${flavorId} can not be served: its amp_image_tag names what is not there`),
      );
      // Those of the configuration's tag are built as before.
      assertBootedFrom(await boot(), image);
    },
  },
];
