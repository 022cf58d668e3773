import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Member {
  port: number;
  close(): Promise<void>;
}

/** A tiny HTTP server for a load balancer to send to; it answers `member NAME`. */
export async function startMember(name: string): Promise<Member> {
  const server = createServer((_request, answer) => answer.end(`member ${name}\n`));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
