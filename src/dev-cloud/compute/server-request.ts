import * as read from './body.ts';
import { badRequest, ComputeFault } from './fault.ts';

/** An interface that a server is asked to have. */
export type RequestedNic = { networkId: string; fixedIp: string | null } | { portId: string };

/** What a POST to /servers asks for, checked in itself but not yet against the cloud. */
export interface ServerRequest {
  name: string;
  description: string | null;
  hostname: string | null;
  imageId: string;
  flavorId: string;
  keyName: string | null;
  availabilityZone: string | null;
  /** 'auto' finds a network, 'none' wants no interface; null is 'auto' as old microversions had it. */
  nics: readonly RequestedNic[] | 'auto' | 'none' | null;
  /** Names or IDs; null when the request names none. */
  securityGroups: readonly string[] | null;
  serverGroupId: string | null;
  configDrive: boolean;
  userData: string | null;
  files: readonly { path: string; contents: string }[];
  metadata: Record<string, string>;
  tags: string[];
  minCount: number;
  maxCount: number;
}

/** Nova's default quotas on what is put into a server. An amphora needs four files. */
const maxFiles = 5;
const maxFileBytes = 10_240;
const maxFilePathBytes = 255;
/** What the column `user_data` holds. */
const maxUserDataLength = 65_535;

const always = [
  ...['name', 'imageRef', 'flavorRef', 'adminPass', 'metadata', 'networks', 'OS-DCF:diskConfig', 'accessIPv4'],
  ...['accessIPv6', 'availability_zone', 'block_device_mapping', 'block_device_mapping_v2', 'config_drive', 'key_name'],
  ...['min_count', 'max_count', 'return_reservation_id', 'security_groups', 'user_data'],
];
/** Properties that came with a microversion. */
const since: readonly [minor: number, property: string][] = [
  [19, 'description'],
  [52, 'tags'],
  [63, 'trusted_image_certificates'],
  [74, 'host'],
  [74, 'hypervisor_hostname'],
  [90, 'hostname'],
];
/** The last microversion that takes files, and the first that insists on networks. */
const lastMinorWithFiles = 56;
const firstMinorWithNetworks = 37;

/** @throws ComputeFault in the words of Nova's schema. */
export function parseServerRequest(body: unknown, minor: number): ServerRequest {
  const hints = ['os:scheduler_hints', 'OS-SCH-HNT:scheduler_hints'];
  const server = read.envelope(body, 'server', hints);
  const required = ['name', 'flavorRef', ...(minor >= firstMinorWithNetworks ? ['networks'] : [])];
  const optional = [
    ...always,
    ...since.filter(([first]) => minor >= first).map(([, property]) => property),
    ...(minor <= lastMinorWithFiles ? ['personality'] : []),
  ];
  read.checkKeys(server, 'server', required, optional);

  const name = read.string(server.name, 'name', 1, 255).trim();
  const minCount = read.optional(server.min_count, (value) => read.integer(value, 'min_count', 1)) ?? 1;
  const maxCount = read.optional(server.max_count, (value) => read.integer(value, 'max_count', 1)) ?? minCount;
  if (minCount > maxCount) throw badRequest('min_count must be <= max_count');
  const groupHint = hints.map((key) => ((body as read.Body)[key] as read.Body | undefined)?.group).find(Boolean);

  return {
    name,
    description:
      minor >= 19 ? read.optional(server.description, (value) => read.string(value, 'description', 0, 255)) : name,
    hostname: read.optional(server.hostname, (value) => read.string(value, 'hostname', 2, 63)),
    imageId: imageIdOf(server),
    flavorId: read
      .string(String(server.flavorRef ?? ''), 'flavorRef', 1, 255)
      .split('/')
      .at(-1) as string,
    keyName: read.optional(server.key_name, (value) => read.string(value, 'key_name', 1, 255)),
    availabilityZone: read.optional(server.availability_zone, (value) =>
      read.string(value, 'availability_zone', 1, 255),
    ),
    nics: nicsOf(server.networks, minor),
    securityGroups: groupsOf(server.security_groups),
    serverGroupId: read.optional(groupHint, (value) => read.string(value, 'group')),
    configDrive: read.optional(server.config_drive, (value) => read.boolean(value, 'config_drive')) ?? false,
    userData: userDataOf(server.user_data),
    files: filesOf(server.personality),
    metadata: metadataOf(server.metadata),
    tags: read.optional(server.tags, (value) => read.list(value, 'tags') as string[]) ?? [],
    minCount,
    maxCount,
  };
}

