import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nullIfAbsent } from '../files.ts';
import type { Outcome } from '../host.ts';
import { amphoraNamespace, run } from './commands.ts';

/** Forgotten at a reboot: the agent writes them anew, by its configuration of then. */
const unitFolder = '/run/systemd/system';

export const unitOf = {
  haproxy: (loadBalancerId: string) => `amphora-haproxy@${loadBalancerId}.service`,
  lvs: (listenerId: string) => `amphora-lvs@${listenerId}.service`,
  keepalived: 'amphora-keepalived.service',
} as const;

/** Paths of what units run; `%i` stands for the ID of the load balancer or listener. */
export interface UnitPaths {
  haproxyCommand: string;
  haproxyPreamble: string;
  /** Folder of one load balancer. */
  haproxyFolder: string;
  keepalivedConfiguration: string;
  keepalivedPid: string;
  lvsConfiguration: string;
  lvsPids: Readonly<Record<'parent' | 'vrrp' | 'checkers', string>>;
}

/** Unit file → its text. Services outlive the agent, and systemd starts what ends by itself. */
export function renderUnits(paths: UnitPaths): Record<string, string> {
  const inNamespace = `/sbin/ip netns exec ${amphoraNamespace}`;
  const { haproxyFolder: folder } = paths;
  const keepalived = `${inNamespace} /usr/sbin/keepalived --log-facility=1`;
  return {
    [unitOf.haproxy('')]: `[Unit]
Description=HAProxy of load balancer %i
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=${inNamespace} ${paths.haproxyCommand} -Ws -p ${folder}/%i.pid -f ${paths.haproxyPreamble} -f ${folder}/haproxy.cfg
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
Restart=always
RestartSec=1
LimitNOFILE=2600000
StandardOutput=append:${folder}/haproxy.log
StandardError=inherit
`,
    [unitOf.keepalived]: `[Unit]
Description=keepalived: which amphora of the pair has the VIPs
StartLimitIntervalSec=0

[Service]
Type=forking
PIDFile=${paths.keepalivedPid}
ExecStart=${keepalived} -f ${paths.keepalivedConfiguration} -p ${paths.keepalivedPid}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
Restart=always
RestartSec=1
`,
    [unitOf.lvs('')]: `[Unit]
Description=keepalived of UDP or SCTP listener %i
StartLimitIntervalSec=0

[Service]
Type=forking
PIDFile=${paths.lvsPids.parent}
ExecStart=${keepalived} -f ${paths.lvsConfiguration} -p ${paths.lvsPids.parent} -r ${paths.lvsPids.vrrp} -c ${paths.lvsPids.checkers}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
Restart=always
RestartSec=1
`,
  };
}

/** Writes unit files. systemd finds new ones by itself when they are started; it is asked to read them again where one has changed. */
export async function installUnits(units: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(unitFolder, { recursive: true });
  let changed = false;
  for (const [name, text] of Object.entries(units)) {
    const file = join(unitFolder, name);
    const former = await readFile(file, 'utf8').catch(nullIfAbsent);
    if (former === text) continue;
    await writeFile(file, text, { mode: 0o644 });
    changed ||= former !== null;
  }
  const fault = changed ? await systemctl('daemon-reload') : null;
  if (fault !== null) throw new Error(fault);
}

/** @returns what systemd said when it did not do it. */
export async function systemctl(
  action: 'start' | 'stop' | 'reload' | 'restart' | 'daemon-reload',
  ...units: readonly string[]
): Promise<Outcome> {
  const { status, stdout, stderr } = await run('systemctl', [action, ...units]);
  return status === 0 ? null : `${stdout}${stderr}`.trim() || `systemctl ${action} ended with status ${status}`;
}

/** The process of a PID file, when it runs and was started with that file: PIDs are given again. */
export async function runningProcess(pidFile: string): Promise<number | null> {
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).trim());
  if (!Number.isSafeInteger(pid) || pid <= 1) return null;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.split('\0').includes(pidFile) ? pid : null;
}
