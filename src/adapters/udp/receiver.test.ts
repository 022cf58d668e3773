import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import type { Datagrams } from '../../ports/datagrams.ts';
import { createUdpReceiver } from './receiver.ts';

/** Opens, and gives the next packet that comes. */
async function open(receiver: Datagrams) {
  const first = Promise.withResolvers<{ text: string; from: string }>();
  const place = await receiver.open({
    packet: (bytes, from) => first.resolve({ text: Buffer.from(bytes).toString(), from }),
    fault: (error) => first.reject(error),
  });
  return { ...place, first: first.promise };
}

async function send(text: string, port: number, address: string): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.send(text, port, address, () => socket.close());
  await once(socket, 'close');
}

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['0.0.0.0', '127.0.0.1'],
])('receives on %s what is sent to %s', async (address, target) => {
  const receiver = createUdpReceiver({ address, port: 0 });
  const { port, first } = await open(receiver);
  await send('ä', port, target);
  expect(await first).toEqual({ text: 'ä', from: target });
  await receiver.close();
  await receiver.close();
});

it('says what is wrong with a port that is taken and an address that is not ours', async () => {
  const receiver = createUdpReceiver({ address: '127.0.0.1', port: 0 });
  const { port } = await open(receiver);
  await expect(open(createUdpReceiver({ address: '127.0.0.1', port }))).rejects.toMatchObject({
    code: 'CONFIGURATION_INVALID',
    message: `cannot receive heartbeats on UDP port ${port} of 127.0.0.1: it is taken`,
    advice: expect.stringContaining('bind_port'),
  });
  await receiver.close();
  await expect(open(createUdpReceiver({ address: '192.0.2.1', port: 0 }))).rejects.toThrow(/192.0.2.1: it is not ours/);
});

it('can be closed before it is opened, and opened again', async () => {
  const receiver = createUdpReceiver({ address: '127.0.0.1', port: 0 });
  await receiver.close();
  for (const text of ['once', 'twice']) {
    const { port, first } = await open(receiver);
    await send(text, port, '127.0.0.1');
    expect(await first).toMatchObject({ text });
    await receiver.close();
  }
});
