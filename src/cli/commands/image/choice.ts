/** An image choice in words, for `image resolve`, `amphora show` and `status`. */
import { ANY_OWNER } from '../../../core/amphora/choose-image.ts';
import type { ImageCandidate, ImageChoice, NearMiss } from '../../../model/image.ts';
import { formatAge, plural } from '../../format/duration.ts';
import { formatSize } from '../../format/size.ts';
import { type Column, renderFields, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';

/** Why this image: one sentence. */
export function ruleInWords(choice: ImageChoice): string {
  switch (choice.rule) {
    case 'configured-id':
      return '[controller_worker] amp_image_id names it (deprecated): it wins over every tag';
    case 'requested-id':
      return 'it was asked for by its ID';
    case 'assigned':
      return 'the load balancer is assigned it, and a repair is no release';
    case 'released':
      return 'a release moves amphorae to it';
    case 'only-candidate':
      return `it is the only candidate for the tag \`${choice.tag}\``;
    case 'newest-of-several':
      return `it is the newest of ${plural(choice.candidates.length, 'candidate')} for the tag \`${choice.tag}\``;
  }
}

const tagSources = { flavor: 'from the flavor', configuration: 'from octavia.conf', request: 'as asked' };

/** @param more further fields, under the others. */
export function renderChoice(
  choice: ImageChoice,
  view: View,
  more: readonly (readonly [name: string, value: string | null])[] = [],
): string {
  const { image } = choice;
  return renderFields(
    [
      ['Image', choice.imageId],
      ['Name', image && (image.name ?? '-')],
      ['Created', image && `${image.createdAt} (${formatAge(image.createdAt, view.now)})`],
      ['Size', image && formatSize(image.sizeBytes)],
      ['Owner', image && (image.owner ?? 'no project')],
      ['Why', ruleInWords(choice)],
      ['Tag', choice.tag && `${choice.tag}${choice.tagSource ? `, ${tagSources[choice.tagSource]}` : ''}`],
      [
        'Trusted',
        choice.ownerRequired &&
          (choice.ownerRequired === ANY_OWNER ? 'images of any project' : `images of project ${choice.ownerRequired}`),
      ],
      ...more,
    ],
    view,
  );
}

export function renderCandidates(candidates: readonly ImageCandidate[], view: View): string {
  const columns: Column<ImageCandidate>[] = [
    { title: 'CANDIDATE', value: (candidate) => candidate.id },
    { title: 'NAME', value: (candidate) => candidate.name ?? '-', minimum: 10, cut: 'middle' },
    { title: 'CREATED', value: (candidate) => candidate.createdAt },
  ];
  return renderTable(columns, candidates, view);
}

/** One refused image a paragraph: the reason is never cut. */
export function renderRefused(refused: readonly NearMiss[], view: View): string {
  const lines = refused.map((miss) => `${miss.imageId} (${miss.name ?? 'no name'})\n    ${miss.reason}`);
  return [view.paint('bold', 'REFUSED'), ...lines].join('\n');
}
