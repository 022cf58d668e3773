/** Which Kiln this is. */
export interface BuildInfo {
  version: string;
  /** Of the sources it was built from, with "-changed" where they were not that commit's; null: runs from the sources. */
  commit: string | null;
  /** ISO 8601; the commit's time, so that a second build of it is the same. */
  builtAt: string | null;
}
