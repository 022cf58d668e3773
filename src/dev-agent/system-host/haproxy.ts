import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { peerName } from '../../core/haproxy/peers.ts';
import { type AgentFiles, writeWhole } from '../files.ts';
import { writePingWrapper } from '../haproxy/ping-wrapper.ts';
import { answeringWorker, haproxyFiles, readLog, runningMaster } from '../haproxy/process.ts';
import { checkConfiguration } from '../haproxy/program.ts';
import type { HaproxyRunner } from '../host.ts';
import { systemctl, unitOf } from './services.ts';

/** An emulated machine takes its time. */
const answerWithinMs = 30_000;
const pollMs = 100;

/** Goes before each configuration: what the machine knows and the controller does not. */
export const preambleOf = (files: AgentFiles) => join(files.base, 'haproxy-amphora.cfg');

/** HAProxy as a service of the machine, in the amphora's namespace: it runs on when the agent ends, and is started when it dies. */
export function createHaproxyService(options: {
  files: AgentFiles;
  haproxyCmd: string;
  amphoraId: string;
}): HaproxyRunner {
  const { files, haproxyCmd } = options;
  const preamble = preambleOf(files);
  const peer = peerName(options.amphoraId);
  const filesOf = (id: string) => haproxyFiles(files, id, [preamble, join(files.folderOf(id), 'haproxy.cfg')]);

  return {
    files: filesOf,
    async prepare(id, text) {
      // `localpeer` has to stand before the section that names the peers.
      await writeWhole(preamble, `global\n    group haproxy\n    localpeer ${peer}\n`);
      const noPing = await writePingWrapper(files.base, text);
      if (noPing !== null) return noPing;
      const candidate = join(files.folderOf(id), 'haproxy.cfg.new');
      await writeWhole(candidate, text);
      const fault = await checkConfiguration(haproxyCmd, {
        files: [preamble, candidate],
        peerName: null,
        workingDirectory: files.base,
      });
      await rm(candidate, { force: true });
      return fault;
    },
    async start(id) {
      const own = filesOf(id);
      const fault = await systemctl('start', unitOf.haproxy(id));
      if (fault !== null) return `${await readLog(own)}${fault}`;
      const deadline = performance.now() + answerWithinMs;
      while ((await answeringWorker(own)) === null || (await runningMaster(own)) === null) {
        if (performance.now() > deadline) return `${await readLog(own)}HAProxy did not answer in time.`;
        await sleep(pollMs);
      }
      return null;
    },
    async stop(id) {
      const fault = await systemctl('stop', unitOf.haproxy(id));
      if (fault !== null) throw new Error(fault);
      await rm(filesOf(id).pidFile, { force: true });
      await rm(filesOf(id).statsSocket, { force: true });
    },
    leave: async () => undefined,
  };
}
