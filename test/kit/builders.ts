import { randomUUID } from 'node:crypto';
import type { ComputeFlavor, Server, ServerSpec } from '../../src/model/compute.ts';
import type { Image } from '../../src/model/image.ts';

/** An active amphora image; say only what the test is about. */
export function anImage(fields: Partial<Image> = {}): Image {
  return {
    id: randomUUID(),
    name: 'amphora',
    status: 'active',
    tags: ['amphora'],
    owner: 'service-project',
    visibility: 'private',
    osHidden: false,
    protected: false,
    sizeBytes: 1024,
    minDiskGiB: 0,
    minRamMiB: 0,
    architecture: null,
    diskFormat: 'qcow2',
    containerFormat: 'bare',
    hashAlgorithm: 'sha512',
    hashValue: 'ab'.repeat(64),
    createdAt: '2026-11-22T12:00:00Z',
    updatedAt: '2026-11-22T12:00:00Z',
    ...fields,
  };
}

export function aFlavor(fields: Partial<ComputeFlavor> = {}): ComputeFlavor {
  return { id: '65', name: 'amphora', vcpus: 1, ramMiB: 1024, diskGiB: 2, extraSpecs: {}, ...fields };
}

export function aServer(fields: Partial<Server> = {}): Server {
  return {
    id: randomUUID(),
    name: 'amphora-1',
    status: 'ACTIVE',
    imageId: randomUUID(),
    createdAt: '2026-11-22T12:00:00Z',
    availabilityZone: 'nova',
    fault: null,
    ...fields,
  };
}

export function aServerSpec(fields: Partial<ServerSpec> = {}): ServerSpec {
  return {
    name: `amphora-${randomUUID()}`,
    imageId: randomUUID(),
    flavorId: '65',
    keyName: null,
    securityGroupIds: [],
    networkIds: ['lb-mgmt-net'],
    portIds: [],
    availabilityZone: null,
    serverGroupId: null,
    files: {},
    userData: null,
    ...fields,
  };
}
