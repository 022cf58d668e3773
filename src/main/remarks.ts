import { readConnection } from '../adapters/storage/connection.ts';
import type { LoadedConfiguration } from '../config/load.ts';
import type { Configuration } from '../config/options/index.ts';
import type { ConfigurationRemark, Remarks } from '../config/remarks.ts';
import type { Log } from '../ports/log.ts';

/** All that is to be said of a configuration without faults: `kiln doctor`, `kiln config show` and `kiln serve` say it. */
export function remarksOf(loaded: LoadedConfiguration): Remarks {
  const { deprecated, unknown, unused, cautions } = loaded;
  const combined = combinations(loaded.config).map(({ section, option, message }) => ({
    section,
    option,
    source: loaded.origins.get(`${section}.${option}`)?.source ?? { kind: 'default' as const },
    message,
  }));
  return { deprecated, unknown, unused, cautions: [...cautions, ...combined] };
}

/** Says it in the log, at start and after each reload. What has no effect is one line: there may be a hundred. */
export function logRemarks(loaded: LoadedConfiguration, log: Log): void {
  const { deprecated, unknown, unused, cautions } = remarksOf(loaded);
  for (const { section, option, message } of [...unknown, ...deprecated, ...cautions]) {
    // The image options have a warning of their own, with the commands to run.
    if (option !== 'amp_image_id') log.warn({ section, option }, `${nameOf({ section, option })}: ${message}`);
  }
  if (unused.length > 0)
    log.info({ options: unused.map(nameOf) }, 'these options have no effect; `kiln doctor` says why');
}

const nameOf = ({ section, option }: Pick<ConfigurationRemark, 'section' | 'option'>) =>
  option === null ? `[${section}]` : `[${section}] ${option}`;

/** What options do to each other. */
function combinations(config: Configuration): { section: keyof Configuration; option: string; message: string }[] {
  const { networking, oslo_messaging_rabbit: rabbit, database, DEFAULT } = config;
  const found: ReturnType<typeof combinations> = [];
  if (!networking.allow_vip_network_id && !networking.allow_vip_subnet_id && !networking.allow_vip_port_id) {
    found.push({
      section: 'networking',
      option: 'allow_vip_port_id',
      message:
        'allow_vip_network_id, allow_vip_subnet_id and allow_vip_port_id are all false: no load balancer can be made',
    });
  }
  const valid = networking.valid_vip_networks;
  if (valid.length > 0 && valid.every((id) => networking.denylist_vip_networks.includes(id))) {
    found.push({
      section: 'networking',
      option: 'valid_vip_networks',
      message: 'denylist_vip_networks holds all of them: no load balancer can be made',
    });
  }
  if (rabbit.ssl_enforce_hostname_verification && (!rabbit.ssl || !rabbit.ssl_ca_file)) {
    found.push({
      section: 'oslo_messaging_rabbit',
      option: 'ssl_enforce_hostname_verification',
      message: "without effect: without ssl and ssl_ca_file the broker's certificate is not verified",
    });
  }
  if (DEFAULT.log_dir && !DEFAULT.log_file) {
    found.push({
      section: 'DEFAULT',
      option: 'log_dir',
      message: 'without effect: log_file is not set, so Kiln logs to standard error',
    });
  }
  const ignored = ignoredInUrl(database.connection);
  if (ignored.length > 0) {
    found.push({
      section: 'database',
      option: 'connection',
      message: `these options of the URL have no effect: ${ignored.join(', ')}`,
    });
  }
  return found;
}

/** A URL that can't be read says so where the database is opened. */
function ignoredInUrl(connection: string | null): readonly string[] {
  if (!connection) return [];
  try {
    const read = readConnection(connection);
    return read.engine === 'sqlite' ? [] : read.unknownOptions;
  } catch {
    return [];
  }
}
