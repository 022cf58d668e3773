import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar';
import { request } from 'undici';
import { type AgentProcess, startAgentProcess } from './agent-process.ts';

interface Server {
  imageId: string;
  files: Record<string, string>;
}

/**
 * The test bed's Nova, with guests: it only pretends to boot. This stands between it and a real `kiln`, passes everything on,
 * and does what a hypervisor would: fetches the image that the server was created from, out of Glance, and runs what is in
 * it with the files that Nova was given, on the address that Neutron gave (a loopback network).
 */
export interface NovaWithGuests {
  url: string;
  /** IDs of the images that servers were created from, oldest first. */
  booted: string[];
  /** Agents that run. */
  running(): number;
  close(): Promise<void>;
}

/** @param endpoints as the catalog has them, with a version or without. */
export async function startNovaWithGuests(endpoints: { compute: string; image: string }): Promise<NovaWithGuests> {
  const [compute, glance] = [endpoints.compute, endpoints.image].map((url) => url.replace(/\/(v2(\.1)?\/?)?$/, ''));
  // Short names: HAProxy's sockets lie in there.
  const scratch = await mkdtemp(join(tmpdir(), 'kg-'));
  const servers = new Map<string, Server>();
  const agents = new Map<string, Promise<AgentProcess | null>>();
  const booted: string[] = [];
  let guests = 0;

  async function boot(serverId: string, address: string, token: string): Promise<AgentProcess> {
    const { imageId, files } = servers.get(serverId) ?? { imageId: '', files: {} };
    const root = join(scratch, String(guests++));
    await mkdir(root, { recursive: true });
    const image = await request(`${glance}/v2/images/${imageId}/file`, { headers: { 'x-auth-token': token } });
    if (image.statusCode !== 200) throw new Error(`image ${imageId}: ${image.statusCode}`);
    await pipeline(image.body, extract({ cwd: root }));
    return startAgentProcess({ program: join(root, 'agent.mjs'), root, bindHost: address, files });
  }

  async function stop(serverId: string): Promise<void> {
    const agent = agents.get(serverId);
    agents.delete(serverId);
    await (await agent)?.stop();
  }

  // biome-ignore lint/suspicious/noExplicitAny: Nova's own shapes.
  async function observe(method: string, path: string, token: string, asked: any, answered: any): Promise<void> {
    const [, serverId, rest] = /^\/servers\/([0-9a-f-]{36})(\/.*)?$/.exec(path) ?? [];
    if (method === 'POST' && path === '/servers') {
      const { imageRef, personality = [] } = asked.server;
      const files = Object.fromEntries(
        personality.map((file: { path: string; contents: string }) => [
          file.path,
          Buffer.from(file.contents, 'base64').toString(),
        ]),
      );
      servers.set(answered.server.id, { imageId: imageRef, files });
      booted.push(imageRef);
    } else if (serverId && method === 'GET' && rest === '/os-interface') {
      const address = answered.interfaceAttachments[0]?.fixed_ips[0]?.ip_address;
      // What does not boot is a server whose agent never answers, as on any hypervisor.
      if (address && !agents.has(serverId))
        agents.set(
          serverId,
          boot(serverId, address, token).catch(() => null),
        );
    } else if (serverId && method === 'DELETE' && !rest) {
      await stop(serverId);
    }
  }

  const front = createServer((incoming, outgoing) => {
    void (async () => {
      const { method = 'GET', url = '' } = incoming;
      const path = (url.split('?')[0] ?? '').replace(/^\/v2\.1/, '');
      const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...headers } = incoming.headers;
      const body = await read(incoming);
      const passed = await request(`${compute}${url}`, {
        method: method as 'GET',
        headers: { ...headers, connection: 'close' } as Record<string, string | string[]>,
        body: body.length > 0 ? body : null,
      });
      const answer = Buffer.from(await passed.body.arrayBuffer());
      if (passed.statusCode < 300) {
        const parsed = (bytes: Buffer) => (bytes.length > 0 ? JSON.parse(bytes.toString()) : null);
        const token = String(incoming.headers['x-auth-token']);
        await observe(method, path, token, parsed(body), parsed(answer));
      }
      const { connection: _closed, 'transfer-encoding': _chunked, ...answerHeaders } = passed.headers;
      outgoing.writeHead(passed.statusCode, { ...answerHeaders, 'content-length': answer.length });
      outgoing.end(answer);
    })().catch((error: unknown) => {
      outgoing.writeHead(502);
      outgoing.end(String(error));
    });
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');

  return {
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}/v2.1`,
    booted,
    running: () => agents.size,
    async close() {
      front.close();
      front.closeAllConnections();
      await Promise.allSettled([...agents.keys()].map(stop));
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of Readable.from(message)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
