import type { CloudState, Table } from '../state.ts';

export type ImageStatus = 'queued' | 'saving' | 'active' | 'deactivated';
export type Visibility = 'public' | 'private' | 'shared' | 'community';

/** An image, with the names of Glance's API. Times have a resolution of one second, as in Glance's database. */
export interface ImageRow {
  id: string;
  name: string | null;
  disk_format: string | null;
  container_format: string | null;
  visibility: Visibility;
  size: number | null;
  virtual_size: number | null;
  status: ImageStatus;
  checksum: string | null;
  protected: boolean;
  min_ram: number;
  min_disk: number;
  owner: string | null;
  os_hidden: boolean;
  os_hash_algo: string | null;
  os_hash_value: string | null;
  created_at: string;
  updated_at: string;
  tags: string[];
  /** Whatever else was set: `hw_architecture`, `owner_specified.…`. */
  properties: Record<string, string>;
}

/** A project that an image is shared with. */
export interface MemberRow {
  /** `<image>/<project>` */
  id: string;
  image_id: string;
  member_id: string;
  status: 'pending' | 'accepted' | 'rejected';
  created_at: string;
  updated_at: string;
}

export interface ImageTables {
  images: Table<ImageRow>;
  members: Table<MemberRow>;
}

export function imageTables(state: CloudState): ImageTables {
  return { images: state.table('images'), members: state.table('image-members') };
}

/** Now, as Glance writes it. */
export function timestamp(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
