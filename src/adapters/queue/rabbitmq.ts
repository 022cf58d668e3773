import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';
import { growingPauseMs } from '../../lib/growing-pause.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { OperationMessage, OperationQueue } from '../../ports/operation-queue.ts';
import type { Outbox } from '../../ports/outbox.ts';
import { createInProcessQueue } from './in-process.ts';
import { dropConnection, forAWhile, keepLink, type RabbitLinkSettings } from './rabbit-link.ts';

type Take = Parameters<OperationQueue['start']>[0];

export interface RabbitQueueSettings extends RabbitLinkSettings {
  clock: Clock;
  log: Log;
  outbox: Outbox;
  /** How often the outbox is searched for what was committed and never confirmed. */
  relayEveryMs: number;
  /** The connection to a broker that takes longer to confirm a message, or to set up its queues, is given up. */
  answerWithinMs: number;
  /** How long an operation rests after the so many-eth "later" in a row. */
  pauseMs(deferrals: number): number;
}

/** The urgent one (a priority above 0) is for what must not wait behind creations. */
const queueNames = { urgent: 'kiln.operations.urgent', plain: 'kiln.operations' } as const;
const RELAY_BATCH = 100;
/** How long a message may lie in a busy worker's hand before the others get it; doubled each time it comes back. */
const FIRST_GRACE_MS = 1_000;
const LONGEST_GRACE_MS = 60_000;

interface Link {
  connection: ChannelModel;
  publishing: ConfirmChannel;
  consuming: Channel | null;
  /** What the broker knows this worker's interest in its queues by. */
  consumers: string[];
}

/** A message that is not yet acknowledged, and the channel by which alone it can be. */
interface Token {
  channel: Channel;
  message: ConsumeMessage;
}

/**
 * Operations by way of RabbitMQ. A message is only word of an operation: it is acknowledged when `take` has come back,
 * and comes again to somebody when the connection or the process dies before. One that is to be tried later is kept in
 * memory, not in the broker, where it would keep others from coming; when this process dies it is found by a sweep, as
 * everything in the journal is. Which operations were committed but not confirmed by the broker stands in their rows: a
 * relay publishes them, so the broker may be away for as long as it likes.
 */
