import { spawnSync } from 'node:child_process';
import { accessSync } from 'node:fs';

/**
 * Sees that Debian packages are installed: installs what is missing as root or by `sudo -n`, and otherwise ends the
 * process with the very command that an administrator has to run. Asks nobody when all are there.
 */
export function ensureDebianPackages(packages: readonly string[]): void {
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing];
  const patiently = [...install.slice(0, 2), '-q', '-o', 'DPkg::Lock::Timeout=600', ...install.slice(2)];
  const isRoot = process.getuid?.() === 0;
  if (mayInstall()) {
    console.error(`installing Debian packages: ${missing.join(' ')}`);
    const asRoot = (command: string[]) => run([...(isRoot ? ['env'] : ['sudo', '-n', 'env']), ...quiet, ...command]);
    if (asRoot(patiently) === 0 || (asRoot(['apt-get', 'update', '-q']) === 0 && asRoot(patiently) === 0)) return;
  }
  console.error(`Debian packages are missing: ${missing.join(' ')}. Install them as root, then run this again:`);
  console.error(`  apt-get update && ${install.join(' ')}`);
  process.exit(2);
}

/** By root, or by somebody whom sudo asks no password. */
export function mayInstall(): boolean {
  return hasApt() && (process.getuid?.() === 0 || run(['sudo', '-n', 'true'], 'ignore') === 0);
}

/** No questions. */
const quiet = ['DEBIAN_FRONTEND=noninteractive', 'NEEDRESTART_MODE=l', 'APT_LISTCHANGES_FRONTEND=none'];

function isInstalled(name: string): boolean {
  const query = spawnSync('dpkg-query', ['--show', '--showformat', '$' + '{db:Status-Status}', name], {
    encoding: 'utf8',
  });
  return query.status === 0 && query.stdout === 'installed';
}

function hasApt(): boolean {
  try {
    accessSync('/usr/bin/apt-get');
    return true;
  } catch {
    return false;
  }
}

function run([command = '', ...arguments_]: string[], stdout: 'ignore' | 'inherit' = 'ignore'): number | null {
  return spawnSync(command, arguments_, { stdio: ['ignore', stdout, stdout === 'ignore' ? 'ignore' : 'inherit'] })
    .status;
}
