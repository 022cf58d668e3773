/** The property `kiln_release` of images in Glance: who is at a release of them. Nothing is cached. */
export interface ImageMarks {
  /** Null: there is none. */
  read(imageId: string): Promise<string | null>;
  write(imageId: string, mark: string): Promise<void>;
  /** Idempotent: a mark that is not there is success, and so is an image that is gone. */
  remove(imageId: string): Promise<void>;
}
