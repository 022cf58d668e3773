import { connect } from 'amqplib';
import { createConnection } from 'mysql2/promise';
import { readTransportUrl } from '../../../src/adapters/queue/transport-url.ts';

/** What several processes share beside the cloud, of this run alone. */
export interface SharedState {
  databaseUrl: string;
  transportUrl: string;
  close(): Promise<void>;
}

/** Kiln's queues (src/adapters/queue/rabbitmq.ts). */
const queues = ['kiln.operations', 'kiln.operations.urgent'];

/**
 * Makes a database of the run's own, and sees that no Kiln uses the broker's virtual host: it would be handed the run's
 * work, and the run its.
 * @param databaseUrl as `[database] connection` has it; a database in it is not used.
 */
export async function openSharedState(databaseUrl: string, transportUrl: string, name: string): Promise<SharedState> {
  const inUse = await withBroker(transportUrl, async (exists) => {
    for (const queue of queues) if (await exists(queue)) return queue;
    return null;
  });
  if (inUse) throw new Error(`--transport-url: its virtual host has the queue ${inUse}: name one that no Kiln uses`);
  const url = new URL(databaseUrl.replace(/^[\w+]+:/, 'mysql:'));
  const server = {
    host: url.hostname,
    port: Number(url.port || 3306),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
  const database = name.replaceAll('-', '_');
  const administer = async (statement: string) => {
    const connection = await naming('--database-url', () => createConnection(server));
    await connection.query(statement);
    await connection.end();
  };
  await administer(`create database ${database} character set utf8`);
  const account = url.username ? `${url.username}:${url.password}@` : '';
  return {
    databaseUrl: `mysql+pymysql://${account}${url.host}/${database}${url.search}`,
    transportUrl,
    async close() {
      await administer(`drop database if exists ${database}`);
      await withBroker(transportUrl, async (_exists, remove) => {
        for (const queue of queues) await remove(queue);
      });
    },
  };
}

/** @throws what went wrong, with the option that it came from. */
async function naming<Result>(option: string, connecting: () => Promise<Result>): Promise<Result> {
  try {
    return await connecting();
  } catch (error) {
    throw new Error(`${option}: ${(error as Error).message}`, { cause: error });
  }
}

async function withBroker<Result>(
  transportUrl: string,
  work: (exists: (queue: string) => Promise<boolean>, remove: (queue: string) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const { hosts, virtualHost, options } = readTransportUrl(transportUrl);
  const [first] = hosts;
  const connection = await naming('--transport-url', () =>
    connect({
      protocol: options.ssl === '1' || options.ssl === 'true' ? 'amqps' : 'amqp',
      hostname: first?.host ?? '',
      ...(first?.port ? { port: first.port } : {}),
      username: first?.user ?? '',
      password: first?.password ?? '',
      // amqplib percent-decodes it once more.
      vhost: encodeURIComponent(virtualHost),
    }),
  );
  try {
    return await work(
      async (queue) => {
        // A question about a queue that is not there ends its channel.
        const channel = await connection.createChannel();
        channel.on('error', () => {});
        return await channel.checkQueue(queue).then(
          () => true,
          () => false,
        );
      },
      async (queue) => {
        const channel = await connection.createChannel();
        await channel.deleteQueue(queue);
        await channel.close();
      },
    );
  } finally {
    await connection.close();
  }
}
