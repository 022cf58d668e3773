import { chmod, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type AgentFiles, nullIfAbsent, writeWhole } from '../files.ts';
import { shouldRunFile } from '../haproxy/load-balancers.ts';
import type { Outcome, Vrrp } from '../host.ts';
import type { Logger } from '../logger.ts';
import { runningProcess, systemctl, unitOf } from './services.ts';

export function keepalivedFiles(files: AgentFiles) {
  const folder = join(files.base, 'vrrp');
  return {
    configuration: join(folder, 'octavia-keepalived.conf'),
    pid: join(folder, 'octavia-keepalived.pid'),
    /** Configurations name it as what says whether this amphora can serve. */
    check: join(folder, 'check_script.sh'),
    shouldRun: join(folder, shouldRunFile),
  };
}

/** keepalived as a service of the machine. @param programs folder of the image's own programs. */
export function createKeepalived(options: {
  files: AgentFiles;
  programs: string;
  logger: Logger;
}): Vrrp & { isFit(): Promise<boolean> } {
  const { files, programs, logger } = options;
  const own = keepalivedFiles(files);
  const isThere = async (file: string) => (await readFile(file).catch(nullIfAbsent)) !== null;
  const runs = async () => (await runningProcess(own.pid)) !== null;

  async function start(): Promise<Outcome> {
    if (!(await isThere(own.configuration))) return 'there is no configuration of keepalived: nothing was uploaded';
    await writeWhole(own.check, `#!/bin/sh\nexec ${join(programs, 'vrrp-check')} ${files.base}\n`);
    await chmod(own.check, 0o755);
    // One that runs keeps who holds the VIPs.
    const fault = await systemctl((await runs()) ? 'reload' : 'start', unitOf.keepalived);
    if (fault === null) await writeWhole(own.shouldRun, '');
    return fault;
  }

  return {
    async upload(configuration) {
      await writeWhole(own.configuration, configuration);
      return null;
    },
    async act(action) {
      if (action === 'start') return await start();
      if (action === 'reload') return (await runs()) ? await start() : 'keepalived does not run';
      await rm(own.shouldRun, { force: true });
      return await systemctl('stop', unitOf.keepalived);
    },
    async resume() {
      if (!(await isThere(own.shouldRun)) || (await runs())) return;
      const fault = await start();
      if (fault !== null) logger('error', 'keepalived should run and does not start', { fault });
    },
    close: async () => undefined,
    isFit: async () => !(await isThere(own.configuration)) || (await runs()),
  };
}
