import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How an answer goes wrong (or right), when it is played. */
export type Play = (response: ServerResponse, request: PlayedRequest) => void | Promise<void>;

export interface PlayedRequest {
  method: string;
  /** Path and query, below the service: `/v2/images?tag=a`. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

type Service = 'identity' | 'image' | 'compute' | 'network';

export interface PlayedCloud {
  url: string;
  /** The next requests to the service that fit `only` are answered by `play` instead. */
  play(service: Service, play: Play, options?: { times?: number; only?: (request: PlayedRequest) => boolean }): void;
  /** Requests to the service so far. */
  requests(service: Service): PlayedRequest[];
  /** Servers that Nova made, oldest first. Filled by `POST /servers` and by whoever plays Nova. */
  servers: { id: string; name: string }[];
  /** Tokens that were issued; one that is taken out is refused from then on. */
  tokens: Set<string>;
  /** Life of the tokens to come. */
  tokenSeconds: number;
  close(): Promise<void>;
}

/**
 * A real HTTP server that answers the least that the OpenStack clients ask for, and plays whatever fault it is asked to.
 * Only for faults: how the services really behave is shown by the embedded cloud and the test bed.
 */
export async function startPlayedCloud(): Promise<PlayedCloud> {
  const plays: { service: Service; play: Play; left: number; only: (request: PlayedRequest) => boolean }[] = [];
  const seen: { service: Service; request: PlayedRequest }[] = [];

  const http: Server = createServer((incoming, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of incoming) chunks.push(chunk as Buffer);
      } catch {
        return; // the client went away
      }
      const [, first, ...rest] = (incoming.url ?? '').split('/');
      const service = first as Service;
      const url = new URL(`http://stub/${rest.join('/')}`);
      const request: PlayedRequest = {
        method: incoming.method ?? '',
        path: url.pathname + url.search,
        query: url.searchParams,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      seen.push({ service, request });
      const next = plays.find((one) => one.service === service && one.left > 0 && one.only(request));
      if (next) {
        next.left--;
        await next.play(response, request);
      } else answer(service, request, response);
    })();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  const cloud: PlayedCloud = {
    url,
    play: (service, play, { times = Number.POSITIVE_INFINITY, only = () => true } = {}) => {
      plays.unshift({ service, play, left: times, only });
    },
    requests: (service) => seen.filter((one) => one.service === service).map((one) => one.request),
    servers: [],
    tokens: new Set(),
    tokenSeconds: 3600,
    close: async () => {
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };

  function answer(service: Service, request: PlayedRequest, response: ServerResponse): void {
    if (service === 'identity') issueToken(response);
    else if (!cloud.tokens.has(String(request.headers['x-auth-token']))) json(response, 401, { message: 'No.' });
    else {
      const [status, body] = contentOf(service, request);
      json(response, status, body);
    }
  }

  function contentOf(service: Service, request: PlayedRequest): [status: number, body?: object] {
    const key = `${request.method} ${service}${request.path.replace(/\?.*/, '')}`;
    if (key === 'POST compute/v2.1/servers') {
      return [202, { server: { id: makeServer(cloud, request).id } }];
    }
    if (key === 'GET compute/v2.1/servers/detail') return [200, { servers: cloud.servers.map(novaServer) }];
    if (key === 'GET image/v2/images') return [200, { images: [] }];
    if (key === 'POST image/v2/images') return [201, glanceImage(randomUUID())];
    if (key.startsWith('GET image/v2/images/')) return [200, glanceImage(key.slice(20))];
    if (key.startsWith('GET compute/v2.1/servers/')) {
      return [200, { server: novaServer({ id: key.slice(25), name: 'x' }) }];
    }
    if (key.startsWith('GET network/v2.0/networks/')) {
      const network = {
        id: key.slice(26),
        name: 'n',
        admin_state_up: true,
        status: 'ACTIVE',
        subnets: [],
        project_id: 'p',
      };
      return [200, { network }];
    }
    return [204];
  }

  function issueToken(response: ServerResponse): void {
    const token = `token-${randomUUID()}`;
    cloud.tokens.add(token);
    // Keystone's clock is not ours: only the difference of the two times may matter.
    const issued = Date.parse('2031-05-05T05:05:05Z');
    const endpoints = (path: string) => [{ interface: 'public', region: 'RegionOne', url: `${url}${path}` }];
    response.setHeader('x-subject-token', token);
    json(response, 201, {
      token: {
        issued_at: new Date(issued).toISOString(),
        expires_at: new Date(issued + cloud.tokenSeconds * 1000).toISOString(),
        user: { id: 'u', name: 'kiln' },
        project: { id: 'p', name: 'service' },
        roles: [{ name: 'admin' }],
        catalog: [
          { type: 'image', name: 'glance', endpoints: endpoints('/image') },
          { type: 'compute', name: 'nova', endpoints: endpoints('/compute/v2.1') },
          { type: 'network', name: 'neutron', endpoints: endpoints('/network') },
        ],
      },
    });
  }

  return cloud;
}

/** What `POST /servers` does before it answers. */
export function makeServer(cloud: PlayedCloud, request: PlayedRequest): { id: string; name: string } {
  const { server } = JSON.parse(request.body) as { server: { name: string } };
  const made = { id: randomUUID(), name: server.name };
  cloud.servers.push(made);
  return made;
}

function novaServer(server: { id: string; name: string }): object {
  return { ...server, status: 'ACTIVE', image: { id: 'i' }, created: '2026-11-22T12:00:00Z' };
}

export function glanceImage(id: string, fields: object = {}): object {
  return {
    id,
    name: 'amphora',
    status: 'active',
    tags: ['amphora'],
    owner: 'p',
    visibility: 'private',
    min_disk: 0,
    min_ram: 0,
    created_at: '2026-11-22T12:00:00Z',
    updated_at: '2026-11-22T12:00:00Z',
    ...fields,
  };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-openstack-request-id': 'req-stub' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/** The ways in which an answer goes wrong. */
export const plays = {
  status:
    (status: number, body: string | object = '', headers: Record<string, string> = {}): Play =>
    (response) => {
      const isText = typeof body === 'string';
      const type = isText ? 'text/html; charset=UTF-8' : 'application/json';
      response.writeHead(status, { 'content-type': type, 'x-openstack-request-id': 'req-stub', ...headers });
      response.end(isText ? body : JSON.stringify(body));
    },
  ok: (body: string | object): Play => plays.status(200, body, { 'content-type': 'application/json' }),
  /** Cut before a single byte of an answer. */
  cut: ((response) => {
    response.socket?.destroy();
  }) as Play,
  cutAfterHeaders: ((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    setImmediate(() => response.socket?.destroy());
  }) as Play,
  cutInBody: ((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"images": [');
    setTimeout(() => response.socket?.destroy(), 5);
  }) as Play,
  /** An orderly end long before the announced length. */
  half: ((response) => {
    response.socket?.end(
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"images": [',
    );
  }) as Play,
  notHttp: ((response) => {
    response.socket?.end('220 smtp.example.org ESMTP\r\n');
  }) as Play,
  hang: (() => {}) as Play,
  /** Headers and the first bytes come; the rest never does. */
  /** An answer that never ends, and is never silent for long. */
  drip: ((response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const timer = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(timer));
  }) as Play,
  hangInBody: ((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{');
  }) as Play,
  notJson: ((response) => plays.ok('<p>Welcome to the captive portal</p>')(response, {} as PlayedRequest)) as Play,
  wrongJson: ((response) => plays.ok({ surprise: true })(response, {} as PlayedRequest)) as Play,
};
