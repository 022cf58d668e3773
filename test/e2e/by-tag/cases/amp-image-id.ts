import type { Case } from '../case.ts';
import { assertBootedFrom } from '../context.ts';

/** The old way, which works on and warns. */
export const ampImageIdCases: readonly Case[] = [
  {
    name: 'amp_image_id alone: that image is booted, and the log says how to move to the tag',
    needs: [],
    async run({ images, carry, reconfigured, boot }) {
      const image = await images.older();
      await carry();
      const kiln = await reconfigured({ amp_image_tag: '', amp_image_id: image.id });
      assertBootedFrom(await boot({ kiln }), image);
      const command = `openstack image set --tag amphora ${image.id}`;
      await kiln.said(new RegExp(`amp_image_id is deprecated and will be removed. To move to the tag: 1. ${command}`));
    },
  },
  {
    name: 'amp_image_id and a tag: the ID wins, and the log says so',
    needs: [],
    async run({ images, carry, reconfigured, boot }) {
      const [byId, tagged] = [await images.older(), await images.newer()];
      await carry(tagged);
      const kiln = await reconfigured({ amp_image_id: byId.id });
      assertBootedFrom(await boot({ kiln }), byId, tagged);
      await kiln.said(/both amp_image_id and an image tag are set: the ID wins/);
    },
  },
];
