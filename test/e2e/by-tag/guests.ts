import { mkdtempSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { extract } from 'tar';
import { type AgentProcess, startAgentProcess } from '../../../src/testing/agent-process.ts';

/**
 * Plays the servers of a Nova whose hypervisor only pretends. Kiln, in processes of its own, is given this in place of
 * Nova: each call is passed on, and what was asked for is booted here as Nova would boot it: the image that was named,
 * with the files that were sent, on the address that Neutron gave (so the management network must be on this machine).
 */
export interface Guests {
  /** URL for Kiln in place of Nova's. */
  endpoint: string;
  /** Which file the image was made from. */
  know(imageId: string, file: string): void;
  close(): Promise<void>;
}

interface ServerRequest {
  imageRef: string;
  personality?: { path: string; contents: string }[];
}

/** @param folder where the servers' disks are. */
export async function startGuests(novaUrl: string, folder: string): Promise<Guests> {
  const images = new Map<string, string>();
  const requests = new Map<string, ServerRequest>();
  const agents = new Map<string, Promise<AgentProcess | null>>();

  async function boot(serverId: string, address: string): Promise<AgentProcess | null> {
    const request = requests.get(serverId);
    const file = images.get(request?.imageRef ?? '');
    if (!request || !file) return null;
    const root = mkdtempSync(join(folder, 'guest-'));
    await extract({ file, cwd: root });
    const files = Object.fromEntries(
      (request.personality ?? []).map(({ path, contents }) => [path, Buffer.from(contents, 'base64').toString('utf8')]),
    );
    return startAgentProcess({ program: join(root, 'agent.mjs'), root, bindHost: address, files });
  }
  async function shutDown(serverId: string): Promise<void> {
    const agent = agents.get(serverId);
    agents.delete(serverId);
    await (await agent)?.stop();
  }

  async function pass(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const body = await bytesOf(request);
    const [, ofServer] = /^\/v2\.1\/servers\/([^/?]+)$/.exec(url) ?? [];
    if (method === 'DELETE' && ofServer) await shutDown(ofServer);
    const { host: _host, connection: _connection, 'content-length': _length, ...headers } = request.headers;
    const passed = await fetch(`${novaUrl}${url.replace(/^\/v2\.1/, '')}`, {
      method,
      headers: headers as Record<string, string>,
      ...(body.length > 0 ? { body } : {}),
    });
    const content = Buffer.from(await passed.arrayBuffer());
    if (passed.ok && method === 'POST' && /^\/v2\.1\/servers$/.test(url)) {
      requests.set(JSON.parse(content.toString()).server.id, JSON.parse(body.toString()).server);
    }
    const [, ofInterfaces] = (method === 'GET' && /^\/v2\.1\/servers\/([^/]+)\/os-interface$/.exec(url)) || [];
    if (passed.ok && ofInterfaces && !agents.has(ofInterfaces)) {
      const [first] = JSON.parse(content.toString()).interfaceAttachments;
      const address = first?.fixed_ips[0]?.ip_address;
      if (address) agents.set(ofInterfaces, boot(ofInterfaces, address));
    }
    const kept = ['content-type', 'openstack-api-version', 'x-openstack-request-id', 'location'];
    answer.writeHead(passed.status, Object.fromEntries([...passed.headers].filter(([name]) => kept.includes(name))));
    answer.end(content);
  }

  const server = createServer((request, answer) => {
    pass(request, answer).catch((error: unknown) => {
      answer.writeHead(502).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2.1`,
    know: (imageId, file) => images.set(imageId, file),
    async close() {
      server.closeAllConnections();
      server.close();
      await Promise.all([...agents.keys()].map(shutDown));
    },
  };
}

async function bytesOf(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
