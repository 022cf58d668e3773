import type { CloudUser } from '../context.ts';
import { fold } from './collation.ts';
import { ImageFault } from './fault.ts';
import { columnFilters, tagFilters } from './filters.ts';
import type { Query } from './query.ts';
import { pageLink, parseQuery } from './query.ts';
import type { ImageRow, ImageTables } from './rows.ts';
import { imageView } from './view.ts';
import type { MemberStatusFilter } from './visibility.ts';
import { isListed, isVisible } from './visibility.ts';

const defaultLimit = 25;
const largestLimit = 1000;
const sortKeys = [
  'name',
  'status',
  'container_format',
  'disk_format',
  'size',
  'id',
  'created_at',
  'updated_at',
] as const;
type SortKey = (typeof sortKeys)[number];

interface Sort {
  key: SortKey;
  descending: boolean;
}

/** `GET /v2/images`: filters, order and page as asked for in the URL. Throws 400 in the order in which Glance checks. */
export function listImages(tables: ImageTables, user: CloudUser, url: string): Record<string, unknown> {
  const query = parseQuery(url);
  const limit = query.take('limit');
  const marker = query.take('marker');
  const memberStatus = query.take('member_status') ?? 'accepted';
  const tags = query.takeAll('tag');

  const visibility = visibilityOf(query.rest().get('visibility'));
  if (query.rest().get('changes-since')) {
    throw new ImageFault(400, 'The "changes-since" filter is no longer available on v2.');
  }
  if (!isMemberStatus(memberStatus)) throw new ImageFault(400, `Invalid status: ${memberStatus}`);
  const pageSize = Math.min(limit === undefined ? defaultLimit : limitOf(limit), largestLimit);
  const order = compareBy(sortOf(query));

  const parameters = query.rest();
  parameters.delete('visibility');
  // `tags=ab` is read as a list of the tags `a` and `b`; a `tag=` beside it replaces it.
  const letters = [...(parameters.get('tags') ?? '')];
  parameters.delete('tags');
  const filters = [...columnFilters(parameters), ...tagFilters(tags.length > 0 ? tags : letters)];

  const after = marker === undefined ? null : markerImage(tables, user, marker);
  const matching = tables.images
    .all()
    .filter((image) => isListed(tables, image, user, visibility, memberStatus))
    .filter((image) => filters.every((filter) => filter(image)))
    .filter((image) => after === null || order(image, after) > 0)
    .sort(order);
  const page = matching.slice(0, pageSize);
  const last = page.at(-1);

  return {
    images: page.map(imageView),
    first: pageLink(url, null),
    schema: '/v2/schemas/images',
    // A full page has a `next` even when nothing follows.
    ...(last && page.length === pageSize && { next: pageLink(url, last.id) }),
  };
}

function visibilityOf(value: string | undefined): string | undefined {
  if (!value) return undefined;
  if (['community', 'public', 'private', 'shared', 'all'].includes(value)) return value;
  throw new ImageFault(400, `Invalid visibility value: ${value}`);
}

function isMemberStatus(value: string): value is MemberStatusFilter {
  return ['pending', 'accepted', 'rejected', 'all'].includes(value);
}

function limitOf(value: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(value)) throw new ImageFault(400, 'limit param must be an integer');
  if (Number(value) < 0) throw new ImageFault(400, 'limit param must be positive');
  return Number(value);
}

/** Either `sort=key:dir,…` or `sort_key` and `sort_dir`, each once or often, one direction serving all keys. */
function sortOf(query: Query): Sort[] {
  const keys: SortKey[] = [];
  const directions: boolean[] = [];
  const list = query.take('sort');
  if (list !== undefined) {
    if (query.has('sort_key') || query.has('sort_dir')) {
      throw new ImageFault(400, 'Old and new sorting syntax cannot be combined');
    }
    for (const part of list.trim().split(',')) {
      const [key = '', direction] = part.split(/:(.*)/s);
      keys.push(sortKeyOf(key.trim()));
      directions.push(isDescending((direction || 'desc').trim()));
    }
  } else {
    for (const key of query.takeAll('sort_key')) keys.push(sortKeyOf(key.trim()));
    for (const direction of query.takeAll('sort_dir')) directions.push(isDescending(direction.trim()));
    if (directions.length > 1 && directions.length !== keys.length) {
      throw new ImageFault(400, 'Number of sort dirs does not match the number of sort keys');
    }
  }
  if (keys.length === 0) keys.push('created_at');
  // What the caller left open is decided by time and ID; in the one direction given, else newest first.
  const common = directions.length === 1 ? directions[0] : undefined;
  const sorts = keys.map((key, index) => ({ key, descending: directions[index] ?? common ?? true }));
  for (const key of ['created_at', 'id'] as const) {
    if (!keys.includes(key)) sorts.push({ key, descending: common ?? true });
  }
  return sorts;
}

function sortKeyOf(key: string): SortKey {
  const known = sortKeys.find((candidate) => candidate === key);
  if (known) return known;
  throw new ImageFault(400, `Invalid sort key: ${key}. It must be one of the following: ${sortKeys.join(', ')}.`);
}

function isDescending(direction: string): boolean {
  if (direction === 'asc' || direction === 'desc') return direction === 'desc';
  throw new ImageFault(400, `Invalid sort direction: ${direction}`);
}

function compareBy(sorts: readonly Sort[]): (left: ImageRow, right: ImageRow) => number {
  return (left, right) => {
    for (const { key, descending } of sorts) {
      const difference = compare(left[key], right[key]);
      if (difference !== 0) return descending ? -difference : difference;
    }
    return 0;
  };
}

/** What is not set comes before everything, as in MariaDB. */
function compare(left: string | number | null, right: string | number | null): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null);
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const [a, b] = [fold(String(left)), fold(String(right))];
  return a < b ? -1 : a > b ? 1 : 0;
}

function markerImage(tables: ImageTables, user: CloudUser, id: string): ImageRow {
  const image = tables.images.get(id);
  if (!image) throw new ImageFault(400, `No image found with ID ${id}`);
  if (!isVisible(tables, image, user)) throw new ImageFault(403, `Forbidding request, image ${id} not visible`);
  return image;
}