/**
 * The image is named by `imageRef`; a client may say the same in a block device mapping. There are no volumes.
 */
function imageIdOf(server: read.Body): string {
  const devices = read.optional(server.block_device_mapping_v2 ?? server.block_device_mapping, (value) =>
    read.list(value, 'block_device_mapping_v2').map((item) => read.object(item, 'block_device_mapping_v2')),
  );
  for (const device of devices ?? []) {
    if (device.source_type !== 'image' || (device.destination_type ?? 'local') !== 'local') {
      throw badRequest('Block Device Mapping is Invalid: the embedded cloud has no volumes.');
    }
  }
  const reference = server.imageRef || devices?.[0]?.uuid || '';
  const id = read.string(reference, 'imageRef').split('/').at(-1) ?? '';
  if (id === '') throw badRequest('Invalid imageRef provided.');
  if (!read.isUuid(id)) throw read.invalid('imageRef', id, `'${id}' is not a 'uuid'`);
  return id;
}

function nicsOf(value: unknown, minor: number): ServerRequest['nics'] {
  if (value === undefined || value === null) return null;
  if ((value === 'auto' || value === 'none') && minor >= firstMinorWithNetworks) return value;
  return read.list(value, 'networks').map((item, index) => {
    const nic = read.object(item, `networks.${index}`);
    read.checkKeys(nic, String(index), [], ['uuid', 'port', 'fixed_ip', ...(minor >= 32 ? ['tag'] : [])]);
    const portId = read.optional(nic.port, (port) => read.uuid(port, 'port'));
    if (portId !== null) return { portId };
    const networkId = read.optional(nic.uuid, (network) => read.uuid(network, 'uuid'));
    if (networkId === null) throw badRequest('Bad networks format: network uuid is not in proper format (None)');
    return { networkId, fixedIp: read.optional(nic.fixed_ip, (address) => read.string(address, 'fixed_ip')) };
  });
}

/** The same group twice counts once. */
function groupsOf(value: unknown): string[] | null {
  if (value === undefined || value === null) return null;
  const names = read.list(value, 'security_groups').map((item) => {
    return read.string(read.object(item, 'security_groups').name ?? '', 'name', 0, 255);
  });
  return [...new Set(names.filter(Boolean))];
}

function userDataOf(value: unknown): string | null {
  return read.optional(value, (data) => {
    const text = read.string(data, 'user_data', 0, maxUserDataLength);
    if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) throw read.invalid('user_data', text, `'${text}' is not a 'base64'`);
    return text;
  });
}

function filesOf(value: unknown): ServerRequest['files'] {
  const files = (read.optional(value, (items) => read.list(items, 'personality')) ?? []).map((item, index) => {
    const file = read.object(item, String(index));
    read.checkKeys(file, String(index), ['path', 'contents'], []);
    // Nova takes contents that are not base 64 and drops what does not belong in it (test/recorded/nova: 46).
    return { path: read.string(file.path, 'path'), contents: read.string(file.contents, 'contents') };
  });
  if (files.length > maxFiles) throw new ComputeFault(403, 'Personality file limit exceeded');
  if (files.some(({ path }) => Buffer.byteLength(path) > maxFilePathBytes)) {
    throw new ComputeFault(403, `Personality file path exceeds maximum ${maxFilePathBytes}`);
  }
  // Counted as Nova counts: the text as it came, not what it stands for.
  if (files.some(({ contents }) => contents.length > maxFileBytes)) {
    throw new ComputeFault(403, `Personality file content exceeds maximum ${maxFileBytes}`);
  }
  return files;
}

function metadataOf(value: unknown): Record<string, string> {
  const metadata = read.optional(value, (items) => read.object(items, 'metadata')) ?? {};
  return Object.fromEntries(Object.entries(metadata).map(([key, item]) => [key, read.string(item, key, 0, 255)]));
}
