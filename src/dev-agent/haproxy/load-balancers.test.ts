/** The real HAProxy, and what becomes of it when agents and HAProxies end. */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAgentFiles } from '../files.ts';
import { createChildHaproxy } from '../process-host/haproxy.ts';
import { createLoadBalancers, type LoadBalancers } from './load-balancers.ts';
import { HaproxyMissingError } from './program.ts';
import { parseCsv, queryHaproxy } from './stats-socket.ts';

const id = '5f5dfb0f-5d1e-4a2c-9a65-1f1f7f3c0a01';
const address = `127.${randomInt(121, 200)}.${randomInt(256)}.1`;
let root: string;
const agents: LoadBalancers[] = [];
let said: string[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'haproxy-'));
  said = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(agents.splice(0).map((one) => one.close()));
  rmSync(root, { recursive: true });
});

function newAgent(
  haproxyCmd = '/usr/sbin/haproxy',
  inRoot = root,
  { drainMs, hangsAfterMs }: { drainMs?: number; hangsAfterMs?: number } = {},
): LoadBalancers {
  const files = createAgentFiles(inRoot, { basePath: '/var/lib/octavia', baseCertDir: '/var/lib/octavia/certs' });
  const drain = drainMs === undefined ? {} : { drainMs };
  const runner = createChildHaproxy({ files, haproxyCmd, amphoraId: 'a', ...drain });
  const hangs = hangsAfterMs === undefined ? {} : { hangsAfterMs };
  const made = createLoadBalancers({ files, runner, logger: (_level, message) => said.push(message), ...hangs });
  agents.push(made);
  return made;
}

/** A member that answers `late`, when it is let to. `sentTo` is a configuration that sends it what comes in at a port. */
async function lateMember() {
  const arrived = Promise.withResolvers<() => void>();
  const member = createHttpServer((_request, answer) => arrived.resolve(() => answer.end('late'))).listen(0, address);
  await once(member, 'listening');
  const { port } = member.address() as AddressInfo;
  const sentTo = (listenerPort: number) =>
    configuration(listenerPort)
      .replace(/ {4}http-request return.*\n/, '    default_backend pool\n')
      .concat(
        `backend pool\n    mode http\n    timeout connect 5000\n    timeout server 60000\n    server one ${address}:${port}\n`,
      );
  return { member, sentTo, askedToAnswer: arrived.promise };
}

const configuration = (port: number, text = 'hello') => `global
    daemon
    user nobody
    stats socket /var/lib/octavia/${id}.sock mode 0666 level user
    server-state-file /var/lib/octavia/${id}/servers-state
frontend listener
    bind ${address}:${port}
    mode http
    timeout client 5000
    http-request return status 200 content-type text/plain string ${text}
`;
const get = (port: number) =>
  fetch(`http://${address}:${port}/`, { headers: { connection: 'close' } }).then((response) => response.text());
const connects = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, address).on('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
const pid = () => Number(readFileSync(join(root, `var/lib/octavia/${id}/${id}.pid`), 'utf8'));
/** A master and its workers. */
const processesOfHaproxy = (master: number) => [
  master,
  ...readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ').map(Number),
];
/** Each look at the clock finds it a second later: limits that are polled for are over soon. */
function hurryClock(): void {
  let ms = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => {
    ms += 1000;
    return ms;
  });
}
const groupOf = (process: number) => readFileSync(`/proc/${process}/stat`, 'utf8').split(') ')[1]?.split(' ')[2];

