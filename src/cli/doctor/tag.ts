import { ANY_OWNER } from '../../core/amphora/choose-image.ts';
import { exitCodes, toKilnError } from '../../model/errors.ts';
import { ruleInWords } from '../commands/image/choice.ts';
import { daysBetween, plural } from '../format/duration.ts';
import { type CheckGroup, type Finding, fail, ok, unlessMissing, warn } from './check.ts';

export const tagChecks: CheckGroup = {
  title: 'Image',
  exitCode: exitCodes.noUsableImage,
  checks: [
    {
      id: 'tag.configured',
      title: 'the image is named by a tag',
      needs: ['configuration.valid'],
      async run({ context }) {
        const { imageId, imageTag } = await context.settings();
        if (imageId !== null) {
          const tag = imageTag ?? 'amphora';
          return warn(
            `[controller_worker] amp_image_id = ${imageId} is in force${imageTag === null ? '' : `, and amp_image_tag = ${imageTag} is ignored`}`,
            `Move to the tag: \`kiln image tag ${imageId} ${tag}\`, set amp_image_tag = ${tag}, remove amp_image_id.`,
          );
        }
        if (imageTag !== null) return ok(`[controller_worker] amp_image_tag = ${imageTag}`);
        return fail(
          'neither amp_image_tag nor amp_image_id is set in [controller_worker]',
          'Set amp_image_tag to the tag that your amphora images carry.',
        );
      },
    },
    {
      id: 'tag.owner',
      title: 'whose images are trusted',
      needs: ['credentials.token'],
      async run({ context }) {
        const { imageOwnerId } = await context.settings();
        const own = await (await context.identity()).authenticatedAs();
        if (imageOwnerId === ANY_OWNER) {
          return warn(
            `amp_image_owner_id = ${ANY_OWNER}: any project that sets the tag on an image has it booted as amphora`,
            `Name the project that owns your amphora images, or leave the option empty to trust only ${own.projectName} (${own.projectId}).`,
          );
        }
        if (imageOwnerId === null || imageOwnerId === own.projectId) {
          return ok(`those of the project that Kiln authenticates as, ${own.projectName} (${own.projectId})`);
        }
        return ok(`those of project ${imageOwnerId}, as amp_image_owner_id says; Kiln's own is ${own.projectId}`);
      },
    },
    {
      id: 'tag.choice',
      title: 'the image of the next amphora',
      needs: ['tag.configured', 'catalog.image'],
      async run({ context, now, signal }) {
        const { imageId, imageMaxAgeDays } = await context.settings();
        const { choice, refused } = await (await context.resolver()).explain({ tag: null, flavorId: null, signal });
        const image = choice.image ?? (await unlessMissing((await context.images()).get(choice.imageId, signal)));
        if (image?.status !== 'active') {
          return fail(
            `image ${choice.imageId} ${image ? `is ${image.status}` : 'is not there, or not to be seen'}`,
            imageId === null ? 'Tag an active image.' : 'Correct amp_image_id, or move to amp_image_tag.',
          );
        }
        const findings: Finding[] = [ok(`image ${image.id} (${image.name ?? 'no name'}): ${ruleInWords(choice)}`)];
        if (choice.candidates.length > 1) {
          const others = choice.candidates.slice(1).map((candidate) => `${candidate.id} of ${candidate.createdAt}`);
          findings.push(
            warn(
              `${choice.candidates.length} images are candidates; the others: ${others.join(', ')}`,
              `Take the tag off those that are not to be booted: \`kiln image untag IMAGE ${choice.tag}\`.`,
            ),
          );
        }
        const days = daysBetween(image.createdAt, now);
        if (imageMaxAgeDays !== null && days > imageMaxAgeDays) {
          findings.push(
            warn(
              `the image is ${plural(days, 'day')} old; more than ${imageMaxAgeDays} count as old`,
              'Build a new one, with the security updates of since then, and push it with the same tag.',
            ),
          );
        }
        for (const miss of refused) {
          findings.push(
            warn(
              `image ${miss.imageId} (${miss.name ?? 'no name'}) carries the tag and is refused: it ${miss.reason}`,
              'If it should be booted, fix that; if you do not know it, ask its owner why it carries your tag.',
            ),
          );
        }
        return findings;
      },
    },
    {
      id: 'tag.flavors',
      title: 'images that flavors name',
      needs: ['controller.database', 'catalog.image', 'catalog.compute'],
      async run({ context, signal }) {
        const named = await (await context.controller()).flavorTags();
        if (named.length === 0) return ok('no flavor profile names a tag');
        const resolver = await context.resolver();
        const findings = await Promise.all(
          named.map(async ({ profile, tag, computeFlavorId }): Promise<Finding> => {
            const request = { tag: { value: tag, source: 'flavor' as const }, flavorId: computeFlavorId, signal };
            try {
              const { imageId } = await resolver.resolve(request);
              return ok(`profile ${profile}: tag \`${tag}\` boots image ${imageId}`);
            } catch (thrown) {
              const { message, advice, exitCode } = toKilnError(thrown);
              return { ...fail(`profile ${profile}: ${message}`, advice), exitCode };
            }
          }),
        );
        return findings;
      },
    },
  ],
};
