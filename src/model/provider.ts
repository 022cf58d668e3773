/** Octavia's names for its own amphorae (octavia's setup.cfg, octavia.api.drivers): what Kiln serves. */
export const servedProviders: ReadonlySet<string> = new Set(['amphora', 'amphorav2', 'octavia']);