describe('HAProxy', () => {
  it("stays in the agent's process group, whatever its configuration says", async () => {
    const agent = newAgent();
    expect(await agent.upload(id, configuration(8081))).toBeNull();
    expect(await agent.start(id)).toBeNull();
    expect(await get(8081)).toBe('hello');
    expect(groupOf(pid())).toBe(groupOf(process.pid));
    await agent.stop(id);
    expect(await agent.isRunning(id)).toBe(false);
  });

  it('asks members by ping', async () => {
    const agent = newAgent();
    const pings = `backend pool
    mode http
    timeout check 3s
    option external-check
    external-check command /var/lib/octavia/ping-wrapper.sh
    server there 127.0.0.1:9 check inter 200ms fall 1 rise 1
    server nowhere 255.255.255.255:9 check inter 200ms fall 1 rise 1
`;
    const asks = configuration(8091)
      .replace('    daemon\n', '    daemon\n    external-check\n    insecure-fork-wanted\n')
      .concat(pings);
    // What an older agent has left there finds no ping.
    mkdirSync(join(root, 'var/lib/octavia'), { recursive: true });
    writeFileSync(join(root, 'var/lib/octavia/ping-wrapper.sh'), '#!/bin/sh\nexec ping "$3"\n', { mode: 0o700 });
    expect(await agent.upload(id, asks)).toBeNull();
    expect(await agent.start(id)).toBeNull();
    const statuses = async () => {
      const rows = parseCsv(await queryHaproxy((await agent.statsSocket(id)) ?? '', 'show stat'));
      const servers = rows.filter((row) => row.get('pxname') === 'pool' && row.get('svname') !== 'BACKEND');
      return Object.fromEntries(servers.map((row) => [row.get('svname'), row.get('status')]));
    };
    await expect.poll(statuses, { timeout: 60_000 }).toEqual({ there: 'UP', nowhere: 'DOWN' });
    await agent.stop(id);
  });

  it('is known to the next agent, which starts none beside it', async () => {
    const first = newAgent();
    await first.upload(id, configuration(8082));
    await first.start(id);
    const before = pid();
    const second = newAgent();
    await second.resume();
    expect(await second.isRunning(id)).toBe(true);
    expect(pid()).toBe(before);
    // And obeys it.
    await second.upload(id, configuration(8082, 'changed'));
    expect(await second.reload(id)).toBeNull();
    await expect.poll(() => get(8082)).toBe('changed');
    expect(pid()).toBe(before);
  });

  it('is started by the next agent when it ended with the last one, unless it was stopped', async () => {
    const first = newAgent();
    await first.upload(id, configuration(8083));
    await first.start(id);
    await first.close();
    await expect(get(8083)).rejects.toThrow();
    const second = newAgent();
    await second.resume();
    expect(await get(8083)).toBe('hello');
    await second.stop(id);
    await second.close();
    const third = newAgent();
    await third.resume();
    expect(await third.isRunning(id)).toBe(false);
  });

  it('answers what it has taken before it ends with its agent, and takes nothing more', async () => {
    const { member, sentTo, askedToAnswer } = await lateMember();
    const agent = newAgent('/usr/sbin/haproxy', root, { drainMs: 60_000 });
    expect(await agent.upload(id, sentTo(8090))).toBeNull();
    expect(await agent.start(id)).toBeNull();
    const answer = get(8090);
    const answerNow = await askedToAnswer;
    const closed = agent.close();
    await expect.poll(() => connects(8090), { timeout: 60_000 }).toBe(false);
    answerNow();
    expect(await answer).toBe('late');
    await closed;
    expect(await agent.isRunning(id)).toBe(false);
    member.close();
  });

  it('is started again when it ends by itself', async () => {
    const agent = newAgent();
    await agent.upload(id, configuration(8084));
    await agent.start(id);
    await agent.resume();
    const before = pid();
    process.kill(before, 'SIGKILL');
    // Its worker may answer for a moment longer.
    await expect.poll(pid, { timeout: 60_000 }).not.toBe(before);
    await expect.poll(() => get(8084).catch(() => null), { timeout: 60_000 }).toBe('hello');
    await expect.poll(() => said, { timeout: 60_000 }).toContain('HAProxy started, as it should run');
  });

  it('tells why it does not start, and is not tried again: nobody was notified that it runs', async () => {
    const taken = createServer().listen(8085, address);
    await once(taken, 'listening');
    const agent = newAgent();
    await agent.upload(id, configuration(8085));
    expect(await agent.start(id)).toMatch(/cannot bind socket[\s\S]*HAProxy ended with exit status 1/);
    expect(await agent.isRunning(id)).toBe(false);
    taken.close();
    await once(taken, 'close');
    await agent.resume();
    expect(await agent.isRunning(id)).toBe(false);
  });

  it('goes on with the old configuration when the new one can not be had', async () => {
    const agent = newAgent();
    await agent.upload(id, configuration(8086));
    await agent.start(id);
    expect(await agent.upload(id, 'frontend x\n  bogus\n')).toContain("unknown keyword 'bogus'");
    expect(await agent.configuration(id)).toBe(configuration(8086));
    const taken = createServer().listen(8087, address);
    await once(taken, 'listening');
    await agent.upload(id, configuration(8087));
    expect(await agent.reload(id)).toMatch(/cannot bind socket[\s\S]*goes on with its old configuration/);
    expect(await get(8086)).toBe('hello');
    taken.close();
    await once(taken, 'close');
    expect(await agent.reload(id)).toBeNull();
    expect(await get(8087)).toBe('hello');
  });

  it('is one, and has the newest configuration, however often it is reloaded and looked at', async () => {
    const agent = newAgent();
    await agent.upload(id, configuration(8089, 'text-0'));
    await agent.start(id);
    const master = pid();
    await agent.resume();
    for (let round = 1; round <= 10; round++) {
      await agent.upload(id, configuration(8089, `text-${round}`));
      // A worker that is stopped can't be distinguished from none for as long.
      const [, ...workers] = processesOfHaproxy(master);
      if (round % 3 === 0) for (const worker of workers) process.kill(worker, 'SIGSTOP');
      const reloaded = agent.reload(id);
      await sleep(round % 3 === 0 ? 100 : 0);
      if (round % 3 === 0) for (const worker of workers) process.kill(worker, 'SIGCONT');
      expect(await reloaded).toBeNull();
      expect(await agent.isRunning(id)).toBe(true);
      expect(await get(8089)).toBe(`text-${round}`);
      expect(pid()).toBe(master);
    }
  });

  it('that hangs does not answer, and a reload starts it anew: nothing listens any more that never answers', async () => {
    const agent = newAgent('/usr/sbin/haproxy', root, { hangsAfterMs: 500 });
    await agent.upload(id, configuration(8094));
    await agent.start(id);
    const hanging = processesOfHaproxy(pid());
    for (const one of hanging) process.kill(one, 'SIGSTOP');
    expect(await agent.isRunning(id)).toBe(true);
    expect(await agent.isAnswering(id)).toBe(false);
    await agent.upload(id, configuration(8094, 'changed'));
    expect(await agent.reload(id)).toBeNull();
    expect(hanging).not.toContain(pid());
    // Of connections to one port, the kernel gives each socket that listens there a part.
    for (let n = 0; n < 20; n++) expect(await get(8094)).toBe('changed');
    expect(await agent.isAnswering(id)).toBe(true);
    await agent.stop(id);
  });

  it('that hangs with more connections than its socket queues is started anew, too', async () => {
    const agent = newAgent('/usr/sbin/haproxy', root, { hangsAfterMs: 500 });
    await agent.upload(id, configuration(8098));
    await agent.start(id);
    const hanging = processesOfHaproxy(pid());
    for (const one of hanging) process.kill(one, 'SIGSTOP');
    const queued: Socket[] = [];
    const isQueued = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(join(root, `var/lib/octavia/${id}.sock`), () => resolve(true));
        socket.on('error', () => resolve(false));
        queued.push(socket);
      });
    while (await isQueued());
    expect(await agent.reload(id)).toBeNull();
    expect(hanging).not.toContain(pid());
    expect(await get(8098)).toBe('hello');
    for (const socket of queued) socket.destroy();
    await agent.stop(id);
  });

  it('whose stats socket was removed is reloaded without losing a connection', async () => {
    const { member, sentTo, askedToAnswer } = await lateMember();
    const agent = newAgent('/usr/sbin/haproxy', root, { hangsAfterMs: 500 });
    expect(await agent.upload(id, sentTo(8095))).toBeNull();
    expect(await agent.start(id)).toBeNull();
    const [master, oldWorker] = processesOfHaproxy(pid());
    const answer = get(8095);
    const answerNow = await askedToAnswer;
    rmSync(join(root, `var/lib/octavia/${id}.sock`));
    expect(await agent.upload(id, configuration(8095, 'changed'))).toBeNull();
    hurryClock();
    expect(await agent.reload(id)).toMatch(/does not answer at its stats socket/);
    await expect.poll(() => get(8095)).toBe('changed');
    expect(processesOfHaproxy(pid())).toEqual(expect.arrayContaining([master, oldWorker]));
    answerNow();
    expect(await answer).toBe('late');
    vi.restoreAllMocks();
    // One that is started again has a socket.
    await agent.stop(id);
    expect(await agent.start(id)).toBeNull();
    expect(await agent.isAnswering(id)).toBe(true);
    await agent.stop(id);
    member.close();
  });

  it('that hangs and can not be killed gets no other one beside it', async () => {
    const agent = newAgent('/usr/sbin/haproxy', root, { hangsAfterMs: 500 });
    await agent.upload(id, configuration(8096));
    await agent.start(id);
    const [master = 0, worker = 0] = processesOfHaproxy(pid());
    process.kill(master, 'SIGSTOP');
    process.kill(worker, 'SIGSTOP');
    const kill = process.kill.bind(process);
    // As if it were in an uninterruptible sleep, which no test can make.
    vi.spyOn(process, 'kill').mockImplementation(
      (one, name) => (one === worker && name === 'SIGKILL') || kill(one, name),
    );
    hurryClock();
    expect(await agent.reload(id)).toMatch(/do not end, though they were killed/);
    expect(await agent.isRunning(id)).toBe(false);
    expect(await agent.start(id)).toMatch(/do not end, though they were killed/);
    expect(await agent.isRunning(id)).toBe(false);
    vi.restoreAllMocks();
    // The worker can be killed now.
    expect(await agent.start(id)).toBeNull();
    for (let n = 0; n < 20; n++) expect(await get(8096)).toBe('hello');
    await agent.stop(id);
  });

  it('whose worker hangs while it starts is given up with all its processes', async () => {
    const agent = newAgent();
    // Without a stats socket it serves, and can't be asked whether it does.
    await agent.upload(id, configuration(8097).replace(/ {4}stats socket.*\n/, ''));
    const started = agent.start(id);
    await expect.poll(() => get(8097).catch(() => null), { timeout: 60_000 }).toBe('hello');
    const [, worker = 0] = processesOfHaproxy(pid());
    process.kill(worker, 'SIGSTOP');
    hurryClock();
    expect(await started).toMatch(/did not answer in time/);
    expect(await connects(8097)).toBe(false);
  });

  it('takes many orders at once, one after the other', async () => {
    const agent = newAgent();
    await agent.upload(id, configuration(8088));
    const orders = [agent.start(id), agent.reload(id), agent.stop(id), agent.reload(id), agent.start(id)];
    expect(await Promise.all(orders)).toEqual([null, null, undefined, null, null]);
    expect(await get(8088)).toBe('hello');
  });

  it('goes with all its files', async () => {
    const agent = newAgent();
    await agent.upload(id, configuration(8089));
    await agent.start(id);
    expect(statSync(join(root, `var/lib/octavia/${id}.sock`)).mode & 0o777).toBe(0o600);
    await agent.remove(id);
    expect(await agent.ids()).toEqual([]);
    await expect(get(8089)).rejects.toThrow();
    expect(() => statSync(join(root, `var/lib/octavia/${id}.sock`))).toThrow('ENOENT');
  });
});

