/** Answers of the agent against those recorded of Octavia's agent 11, in test/golden/agent. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseAgentConfiguration } from './configuration.ts';
import { createAgentFiles } from './files.ts';
import { createProcessHost } from './process-host/host.ts';
import { agentItselfRoutes } from './resources/agent-itself.ts';
import { certificateRoutes } from './resources/certificates.ts';
import { detailsRoutes } from './resources/details.ts';
import { discoveryRoutes } from './resources/discovery.ts';
import { infoRoutes } from './resources/info.ts';
import { interfaceRoutes } from './resources/interfaces.ts';
import { loadBalancerRoutes } from './resources/load-balancers.ts';
import { lvsListenerRoutes } from './resources/lvs-listeners.ts';
import { createRequestHandler } from './router.ts';

interface Recorded {
  request: { method: string; path: string };
  response: { status: number; headers: Record<string, string>; body: Record<string, unknown> };
}

const golden = join(import.meta.dirname, '../../test/golden/agent');
const recorded: Recorded[] = JSON.parse(readFileSync(join(golden, 'octavia-agent-11.json'), 'utf8'));
const installed = { haproxy: '2.6.12-1+deb12u4', keepalived: '2.2.7', ipvsadm: '1.31' };
const root = mkdtempSync(join(tmpdir(), 'agent-'));
const files = createAgentFiles(root, { basePath: '/var/lib/octavia', baseCertDir: '/var/lib/octavia/certs' });
const { host, loadBalancers } = createProcessHost(
  parseAgentConfiguration('[amphora_agent]\namphora_id = a\n'),
  files,
  () => undefined,
);
const onFault = vi.fn();
const renewCertificate = vi.fn(async () => undefined);
const reconfigure = vi.fn();
const server = createServer(
  createRequestHandler(
    [
      ...lvsListenerRoutes(host.lvs),
      ...certificateRoutes(files),
      ...loadBalancerRoutes(loadBalancers, host),
      ...interfaceRoutes(host),
      ...agentItselfRoutes({
        certificateFile: join(root, 'server.pem'),
        configurationFile: join(root, 'amphora-agent.conf'),
        renewCertificate,
        reconfigure,
      }),
      ...discoveryRoutes(),
      ...infoRoutes({ installed, agentVersion: '0.1.0', image: { name: 'amphora', version: '7' } }),
      ...detailsRoutes({ installed, root, loadBalancers, host }),
      { method: 'PUT', path: '/broken', handle: () => Promise.reject(new Error('broken')) },
    ],
    onFault,
  ),
);

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  await loadBalancers.close();
  rmSync(root, { recursive: true });
});

async function ask(method: string, path: string, body?: string | Buffer) {
  const { port } = server.address() as AddressInfo;
  const outgoing = request({ host: '127.0.0.1', port, method, path, agent: false });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  const isJson = response.headers['content-type'] === 'application/json' && text !== '';
  return { status: response.statusCode, headers: response.headers, text, body: isJson ? JSON.parse(text) : null };
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

describe('the life of a load balancer, as recorded', () => {
  const life: Array<{
    name: string;
    request: { method: string; path: string; body: unknown };
    response: { status: number; headers: Record<string, string>; body: unknown };
  }> = JSON.parse(readFileSync(join(golden, 'octavia-agent-11-load-balancer.json'), 'utf8'));
  // The recorded VIP is not on this machine.
  const local = (value: unknown) =>
    typeof value === 'string' ? value.replace('bind 198.18.5.10:80', 'bind 127.201.5.10:8080') : value;

  it.each(life)('$name', async ({ name, request: asked, response: expected }) => {
    const sent = local(asked.body) ?? undefined;
    const answer = await ask(
      asked.method,
      asked.path,
      typeof sent === 'object' ? JSON.stringify(sent) : String(sent ?? ''),
    );
    expect(answer.status).toBe(expected.status);
    expect(answer.headers['content-type']).toBe(expected.headers['Content-Type']);
    expect(answer.headers.etag === undefined).toBe(expected.headers.ETag === undefined);
    if (name === 'upload') expect(answer.headers.etag).toBe(createHash('md5').update(String(sent)).digest('hex'));
    if (name === 'upload-bad') {
      // What HAProxy says differs by file and process.
      expect(answer.body).toEqual({
        message: 'Invalid request',
        details: expect.stringContaining(":2] : unknown keyword 'bogus' in 'frontend' section"),
      });
    } else {
      expect(answer.body ?? answer.text).toEqual(local(expected.body));
    }
  });
});

describe('what the agent does not take', () => {
  const lb = '11111111-2222-4333-8444-555555555555';
  const vip = { subnet_cidr: '10.0.0.0/24', gateway: null, mac_address: '06:00:00:00:00:01' };
  it.each([
    ['PUT', '/1.0/loadbalancer/a/..%2f..%2fetc/haproxy', 'x', 404, 'Loadbalancer Not Found'],
    ['PUT', `/1.0/loadbalancer/${lb}/certificates/..%2fx.pem`, 'x', 400, 'Filename has wrong format'],
    ['PUT', `/1.0/loadbalancer/${lb}/certificates/.pem`, 'x', 400, 'Filename has wrong format'],
    ['GET', `/1.0/loadbalancer/${lb}/certificates/no.pem`, '', 404, 'Certificate Not Found'],
    ['GET', '/1.0/loadbalancer/%ff/haproxy', '', 404, '404 Not Found'],
    ['POST', '/1.0/plug/vip/10.0.0.1', '{', 400, '400 Bad Request: Invalid subnet information'],
    ['POST', '/1.0/plug/vip/10.0.0.1', '[]', 400, '400 Bad Request: Invalid subnet information'],
    ['POST', '/1.0/plug/vip/10.0.0.300', JSON.stringify(vip), 400, 'Invalid VIP: "10.0.0.300"'],
    [
      'POST',
      '/1.0/plug/vip/10.0.0.1',
      JSON.stringify({ ...vip, subnet_cidr: '10.0.0.0/33' }),
      400,
      'Invalid VIP: "10.0.0.0/33"',
    ],
    ['POST', '/1.0/plug/vip/10.0.0.1', JSON.stringify({ ...vip, vrrp_ip: 'x' }), 400, 'Invalid VRRP Address: "x"'],
    ['POST', '/1.0/plug/network', '{}', 400, '400 Bad Request: Invalid port information'],
    ['POST', '/1.0/plug/network', '{"mac_address":"a","fixed_ips":[{}]}', 400, 'Invalid network port'],
    ['GET', '/1.0/interface/nowhere', '', 400, 'Invalid IP address'],
    ['PUT', `/1.0/listeners/a/${lb}/udp_listener`, 'x', 400, 'Invalid request'],
    ['PUT', '/1.0/certificate', 'x', 400, 'Invalid request'],
    ['PUT', '/1.0/config', 'x', 500, 'Unable to update amphora-agent configuration.'],
  ])('%s %s %s: %i', async (method, path, body, status, message) => {
    const answer = await ask(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.body.message ?? answer.body.error).toContain(message);
  });

  it('bodies of more than 16 MiB', async () => {
    const answer = await ask('PUT', `/1.0/loadbalancer/${lb}/certificates/big.pem`, Buffer.alloc(16 * 1024 * 1024 + 1));
    expect(answer.status).toBe(413);
  });

  it('leaves everything as it was', () => {
    expect(renewCertificate).not.toHaveBeenCalled();
    expect(reconfigure).not.toHaveBeenCalled();
    expect(onFault).not.toHaveBeenCalled();
  });
});

it('knows an address in any spelling, and updates an interface', async () => {
  const network = (...addresses: string[]) =>
    JSON.stringify({ mac_address: '06:00:00:00:00:AA', fixed_ips: addresses.map((ip) => ({ ip_address: ip })) });
  const plugged = await ask('POST', '/1.0/plug/network', network('2001:db8::1'));
  expect(plugged).toMatchObject({ status: 202, body: { message: 'OK', details: 'Plugged on interface eth2' } });
  expect(await ask('GET', '/1.0/interface/2001:0DB8:0::1')).toMatchObject({ status: 200, body: { interface: 'eth2' } });
  const again = await ask('POST', '/1.0/plug/network', network('2001:db8::2').replace('AA', 'aa'));
  expect(again).toMatchObject({ status: 202, body: { details: 'Updated existing interface eth2' } });
  expect(await ask('GET', '/1.0/interface/2001:db8::1')).toMatchObject({ status: 404 });
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

it("takes paths that begin with more than one slash, as Octavia's driver asks for the versions", async () => {
  const { body } = await ask('GET', '//');
  expect(body).toEqual((await ask('GET', '/')).body);
  expect(body).toMatchObject({ api_version: '1.0' });
  expect(await ask('GET', '//1.0/info')).toMatchObject({ status: 200 });
});

it('tells a fault to the log and not to the caller', async () => {
  const answer = await ask('PUT', '/broken');
  expect(answer).toMatchObject({ status: 500, body: { http_code: 500 } });
  expect(answer.text).not.toContain('broken');
  expect(onFault).toHaveBeenCalledExactlyOnceWith(expect.anything(), expect.objectContaining({ message: 'broken' }));
});
