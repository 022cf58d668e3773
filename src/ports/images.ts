import type { Image } from '../model/image.ts';

export interface ImageQuery {
  /** All of these tags, compared exactly (case, accents and blanks count) whatever the database behind Glance does. */
  tags?: readonly string[];
  /** Exactly this status. */
  status?: string;
  /** Exactly this owning project. */
  owner?: string;
  name?: string;
  visibility?: 'public' | 'private' | 'shared' | 'community' | 'all';
  /** True lists the hidden images and no others; absent lists those that are not hidden. */
  hidden?: boolean;
}

export interface NewImage {
  /** UUID for the record: with it, a record whose creation was never answered can still be found and removed. */
  id?: string;
  name: string;
  diskFormat: string;
  containerFormat: string;
  visibility?: 'public' | 'private' | 'shared' | 'community';
  minDiskGiB?: number;
  minRamMiB?: number;
  tags?: readonly string[];
  /** Free properties, such as `hw_architecture`. */
  properties?: Readonly<Record<string, string>>;
}

/**
 * Glance. Every answer is asked for when the method is called: nothing is cached.
 * Errors are ServiceError; an image that is not there or not to be seen is SERVICE_NOT_FOUND.
 */
export interface ImageService {
  /** All matching images over all pages, newest first, equal times by ID descending. Checked again on this side. */
  list(query: ImageQuery, signal?: AbortSignal): Promise<Image[]>;
  get(imageId: string, signal?: AbortSignal): Promise<Image>;
  /** Makes the record; the image is `queued` until data is uploaded. Not idempotent; never retried once sent. */
  create(image: NewImage): Promise<Image>;
  /**
   * Sends the data. `onProgress` gets the number of bytes sent so far. Afterwards the image is `active`.
   * @param sizeBytes exact length of `data`.
   */
  upload(
    imageId: string,
    data: AsyncIterable<Uint8Array>,
    sizeBytes: number,
    onProgress?: (bytesSent: number) => void,
  ): Promise<void>;
  /** Idempotent. Touches no other tag. */
  addTag(imageId: string, tag: string): Promise<void>;
  /** Idempotent: a tag that is not there is success. Touches no other tag. */
  removeTag(imageId: string, tag: string): Promise<void>;
  /** Idempotent: an image that is gone is success. */
  delete(imageId: string): Promise<void>;
  setHidden(imageId: string, hidden: boolean): Promise<void>;
  deactivate(imageId: string): Promise<void>;
  reactivate(imageId: string): Promise<void>;
}
