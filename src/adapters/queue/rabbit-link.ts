import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { ChannelModel, SocketOptions } from 'amqplib';
import { growingPauseMs } from '../../lib/growing-pause.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { BrokerHost } from './transport-url.ts';

export interface RabbitLinkSettings {
  /** Tried in turn. */
  hosts: readonly BrokerHost[];
  virtualHost: string;
  /** Null: no TLS. */
  tls: RabbitTls | null;
  /** The link is given up when the broker has been silent for about so long. 0: never. */
  heartbeatTimeoutSeconds: number;
}

export interface RabbitTls {
  /** Null: any certificate will do, as in oslo.messaging. */
  caFile: string | null;
  certFile: string | null;
  keyFile: string | null;
  verifyHostname: boolean;
}

const AMQP_PORT = 5672;
const AMQPS_PORT = 5671;
const CONNECT_TIMEOUT_MS = 10_000;
const GOODBYE_MS = 2_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A link that held for so long was a good one: the next pause is short again. */
const GOOD_LINK_MS = 60_000;

/**
 * Keeps a connection to the broker until `signal` is aborted: connects, lets `serve` set it up, and when it breaks (or
 * `serve` fails) connects again, to the next host in turn, with growing pauses. Never rejects.
 * @param serve makes what is needed on the connection; the link counts as broken when it rejects.
 * @param lost is called after each connection that was served, whatever came of it.
 */
export async function keepLink(
  settings: RabbitLinkSettings,
  { clock, log }: { clock: Clock; log: Log },
  serve: (connection: ChannelModel) => Promise<void>,
  lost: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { hosts } = settings;
  let failures = 0;
  for (let turn = 0; !signal.aborted; turn++) {
    const host = hosts[turn % hosts.length] as BrokerHost;
    const place = { host: host.host, port: portOf(host, settings) };
    const beganMs = clock.monotonicMs();
    try {
      const connection = await connectTo(host, settings);
      try {
        await stay(connection, serve, signal, () => log.info(place, 'connected to RabbitMQ'));
      } finally {
        lost();
        await hangUp(connection, clock);
      }
    } catch (error) {
      log.warn({ ...place, err: error }, 'no connection to RabbitMQ; it is tried again');
    }
    if (signal.aborted) return;
    failures = clock.monotonicMs() - beganMs >= GOOD_LINK_MS ? 0 : failures + 1;
    // A round of all hosts is one failure: the next host may be well.
    const rounds = Math.floor(failures / hosts.length);
    const pauseMs =
      failures % hosts.length === 0
        ? growingPauseMs(rounds + 1, { firstMs: FIRST_PAUSE_MS, longestMs: LONGEST_PAUSE_MS })
        : 0;
    await clock.sleep(pauseMs, signal).catch(() => {});
  }
}

/** Tries every host: connects and leaves. `problem` says in the driver's words why one can't be used; null where it can. */
export function probeBroker(
  settings: RabbitLinkSettings,
  clock: Clock,
): Promise<readonly { place: string; problem: string | null }[]> {
  return Promise.all(
    settings.hosts.map(async (host) => {
      const place = `${host.host}:${portOf(host, settings)}`;
      try {
        const connection = await connectTo(host, settings);
        // Without a listener an error would end the process.
        connection.on('error', () => {});
        await hangUp(connection, clock);
        return { place, problem: null };
      } catch (error) {
        return { place, problem: (error as Error).message };
      }
    }),
  );
}

/**
 * Ends the connection at once; whoever waits for something on it hears of that. amqplib's own `close()` has ended when the broker has answered, and
 * has no limit. Only its internals have the socket; it takes an error of that for the end of the connection: channels close, heartbeats end.
 */
export function dropConnection({ connection }: ChannelModel, why: Error): void {
  (connection as unknown as { stream: Socket }).stream.destroy(why);
}

/** Says goodbye, and ends the socket whether or not the broker has answered: neither it nor heartbeats keep the process from ending. */
async function hangUp(connection: ChannelModel, clock: Clock): Promise<void> {
  await forAWhile(clock, connection.close());
  dropConnection(connection, new Error('the connection was closed'));
}

/** Waits for what a broker that says nothing will not answer either: two seconds, and whatever comes of it. */
export async function forAWhile(clock: Clock, answer: Promise<unknown>): Promise<void> {
  const answered = new AbortController();
  await Promise.race([answer, clock.sleep(GOODBYE_MS, answered.signal)]).catch(() => {});
  answered.abort();
}

/** Serves the connection until it breaks, which rejects, or the signal is aborted. */
async function stay(
  connection: ChannelModel,
  serve: (connection: ChannelModel) => Promise<void>,
  signal: AbortSignal,
  served: () => void,
): Promise<void> {
  const ended = new Promise<void>((resolve, reject) => {
    let why: Error | undefined;
    // Without a listener an error would end the process; `close` follows.
    connection.on('error', (error) => {
      why = error;
    });
    connection.on('close', (error) => reject(why ?? error ?? new Error('the connection was closed')));
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve(); // While it was being connected.
  });
  await Promise.race([serve(connection).then(served), ended]);
  await ended;
}

async function connectTo(host: BrokerHost, settings: RabbitLinkSettings): Promise<ChannelModel> {
  const { tls, virtualHost, heartbeatTimeoutSeconds } = settings;
  const socket: SocketOptions = {
    timeout: CONNECT_TIMEOUT_MS,
    noDelay: true,
    keepAlive: true,
    clientProperties: { connection_name: 'kiln' },
    ...(tls && tlsOptions(tls)),
  };
  const target = {
    protocol: tls ? 'amqps' : 'amqp',
    hostname: host.host,
    port: portOf(host, settings),
    username: host.user,
    password: host.password,
    // amqplib percent-decodes it once more.
    vhost: encodeURIComponent(virtualHost),
    // amqplib gives up after two silent intervals.
    heartbeat: Math.ceil(heartbeatTimeoutSeconds / 2),
  };
  // Loaded by those alone that have a broker.
  const { connect } = await import('amqplib');
  return connect(target, socket).catch((error: Error) => {
    // The driver drops what the broker says when it opens no virtual host.
    if (!error.message.startsWith('Expected ConnectionOpenOk')) throw error;
    const message = `the virtual host "${virtualHost}" is not there, or user ${host.user} may not use it`;
    throw new Error(message, { cause: error });
  });
}

function portOf({ port }: BrokerHost, { tls }: RabbitLinkSettings): number {
  return port ?? (tls ? AMQPS_PORT : AMQP_PORT);
}

/** Read for each connection: certificates are renewed. */
function tlsOptions({ caFile, certFile, keyFile, verifyHostname }: RabbitTls): SocketOptions {
  return {
    ...(caFile && { ca: readFileSync(caFile) }),
    ...(certFile && { cert: readFileSync(certFile) }),
    ...(keyFile && { key: readFileSync(keyFile) }),
    rejectUnauthorized: caFile !== null,
    ...(!verifyHostname && { checkServerIdentity: () => undefined }),
  };
}