export function createRabbitQueue(settings: RabbitQueueSettings): OperationQueue {
  const { clock, log, outbox, relayEveryMs, answerWithinMs } = settings;
  const stopping = new AbortController();
  /** After `stopping`: what ran has been answered. */
  const leaving = new AbortController();
  /** Order, capacity, pauses and one at a time: as in a process of its own. */
  const local = createInProcessQueue(settings);
  const inHand = new Map<string, Token>();
  /** Of which `take` has a message until it has come back. */
  const takenWith = new Set<string>();
  /** Published, and not yet noted as such in the outbox. */
  const unnoted = new Set<string>();
  /** Published to a queue that was not there. */
  const returned = new Set<unknown>();
  let confirmed: string[] = [];
  let worker: { capacity: number } | null = null;
  let link: Link | null = null;
  /** The broker is short of memory or disk: what is sent to it stays unread. */
  let blocked = false;

  const whileServed = keepLink(settings, settings, (connection) => inTime(serve(connection)), lose, leaving.signal);
  const whileRelaying = keepRelaying();

  /** A queue may hang in a broker that lives, and go on with its heartbeats. */
  async function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const answered = new AbortController();
    const late = clock.sleep(answerWithinMs, answered.signal).then(() => {
      throw new Error(`RabbitMQ has not answered in ${answerWithinMs / 1000} s`);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      answered.abort();
    }
  }

  async function serve(connection: ChannelModel): Promise<void> {
    blocked = false;
    connection.on('blocked', (reason) => {
      blocked = true;
      log.warn({ reason }, 'RabbitMQ takes no messages at the moment');
    });
    connection.on('unblocked', () => {
      blocked = false;
    });
    const publishing = await connection.createConfirmChannel();
    endWith(publishing, connection);
    publishing.on('return', ({ properties }) => {
      returned.add(properties.messageId);
    });
    for (const queue of Object.values(queueNames)) {
      await publishing.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    }
    link = { connection, publishing, consuming: null, consumers: [] };
    if (worker) await consume(link, worker.capacity);
    void relay();
  }

  function lose(): void {
    link = null;
    // What was in hand comes again; what waits here may as well be done.
    inHand.clear();
    takenWith.clear();
  }

  /** A channel that the broker closes can't be used again; everything is made anew. */
  function endWith(channel: Channel, connection: ChannelModel): void {
    channel.on('error', (error) => {
      log.warn({ err: error }, 'RabbitMQ closed a channel');
      connection.close().catch(() => {});
    });
  }

  async function consume(on: Link, capacity: number): Promise<void> {
    const channel = await on.connection.createChannel();
    on.consuming = channel;
    endWith(channel, on.connection);
    await channel.prefetch(capacity);
    for (const queue of [queueNames.urgent, queueNames.plain]) {
      if (stopping.signal.aborted) return;
      const { consumerTag } = await channel.consume(queue, (message) => {
        // Null: the queue was deleted, or moved. It is declared again with the connection.
        if (!message) on.connection.close().catch(() => {});
        else receive({ channel, message });
      });
      on.consumers.push(consumerTag);
      // Stopped meanwhile: nobody else knows of it.
      if (stopping.signal.aborted) await cancel(channel, [consumerTag]);
    }
  }

  /** No more messages come; of a channel that is closed, none do anyway. */
  async function cancel(channel: Channel, tags: readonly string[]): Promise<void> {
    await forAWhile(clock, Promise.all(tags.map(async (tag) => await channel.cancel(tag))));
  }

  /** Messages that nobody has begun to work on are for other workers. */
  async function consumeNoMore(): Promise<void> {
    for (const token of inHand.values()) answer(token, 'requeue');
    inHand.clear();
    const { consuming, consumers } = link ?? {};
    if (consuming) await cancel(consuming, consumers ?? []);
  }

  function receive(token: Token): void {
    const word = readMessage(token.message);
    if (!word || stopping.signal.aborted) {
      if (!word)
        log.warn({ messageId: token.message.properties.messageId }, 'a message that is none of Kiln is dropped');
      answer(token, word ? 'requeue' : 'ack');
      return;
    }
    if (inHand.has(word.id) || takenWith.has(word.id)) {
      // One is enough to come to somebody else if this process dies. The broker counts each as work that this worker has.
      local.announce(word);
      answer(token, 'ack');
      return;
    }
    inHand.set(word.id, token);
    local.announce(word);
    void passOnWhenIdle(word.id, token);
  }

  /** A message that this worker can't start is for whoever can. */
  async function passOnWhenIdle(id: string, token: Token): Promise<void> {
    const returns = Number(token.message.properties.headers?.['x-delivery-count'] ?? 0);
    const graceMs = growingPauseMs(returns + 1, { firstMs: FIRST_GRACE_MS, longestMs: LONGEST_GRACE_MS });
    await clock.sleep(graceMs, stopping.signal).catch(() => {});
    if (inHand.get(id) !== token) return;
    // It runs here already: the message is kept until that has ended.
    if (!local.forgetWaiting(id)) return;
    inHand.delete(id);
    answer(token, 'requeue');
  }

  function takeAndAnswer(take: Take): Take {
    return async (id) => {
      const token = inHand.get(id);
      inHand.delete(id);
      if (token) takenWith.add(id);
      const end = await take(id);
      takenWith.delete(id);
      if (end === 'full' && !stopping.signal.aborted) {
        // Kept unanswered: a worker that has no place for what it has is brought no more. One of a former link comes again.
        if (token && token.channel === link?.consuming) inHand.set(id, token);
        return end;
      }
      // At a shutdown another worker is to go on at once.
      if (token) answer(token, end !== 'ended' && stopping.signal.aborted ? 'requeue' : 'ack');
      return end;
    };
  }

  function answer({ channel, message }: Token, how: 'ack' | 'requeue'): void {
    try {
      if (how === 'ack') channel.ack(message);
      else channel.nack(message, false, true);
    } catch {
      // The channel is closed: the broker has taken the message back.
    }
  }

  /** Whether the broker has it for sure. */
  async function publish({ id, priority }: OperationMessage): Promise<boolean> {
    if (!link || blocked) return false;
    const { publishing, connection } = link;
    const confirmation = Promise.withResolvers<boolean>();
    const queue = priority > 0 ? queueNames.urgent : queueNames.plain;
    const content = Buffer.from(JSON.stringify({ id, priority }));
    const options = { persistent: true, mandatory: true, messageId: id, contentType: 'application/json' };
    try {
      publishing.sendToQueue(queue, content, options, (error: unknown) => {
        // A message that comes back does so before it is confirmed. The queue is declared again with the connection.
        const cameBack = returned.delete(id);
        if (cameBack) connection.close().catch(() => {});
        confirmation.resolve(!error && !cameBack);
      });
    } catch {
      return false; // The channel closed a moment ago.
    }
    unnoted.add(id);
    const wellDone = await inTime(confirmation.promise).catch((late: Error) => {
      // One that is short of memory or disk has said so; it confirms when it is no longer.
      if (!blocked) dropConnection(connection, late);
      return false;
    });
    return wellDone;
  }

  async function publishAndNote(word: OperationMessage): Promise<boolean> {
    const wellDone = await publish(word);
    if (wellDone) {
      confirmed.push(word.id);
      void noteConfirmed().finally(() => unnoted.delete(word.id));
    } else unnoted.delete(word.id);
    return wellDone;
  }

  let noting: Promise<void> | null = null;
  /** Many at once, as they come in. What can't be noted is published again, which does no harm. */
  function noteConfirmed(): Promise<void> {
    noting ??= noteAll().finally(() => {
      noting = null;
    });
    return noting;
  }
  async function noteAll(): Promise<void> {
    while (confirmed.length > 0) {
      const ids = confirmed;
      confirmed = [];
      await outbox.markAnnounced(ids).catch((error: unknown) => {
        log.warn({ err: error, operations: ids.length }, 'what RabbitMQ confirmed could not be noted');
      });
    }
  }

  let relaying: Promise<void> | null = null;
  /** Publishes what the outbox has, a batch at a time, until there is no more or the broker fails. */
  function relay(): Promise<void> {
    relaying ??= relayAll()
      .catch((error: unknown) => log.warn({ err: error }, 'the outbox could not be read; it is tried again'))
      .finally(() => {
        relaying = null;
      });
    return relaying;
  }
  async function relayAll(): Promise<void> {
    while (link && !blocked && !stopping.signal.aborted) {
      const underWay = new Set(unnoted);
      const rows = await outbox.unannounced(RELAY_BATCH + underWay.size);
      const batch = rows.filter(({ id }) => !underWay.has(id) && !unnoted.has(id)).slice(0, RELAY_BATCH);
      const results = await Promise.all(batch.map(publishAndNote));
      await noteConfirmed();
      if (batch.length < RELAY_BATCH || results.includes(false)) return;
    }
  }

  async function keepRelaying(): Promise<void> {
    while (!stopping.signal.aborted) {
      await clock.sleep(relayEveryMs, stopping.signal).catch(() => {});
      await relay();
    }
  }

  return {
    announce(word) {
      if (stopping.signal.aborted) return;
      if (local.knows(word.id)) local.announce(word);
      else
        void publishAndNote(word).then((wellDone) => {
          // Without the broker a worker that found something takes it itself.
          if (!wellDone && worker) local.announce(word);
        });
    },

    announceHere(word) {
      if (!stopping.signal.aborted) local.announce(word);
    },

    async start(take, capacity) {
      worker = { capacity };
      // Without a connection it is done as soon as there is one.
      const now = link;
      await local.start(takeAndAnswer(take), capacity);
      // Nor is it waited for with one: a worker whose broker hangs has its sweeps.
      if (now)
        void inTime(consume(now, capacity)).catch((error: Error) => {
          log.warn({ err: error }, 'RabbitMQ gives no messages yet');
          dropConnection(now.connection, error);
        });
    },

    async stop() {
      stopping.abort();
      const ended = local.stop();
      await consumeNoMore();
      await ended;
      await forAWhile(clock, whileRelaying);
      leaving.abort();
      await whileServed;
      await whileRelaying;
      await noteConfirmed();
    },
  };
}

function readMessage({ content }: ConsumeMessage): OperationMessage | null {
  try {
    const { id, priority } = JSON.parse(content.toString('utf8')) as Partial<OperationMessage>;
    return typeof id === 'string' && typeof priority === 'number' ? { id, priority } : null;
  } catch {
    return null;
  }
}
