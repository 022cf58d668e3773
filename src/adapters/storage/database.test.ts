import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { createFakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { openDatabase } from './database.ts';

const clock = createFakeClock({ autoAdvance: true });

/** The refusal of a database behind a server that does `answer` to whoever connects. */
async function refusal(answer: (socket: Socket) => void, query = ''): Promise<unknown> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await openDatabase(`mysql+pymysql://octavia:secret@127.0.0.1:${port}/octavia${query}`, clock).catch(
      (e) => e,
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

it.each<[string, (socket: Socket) => void, string?]>([
  ['hangs up', (socket) => socket.destroy()],
  ['resets', (socket) => socket.resetAndDestroy()],
  ['never answers', () => {}, '?connect_timeout=1'],
  ['falls silent', () => {}, '?read_timeout=1'],
])('a server that %s may be tried again, and nothing tells the password', async (_, answer, query) => {
  const error = await refusal(answer, query);
  expect(error).toMatchObject({ code: 'STATE_UNUSABLE', retryable: true });
  expect((error as Error).message).toMatch(/^cannot use the database octavia at 127.0.0.1:\d+ as octavia: ./);
  expect(inspect(error, { depth: 10 })).not.toContain('secret');
});

it('a server that is no database is an error, not a crash', async () => {
  const error = await refusal((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'), '?connect_timeout=1');
  expect(error).toMatchObject({ code: 'STATE_UNUSABLE' });
});

it('nobody at that address', async () => {
  const opening = openDatabase('mysql+pymysql://octavia:secret@127.0.0.1:1/octavia', clock);
  await expect(opening).rejects.toMatchObject({ code: 'STATE_UNUSABLE', retryable: true });
  await expect(opening).rejects.toThrow(/ECONNREFUSED/);
});

it('a CA file that is not there', async () => {
  const opening = openDatabase('mysql+pymysql://octavia:secret@127.0.0.1:1/octavia?ssl_ca=/nowhere/ca.pem', clock);
  await expect(opening).rejects.toMatchObject({ code: 'STATE_UNUSABLE', retryable: false });
  await expect(opening).rejects.toThrow(/nowhere\/ca.pem/);
});

it('a file that is no database', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-database-'));
  writeFileSync(join(folder, 'kiln.sqlite'), 'a diary '.repeat(1000));
  const opening = openDatabase(`sqlite:///${folder}/kiln.sqlite`, clock);
  await expect(opening).rejects.toMatchObject({ code: 'STATE_UNUSABLE', retryable: false });
  rmSync(folder, { recursive: true });
});
