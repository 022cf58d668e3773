import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../logger.ts';
import { amphoraNamespace, run, runInNamespace } from './commands.ts';

/** Settings of the namespace: it forwards for IP_VS, binds addresses that keepalived brings later, and expects many connections. */
const settings: Readonly<Record<string, string>> = {
  'net.core.somaxconn': '65534',
  'net.ipv4.ip_forward': '1',
  'net.ipv4.ip_local_port_range': '1025 65534',
  'net.ipv4.ip_nonlocal_bind': '1',
  // Health monitors of type PING: HAProxy and what it runs never gain privileges.
  'net.ipv4.ping_group_range': '0 2147483647',
  'net.ipv4.tcp_fin_timeout': '5',
  'net.ipv4.tcp_keepalive_time': '300',
  'net.ipv4.tcp_max_syn_backlog': '100000',
  'net.ipv4.tcp_rmem': '16384 65536 524288',
  'net.ipv4.tcp_synack_retries': '3',
  'net.ipv4.tcp_tw_reuse': '1',
  'net.ipv4.tcp_wmem': '16384 349520 699040',
  'net.ipv4.vs.conntrack': '1',
  'net.ipv4.vs.expire_nodest_conn': '1',
  'net.ipv4.vs.expire_quiescent_template': '1',
  'net.ipv6.conf.all.forwarding': '1',
  'net.ipv6.ip_nonlocal_bind': '1',
};

/** Makes the namespace where it is missing, as after each boot. @throws an Error when there is none afterwards. */
export async function ensureNamespace(logger: Logger): Promise<void> {
  if (existsSync(join('/run/netns', amphoraNamespace))) return;
  const added = await run('ip', ['netns', 'add', amphoraNamespace]);
  if (added.status !== 0) throw new Error(`the namespace ${amphoraNamespace} can't be made: ${added.stderr.trim()}`);
  // Absent where the kernel has it built in, or has none: then UDP listeners say so.
  await run('modprobe', ['--quiet', '--all', 'ip_vs', 'nf_conntrack']);
  await run('ip', ['-n', amphoraNamespace, 'link', 'set', 'dev', 'lo', 'up']);
  const words = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  const set = await runInNamespace('sysctl', ['-q', '-w', ...words]);
  if (set.status !== 0) logger('warning', 'settings of the namespace', { fault: set.stderr.trim() });
}
