import type { Fleet, FleetImage, FleetTag } from '../../model/fleet.ts';
import { defineCommand } from '../command.ts';
import { formatAge, formatAgeShort, formatSpan, plural } from '../format/duration.ts';
import { printable } from '../format/printable.ts';
import { parseTag } from '../options.ts';
import { type Column, renderTable } from '../output/table.ts';
import type { View } from '../output/view.ts';
import { type OctaviaOption, octaviaOption, tagOrUsual } from './release/over-octavia/options.ts';

interface Options extends OctaviaOption {
  tag?: string;
}

export const fleet = defineCommand<Options>({
  noun: null,
  verb: 'fleet',
  summary: 'Show which images the amphorae run, and how many are behind the tag',
  description:
    'Counted in the database, with what Glance says of the images; no `kiln serve` is needed. BEHIND: amphorae for which a ' +
    'failover would boot another image, and how much newer it is. ASSIGNED (with --json): load balancers that a repair would ' +
    'give this image. What is to be looked at stands below, as warnings.',
  options: [
    octaviaOption,
    { flags: '--tag <tag>', help: 'with --octavia: what amp_image_tag of octavia.conf says', parse: parseTag },
  ],
  examples: ['kiln fleet', 'kiln fleet --json', 'kiln fleet --octavia --os-cloud production'],
  exits: ['cloudUnreachable'],
  async run({ options, context, signal }) {
    const found = options.octavia
      ? await (await context.octaviaReleases()).fleet(await tagOrUsual(options.tag, context), signal)
      : await (await context.fleet())(signal);
    return {
      document: found,
      ids: found.images.flatMap(({ imageId }) => (imageId === null ? [] : [imageId])),
      render: (view) => render(found, view, options.octavia === true),
    };
  },
});

/** @param isOverOctavia who is silent, Octavia does not tell. */
function render(found: Fleet, view: View, isOverOctavia: boolean): string {
  const parts = [found.tags.map((tag) => tagInWords(tag, found.tags.length > 1, view)).join('\n')];
  const shown = columns(view).filter(({ title }) => !isOverOctavia || title !== 'SILENT');
  if (found.images.length > 0) parts.push(renderTable(shown, found.images, view));
  parts.push(totalsInWords(found, isOverOctavia));
  for (const { code, message, advice } of found.warnings) {
    parts.push(`${view.paint('yellow', printable(`! ${code}: ${message}`))}\n    → ${printable(advice)}`);
  }
  return parts.join('\n\n');
}

function tagInWords(tag: FleetTag, isOneOfSeveral: boolean, view: View): string {
  const name = tag.tag === null ? 'amp_image_id' : `Tag ${tag.tag}`;
  if (tag.imageId === null) return printable(`${name} → no image`);
  const facts = [
    ...(tag.imageCreatedAt === null ? [] : [`created ${formatAge(tag.imageCreatedAt, view.now)}`]),
    plural(tag.candidates, 'candidate'),
    ...(isOneOfSeveral ? [plural(tag.loadBalancers, 'load balancer')] : []),
  ];
  const image = tag.imageName ? `${tag.imageName} (${tag.imageId})` : tag.imageId;
  return printable(`${name} → ${image}, ${facts.join(', ')}`);
}

function columns(view: View): Column<FleetImage>[] {
  const count = (of: (image: FleetImage) => number) => (image: FleetImage) => of(image).toLocaleString('en');
  return [
    { title: 'IMAGE', value: nameOf, minimum: 10, cut: 'middle', drop: 1 },
    { title: 'ID', value: ({ imageId }) => imageId ?? '-' },
    { title: 'TAG', value: tagsOf, minimum: 4, drop: 3, paint: (text, _image, { paint }) => paint('green', text) },
    {
      title: 'AGE',
      value: ({ createdAt }) => (createdAt === null ? '-' : formatAgeShort(createdAt, view.now)),
      align: 'right',
      drop: 6,
    },
    { title: 'LBS', value: count((image) => image.loadBalancers), align: 'right', drop: 2 },
    { title: 'AMPHORAE', value: count((image) => image.amphorae), align: 'right' },
    { title: 'ERROR', value: count((image) => image.inError), align: 'right', drop: 5, paint: paintTrouble('inError') },
    { title: 'SILENT', value: count((image) => image.silent), align: 'right', drop: 4, paint: paintTrouble('silent') },
    { title: 'BEHIND', value: behindOf, align: 'right' },
  ];
}

const paintTrouble =
  (field: 'inError' | 'silent'): NonNullable<Column<FleetImage>['paint']> =>
  (text, image, { paint }) =>
    image[field] > 0 ? paint('red', text) : text;

function nameOf({ imageId, name, presence }: FleetImage): string {
  if (imageId === null) return '(none yet)';
  if (presence === 'gone') return name === null ? '(gone)' : `${name} (gone)`;
  return name ?? '-';
}

const tagsOf = ({ currentForTags }: FleetImage) => currentForTags.map((tag) => tag ?? 'by ID').join(', ') || '-';

/** How much newer the image is that a failover would boot. */
function behindOf({ behind, behindSeconds }: FleetImage): string {
  if (behind === 0) return '-';
  if (behindSeconds === null) return 'unknown';
  return behindSeconds < 0 ? 'newer' : formatSpan(behindSeconds * 1000);
}

function totalsInWords({ totals }: Fleet, isOverOctavia: boolean): string {
  const { loadBalancers, pairs, mixedPairs, amphorae, behind, inError, silent } = totals;
  const mixed = mixedPairs > 0 ? ` (${mixedPairs.toLocaleString('en')} mixed)` : '';
  const lbs = `${loadBalancers.toLocaleString('en')} load ${loadBalancers === 1 ? 'balancer' : 'balancers'}`;
  const kinds = `${pairs.toLocaleString('en')} ${pairs === 1 ? 'pair' : 'pairs'}${mixed}, ${(loadBalancers - pairs).toLocaleString('en')} single`;
  const counts = `${amphorae.toLocaleString('en')} ${amphorae === 1 ? 'amphora' : 'amphorae'}: ${behind.toLocaleString('en')} behind, ${inError.toLocaleString('en')} in ERROR${isOverOctavia ? '' : `, ${silent.toLocaleString('en')} silent`}`;
  return `${lbs}: ${kinds}.\n${counts}.`;
}
