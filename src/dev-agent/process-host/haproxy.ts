import { readFile, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { peerName } from '../../core/haproxy/peers.ts';
import { type AgentFiles, nullIfAbsent, writeWhole } from '../files.ts';
import { writePingWrapper } from '../haproxy/ping-wrapper.ts';
import { drainHaproxy, haproxyFiles, startHaproxy, stopHaproxy } from '../haproxy/process.ts';
import { checkConfiguration } from '../haproxy/program.ts';
import type { HaproxyRunner } from '../host.ts';
import { crtListsOf, localPreamble, toLocalConfiguration, toLocalCrtList } from './local-configuration.ts';

/** HAProxy as a child of the agent, in its process group: whoever ends the amphora ends it. */
export interface ChildHaproxy extends HaproxyRunner {
  /**
   * Where listeners are bound from the next start or reload on, instead of the addresses that configurations name; null: where they
   * are named.
   */
  bindElsewhere(elsewhere: ((address: string) => string) | null): void;
}

export function createChildHaproxy(options: {
  files: AgentFiles;
  haproxyCmd: string;
  amphoraId: string;
  /** What `leave` gives requests under way; shorter than what a hypervisor waits for a server that it shuts down. */
  drainMs?: number;
}): ChildHaproxy {
  const { files, haproxyCmd, drainMs = 1000 } = options;
  const peer = peerName(options.amphoraId);
  const preamble = join(files.base, 'haproxy-local.cfg');
  const local = (id: string) => join(files.folderOf(id), 'haproxy.local.cfg');
  let boundTo = (address: string) => address;

  const filesOf = (id: string) => haproxyFiles(files, id, [preamble, local(id)]);

  return {
    files: filesOf,
    async prepare(id, text) {
      const localCrtList = (path: string) => join(files.folderOf(id), `local-${basename(path)}`);
      await writeWhole(preamble, localPreamble);
      const noPing = await writePingWrapper(files.base, text);
      if (noPing !== null) return noPing;
      for (const path of crtListsOf(text)) {
        const list = await readFile(files.here(path), 'utf8').catch(nullIfAbsent);
        if (list !== null) await writeWhole(localCrtList(path), toLocalCrtList(list, files.here));
      }
      const candidate = `${local(id)}.new`;
      const paths = { here: files.here, localCrtList, statsSocket: `${id}.sock`, boundTo };
      await writeWhole(candidate, toLocalConfiguration(text, paths));
      const fault = await checkConfiguration(haproxyCmd, {
        files: [preamble, candidate],
        peerName: peer,
        workingDirectory: files.base,
      });
      if (fault === null) await rename(candidate, local(id));
      return fault;
    },
    start: (id) => startHaproxy(haproxyCmd, filesOf(id), peer),
    stop: (id, master) => stopHaproxy(master, filesOf(id)),
    leave: (id, master) => drainHaproxy(master, filesOf(id), drainMs),
    bindElsewhere(elsewhere) {
      boundTo = elsewhere ?? ((address) => address);
    },
  };
}
