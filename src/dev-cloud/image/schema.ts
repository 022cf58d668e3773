import { ImageFault } from './fault.ts';

/** The part of JSON Schema that Glance's schemas use. */
export interface Schema {
  type?: string | string[];
  enum?: readonly (string | null)[];
  pattern?: string;
  maxLength?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  [annotation: string]: unknown;
}

const uuid = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$';
const shown = (description: string, schema: Schema): Schema => ({ ...schema, readOnly: true, description });
const extra = (description: string, schema: Schema = { type: 'string' }): Schema => ({
  ...schema,
  description,
  is_base: false,
});
const textOrNull = (maxLength: number): Schema => ({ type: ['null', 'string'], maxLength });

const imageProperties: Record<string, Schema> = {
  id: { type: 'string', description: 'ID of the image', pattern: uuid },
  name: { ...textOrNull(255), description: 'Name, for people' },
  status: shown('Where the image is in its life', {
    type: 'string',
    enum: [
      'queued',
      'saving',
      'active',
      'killed',
      'deleted',
      'uploading',
      'importing',
      'pending_delete',
      'deactivated',
    ],
  }),
  visibility: {
    type: 'string',
    description: 'Who may see the image',
    enum: ['community', 'public', 'private', 'shared'],
  },
  protected: { type: 'boolean', description: 'True: the image cannot be deleted' },
  os_hidden: { type: 'boolean', description: 'True: listings leave the image out' },
  checksum: shown('MD5 of the data', textOrNull(32)),
  os_hash_algo: shown('Which hash os_hash_value is', textOrNull(64)),
  os_hash_value: shown('Hash of the data, in hexadecimal', textOrNull(128)),
  owner: { ...textOrNull(255), description: 'Project that owns the image' },
  size: shown('Bytes of data', { type: ['null', 'integer'] }),
  virtual_size: shown('Bytes of the disk that the data describes', { type: ['null', 'integer'] }),
  container_format: {
    type: ['null', 'string'],
    description: 'What wraps the disk',
    enum: [null, 'ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'],
  },
  disk_format: {
    type: ['null', 'string'],
    description: 'What kind of disk it is',
    enum: [null, 'ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'],
  },
  created_at: shown('When the image was registered', { type: 'string' }),
  updated_at: shown('When the image was changed last', { type: 'string' }),
  tags: { type: 'array', description: 'Labels', items: { type: 'string', maxLength: 255 } },
  direct_url: shown('Where the store keeps the data', { type: 'string' }),
  min_ram: { type: 'integer', description: 'MiB of memory that a server needs' },
  min_disk: { type: 'integer', description: 'GiB of disk that a server needs' },
  self: shown('URL of the image', { type: 'string' }),
  file: shown('URL of the data', { type: 'string' }),
  stores: shown('Stores that hold the data, with commas between them', { type: 'string' }),
  schema: shown('URL of this schema', { type: 'string' }),
  locations: { type: 'array', description: 'Where stores keep the data', items: { type: 'object' } },
  kernel_id: extra('Image with the kernel, for AMI images', { type: ['null', 'string'], pattern: uuid }),
  ramdisk_id: extra('Image with the RAM disk, for AMI images', { type: ['null', 'string'], pattern: uuid }),
  instance_uuid: extra('Server that this is a snapshot of'),
  architecture: extra('Processor architecture'),
  os_distro: extra('Distribution'),
  os_version: extra('Version of the distribution'),
  description: extra('Description, for people'),
  cinder_encryption_key_id: extra('Key of the volume this was made from'),
  cinder_encryption_key_deletion_policy: extra('What becomes of that key with the image', {
    type: 'string',
    enum: ['on_image_deletion', 'do_not_delete'],
  }),
};

export const imageSchema: Schema = {
  name: 'image',
  properties: imageProperties,
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
};

export const memberSchema: Schema = {
  name: 'member',
  properties: {
    member_id: { type: 'string', description: 'Project that the image is shared with' },
    image_id: { type: 'string', description: 'ID of the image', pattern: uuid },
    created_at: { type: 'string', description: 'When the project became a member' },
    updated_at: { type: 'string', description: 'When the membership was changed last' },
    status: { type: 'string', description: 'What the project answered', enum: ['pending', 'accepted', 'rejected'] },
    schema: { readOnly: true, type: 'string' },
  },
};

export function collectionSchema(name: string, item: Schema, paged: boolean): Schema {
  const text = { type: 'string' };
  return {
    name,
    properties: {
      [name]: { type: 'array', items: item },
      ...(paged && { first: text, next: text }),
      schema: text,
    },
    links: [
      ...(paged
        ? [
            { rel: 'first', href: '{first}' },
            { rel: 'next', href: '{next}' },
          ]
        : []),
      { rel: 'describedby', href: '{schema}' },
    ],
  };
}

type Path = readonly (string | number)[];

interface Violation {
  complaint: string;
  keyword: keyof Schema & string;
  schema: Schema;
  schemaPath: Path;
  path: Path;
  value: unknown;
}

/** 400 in Glance's words when the value is not an image, or not a part of one. */
export function validateImage(value: unknown): void {
  const violation = violationOf(imageSchema, value, [], []);
  if (!violation) return;
  const steps = (path: Path) => path.map((step) => `[${python(step)}]`).join('');
  const { description: _description, ...schema } = violation.schema;
  throw new ImageFault(
    400,
    `Provided object does not match schema 'image': ${violation.complaint}\n\n` +
      `Failed validating '${violation.keyword}' in schema${steps(violation.schemaPath)}:\n    ${python(schema)}\n\n` +
      `On instance${steps(violation.path)}:\n    ${python(violation.value)}`,
  );
}

function violationOf(schema: Schema, value: unknown, schemaPath: Path, path: Path): Violation | null {
  const violation = (keyword: string, complaint: string): Violation => ({
    complaint: `${python(value)} ${complaint}`,
    keyword,
    schema,
    schemaPath,
    path,
    value,
  });
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => isOfType(type, value))) {
    return violation('type', `is not of type ${types.map(python).join(', ')}`);
  }
  if (schema.enum && !schema.enum.includes(value as string)) {
    return violation('enum', `is not one of ${python(schema.enum)}`);
  }
  if (typeof value === 'string') {
    if (schema.maxLength !== undefined && [...value].length > schema.maxLength) {
      return violation('maxLength', 'is too long');
    }
    if (schema.pattern && !new RegExp(schema.pattern).test(value)) {
      return violation('pattern', `does not match ${python(schema.pattern)}`);
    }
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return null;
    return firstOf(value, (item, index) => violationOf(items, item, [...schemaPath, 'items'], [...path, index]));
  }
  if (schema.properties && typeof value === 'object' && value !== null) {
    return firstOf(Object.entries(value), ([name, item]) => {
      const own = Object.hasOwn(schema.properties ?? {}, name);
      const part = own ? schema.properties?.[name] : schema.additionalProperties;
      if (typeof part !== 'object') return null;
      const step = own ? ['properties', name] : ['additionalProperties'];
      return violationOf(part, item, [...schemaPath, ...step], [...path, name]);
    });
  }
  return null;
}

function firstOf<Item>(items: readonly Item[], check: (item: Item, index: number) => Violation | null) {
  for (const [index, item] of items.entries()) {
    const violation = check(item, index);
    if (violation) return violation;
  }
  return null;
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

/** A value as Python prints it: Glance's messages quote values that way. */
function python(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    return quote + value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll(quote, `\\${quote}`) + quote;
  }
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, item]) => `${python(key)}: ${python(item)}`).join(', ')}}`;
  }
  return String(value);
}