it('says what to do when HAProxy is not there', async () => {
  const path = process.env.PATH;
  process.env.PATH = '/nowhere';
  try {
    const failure = newAgent('/nowhere/haproxy').upload(id, configuration(8090));
    await expect(failure).rejects.toThrow(HaproxyMissingError);
    await expect(failure).rejects.toThrow(/apt-get install haproxy/);
  } finally {
    process.env.PATH = path;
  }
});

it('takes no other process for HAProxy, whatever its PID', async () => {
  const agent = newAgent();
  await agent.upload(id, configuration(8091));
  await agent.start(id);
  await agent.stop(id);
  const stranger = spawn('sleep', ['60']);
  writeFileSync(join(root, `var/lib/octavia/${id}/${id}.pid`), `${stranger.pid}\n`);
  expect(await agent.isRunning(id)).toBe(false);
  await agent.stop(id);
  expect(stranger.exitCode).toBeNull();
  stranger.kill();
});

it('runs in a folder of any name', async () => {
  const agent = newAgent('/usr/sbin/haproxy', join(root, 'a "b" $c #d'));
  await agent.upload(id, configuration(8092));
  expect(await agent.start(id)).toBeNull();
  expect(await get(8092)).toBe('hello');
});

it('says when a folder is too long for its stats socket', async () => {
  const agent = newAgent('/usr/sbin/haproxy', join(root, 'x'.repeat(100)));
  await agent.upload(id, configuration(8093));
  await expect(agent.start(id)).rejects.toThrow(
    /too long for a Unix socket.*Run the amphora in a folder with a shorter/,
  );
});
