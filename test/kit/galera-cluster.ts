import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { freePort } from './free-port.ts';

const user = 'kiln';
const password = 'kiln';
const host = '127.0.0.1';
const provider = '/usr/lib/galera/libgalera_smm.so';
const startMs = 120_000;

/** Debian's MariaDB and galera-4 as a cluster of three on loopback; each node takes the state of the others by rsync. */
export interface GaleraCluster {
  /** Where a connection ends at one node after the other: those of one pool are spread over all that live. */
  readonly port: number;
  readonly nodes: readonly GaleraNode[];
  /** An empty database. */
  makeDatabase(): Promise<{ name: string; connection: string; close(): Promise<void> }>;
  /** Transactions that a node undid because another node's had come first, in all nodes that live. */
  conflicts(): Promise<number>;
  close(): Promise<void>;
}

export interface GaleraNode {
  readonly port: number;
  connectionTo(database: string): string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Joins the others again, with an empty disk. */
  start(): Promise<void>;
  /** How many nodes it sees; 0: it does not serve. */
  clusterSize(): Promise<number>;
}

const urlOf = (port: number, database: string) =>
  `mysql+pymysql://${user}:${password}@${host}:${port}/${database}?charset=utf8`;

/** Why there can be no cluster here; null when there can. */
export function galeraIsImpossible(): string | null {
  if (!existsSync(provider)) return 'apt-get install -y --no-install-recommends galera-4 rsync';
  if (spawnSync('mariadbd', ['--version']).status !== 0) return 'no mariadbd';
  return transferScripts() === null ? 'wsrep_sst_rsync of the package mariadb-server is not to be had' : null;
}

