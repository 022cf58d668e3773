import type { CloudUser } from '../context.ts';
import { ImageFault } from './fault.ts';
import type { ImageRow } from './rows.ts';
import { imageSchema, validateImage } from './schema.ts';
import { checkedTags } from './tags.ts';

type Operation = 'add' | 'replace' | 'remove';

interface Change {
  operation: Operation;
  name: string;
  value: unknown;
}

/** Attributes that an image has whether set or not, and that a PATCH may change but not remove. */
export const writableAttributes = [
  'name',
  'disk_format',
  'container_format',
  'visibility',
  'protected',
  'min_ram',
  'min_disk',
  'owner',
  'os_hidden',
  'tags',
] as const;

type WritableAttribute = (typeof writableAttributes)[number];

const isWritable = (name: string): name is WritableAttribute =>
  (writableAttributes as readonly string[]).includes(name);

/** 403 for what only Glance itself may set. */
export function refuseReserved(name: string): void {
  if (imageSchema.properties?.[name]?.readOnly) throw new ImageFault(403, `Attribute '${name}' is read-only.`);
  if (name === 'locations') throw new ImageFault(403, "It's not allowed to update locations if they are invisible.");
  if (name.startsWith('os_glance') || name === 'deleted' || name === 'deleted_at') {
    throw new ImageFault(403, `Attribute '${name}' is reserved.`);
  }
}

/** Rules for values that hold for POST and PATCH alike, beyond the schema. */
export function checkAttributes(attributes: Partial<ImageRow>, user: CloudUser): void {
  if (attributes.visibility === 'public' && !user.isAdmin) {
    throw new ImageFault(403, 'You are not authorized to complete publicize_image action.');
  }
  for (const name of ['min_ram', 'min_disk'] as const) {
    if ((attributes[name] ?? 0) < 0) {
      throw new ImageFault(
        400,
        `Invalid value '${attributes[name]}' for parameter '${name}': Cannot be a negative value`,
      );
    }
  }
}

/** Applies `application/openstack-images-v2.1-json-patch` to an image: all of it, or an error and nothing. */
export function patchImage(image: ImageRow, body: unknown, user: CloudUser): Partial<ImageRow> {
  if (!Array.isArray(body)) throw new ImageFault(400, 'Request body must be a JSON array of operation objects.');
  const changes = body.map(changeOf);
  let patched = image;
  for (const change of changes) patched = apply(patched, change, user);
  return patched;
}

function changeOf(raw: unknown): Change {
  if (typeof raw !== 'object' || raw === null) throw new ImageFault(400, 'Operations must be JSON objects.');
  const { op, path, value } = raw as Record<string, unknown>;
  if (op !== 'add' && op !== 'replace' && op !== 'remove') {
    throw new ImageFault(
      400,
      `Invalid operation: \`${String(op)}\`. It must be one of the following: add, remove, replace.`,
    );
  }
  if (typeof path !== 'string') throw new ImageFault(400, "Unable to find 'path' in JSON Schema change");
  const name = nameOf(path);
  if (op !== 'remove' && value === undefined) {
    throw new ImageFault(400, `Operation "${op}" requires a member named "value".`);
  }
  refuseReserved(name);
  if (name === 'id') throw new ImageFault(403, "Attribute 'id' is read-only.");
  if (op !== 'remove') validateImage({ [name]: value });
  return { operation: op, name, value };
}

/** The one name that a pointer may hold: properties lie flat. */
function nameOf(pointer: string): string {
  if (!pointer.startsWith('/')) throw new ImageFault(400, `Pointer \`${pointer}\` does not start with "/".`);
  if (/~([^01]|$)/.test(pointer)) {
    throw new ImageFault(400, `Pointer \`${pointer}\` contains "~" not part of a recognized escape sequence.`);
  }
  const name = pointer.slice(1);
  if (name.includes('/') || name.trim() === '') {
    throw new ImageFault(400, `Invalid JSON pointer for this resource: '/${name}'`);
  }
  return name.replaceAll('~1', '/').replaceAll('~0', '~').trim();
}

function apply(image: ImageRow, { operation, name, value }: Change, user: CloudUser): ImageRow {
  if (isWritable(name)) {
    if (operation === 'remove') throw new ImageFault(403, `Property ${name} may not be removed.`);
    if (name === 'owner' && !user.isAdmin) throw new ImageFault(403, "Owner can't be updated by non admin.");
    if ((name === 'disk_format' || name === 'container_format') && image.status !== 'queued') {
      throw new ImageFault(403, `Attribute ${name} can be only replaced for a queued image.`);
    }
    const attributes = { [name]: name === 'tags' ? checkedTags(image.id, value as string[]) : value };
    checkAttributes(attributes, user);
    return { ...image, ...attributes };
  }
  const exists = Object.hasOwn(image.properties, name);
  if (!exists && operation !== 'add') throw new ImageFault(409, `Property ${name} does not exist.`);
  const { [name]: _old, ...others } = image.properties;
  return { ...image, properties: operation === 'remove' ? others : { ...image.properties, [name]: String(value) } };
}
