import type { Amphora, BootEvent } from './amphora.ts';
import type { OwnCertificate } from './certificate.ts';
import type { KilnError } from './errors.ts';
import type { ImageChoice } from './image.ts';
import type { SilenceSurvey } from './silence.ts';

/** Which `kiln serve` answers at a control socket (`GET /ping`): it asks nothing but its own memory for that. */
export interface ServeProcess {
  pid: number;
  version: string;
}

/** What a running `kiln serve` says of itself over its control socket (`GET /status`, `kiln status`). */
export interface ServeStatus extends ServeProcess {
  startedAt: string;
  /** When the configuration in force was read, and from which files. */
  configuration: { loadedAt: string; files: readonly string[] };
  /** Null, as `silence`: unknown, for the database has not answered within seconds. */
  amphorae: { total: number; byStatus: Readonly<Record<string, number>> } | null;
  silence: SilenceSurvey | null;
  /** Of the controller's own: those that end soon, have ended or can't be read. */
  certificates: readonly OwnCertificate[];
  /** Newest image choice of each tag; a choice with several candidates is seen here. */
  imageChoices: readonly {
    tag: string;
    at: string;
    choice: ImageChoice | null;
    error: ReturnType<KilnError['toJSON']> | null;
  }[];
}

/** One line of the answer to `POST /amphorae`: events while the boot goes on, then its end. */
export type BootLine = { event: BootEvent } | { amphora: Amphora } | { error: ReturnType<KilnError['toJSON']> };
