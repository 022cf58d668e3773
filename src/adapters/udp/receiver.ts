import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { KilnError } from '../../model/errors.ts';
import type { Datagrams } from '../../ports/datagrams.ts';

/** What is asked for; Linux gives no more than net.core.rmem_max. At 1,600 small packets a second it lasts for seconds. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * A UDP socket.
 * @param options.address IPv4 or IPv6; `::` takes both where the system does so.
 * @param options.port 0: one that the system chooses.
 * @param options.receiveBufferBytes 0 or absent: enough for some seconds.
 */
export function createUdpReceiver(options: { address: string; port: number; receiveBufferBytes?: number }): Datagrams {
  let socket: Socket | null = null;

  return {
    async open({ packet, fault }) {
      const opened = createSocket({
        type: isIPv6(options.address) ? 'udp6' : 'udp4',
        recvBufferSize: options.receiveBufferBytes || RECEIVE_BUFFER_BYTES,
      });
      try {
        opened.bind(options.port, options.address);
        await once(opened, 'listening');
      } catch (cause) {
        opened.close();
        throw notToBeHad(options, cause as NodeJS.ErrnoException);
      }
      socket = opened;
      opened.on('error', fault);
      opened.on('message', (bytes, { address }) => packet(bytes, address));
      const { address, port } = opened.address();
      return { address, port };
    },

    async close() {
      const closing = socket;
      socket = null;
      if (!closing) return;
      closing.removeAllListeners('message');
      await new Promise<void>((resolve) => closing.close(() => resolve()));
    },
  };
}

function notToBeHad({ address, port }: { address: string; port: number }, cause: NodeJS.ErrnoException): KilnError {
  const why =
    cause.code === 'EADDRINUSE' ? 'it is taken' : cause.code === 'EADDRNOTAVAIL' ? 'it is not ours' : cause.message;
  return new KilnError('CONFIGURATION_INVALID', `cannot receive heartbeats on UDP port ${port} of ${address}: ${why}`, {
    advice:
      "End what listens there (perhaps Octavia's health manager), or set [health_manager] bind_ip and bind_port to an " +
      'address of this host.',
    cause,
  });
}
