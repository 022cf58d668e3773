import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { freePort } from './free-port.ts';

const host = '127.0.0.1';
const DISK_MIB = 192;
const START_MS = 120_000;

/** A MariaDB of a test's own on loopback, whose disk is a small one in memory: what would harm others is done to it. */
export interface SmallMariadb {
  /** Kiln's user may do all in its database and is no administrator. */
  readonly connection: string;
  readonly user: string;
  /** May do all, and has its place when there are too many connections. */
  readonly administrator: Connection;
  connect(): Promise<Connection>;
  /** Until it is let go, not a byte more fits on the disk. */
  fillDisk(): () => void;
  close(): Promise<void>;
}

/** Why there can be none here; null when there can. */
export function smallMariadbIsImpossible(): string | null {
  if (process.getuid?.() !== 0) return 'a disk in memory is mounted by root alone';
  if (spawnSync('mariadbd', ['--version']).status !== 0) return 'no mariadbd';
  return spawnSync('unshare', ['--mount', 'true']).status === 0 ? null : 'no mount namespaces';
}

export async function startSmallMariadb(): Promise<SmallMariadb> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-mariadb-'));
  const [disk, configuration, log] = ['disk', 'my.cnf', 'log'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const [user, password] = ['kiln', 'kiln'];
  const port = await freePort();
  const firstStatements = join(folder, 'first.sql');
  writeFileSync(
    firstStatements,
    [
      `create database ${user} character set utf8 collate utf8_general_ci;`,
      `create user ${user}@'${host}' identified by '${password}';`,
      `grant all on ${user}.* to ${user}@'${host}';`,
      `create user administrator@'${host}' identified by '${password}';`,
      `grant all on *.* to administrator@'${host}' with grant option;\n`,
    ].join('\n'),
  );
  writeFileSync(
    configuration,
    [
      '[mysqld]',
      'user = root',
      `datadir = ${disk}/data`,
      `tmpdir = ${disk}`,
      `bind-address = ${host}`,
      `port = ${port}`,
      `socket = ${folder}/mariadb.sock`,
      `pid-file = ${folder}/mariadb.pid`,
      'skip-name-resolve',
      'innodb-flush-log-at-trx-commit = 0',
      'innodb-buffer-pool-size = 32M',
      'innodb-log-file-size = 8M',
      'innodb-data-file-path = ibdata1:10M:autoextend',
      'innodb-temp-data-file-path = ibtmp1:4M:autoextend',
      '',
    ].join('\n'),
  );
  mkdirSync(disk);
  const output = openSync(log, 'a');
  const script = [
    `mount -t tmpfs -o size=${DISK_MIB}m tmpfs ${disk}`,
    `mariadb-install-db --defaults-file=${configuration} --skip-test-db`,
    `exec mariadbd --defaults-file=${configuration} --init-file=${firstStatements}`,
  ].join(' && ');
  const child = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: ['ignore', output, output] });
  closeSync(output);
  const connect = () => createConnection({ host, port, user: 'administrator', password, connectTimeout: 5_000 });

  async function close(): Promise<void> {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  }
  const deadline = performance.now() + START_MS;
  for (;;) {
    const administrator = await connect().catch(() => null);
    if (administrator) {
      return {
        connection: `mysql+pymysql://${user}:${password}@${host}:${port}/${user}?charset=utf8`,
        user,
        administrator,
        connect,
        fillDisk() {
          // The disk is seen by the server, and through it.
          const filler = `/proc/${child.pid}/root${disk}/filler`;
          const { stderr } = spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096'], { encoding: 'utf8' });
          if (!stderr.includes('No space left')) throw new Error(`the disk is not full: ${stderr}`);
          return () => rmSync(filler);
        },
        async close() {
          administrator.destroy();
          await close();
        },
      };
    }
    if (performance.now() > deadline || child.exitCode !== null) {
      const said = readFileSync(log, 'utf8').slice(-4_000);
      await close();
      throw new Error(`MariaDB did not come up:\n${said}`);
    }
    await sleep(100);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
