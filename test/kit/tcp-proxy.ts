import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

/** A stretch of network that can be cut. */
export interface TcpProxy {
  readonly port: number;
  /** Ends all connections; new ones are taken. */
  cut(): void;
  /** Lets nothing more through on the connections that there are, and ends none. */
  silence(): void;
  /** Ends all connections and refuses new ones. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

/** @param tls speaks TLS with who connects, by this certificate and key in PEM. */
export async function startTcpProxy(targetPort: number, tls?: { cert: Buffer; key: Buffer }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const join = (near: Socket) => {
    const far = connect({ host: '127.0.0.1', port: targetPort });
    keep(near);
    keep(far);
    near.pipe(far);
    far.pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  };
  const server = tls ? createTlsServer(tls, join) : createServer(join);
  server.on('tlsClientError', () => {});
  let port = 0;
  async function up(): Promise<void> {
    if (server.listening) return;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  }
  function cut(): void {
    for (const socket of sockets) socket.destroy();
  }
  function silence(): void {
    for (const socket of sockets) socket.unpipe().pause();
  }
  async function down(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  }
  await up();
  return { port, cut, silence, down, up, close: down };
}
