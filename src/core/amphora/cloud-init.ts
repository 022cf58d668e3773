import { stringify } from 'yaml';
import { requireOneLine } from './config-line.ts';

/**
 * cloud-init user data of an amphora, with the effect of Octavia's (octavia/common/jinja/user_data_jinja_cfg.py): sets
 * the time zone and restarts rsyslog; where `files` are given (`[controller_worker] user_data_config_drive`) it writes
 * them first and then restarts the agent, which started without them.
 * @param files absolute path → text.
 * @param timezone a name of /usr/share/zoneinfo.
 */
export function renderUserData(files: Readonly<Record<string, string>>, timezone: string): string {
  const paths = Object.keys(files);
  const document = {
    ...(paths.length > 0
      ? { write_files: paths.map((path) => ({ path, ...privateMode(path), content: files[path] })) }
      : {}),
    runcmd: ['systemctl restart rsyslog', ...(paths.length > 0 ? ['service amphora-agent restart'] : [])],
    timezone: requireOneLine('[controller_worker] amp_timezone', timezone),
  };
  return `#cloud-config\n${stringify(document, { blockQuote: 'literal', lineWidth: 0 })}`;
}

/** cloud-init writes files that everyone may read unless configured otherwise; a private key is root's alone. */
function privateMode(path: string): { permissions?: string } {
  return path.endsWith('/server.pem') ? { permissions: '0600' } : {};
}
