import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const client = '/usr/bin/openstack';

/** Why Debian's `openstack` can't be run here; null when it can. `npm test` installs it. */
export const openstackIsMissing = ((): string | null => {
  try {
    accessSync(client, constants.X_OK);
    return null;
  } catch {
    const reason = `${client} is not installed: apt-get install -y --no-install-recommends python3-openstackclient`;
    console.warn(`skipped: ${reason}`);
    return reason;
  }
})();

/** What one command gave. */
export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

/** Debian's `openstack`, as a process for each cloud of a clouds.yaml that serves its commands one after the other. */
export interface OpenstackClients {
  run(cloudName: string, arguments_: readonly string[]): Promise<Ran>;
  /** As `run`, for what is to succeed: gives back what was printed. @throws an Error with what went to stderr */
  print(cloudName: string, arguments_: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts the client when a command first needs it. Of this machine's environment it gets only what it needs: no proxy, no
 * OS_* variable.
 */
export function openstackClients(cloudsFile: string): OpenstackClients {
  const processes = new Map<string, ReturnType<typeof startProcess>>();
  const run = (cloudName: string, arguments_: readonly string[]) => {
    const started = processes.get(cloudName) ?? startProcess(cloudsFile);
    processes.set(cloudName, started);
    return started.run(['--os-cloud', cloudName, ...arguments_]);
  };
  return {
    run,
    async print(cloudName, arguments_) {
      const { status, stdout, stderr } = await run(cloudName, arguments_);
      if (status !== 0) throw new Error(`openstack ${arguments_.join(' ')}: ${status}: ${stderr}`);
      return stdout.trim();
    },
    async close() {
      await Promise.all([...processes.values()].map((started) => started.close()));
    },
  };
}

function startProcess(cloudsFile: string) {
  const child = spawn('/usr/bin/python3', ['-B', join(import.meta.dirname, 'openstack-commands.py')], {
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LANG: 'C.UTF-8', OS_CLIENT_CONFIG_FILE: cloudsFile },
  });
  child.stderr.resume();
  const ended = once(child, 'exit');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** Answers come in the order of the commands. */
    async run(arguments_: readonly string[]): Promise<Ran> {
      child.stdin.write(`${JSON.stringify(arguments_)}\n`);
      const answer = await answers.next();
      if (answer.done) throw new Error(`the client ended at: ${arguments_.join(' ')}`);
      return JSON.parse(answer.value) as Ran;
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
