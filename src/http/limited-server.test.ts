import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MadeCertificate, openTlsWorkshop, type TlsWorkshop } from '../../test/kit/tls-material.ts';
import { limitedFastify } from './limited-fastify.ts';
import { type ConnectionLimits, guardConnections, limitedOptions } from './limited-server.ts';

const limits: ConnectionLimits = {
  headSeconds: 1,
  requestSeconds: 2,
  restSeconds: 1,
  answerSeconds: 1,
  idleSeconds: 1,
  silenceSeconds: 30,
  pipelined: 20,
  connections: 1000,
  stopSeconds: 1,
  stopAnswerSeconds: 2,
};

const patience = { timeout: 60_000 };
const patient = { headSeconds: 60, requestSeconds: 60, restSeconds: 60, answerSeconds: 60, idleSeconds: 60 };

let workshop: TlsWorkshop;
let certificate: MadeCertificate;
beforeAll(() => {
  workshop = openTlsWorkshop();
  certificate = workshop.make('server');
});
const endings: (() => void)[] = [];
afterAll(() => {
  for (const end of endings.splice(0)) end();
  workshop.close();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endings.push(() => server.closeAllConnections());
  return (server.address() as AddressInfo).port;
}

async function serve(handler: RequestListener, over: Partial<ConnectionLimits> = {}, tls = false) {
  const all = { ...limits, ...over };
  const keys = { cert: certificate.certificate, key: readFileSync(certificate.keyFile) };
  const server = tls
    ? createTlsServer({ ...limitedOptions(all), ...keys }, handler)
    : createServer(limitedOptions(all), handler);
  const guard = guardConnections(server, all);
  const port = await listening(server);
  const stop = async () => {
    const began = performance.now();
    const closed = new Promise((resolve) => server.close(resolve));
    guard.stop();
    await closed;
    return (performance.now() - began) / 1000;
  };
  return { port, stop };
}

interface Client {
  socket: Socket;
  heard(): string;
  /** Seconds until the other side ended it. */
  ended: Promise<number>;
}

function open(port: number, socket: Socket = connect(port, '127.0.0.1')): Client {
  const began = performance.now();
  let heard = '';
  socket.on('data', (data) => {
    heard += data.toString('latin1');
  });
  socket.on('error', () => {});
  endings.push(() => socket.destroy());
  const ended = new Promise<number>((resolve) => {
    socket.once('close', () => resolve((performance.now() - began) / 1000));
  });
  return { socket, heard: () => heard, ended };
}

/** Sends byte after byte, as long as the connection lasts. */
function trickle({ socket }: Client, text: () => string): void {
  const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write(text())), 100);
  endings.push(() => clearInterval(timer));
}

const soon = (client: Client) => expect(client.ended).resolves.toBeLessThan(10);
const head = (more: string) => `POST / HTTP/1.1\r\nHost: a\r\n${more}\r\n\r\n`;
const answerAtOnce: RequestListener = (_request, response) => response.writeHead(401).end('no');
const readFirst: RequestListener = (request, response) => {
  request.resume().once('end', () => response.end('yes'));
};

