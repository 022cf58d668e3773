import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { growingPauseMs } from '../../lib/growing-pause.ts';
import type { AgentConfiguration } from '../configuration.ts';
import type { AgentFiles } from '../files.ts';
import { createLoadBalancers, type LoadBalancers } from '../haproxy/load-balancers.ts';
import { haproxyProgram } from '../haproxy/program.ts';
import type { AmphoraHost } from '../host.ts';
import type { Logger } from '../logger.ts';
import { runInNamespace } from './commands.ts';
import { createHaproxyService, preambleOf } from './haproxy.ts';
import { createKernelInterfaces, type KernelInterfaces } from './interfaces.ts';
import { createKeepalived, keepalivedFiles } from './keepalived.ts';
import { createLvsListeners, lvsFiles } from './lvs-listeners.ts';
import { ensureNamespace } from './namespace.ts';
import { installUnits, renderUnits } from './services.ts';

const RESTORE_AGAIN = { firstMs: 3_000, longestMs: 300_000 };

/**
 * An amphora that is a machine of its own: interfaces in the namespace amphora-haproxy; HAProxy and keepalived as services of systemd.
 * Brings up what was plugged before a reboot. Needs root. @throws an Error when the namespace or the services can't be set up.
 * @param programs folder of the image's own programs.
 */
export async function createSystemHost(
  configuration: AgentConfiguration,
  files: AgentFiles,
  programs: string,
  logger: Logger,
): Promise<{ host: AmphoraHost; loadBalancers: LoadBalancers }> {
  const { haproxyCmd, amphoraId, isOfPair, networkFolder } = configuration;
  const keepalived = keepalivedFiles(files);
  const lvs = lvsFiles(files, '%i');
  // HAProxy, when it is no longer root, has to get to what is in it.
  await mkdir(files.base, { recursive: true, mode: 0o755 });
  await ensureNamespace(logger);
  await installUnits(
    renderUnits({
      haproxyCommand: haproxyProgram(haproxyCmd),
      haproxyPreamble: preambleOf(files),
      haproxyFolder: files.folderOf('%i'),
      keepalivedConfiguration: keepalived.configuration,
      keepalivedPid: keepalived.pid,
      lvsConfiguration: lvs.configuration,
      lvsPids: lvs.pids,
    }),
  );
  const interfaces = createKernelInterfaces({ folder: files.here(networkFolder), isOfPair, logger });
  await restoreAll(interfaces);
  const vrrp = createKeepalived({ files, programs, logger });
  const haproxy = createHaproxyService({ files, haproxyCmd, amphoraId });
  const host: AmphoraHost = {
    interfaces,
    vrrp,
    haproxy,
    lvs: createLvsListeners({ files, programs, logger }),
    async advertise(addresses) {
      const words = (await interfaces.locate(addresses)).flatMap(({ name, address }) => [name, address]);
      if (words.length === 0) return;
      const { status, stderr } = await runInNamespace(join(programs, 'advertise'), words);
      if (status !== 0) logger('warning', 'addresses are not advertised', { addresses, reason: stderr.trim() });
    },
    readNetworkCounters: async () => (await runInNamespace('cat', ['/proc/net/dev'])).stdout,
    isFitForHeartbeat: () => vrrp.isFit(),
  };
  return { host, loadBalancers: createLoadBalancers({ files, runner: haproxy, logger }) };
}

/** The kernel may find interfaces later than the agent starts: tried again, more and more seldom, until all are there. */
async function restoreAll(interfaces: KernelInterfaces, tries = 1): Promise<void> {
  if ((await interfaces.restore()).length === 0) return;
  const again = () => void restoreAll(interfaces, tries + 1).catch(() => undefined);
  setTimeout(again, growingPauseMs(tries, RESTORE_AGAIN)).unref();
}
