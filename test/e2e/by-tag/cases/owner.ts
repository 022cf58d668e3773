import assert from 'node:assert/strict';
import { type Case, SkipCase } from '../case.ts';
import { refusalOf } from '../cloud-user.ts';
import { assertBootedFrom, type Context } from '../context.ts';
import type { RunImage } from '../run-images.ts';
import { type Refused, refusedTogether } from './refused-together.ts';

const visibilities = ['private', 'shared', 'community', 'public'] as const;
type Visibility = (typeof visibilities)[number];

const plantedAs = (visibility: Visibility): Refused => ({
  make: ({ images, tenant }) => images.make({ suffix: `planted-${visibility}`, by: tenant, content: 'bytes' }),
  spoil: (context, image) => show(context, image, visibility),
});
const planted = {
  private: plantedAs('private'),
  shared: plantedAs('shared'),
  community: plantedAs('community'),
  public: plantedAs('public'),
} as const satisfies Record<Visibility, Refused>;
const reasonAgainst = refusedTogether(Object.values(planted));

/**
 * Whose image it is. Anybody may put the operator's tag on an image of their own. What boots nothing is tried by the
 * configuration's tag: no flavor may name such a one (flavor.ts).
 */
export const ownerCases: readonly Case[] = [
  ...visibilities.map(
    (visibility): Case => ({
      name: `a tenant's ${visibility} image with the tag is not booted`,
      needs: visibility === 'public' ? ['tenant', 'admin'] : ['tenant'],
      async run(context) {
        const { image, message } = await reasonAgainst(context, planted[visibility]);
        const { operator, tenant } = context;
        // A service user who is no administrator does not even see the private one.
        if (visibility === 'private' && !operator.roles.includes('admin')) return;
        assert.ok(message.includes(`${image.id} belongs to project ${tenant.projectId}`), message);
      },
    }),
  ),
  {
    name: "a tenant's newer image carries the tag, too: the operator's is booted",
    needs: ['tenant'],
    alongside: true,
    async run(context) {
      const { images, carry, boot } = context;
      const [ours, theirs] = [await images.older(), await images.planted()];
      await show(context, theirs, 'shared');
      await carry(theirs, ours);
      assertBootedFrom(await boot(), ours, theirs);
    },
  },
  {
    name: "amp_image_owner_id = Kiln's own project: its image is booted, whatever a tenant tags",
    needs: ['tenant'],
    async run(context) {
      const { images, carry, operator, reconfigured, boot } = context;
      const [ours, theirs] = [await images.older(), await images.planted()];
      await show(context, theirs, 'shared');
      await carry(theirs, ours);
      const kiln = await reconfigured({ amp_image_owner_id: operator.projectId });
      assertBootedFrom(await boot({ kiln }), ours, theirs);
    },
  },
  {
    name: "amp_image_owner_id = another project: that project's image is booted, and not Kiln's own, which is newer",
    needs: ['tenant'],
    async run(context) {
      const { images, carry, tenant, reconfigured, boot } = context;
      const [ours, theirs] = [await images.newer(), await images.planted()];
      await show(context, theirs, 'shared');
      await carry(ours, theirs);
      const kiln = await reconfigured({ amp_image_owner_id: tenant.projectId });
      assertBootedFrom(await boot({ kiln }), theirs, ours);
    },
  },
  {
    name: "amp_image_owner_id = any: a tenant's image is booted, and the log warns of it",
    needs: ['tenant'],
    async run(context) {
      const { images, carry, reconfigured, boot } = context;
      const theirs = await images.planted();
      await show(context, theirs, 'shared');
      await carry(theirs);
      const kiln = await reconfigured({ amp_image_owner_id: 'any' });
      assertBootedFrom(await boot({ kiln }), theirs);
      await kiln.said(/amp_image_owner_id = any: an image that any tenant tags can be booted/);
    },
  },
];

/** Gives the image that visibility; a shared one is shared with the service's project, which accepts it. */
async function show(context: Context, image: RunImage, visibility: Visibility): Promise<void> {
  await context.images.alone(() => change(context, image, visibility));
}

async function change(context: Context, { id }: RunImage, visibility: Visibility): Promise<void> {
  const { operator, tenant } = context;
  const by = visibility === 'public' ? context.admin : tenant;
  const patch = [{ op: 'replace', path: '/visibility', value: visibility }];
  const type = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
  await by.call('image', 'PATCH', `/images/${id}`, patch, type).catch((error: unknown) => {
    if (refusalOf(error) !== 403) throw error;
    throw new SkipCase(`Glance lets ${by.cloudName} make no image ${visibility}`);
  });
  if (visibility !== 'shared') return;
  const members = `/images/${id}/members`;
  await tenant.call('image', 'POST', members, { member: operator.projectId }).catch((error: unknown) => {
    if (refusalOf(error) !== 409) throw error; // It is one already.
  });
  await operator.call('image', 'PUT', `${members}/${operator.projectId}`, { status: 'accepted' });
}
