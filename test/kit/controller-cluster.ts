import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { brokerPort, makeVirtualHost } from './broker.ts';
import { type DevCloud, startDevCloud } from './dev-cloud.ts';
import { freePort } from './free-port.ts';
import { type KilnProcess, startKiln } from './kiln-process.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { readTestbed } from './testbed-access.ts';
import { makeDatabase } from './testbed-database.ts';

/** One process of the controller, which is started again whenever it was killed. */
export interface Controller {
  readonly name: string;
  readonly role: string;
  /** SIGKILL, and the next one in its place; resolves when that serves. */
  replace(): Promise<void>;
  /** Everything that it, and those before it, have said. */
  lines(): string[];
}

/** Kiln as many processes, over the test bed's MariaDB and RabbitMQ, with the servers of an embedded cloud. */
export interface ControllerCluster {
  dev: DevCloud;
  /** Of MariaDB, as the processes reach it. */
  connection: string;
  apiUrl: string;
  controllers: readonly Controller[];
  /** Between the first worker and the broker. */
  workerToBroker: TcpProxy;
  /** Between all the others and the broker. */
  toBroker: TcpProxy;
  /** MariaDB ends every connection that the controllers have. */
  killDatabaseConnections(): Promise<void>;
  /** SIGKILL to everything that runs in a server of the embedded cloud. */
  killServer(serverId: string): void;
  close(): Promise<void>;
}

const HEALTH_MANAGERS = 2;
const WORKERS = 3;

/** @param environment beside what every cluster of tests has. */
export async function startControllerCluster(environment: NodeJS.ProcessEnv = {}): Promise<ControllerCluster> {
  const dev = await startDevCloud();
  const broker = await makeVirtualHost();
  const database = await makeDatabase();
  const workerToBroker = await startTcpProxy(brokerPort);
  const toBroker = await startTcpProxy(brokerPort);
  const apiPort = await freePort();
  const heartbeatPorts = [await freePort(), await freePort()].slice(0, HEALTH_MANAGERS);
  const shared: NodeJS.ProcessEnv = {
    ...dev.environment,
    OS_DEFAULT__TRANSPORT_URL: broker.url(toBroker.port),
    OS_DATABASE__CONNECTION: database.connection,
    OS_API_SETTINGS__AUTH_STRATEGY: 'noauth',
    OS_API_SETTINGS__BIND_PORT: String(apiPort),
    OS_HEALTH_MANAGER__CONTROLLER_IP_PORT_LIST: heartbeatPorts.map((port) => `127.0.0.1:${port}`).join(','),
    OS_HEALTH_MANAGER__HEARTBEAT_INTERVAL: '1',
    OS_HEALTH_MANAGER__HEARTBEAT_TIMEOUT: '8',
    OS_HEALTH_MANAGER__HEALTH_CHECK_INTERVAL: '1',
    OS_KILN__WORKER_LEASE_SECONDS: '10',
    // Hundreds of servers that are asked for at once take this machine minutes to start.
    OS_CONTROLLER_WORKER__AMP_ACTIVE_RETRIES: '900',
    OS_HAPROXY_AMPHORA__CONNECTION_MAX_RETRIES: '900',
    ...environment,
  };

  const running = new Map<string, KilnProcess>();
  function controller(role: string, number: number, more: NodeJS.ProcessEnv = {}): Controller {
    const name = `${role}-${number}`;
    const said: string[] = [];
    async function start(): Promise<void> {
      const process = startKiln(['serve', '--role', role], {
        ...shared,
        OS_KILN__STATE_PATH: join(dev.folder, name),
        ...more,
      });
      running.set(name, process);
      await process.line(/"msg":"serving"/);
    }
    return {
      name,
      role,
      async replace() {
        const old = running.get(name);
        if (old) {
          await old.kill();
          said.push(...old.lines);
        }
        await start();
      },
      lines: () => [...said, ...(running.get(name)?.lines ?? [])],
    };
  }
  const controllers = [
    controller('api', 1),
    ...Array.from({ length: WORKERS }, (_none, index) =>
      controller(
        'worker',
        index + 1,
        index === 0 ? { OS_DEFAULT__TRANSPORT_URL: broker.url(workerToBroker.port) } : {},
      ),
    ),
    ...heartbeatPorts.map((port, index) =>
      controller('health-manager', index + 1, {
        OS_HEALTH_MANAGER__BIND_IP: '127.0.0.1',
        OS_HEALTH_MANAGER__BIND_PORT: String(port),
      }),
    ),
    controller('housekeeping', 1),
  ];
  // The first one makes the tables.
  for (const one of controllers) await one.replace();

  return {
    dev,
    connection: database.connection,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    controllers,
    workerToBroker,
    toBroker,
    killDatabaseConnections: () => killConnectionsTo(database.name),
    killServer: (serverId) => killProcessesOf(`${dev.folder}/cloud/servers/${serverId}`),
    async close() {
      await Promise.all([workerToBroker.up(), toBroker.up()].map((up) => up.catch(() => {})));
      await Promise.all([...running.values()].map((process) => process.stop()));
      await Promise.all([workerToBroker.close(), toBroker.close()]);
      await database.close();
      await broker.close();
      await dev.close();
    },
  };
}

async function killConnectionsTo(name: string): Promise<void> {
  const administrator = await createConnection(readTestbed().database);
  const [rows] = await administrator.query('select id from information_schema.processlist where db = ?', [name]);
  for (const { id } of rows as { id: number }[]) {
    // It may have ended by itself.
    await administrator.query(`kill connection ${Number(id)}`).catch(() => {});
  }
  await administrator.end();
}

function killProcessesOf(folder: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended while we looked.
    }
  }
}
