import type { ImageUse } from '../../../core/fleet/image-use.ts';
import type { Image } from '../../../model/image.ts';
import { formatAge, formatAgeShort } from '../../format/duration.ts';
import { formatSize } from '../../format/size.ts';
import { type Column, renderFields, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';

/** @param uses who uses them; null: not known. */
export function renderImages(images: readonly Image[], uses: ReadonlyMap<string, ImageUse> | null, view: View): string {
  const columns: Column<Image>[] = [
    { title: 'ID', value: (image) => image.id },
    { title: 'NAME', value: (image) => image.name ?? '-', minimum: 12, cut: 'middle', drop: 2 },
    {
      title: 'STATUS',
      value: (image) => image.status,
      paint: (text, image, { paint }) => paint(image.status === 'active' ? 'green' : 'yellow', text),
    },
    { title: 'TAGS', value: (image) => image.tags.join(', ') || '-', minimum: 8 },
    ...(uses
      ? [
          {
            title: 'IN USE',
            value: ({ id }: Image) => String(uses.get(id)?.amphorae ?? 0),
            align: 'right' as const,
            drop: 0.5,
          },
        ]
      : []),
    { title: 'OWNER', value: (image) => image.owner ?? '-', drop: 4 },
    {
      title: 'SIZE',
      value: (image) => (image.sizeBytes === null ? '-' : formatSize(image.sizeBytes)),
      align: 'right',
      drop: 3,
    },
    { title: 'AGE', value: (image) => formatAgeShort(image.createdAt, view.now), align: 'right', drop: 1 },
  ];
  return renderTable(columns, images, view);
}

export function renderImage(image: Image, view: View): string {
  return renderFields(
    [
      ['ID', image.id],
      ['Name', image.name ?? '-'],
      ['Status', image.osHidden ? `${image.status}, hidden` : image.status],
      ['Tags', image.tags.join(', ') || 'none'],
      ['Owner', image.owner ?? 'no project'],
      ['Visibility', image.protected ? `${image.visibility}, protected` : image.visibility],
      ['Size', formatSize(image.sizeBytes)],
      ['Minimum', `${image.minDiskGiB} GiB of disk, ${image.minRamMiB} MiB of memory`],
      ['Architecture', image.architecture ?? 'not said'],
      ['Format', `${image.diskFormat ?? '-'} in ${image.containerFormat ?? '-'}`],
      ['Hash', image.hashAlgorithm && image.hashValue ? `${image.hashAlgorithm} ${image.hashValue}` : 'none yet'],
      ['Created', `${image.createdAt} (${formatAge(image.createdAt, view.now)})`],
      ['Updated', `${image.updatedAt} (${formatAge(image.updatedAt, view.now)})`],
    ],
    view,
  );
}
