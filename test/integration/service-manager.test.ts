import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSystemClock } from '../../src/adapters/clock/system-clock.ts';
import { createServiceManager } from '../../src/adapters/process/service-manager.ts';
import { type DevCloud, startDevCloud } from '../kit/dev-cloud.ts';
import { createFakeLog } from '../kit/fakes/fake-log.ts';
import { freePort } from '../kit/free-port.ts';
import { type KilnProcess, startKiln } from '../kit/kiln-process.ts';

/** `kiln serve` as systemd runs a unit of Type=notify: a datagram socket that takes its reports, and systemd's own program. */
const hasProgram = spawnSync('systemd-notify', ['--version']).status === 0;

const receiver = `
import socket, sys
taker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
taker.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(taker.recv(65536).decode().replace('\\n', ' '), flush=True)
`;

let dev: DevCloud;
let taker: ChildProcess;
let kiln: KilnProcess | undefined;
let socket: string;
const reports: string[] = [];

beforeAll(async () => {
  dev = await startDevCloud();
  socket = join(dev.folder, 'notify.sock');
  taker = spawn('python3', ['-c', receiver, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: taker.stdout ?? expect.unreachable() });
  await once(lines, 'line');
  lines.on('line', (line) => reports.push(line));
}, 120_000);
afterAll(async () => {
  await kiln?.stop();
  taker?.kill();
  await dev?.close();
}, 60_000);

const count = (word: string) => reports.filter((line) => line.includes(word)).length;

it.skipIf(!hasProgram)(
  'is ready when it serves, tells that it lives as long as it does, and that it ends',
  async () => {
    const port = await freePort();
    kiln = startKiln(['serve'], {
      ...dev.environment,
      OS_KILN__HEALTH_CHECK_PORT: String(port),
      NOTIFY_SOCKET: socket,
      WATCHDOG_USEC: '1500000',
    });
    await expect.poll(() => reports, { timeout: 60_000 }).toContainEqual(expect.stringContaining('READY=1'));
    expect(reports.findIndex((line) => line.includes('STATUS=waiting for the database'))).toBe(0);
    const health = await fetch(`http://127.0.0.1:${port}/healthcheck`);
    expect([health.status, await health.text()]).toEqual([200, 'OK']);
    await expect.poll(() => count('WATCHDOG=1'), { timeout: 60_000 }).toBeGreaterThan(3);

    kiln.child.kill('SIGSTOP');
    let before = 0;
    // What was on its way comes first.
    const inTwoSeconds = async () => {
      before = count('WATCHDOG=1');
      await pause(2_000);
      return count('WATCHDOG=1') - before;
    };
    await expect
      .poll(inTwoSeconds, { timeout: 60_000, message: 'a process that stands still reports nothing' })
      .toBe(0);
    kiln.child.kill('SIGCONT');
    await expect.poll(() => count('WATCHDOG=1'), { timeout: 60_000 }).toBeGreaterThan(before);

    expect(await kiln.stop()).toBe(0);
    await expect.poll(() => count('STOPPING=1'), { timeout: 60_000 }).toBe(1);
  },
  120_000,
);

it('without systemd-notify nobody hears of it, and the log says so', async () => {
  const log = createFakeLog();
  const environment = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000', PATH: join(dev.folder, 'nothing') };
  const service = createServiceManager(environment, { clock: createSystemClock(), log, pid: process.pid });
  await service.ready();
  expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
    ['warn', 'the service manager could not be notified by systemd-notify'],
  ]);
});

it('a child that only inherited the variables reports no signs of life; nor does anybody where no service manager is', async () => {
  const deps = { clock: createSystemClock(), log: createFakeLog(), pid: process.pid };
  const inherited = { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' };
  const { length } = reports;
  await createServiceManager(inherited, deps).keepAlive(new AbortController().signal);
  await createServiceManager({}, deps).keepAlive(new AbortController().signal);
  await createServiceManager({}, deps).ready();
  expect(reports).toHaveLength(length);
});
