import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const client = '/usr/bin/openstack';
const run = promisify(execFile);

/** Why Debian's `openstack` can't be run here; null when it can. `npm test` installs it. */
export const openstackIsMissing = ((): string | null => {
  try {
    execFileSync(client, ['--version'], { stdio: 'ignore', env: {} });
    return null;
  } catch {
    const reason = `${client} is not installed: apt-get install -y --no-install-recommends python3-openstackclient`;
    console.warn(`skipped: ${reason}`);
    return reason;
  }
})();

/**
 * Runs the real client and gives back what it printed. Of this machine's environment it gets only what it needs: no
 * proxy, no OS_* variable.
 */
export async function openstackClient(
  cloudsFile: string,
  cloudName: string,
  arguments_: readonly string[],
): Promise<string> {
  const env = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LANG: 'C.UTF-8', OS_CLIENT_CONFIG_FILE: cloudsFile };
  return (await run(client, ['--os-cloud', cloudName, ...arguments_], { env })).stdout.trim();
}
