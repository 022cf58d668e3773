import { constants } from 'node:fs';
import { access, chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nullIfAbsent, writeWhole } from '../files.ts';

/** Where ping may be: HAProxy starts its checks without a PATH. */
const pings = ['/usr/bin/ping', '/bin/ping', '/usr/sbin/ping', '/sbin/ping'];

/** What Octavia's images have for health checks by ping. HAProxy hands over: PROXY_ADDR PROXY_PORT SERVER_ADDR SERVER_PORT. */
const pingWrapper = (ping: string) => `#!/bin/sh
exec ${ping} -q -n -c 1 -w 1 "$3" >/dev/null 2>&1
`;

/** For a configuration with health checks by ping. @returns why no member would ever be found up. */
export async function writePingWrapper(base: string, text: string): Promise<string | null> {
  if (!/^\s*external-check\s+command\s/m.test(text)) return null;
  const usable = await Promise.all(
    pings.map((ping) =>
      access(ping, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  const ping = pings.find((_path, index) => usable[index]);
  if (!ping) {
    return `health monitors of type PING need the program ping, in ${pings.join(', ')}: install it (Debian: iputils-ping)`;
  }
  const file = join(base, 'ping-wrapper.sh');
  const wrapper = pingWrapper(ping);
  if ((await readFile(file, 'utf8').catch(nullIfAbsent)) === wrapper) return null;
  await writeWhole(file, wrapper);
  // HAProxy runs it as the user that it has become.
  await chmod(file, 0o755);
  return null;
}
