/**
 * The image that an embedded cloud boots: a gzipped tar with a manifest, `amphora.json`, and the program it names.
 * A server runs that program with `--root DIR --config-file FILE --bind-host IP`.
 */
export interface AmphoraImageManifest {
  format: typeof amphoraImageFormat;
  /** Name and version that whoever built the image gave it; the agent tells them in `GET /1.0/info`. */
  name: string;
  version: string;
  /** Path of the program inside the image, an ES module for Node.js. */
  entry: string;
}

export const amphoraImageFormat = 'kiln-amphora-1';
export const amphoraManifestFile = 'amphora.json';
