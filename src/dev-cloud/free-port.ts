import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what Linux gives to outgoing connections (from 32768), so that none of them holds it when it is needed. */
const lowest = 20_000;
const highest = 32_767;

/** A port of this address on which nothing listens now; drawn at random, so that two clouds hardly ever meet. */
export async function findFreePort(protocol: 'tcp' | 'udp', host: string): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = randomInt(lowest, highest + 1);
    const isFree = protocol === 'tcp' ? await isFreeForTcp(port, host) : await isFreeForUdp(port, host);
    if (isFree) return port;
  }
  throw new Error(`no free ${protocol} port on ${host} between ${lowest} and ${highest}`);
}

async function isFreeForTcp(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen({ port, host }), 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch {
    return false;
  }
}

async function isFreeForUdp(port: number, host: string): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
