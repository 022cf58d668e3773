import type { Readable } from 'node:stream';

/** One request to the public API of a running `kiln serve`. */
export interface RelayedRequest {
  method: string;
  /** With its query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer | null;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
}

export interface RelayedAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Readable;
}

/** Asks as an administrator of the whole cloud. Rejects when `kiln serve` does not answer. */
export type RelayPublicApi = (request: RelayedRequest) => Promise<RelayedAnswer>;
