import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A place that agents send their heartbeats to. */
export interface HeartbeatListener {
  /** `address:port`, for controller_ip_port_list. */
  address: string;
  /** The next packet that comes from now on. */
  next(): Promise<Uint8Array>;
  close(): void;
}

/** @param port 0 for one that the system chooses. */
export async function listenForHeartbeats(host: string, port = 0): Promise<HeartbeatListener> {
  const socket = createSocket('udp4');
  socket.bind({ address: host, port });
  await once(socket, 'listening');
  return {
    address: `${host}:${socket.address().port}`,
    next: async () => {
      const [packet] = await once(socket, 'message');
      return packet;
    },
    close: () => void socket.close(),
  };
}