describe('a server with limits cuts off', { timeout: 30_000 }, () => {
  it('a client that says nothing', async () => {
    await soon(open((await serve(readFirst)).port));
  });

  it('a head that comes a byte at a time', async () => {
    const client = open((await serve(readFirst)).port);
    client.socket.write('GET / HTTP/1.1\r\nX-Long: ');
    trickle(client, () => 'a');
    await soon(client);
  });

  it('a body that comes a byte at a time', async () => {
    const client = open((await serve(readFirst)).port);
    client.socket.write(head('Content-Length: 1000'));
    trickle(client, () => 'a');
    await soon(client);
    expect(client.heard()).toContain(' 408 ');
  });

  it.each([
    ['slowly', 'a'],
    ['fast', 'a'.repeat(60_000)],
  ])('a client that got its answer and goes on sending, %s; the answer arrives', async (_how, part) => {
    const client = open((await serve(answerAtOnce, { requestSeconds: 30 })).port);
    client.socket.write(head('Content-Length: 1000000000'));
    trickle(client, () => part);
    await soon(client);
    expect(client.heard()).toContain(' 401 ');
  });

  it('not one whose rest comes in time: its next request is answered', async () => {
    const client = open((await serve(answerAtOnce, patient)).port);
    client.socket.write(head('Content-Length: 4'));
    await expect.poll(client.heard, patience).toContain(' 401 ');
    client.socket.write(`rest${head('Content-Length: 0')}`);
    await expect.poll(() => client.heard().split(' 401 ').length, patience).toBe(3);
  });

  it('a client that does not take its answer', async () => {
    const { port } = await serve((_request, response) => response.end(Buffer.alloc(16_000_000, 'a')));
    const client = open(port);
    client.socket.pause();
    client.socket.write(head('Content-Length: 0'));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    client.socket.resume();
    await soon(client);
    expect(client.heard().length).toBeLessThan(16_000_000);
  });

  it('a TLS handshake that is never finished', async () => {
    await soon(open((await serve(readFirst, {}, true)).port));
  });

  it('whoever is too many: the longest silent of the address that has most, and no other', async () => {
    const { port } = await serve(readFirst, { ...patient, connections: 10 });
    const other = open(port, connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }));
    const first = open(port);
    for (let count = 0; count < 20; count++) open(port);
    await soon(first);
    const served = open(port);
    served.socket.write(head('Content-Length: 0'));
    await expect.poll(served.heard, patience).toContain('200');
    expect(other.socket.destroyed).toBe(false);
    other.socket.write(head('Content-Length: 0'));
    await expect.poll(other.heard, patience).toContain('200');
  });
});

describe('a server with limits that is asked to stop', { timeout: 30_000 }, () => {
  it.each([false, true])('ends in seconds, whatever its clients do (TLS: %s)', async (tls) => {
    const { port, stop } = await serve(readFirst, patient, tls);
    const shake = () => connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    for (let count = 0; count < 50; count++) open(port);
    const clients = Array.from({ length: 20 }, () => open(port, tls ? shake() : undefined));
    for (const [index, { socket }] of clients.entries()) {
      socket.write(['GET / HT', head('Content-Length: 1000'), head('Content-Length: 0'), ''][index % 4] ?? '');
    }
    await expect.poll(() => clients.filter((one) => one.heard().includes('200')).length, patience).toBe(5);
    expect(await stop()).toBeLessThan(20);
  });

  it('still answers what it was asked, for a while', async () => {
    const areRead = Promise.withResolvers<void>();
    let read = 0;
    const { port, stop } = await serve((request, response) => {
      if (request.method === 'POST') setTimeout(() => response.end('late'), 1500);
      if (++read === 2) areRead.resolve();
    }, patient);
    const [asked, forgotten] = [open(port), open(port)];
    asked.socket.write(head('Content-Length: 0'));
    forgotten.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await areRead.promise;
    expect(await stop()).toBeLessThan(20);
    await Promise.all([asked.ended, forgotten.ended]);
    expect(asked.heard()).toContain('late');
    expect(forgotten.heard()).toBe('');
  });

  it('so does a Fastify', async () => {
    const app = limitedFastify({}, { limits: { ...limits, ...patient } });
    app.post('/', (_request, reply) => reply.send('yes'));
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    for (let count = 0; count < 50; count++) open(port);
    const client = open(port);
    client.socket.write(head('Content-Length: 1000'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = performance.now();
    await app.close();
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe('a server with limits', () => {
  it('cuts off a client that sends request after request and reads no answer', async () => {
    let asked = 0;
    const { port } = await serve(() => void asked++, patient);
    const client = open(port);
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20_000));
    await soon(client);
    expect(asked).toBeLessThan(15_000);
  });
});
