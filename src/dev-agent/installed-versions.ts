import { execFile } from 'node:child_process';

/** Versions of the programs an amphora works with, or "not installed". */
export interface InstalledVersions {
  haproxy: string;
  keepalived: string;
  ipvsadm: string;
}

/** Asks each program once. They do not change while an amphora lives: a new image is a new amphora. */
export async function readInstalledVersions(haproxyCmd: string): Promise<InstalledVersions> {
  const [haproxy, keepalived, ipvsadm] = await Promise.all([
    versionOf([haproxyCmd, 'haproxy'], '-v', /version (\S+)/),
    versionOf(['keepalived'], '--version', /Keepalived v(\S+)/),
    versionOf(['ipvsadm'], '--version', /ipvsadm v(\S+)/),
  ]);
  return { haproxy, keepalived, ipvsadm };
}

/** The first of `commands` that runs and tells a version. Some tell it on standard error. */
async function versionOf(commands: readonly string[], argument: string, pattern: RegExp): Promise<string> {
  for (const command of commands) {
    const said = await new Promise<string>((resolve) => {
      execFile(command, [argument], { timeout: 5000, killSignal: 'SIGKILL' }, (_error, stdout, stderr) =>
        resolve(`${stdout}\n${stderr}`),
      );
    });
    const version = pattern.exec(said)?.[1];
    if (version) return version;
  }
  return 'not installed';
}
