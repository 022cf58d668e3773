import type { Image } from '../../model/image.ts';
import { ANY_OWNER, type ImageSettings } from './choose-image.ts';
import { shellWord } from './shell-word.ts';

/** Tag that is proposed where none is configured: the one DevStack and most deployment tools use. */
const USUAL_TAG = 'amphora';

/**
 * What is to be said at start about how the image is configured: `amp_image_id` is deprecated, an owner of `any` is
 * dangerous. Empty when all is well.
 * @param image the image of `amp_image_id` as Glance has it; null when Glance could not say.
 * @param ownProjectId the project Kiln authenticates as; null when Keystone could not say.
 */
export function imageWarnings(settings: ImageSettings, image: Image | null, ownProjectId: string | null): string[] {
  const warnings: string[] = [];
  if (settings.ampImageId) warnings.push(moveToTag(settings, image, ownProjectId));
  if (settings.ampImageOwnerId === ANY_OWNER) {
    warnings.push(
      'amp_image_owner_id = any: an image that any tenant tags can be booted as an amphora. ' +
        'Name the project that owns your amphora images, or leave the option empty for the project Kiln authenticates as.',
    );
  }
  return warnings;
}

/** The very commands that lead from `amp_image_id` to the tag. */
function moveToTag(settings: ImageSettings, image: Image | null, ownProjectId: string | null): string {
  const tag = settings.ampImageTag || USUAL_TAG;
  const owner = image?.owner ?? null;
  const steps: string[] = [];
  if (!image?.tags.includes(tag)) steps.push(`openstack image set --tag ${shellWord(tag)} ${settings.ampImageId}`);
  if (!settings.ampImageTag) steps.push(`in octavia.conf, [controller_worker]: amp_image_tag = ${tag}`);
  const trusted = settings.ampImageOwnerId || ownProjectId;
  if (owner && trusted !== owner && settings.ampImageOwnerId !== ANY_OWNER) {
    steps.push(`in octavia.conf, [controller_worker]: amp_image_owner_id = ${owner}`);
  }
  steps.push('take amp_image_id out of octavia.conf', 'send SIGHUP to kiln serve');
  return `amp_image_id is deprecated and will be removed. To move to the tag: ${steps
    .map((step, index) => `${index + 1}. ${step}`)
    .join('; ')}`;
}
