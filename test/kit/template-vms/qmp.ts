import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

interface Message {
  return?: unknown;
  error?: { class: string; desc: string };
  event?: string;
  data?: Record<string, unknown>;
}

/** QEMU's control socket (https://www.qemu.org/docs/master/interop/qmp-spec.html). */
export interface Qmp {
  /** @throws what QEMU says against it. */
  run<Answer = object>(command: string, arguments_?: object): Promise<Answer>;
  /** Resolves with the next event of that name that `matches`. */
  event(name: string, matches?: (data: Record<string, unknown>) => boolean): Promise<void>;
  close(): void;
}

/** @param isOver says that QEMU has ended: then its socket is waited for no longer. */
export async function connectQmp(path: string, isOver: () => boolean): Promise<Qmp> {
  const socket = await untilConnected(path, isOver);
  const answers: ((message: Message) => void)[] = [];
  const watchers = new Set<(message: Message) => void>();
  const lines = createInterface({ input: socket });
  lines.on('line', (line) => {
    const message = JSON.parse(line) as Message;
    if (message.event !== undefined) for (const watch of watchers) watch(message);
    else if ('return' in message || message.error) answers.shift()?.(message);
  });
  const end = (error = new Error('QEMU has closed its control socket')) => {
    for (const answer of answers.splice(0)) answer({ error: { class: 'Closed', desc: error.message } });
  };
  // A QEMU that is killed resets the connection: the reader of lines reports that, too.
  for (const stream of [socket, lines]) stream.on('error', end);
  socket.on('close', () => end());

  async function run<Answer>(command: string, arguments_: object = {}): Promise<Answer> {
    const answer = new Promise<Message>((resolve) => answers.push(resolve));
    if (socket.destroyed) end();
    else socket.write(`${JSON.stringify({ execute: command, arguments: arguments_ })}\n`);
    const { return: result, error } = await answer;
    if (error) throw new Error(`${command}: ${error.desc}`);
    return result as Answer;
  }
  await run('qmp_capabilities');
  return {
    run,
    event: (name, matches = () => true) =>
      new Promise((resolve) => {
        const watch = ({ event, data = {} }: Message) => {
          if (event !== name || !matches(data)) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
      }),
    close: () => socket.destroy(),
  };
}

async function untilConnected(path: string, isOver: () => boolean): Promise<Socket> {
  for (;;) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (isOver()) throw new Error('QEMU has ended', { cause: error });
      await sleep(20);
    }
  }
}
