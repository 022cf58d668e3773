import type { CloudState } from './state.ts';

/** Whom a token stands for. */
export interface CloudUser {
  userId: string;
  userName: string;
  projectId: string;
  projectName: string;
  roles: readonly string[];
  isAdmin: boolean;
}

/** An image as the compute service needs it. */
export interface BootableImage {
  id: string;
  status: string;
  sizeBytes: number;
  minDiskGiB: number;
  minRamMiB: number;
  /** File that holds the image's data. */
  dataFile: string;
}

/** What the services of the embedded cloud share. Each service is a Fastify plugin made from this. */
export interface CloudContext {
  state: CloudState;
  /** Folder for everything that is not a row: image data, servers' files, logs. */
  stateDirectory: string;
  /** Root of all endpoints, without a trailing slash: `http://127.0.0.1:PORT`. Known once the server listens. */
  baseUrl(): string;
  /** Null when the token is missing, unknown or expired. */
  authenticate(token: string | undefined): CloudUser | null;
  /** Null when no such image exists or the user may not see it. Set by the image service. */
  findImage(imageId: string, user: CloudUser): BootableImage | null;
}
