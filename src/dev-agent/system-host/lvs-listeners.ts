import { chmod, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AgentFiles, nullIfAbsent, writeWhole } from '../files.ts';
import type { Statistics } from '../heartbeat/statistics.ts';
import type { LvsListeners, Outcome } from '../host.ts';
import type { Logger } from '../logger.ts';
import { runInNamespace } from './commands.ts';
import { parseLvsConfiguration } from './lvs-configuration.ts';
import { lvsStatistics, parseIpVs } from './lvs-statistics.ts';
import { runningProcess, systemctl, unitOf } from './services.ts';

/** Files of one listener, by the names that Octavia's agent gives them. */
export function lvsFiles(files: AgentFiles, id: string) {
  const of = (ending: string) => join(files.base, 'lvs', `octavia-keepalivedlvs-${id}.${ending}`);
  return {
    configuration: of('conf'),
    pids: { parent: of('pid'), vrrp: of('vrrp.pid'), checkers: of('check.pid') },
    shouldRun: of('should-run'),
  };
}

/** Each UDP or SCTP listener has a keepalived of its own, a service of the machine. */
export function createLvsListeners(options: { files: AgentFiles; programs: string; logger: Logger }): LvsListeners {
  const { files, programs, logger } = options;
  const folder = join(files.base, 'lvs');
  const configuration = (id: string) => readFile(lvsFiles(files, id).configuration, 'utf8').catch(nullIfAbsent);
  const isRunning = async (id: string) => (await runningProcess(lvsFiles(files, id).pids.parent)) !== null;

  async function ids(): Promise<string[]> {
    const names = (await readdir(folder).catch(nullIfAbsent)) ?? [];
    return names.flatMap((name) => /^octavia-keepalivedlvs-(.+)\.conf$/.exec(name)?.[1] ?? []).sort();
  }

  async function act(id: string, action: 'start' | 'stop' | 'reload'): Promise<Outcome> {
    const { shouldRun } = lvsFiles(files, id);
    if (action === 'stop') {
      await rm(shouldRun, { force: true });
      return await systemctl('stop', unitOf.lvs(id));
    }
    // As Octavia's agent: a reload leaves members as keepalived last saw them.
    const fault = await systemctl(action === 'reload' ? 'restart' : 'start', unitOf.lvs(id));
    if (fault === null) await writeWhole(shouldRun, '');
    return fault;
  }

  return {
    ids,
    configuration,
    isRunning,
    async upload(id, text) {
      // Configurations name it.
      const check = join(folder, 'check', 'udp_check.sh');
      await writeWhole(check, `#!/bin/sh\nexec ${join(programs, 'udp-check')} "$@"\n`);
      await chmod(check, 0o755);
      await writeWhole(lvsFiles(files, id).configuration, text);
      return null;
    },
    act,
    async remove(id) {
      const { pids, shouldRun, configuration: file } = lvsFiles(files, id);
      const fault = await act(id, 'stop');
      if (fault !== null) return fault;
      for (const one of [...Object.values(pids), shouldRun, file]) await rm(one, { force: true });
      return null;
    },
    async status(id) {
      const { pids } = lvsFiles(files, id);
      if ((await readFile(pids.parent).catch(nullIfAbsent)) === null) return 'OFFLINE';
      if (!(await isRunning(id))) return 'ERROR';
      return (await configuration(id))?.includes('virtual_server') ? 'ACTIVE' : 'OFFLINE';
    },
    async statistics() {
      const all: Statistics = { listeners: [], pools: [] };
      const running = [];
      for (const id of await ids()) if (await isRunning(id)) running.push(id);
      if (running.length === 0) return all;
      // Both empty where the kernel has no IP_VS.
      const list = await runInNamespace('ipvsadm', ['-Ln']);
      const statistics = await runInNamespace('ipvsadm', ['-Ln', '--stats', '--exact']);
      const table = parseIpVs(list.stdout, statistics.stdout);
      for (const id of running) {
        const own = lvsFiles(files, id);
        const [written, begun] = await Promise.all([own.configuration, own.pids.checkers].map(modifiedMs));
        const isRestarting = (written ?? 0) > (begun ?? 0);
        const parsed = parseLvsConfiguration((await configuration(id)) ?? '');
        const { listeners, pools } = lvsStatistics(id, parsed, table, isRestarting);
        all.listeners.push(...listeners);
        all.pools.push(...pools);
      }
      return all;
    },
    async resume() {
      for (const id of await ids()) {
        const wanted = (await readFile(lvsFiles(files, id).shouldRun).catch(nullIfAbsent)) !== null;
        if (!wanted || (await isRunning(id))) continue;
        const fault = await act(id, 'start');
        if (fault !== null) logger('error', 'a UDP listener should run and does not start', { listenerId: id, fault });
      }
    },
  };
}

async function modifiedMs(file: string): Promise<number | null> {
  return await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  );
}
