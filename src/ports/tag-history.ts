import type { TaggedImage } from '../model/tagged-image.ts';

/** Which images carried which tag, from look to look. */
export interface TagHistory {
  /** Tags by which flavors find their images, each once. */
  flavorTags(): Promise<string[]>;
  /** What a look has found; the same again changes nothing. @returns what is new, by ID. */
  record(
    tag: string,
    images: readonly { id: string; name: string | null }[],
    at: string,
  ): Promise<{ added: string[]; removed: string[] }>;
  /** Newest first. */
  list(limit: number): Promise<TaggedImage[]>;
}
