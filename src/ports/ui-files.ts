/** One file of the web page. */
export interface UiFile {
  content: Buffer;
  /** Null: that saves nothing. */
  gzipped: Buffer | null;
  /** Media type, with the character set. */
  type: string;
  /** In quotes, as it stands in the header. */
  etag: string;
}

/** The files of the web page, by name. */
export type UiFiles = () => Promise<ReadonlyMap<string, UiFile>>;