/** Of the package mariadb-server only the scripts of state transfer are needed; the package itself starts a daemon. Kept. */
function transferScripts(): string | null {
  const folder = join(process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed', 'mariadb-server');
  const scripts = join(folder, 'usr/bin');
  if (existsSync(join(scripts, 'wsrep_sst_rsync'))) return scripts;
  mkdirSync(folder, { recursive: true });
  const fetchIt =
    'apt-get -qq -o APT::Sandbox::User=root download mariadb-server && dpkg-deb -x mariadb-server_*.deb .';
  const { status } = spawnSync('sh', ['-c', `${fetchIt} && rm mariadb-server_*.deb`], { cwd: folder, stdio: 'ignore' });
  return status === 0 ? scripts : null;
}

export async function startGaleraCluster(): Promise<GaleraCluster> {
  const scripts = transferScripts();
  if (scripts === null) throw new Error('no wsrep_sst_rsync');
  const folder = mkdtempSync(join(tmpdir(), 'kiln-galera-'));
  const ports = await Promise.all(Array.from({ length: 3 }, async () => ({ galera: await freePort() })));
  const members = ports.map(({ galera }) => `${host}:${galera}`).join(',');
  const nodes: (GaleraNode & { stop(): Promise<void> })[] = [];
  for (const [index, { galera }] of ports.entries()) {
    nodes.push(await createNode({ folder: join(folder, `node${index}`), index, galera, members, scripts }));
  }
  const front = await startFront(nodes);
  async function close(): Promise<void> {
    await front.close();
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    for (const node of nodes) await node.start();
  } catch (error) {
    await close();
    throw error;
  }

  return {
    port: front.port,
    nodes,
    async makeDatabase() {
      const name = `kiln_test_${process.hrtime.bigint()}`;
      await query(front.port, `create database ${name} character set utf8 collate utf8_general_ci`);
      // Every node has it before anybody connects to it there.
      await Promise.all(nodes.map(({ port }) => query(port, 'select 1', 'set session wsrep_sync_wait = 1')));
      return {
        name,
        connection: urlOf(front.port, name),
        close: async () => void (await query(front.port, `drop database ${name}`)),
      };
    },
    async conflicts() {
      const wanted = "show status where variable_name in ('wsrep_local_bf_aborts', 'wsrep_local_cert_failures')";
      const counted = await Promise.all(nodes.map(({ port }) => query(port, wanted).catch(() => [])));
      return counted.flat().reduce((sum, { Value: value }) => sum + Number(value), 0);
    },
    close,
  };
}

async function query(port: number, statement: string, first?: string): Promise<RowDataPacket[]> {
  const connection = await createConnection({ host, port, user, password, connectTimeout: 5_000 });
  try {
    if (first) await connection.query(first);
    const [rows] = await connection.query<RowDataPacket[]>(statement);
    return rows;
  } finally {
    connection.destroy();
  }
}

async function createNode(options: {
  folder: string;
  index: number;
  galera: number;
  members: string;
  scripts: string;
}): Promise<GaleraNode & { stop(): Promise<void> }> {
  const { folder, index, galera, members, scripts } = options;
  const [port, incremental, transfer] = [await freePort(), await freePort(), await freePort()];
  const data = join(folder, 'data');
  mkdirSync(folder);
  const firstStatements = join(folder, 'first.sql');
  const grants = `create or replace user ${user}@'${host}' identified by '${password}'; grant all on *.* to ${user}@'${host}';`;
  writeFileSync(firstStatements, `${grants.replaceAll('; ', ';\n')}\n`);
  const configuration = join(folder, 'my.cnf');
  const asRoot = process.getuid?.() === 0 ? ['user = root'] : [];
  writeFileSync(
    configuration,
    [
      '[mysqld]',
      ...asRoot,
      `datadir = ${data}`,
      `bind-address = ${host}`,
      `port = ${port}`,
      `socket = ${join(folder, 'mariadb.sock')}`,
      `pid-file = ${join(folder, 'mariadb.pid')}`,
      'skip-name-resolve',
      'binlog-format = ROW',
      'innodb-autoinc-lock-mode = 2',
      'innodb-flush-log-at-trx-commit = 0',
      'innodb-buffer-pool-size = 64M',
      'innodb-log-file-size = 16M',
      'wsrep-on = ON',
      `wsrep-provider = ${provider}`,
      'wsrep-cluster-name = kiln-test',
      `wsrep-node-name = node${index}`,
      `wsrep-cluster-address = gcomm://${members}`,
      `wsrep-node-address = ${host}:${galera}`,
      'wsrep-slave-threads = 2',
      'wsrep-sst-method = rsync',
      `wsrep-sst-receive-address = ${host}:${transfer}`,
      `wsrep-provider-options = "gmcast.listen_addr=tcp://${host}:${galera};ist.recv_addr=${host}:${incremental};gcache.size=16M"`,
      '',
    ].join('\n'),
  );
  let child: ChildProcess | null = null;
  let isNew = index === 0;
  const log = join(folder, 'log');

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
  /** @returns whether it serves: it may have ended, or not come so far. */
  async function begin(): Promise<boolean> {
    rmSync(data, { recursive: true, force: true });
    mkdirSync(data);
    // Root's rsync receives as nobody; others do not come past the folder above, which is its owner's alone.
    chmodSync(data, 0o777);
    const install = [`--defaults-file=${configuration}`, '--wsrep-on=OFF', '--skip-test-db'];
    if (isNew) execFileSync('mariadb-install-db', install, { stdio: 'ignore' });
    const output = openSync(log, 'a');
    const founding = isNew ? ['--wsrep-new-cluster', `--init-file=${firstStatements}`] : [];
    child = spawn('mariadbd', [`--defaults-file=${configuration}`, ...founding], {
      stdio: ['ignore', output, output],
      env: { ...process.env, PATH: `${process.env.PATH}:${scripts}` },
    });
    closeSync(output);
    const deadline = performance.now() + startMs;
    while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
      if ((await node.clusterSize()) > 0) {
        isNew = false;
        return true;
      }
      await sleep(100);
    }
    await end('SIGKILL');
    return false;
  }
  const node = {
    port,
    connectionTo: (database: string) => urlOf(port, database),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGKILL'),
    async start() {
      // A transfer of state that breaks off ends the node that joins; it is to be started again.
      for (let tries = 0; tries < 3; tries++) if (await begin()) return;
      throw new Error(`node ${index} of the cluster did not come up:\n${readFileSync(log, 'utf8').slice(-4_000)}`);
    },
    async clusterSize() {
      const status = await query(
        port,
        "show status where variable_name in ('wsrep_ready', 'wsrep_cluster_size', 'wsrep_local_state_comment')",
      ).catch(() => []);
      const values = new Map(status.map(({ Variable_name: name, Value: value }) => [name, value]));
      const serves = values.get('wsrep_ready') === 'ON' && values.get('wsrep_local_state_comment') === 'Synced';
      return serves ? Number(values.get('wsrep_cluster_size')) : 0;
    },
  };
  return node;
}

/** One node after the other that takes the connection. */
async function startFront(nodes: readonly GaleraNode[]): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    const tryNode = (triesLeft: number) => {
      const node = nodes[turn++ % nodes.length];
      if (!node || triesLeft === 0) return void near.destroy();
      const far = connect({ host, port: node.port });
      const refused = () => tryNode(triesLeft - 1);
      far.once('error', refused);
      far.once('connect', () => {
        far.off('error', refused);
        keep(far);
        near.pipe(far);
        far.pipe(near);
        near.on('close', () => far.destroy());
        far.on('close', () => near.destroy());
      });
    };
    tryNode(nodes.length);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
