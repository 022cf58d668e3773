import type { OctaviaEvent, OctaviaRecord } from '../model/octavia-release.ts';

/** create: it need not be there. append: it has to be. read: nothing is written, and nothing but reading must be allowed. */
export type ReleaseLogUse = 'create' | 'append' | 'read';

/** The file with a release's state: lines that are appended, never changed. Several processes may append. */
export interface OctaviaReleaseLog {
  /** What was written since the last call, by whomever; the first call gives all. */
  read(): Promise<OctaviaRecord[]>;
  /** Returns when it is on the disk. */
  append(event: OctaviaEvent): Promise<void>;
  /** Takes the right to carry the release out, until `close` or the end of this process. False: another process has it. */
  lock(): Promise<boolean>;
  close(): Promise<void>;
}
