/** Answers of the agent against those recorded of Octavia's agent 11, in test/golden/agent. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAgentFiles } from './files.ts';
import { createLoadBalancers } from './haproxy/load-balancers.ts';
import { detailsRoutes } from './resources/details.ts';
import { discoveryRoutes } from './resources/discovery.ts';
import { infoRoutes } from './resources/info.ts';
import { createRequestHandler } from './router.ts';

interface Recorded {
  request: { method: string; path: string };
  response: { status: number; headers: Record<string, string>; body: Record<string, unknown> };
}

const recorded: Recorded[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../test/golden/agent/octavia-agent-11.json'), 'utf8'),
);
const installed = { haproxy: '2.6.12-1+deb12u4', keepalived: '2.2.7', ipvsadm: '1.31' };
const root = mkdtempSync(join(tmpdir(), 'kiln-agent-resources-'));
const files = createAgentFiles(root, { basePath: '/var/lib/octavia', baseCertDir: '/var/lib/octavia/certs' });
const loadBalancers = createLoadBalancers({ files, haproxyCmd: '/usr/sbin/haproxy', amphoraId: 'a', logger: () => {} });
const onFault = vi.fn();
const server = createServer(
  createRequestHandler(
    [
      ...discoveryRoutes(),
      ...infoRoutes({ installed, agentVersion: '0.1.0', image: { name: 'amphora', version: '7' } }),
      ...detailsRoutes({ installed, root, loadBalancers }),
      { method: 'PUT', path: '/broken', handle: () => Promise.reject(new Error('broken')) },
    ],
    onFault,
  ),
);

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true });
});

async function ask(method: string, path: string) {
  const { port } = server.address() as AddressInfo;
  const outgoing = request({ host: '127.0.0.1', port, method, path, agent: false });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, headers: response.headers, text, body: text === '' ? null : JSON.parse(text) };
}

/** A body with every value replaced by the name of its type. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return ['number', 'string'].includes(typeof value[0]) ? value.map(shape) : [];
  if (value === null || typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}

describe.each(recorded)('$request.method $request.path', ({ request: asked, response: expected }) => {
  it('answers as recorded', async () => {
    const answer = await ask(asked.method, asked.path);
    expect(answer.status).toBe(expected.status);
    expect(answer.headers['content-type']).toBe('application/json');
    if (expected.status !== 200) {
      expect(answer.body).toEqual(expected.body);
      return;
    }
    // Which interfaces there are and what is balanced differ from machine to machine.
    const { networks: _networks, listeners: _listeners, ...rest } = expected.body;
    expect(shape(answer.body)).toMatchObject(shape(rest) as object);
  });
});

it('tells its own version and that of its image', async () => {
  expect((await ask('GET', '/1.0/info')).body).toMatchObject({
    haproxy_version: '2.6.12-1+deb12u4',
    agent_version: '0.1.0',
    image_name: 'amphora',
    image_version: '7',
  });
});

it('tells the true state of the machine', async () => {
  const total = Number(/^MemTotal:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]);
  const { body } = await ask('GET', '/1.0/details');
  expect(body.memory.total).toBe(total);
  expect(body.cpu.total).toBeGreaterThan(Number(body.cpu.user));
  expect(body.disk.available).toBeGreaterThan(0);
  expect(body.load).toHaveLength(3);
});

it('answers HEAD without a body, names allowed methods, ignores queries', async () => {
  expect(await ask('HEAD', '/1.0/info')).toMatchObject({ status: 200, text: '' });
  expect(await ask('DELETE', '/1.0/info')).toMatchObject({ status: 405, headers: { allow: 'GET' } });
  expect(await ask('GET', '/1.0/info?x=1')).toMatchObject({ status: 200 });
});

it('tells a fault to the log and not to the caller', async () => {
  const answer = await ask('PUT', '/broken');
  expect(answer).toMatchObject({ status: 500, body: { http_code: 500 } });
  expect(answer.text).not.toContain('broken');
  expect(onFault).toHaveBeenCalledExactlyOnceWith(expect.anything(), expect.objectContaining({ message: 'broken' }));
});
