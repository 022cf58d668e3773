import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** octavia.conf by section. */
export type Sections = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface DerivedConfiguration {
  /** The cloud's octavia.conf. */
  given: string;
  /** Where the processes that share it keep their state, and where it is written. */
  folder: string;
  tag: string;
  heartbeatPort: number;
  /** Empty: one process over SQLite in `folder`. */
  databaseUrl: string;
  transportUrl: string;
  /** Stands before Nova. Null: Nova itself. */
  computeEndpoint: string | null;
}

/**
 * What Kiln runs with here beside the cloud's octavia.conf: nothing of the controllers that use that file in earnest.
 * Its database and its broker above all: who shares them takes over the others' work.
 */
function sectionsOf(derived: DerivedConfiguration): Sections {
  const { folder, tag, heartbeatPort } = derived;
  return {
    DEFAULT: { debug: 'false', log_file: '', log_dir: '', transport_url: derived.transportUrl },
    api_settings: { bind_host: '127.0.0.1', api_base_uri: '', auth_strategy: 'keystone' },
    controller_worker: {
      amp_image_tag: tag,
      amp_image_id: '',
      amp_image_owner_id: '',
      amp_image_tag_policy: 'newest',
      loadbalancer_topology: 'SINGLE',
    },
    database: { connection: derived.databaseUrl || `sqlite:///${join(folder, 'kiln.sqlite')}` },
    health_manager: {
      bind_ip: '127.0.0.1',
      bind_port: String(heartbeatPort),
      // Amphorae of a run are not to be heard of by the controllers that are there in earnest.
      controller_ip_port_list: `127.0.0.1:${heartbeatPort}`,
    },
    // Cases that run alongside wait in a worker for images that never come.
    task_flow: { max_workers: '20' },
    kiln: { state_path: folder, control_socket: '' },
    ...(derived.computeEndpoint === null ? {} : { nova: { endpoint: derived.computeEndpoint } }),
  };
}

/**
 * Writes the part that stands beside the given file, and says how `kiln` is to be started with both.
 * @param changes options of [controller_worker] in place of the derived ones.
 */
export function writeConfiguration(
  derived: DerivedConfiguration,
  changes: Readonly<Record<string, string>> = {},
): { files: string[]; arguments: string[]; environment: NodeJS.ProcessEnv } {
  const sections = sectionsOf(derived);
  const all: Sections = { ...sections, controller_worker: { ...sections.controller_worker, ...changes } };
  const file = join(derived.folder, 'run.conf');
  const text = Object.entries(all).map(([section, options]) =>
    // A dollar sign begins a reference.
    [`[${section}]`, ...Object.entries(options).map(([name, value]) => `${name} = ${value.replaceAll('$', '$$$$')}`)]
      .map((line) => `${line}\n`)
      .join(''),
  );
  mkdirSync(derived.folder, { recursive: true, mode: 0o700 });
  writeFileSync(file, text.join('\n'), { mode: 0o600 });
  // Variables go before files.
  const variables = Object.entries(all).flatMap(([section, options]) =>
    Object.keys(options).map((option) => `OS_${section.toUpperCase()}__${option.toUpperCase()}`),
  );
  const files = [derived.given, file];
  return {
    files,
    arguments: files.flatMap((one) => ['--config-file', one]),
    environment: Object.fromEntries(variables.map((name) => [name, undefined])),
  };
}
