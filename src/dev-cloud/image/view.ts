import type { ImageRow, MemberRow } from './rows.ts';

/** An image as Glance shows it: its own properties first, then the attributes in Glance's order. */
export function imageView(image: ImageRow): Record<string, unknown> {
  const path = `/v2/images/${image.id}`;
  return {
    ...image.properties,
    name: image.name,
    disk_format: image.disk_format,
    container_format: image.container_format,
    visibility: image.visibility,
    size: image.size,
    virtual_size: image.virtual_size,
    status: image.status,
    checksum: image.checksum,
    protected: image.protected,
    min_ram: image.min_ram,
    min_disk: image.min_disk,
    owner: image.owner,
    os_hidden: image.os_hidden,
    os_hash_algo: image.os_hash_algo,
    os_hash_value: image.os_hash_value,
    id: image.id,
    created_at: image.created_at,
    updated_at: image.updated_at,
    tags: image.tags,
    self: path,
    file: `${path}/file`,
    schema: '/v2/schemas/image',
    ...(hasData(image) && { stores: 'fs' }),
  };
}

export function hasData(image: ImageRow): boolean {
  return image.status === 'active' || image.status === 'deactivated';
}

export function memberView(member: MemberRow): Record<string, unknown> {
  const { id: _id, ...shown } = member;
  return { ...shown, schema: '/v2/schemas/member' };
}
