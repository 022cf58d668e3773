import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aServerSpec } from '../../../test/kit/builders.ts';
import { createFakeClock, type FakeClock } from '../../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../../test/kit/fakes/fake-log.ts';
import {
  glanceImage,
  makeServer,
  type Play,
  type PlayedCloud,
  plays,
  startPlayedCloud,
} from '../../../test/kit/stub-openstack.ts';
import { ServiceError } from '../../model/errors.ts';
import { createGlance } from './glance.ts';
import { createHttp, type Http } from './http.ts';
import { createKeystone, type OpenStackSession } from './keystone.ts';
import { createNeutron } from './neutron.ts';
import { createNova } from './nova.ts';
import type { TransportSettings } from './settings.ts';

/** Every client against a real server that fails in every way; time passes only in the fake clock. */

let cloud: PlayedCloud;
let clock: FakeClock;
let log: ReturnType<typeof createFakeLog>;
const opened: Http[] = [];
const password = 'correct horse battery staple';

beforeEach(async () => {
  cloud = await startPlayedCloud();
  clock = createFakeClock({ autoAdvance: true });
  log = createFakeLog();
});
afterEach(async () => {
  for (const http of opened.splice(0)) await http.close();
  await cloud.close();
});

function connect(settings: TransportSettings = {}) {
  const http = createHttp({
    settings: { retry: { maxAttempts: 3 }, ...settings },
    clock,
    log,
    random: () => 0.5,
  });
  opened.push(http);
  const auth = {
    authUrl: `${cloud.url}/identity`,
    authType: 'password',
    username: 'kiln',
    password,
    projectName: 'service',
  };
  const session: OpenStackSession = createKeystone({ auth, endpoints: {}, http, clock, log });
  return {
    http,
    session,
    images: createGlance({ session, http, pageSize: 2 }),
    compute: createNova({ session, http, clock, log, createLookupSeconds: 30 }),
    network: createNeutron({ session, http, clock, log }),
  };
}

type Clients = ReturnType<typeof connect>;

/** One call that reads, of each client. */
const readers: {
  service: 'identity' | 'image' | 'compute' | 'network';
  read: (clients: Clients) => Promise<unknown>;
}[] = [
  { service: 'identity', read: ({ session }) => session.token() },
  { service: 'image', read: ({ images }) => images.list({ tags: ['amphora'] }) },
  { service: 'compute', read: ({ compute }) => compute.getServer('s1') },
  { service: 'network', read: ({ network }) => network.getNetwork('n1') },
];

async function errorOf(promise: Promise<unknown>): Promise<ServiceError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome)) throw new Error(`Expected an error, got ${JSON.stringify(outcome.value)}`);
  expect(outcome.error).toBeInstanceOf(ServiceError);
  return outcome.error as ServiceError;
}

const html = (text: string) =>
  `<html><head><title>Oops</title></head><body><h1>Oops</h1>\n ${text}<br /></body></html>`;

interface Fault {
  what: string;
  play: Play;
  code: string;
  /** Tries of a request that may be repeated; three are allowed. */
  tries: number;
  status?: number | null;
  message?: string | RegExp;
  /** It takes the client's time limit to notice, so that is short then. */
  hangs?: true;
}

const patience = (fault: Fault): TransportSettings => (fault.hangs ? { requestTimeoutSeconds: 0.5 } : {});

const faults: Fault[] = [
  {
    what: '400',
    play: plays.status(400, { badRequest: { code: 400, message: 'Bad.' } }),
    code: 'SERVICE_REJECTED_REQUEST',
    tries: 1,
    status: 400,
    message: 'Bad.',
  },
  {
    what: '403',
    play: plays.status(403, { error: { code: 403, message: 'Not you.' } }),
    code: 'SERVICE_FORBIDDEN',
    tries: 1,
    status: 403,
    message: 'Not you.',
  },
  {
    what: '404',
    play: plays.status(404, { NeutronError: { type: 'NotFound', message: 'No x.', detail: '' } }),
    code: 'SERVICE_NOT_FOUND',
    tries: 1,
    status: 404,
    message: 'No x.',
  },
  {
    what: '409',
    play: plays.status(409, { conflictingRequest: { code: 409, message: 'Busy.' } }),
    code: 'SERVICE_CONFLICT',
    tries: 1,
    status: 409,
    message: 'Busy.',
  },
  {
    what: '409 over quota',
    play: plays.status(409, {
      NeutronError: { type: 'OverQuota', message: "Quota exceeded for resources: ['port'].", detail: '' },
    }),
    code: 'SERVICE_LIMIT',
    tries: 1,
    status: 409,
    message: 'Quota exceeded',
  },
  {
    what: '413',
    play: plays.status(413, { message: 'Too many.', code: '413 Too Large', title: 'Too Large' }),
    code: 'SERVICE_LIMIT',
    tries: 1,
    status: 413,
    message: 'Too many.',
  },
  {
    what: '414 with nothing in it',
    play: plays.status(414),
    code: 'SERVICE_REJECTED_REQUEST',
    tries: 1,
    status: 414,
    message: 'answered 414',
  },
  {
    what: '429',
    play: plays.status(429, 'Slow down', { 'retry-after': '2' }),
    code: 'SERVICE_LIMIT',
    tries: 3,
    status: 429,
    message: 'Slow down',
  },
  {
    what: '500 as HTML',
    play: plays.status(500, html('It &quot;broke&quot;.')),
    code: 'SERVICE_FAILED',
    tries: 3,
    status: 500,
    message: ': It "broke". (req-stub)',
  },
  {
    what: '502',
    play: plays.status(502, 'Bad gateway'),
    code: 'SERVICE_FAILED',
    tries: 3,
    status: 502,
    message: 'Bad gateway',
  },
  {
    what: '503',
    play: plays.status(503, html('No server is available.')),
    code: 'SERVICE_FAILED',
    tries: 3,
    status: 503,
    message: 'No server is available.',
  },
  { what: '504', play: plays.status(504), code: 'SERVICE_TIMEOUT', tries: 3, status: 504 },
  {
    what: 'a redirection',
    play: plays.status(302, '', { location: 'https://elsewhere/' }),
    code: 'SERVICE_RESPONSE_INVALID',
    tries: 1,
    status: 302,
    message: 'pointing to https://elsewhere/',
  },
  {
    what: 'a cut before the answer',
    play: plays.cut,
    code: 'SERVICE_UNREACHABLE',
    tries: 3,
    status: null,
    message: 'cut',
  },
  {
    what: 'a cut after the headers',
    play: plays.cutAfterHeaders,
    code: 'SERVICE_UNREACHABLE',
    tries: 3,
    status: null,
    message: 'cut',
  },
  {
    what: 'a cut in the middle',
    play: plays.cutInBody,
    code: 'SERVICE_UNREACHABLE',
    tries: 3,
    status: null,
    message: 'cut',
  },
  { what: 'half an answer', play: plays.half, code: 'SERVICE_UNREACHABLE', tries: 3, status: null, message: 'cut' },
  {
    what: 'a hang',
    play: plays.hang,
    code: 'SERVICE_TIMEOUT',
    tries: 3,
    status: null,
    message: 'within 0.5 s',
    hangs: true,
  },
  {
    what: 'a hang in the middle',
    play: plays.hangInBody,
    code: 'SERVICE_TIMEOUT',
    tries: 3,
    status: null,
    message: 'within 0.5 s',
    hangs: true,
  },
  {
    what: 'an answer that comes a byte at a time',
    play: plays.drip,
    code: 'SERVICE_TIMEOUT',
    tries: 3,
    status: null,
    message: 'within 0.5 s',
    hangs: true,
  },
  {
    what: 'something that is not HTTP',
    play: plays.notHttp,
    code: 'SERVICE_RESPONSE_INVALID',
    tries: 1,
    status: null,
  },
  {
    what: 'something that is not JSON',
    play: plays.notJson,
    code: 'SERVICE_RESPONSE_INVALID',
    tries: 1,
    status: 200,
    message: 'not JSON',
  },
  {
    what: 'wrong JSON',
    play: plays.wrongJson,
    code: 'SERVICE_RESPONSE_INVALID',
    tries: 1,
    status: 200,
    message: 'content is wrong',
  },
];

describe.each(readers)('$service', ({ service, read }) => {
  it.each(faults)('answers $what', async (fault) => {
    const { play, code, tries, status, message } = fault;
    const clients = connect(patience(fault));
    cloud.play(service, play);
    const error = await errorOf(read(clients));
    expect(error.code).toBe(code);
    expect(cloud.requests(service).length).toBe(tries);
    expect(error.call).toMatchObject({ service, outcomeUnknown: service === 'identity' ? expect.any(Boolean) : false });
    expect(error.call.path).toBe(`/${service}${cloud.requests(service)[0]?.path}`);
    if (status !== undefined) expect(error.call.status).toBe(status);
    if (status) expect(error.call.requestId).toBe('req-stub');
    if (message) expect(error.message).toMatch(message);
    expect(error.message).toContain(`${service}: `);
  });

  it.each(faults.filter((fault) => fault.tries > 1 && !fault.hangs))('gets over $what', async ({ play }) => {
    const clients = connect();
    cloud.play(service, play, { times: 1 });
    await read(clients);
    expect(cloud.requests(service).length).toBe(2);
  });

  it('waits as long as Retry-After says', async () => {
    cloud.play(service, plays.status(503, '', { 'retry-after': '7' }), { times: 1 });
    await read(connect());
    expect(clock.sleeps).toEqual([expect.closeTo(7125, 0)]);
  });

  it('understands Retry-After as a date, by the clock of the service', async () => {
    clock.jumpWall(-86_400_000);
    const date = { date: 'Mon, 05 May 2031 05:05:05 GMT', 'retry-after': 'Mon, 05 May 2031 05:05:14 GMT' };
    cloud.play(service, plays.status(429, '', date), { times: 1 });
    await read(connect());
    expect(clock.sleeps).toEqual([expect.closeTo(9125, 0)]);
  });

  it('gives up at once when it would have to wait too long', async () => {
    cloud.play(service, plays.status(429, '', { 'retry-after': '3600' }));
    const error = await errorOf(read(connect()));
    expect(error.call.retryAfterSeconds).toBe(3600);
    expect(clock.sleeps).toEqual([]);
  });

  it('stops when the caller does', async () => {
    const clients = connect();
    if (service === 'identity') return;
    await clients.session.token();
    const stop = new AbortController();
    cloud.play(service, (response, request) => {
      stop.abort(new Error('enough'));
      return plays.hang(response, request);
    });
    const waiting =
      service === 'image'
        ? clients.images.list({}, stop.signal)
        : service === 'compute'
          ? clients.compute.getServer('s1', stop.signal)
          : clients.http.request({ service, method: 'GET', url: `${cloud.url}/network/`, signal: stop.signal });
    const error = await errorOf(waiting);
    expect(error).toMatchObject({ code: 'CANCELLED', cause: { message: 'enough' } });
    expect(cloud.requests(service).length).toBe(1);
  });

  it('tells no secret, neither in the error nor in the log', async () => {
    const clients = connect();
    cloud.play(service, plays.status(500, 'It broke'));
    const error = await errorOf(read(clients));
    const reported = JSON.stringify([error, error.message, error.stack, log.lines]);
    expect(reported).not.toContain(password);
    for (const token of cloud.tokens) expect(reported).not.toContain(token);
    expect(log.lines.filter((line) => line.message.startsWith('OpenStack call failed'))).toHaveLength(3);
  });
});

it('gets over a hang', async () => {
  const { session, images } = connect({ requestTimeoutSeconds: 3 });
  await session.token();
  cloud.play('image', plays.hang, { times: 1 });
  expect(await images.list({})).toEqual([]);
  expect(cloud.requests('image').length).toBe(2);
});

it('stops when the caller does, while it waits for a free connection, and is never sent', async () => {
  const { session, compute } = connect({ maxConnections: 1 });
  await session.token();
  const asked = Promise.withResolvers<void>();
  cloud.play('compute', () => asked.resolve(), { times: 1 });
  const [ahead, stop] = [new AbortController(), new AbortController()];
  const first = errorOf(compute.getServer('s1', ahead.signal));
  await asked.promise;
  const waiting = errorOf(compute.getServer('s2', stop.signal));
  stop.abort(new Error('enough'));
  expect(await waiting).toMatchObject({ code: 'CANCELLED', cause: { message: 'enough' } });
  ahead.abort();
  await first;
  await compute.getServer('s3').catch(() => {});
  expect(cloud.requests('compute').map(({ path }) => path.split('/').at(-1))).toEqual(['s1', 's3']);
});

describe('a refused token', () => {
  it.each(readers.slice(1))('is renewed once for $service, and the call succeeds', async ({ read }) => {
    const clients = connect();
    await clients.session.token();
    cloud.tokens.clear();
    await read(clients);
    expect(cloud.requests('identity').length).toBe(2);
  });

  it.each(readers.slice(1))('is renewed once only when $service refuses every one', async ({ service, read }) => {
    const clients = connect();
    cloud.play(service, plays.status(401, { message: 'Who?<br /><br />\n\n', code: '401 Unauthorized' }));
    const error = await errorOf(read(clients));
    expect(error).toMatchObject({ code: 'SERVICE_UNAUTHORIZED', call: { status: 401, serviceMessage: 'Who?' } });
    expect(cloud.requests(service).length).toBe(2);
    expect(cloud.requests('identity').length).toBe(2);
  });

  it('lets a create go through: it was refused before it was looked at', async () => {
    const clients = connect();
    await clients.session.token();
    cloud.tokens.clear();
    const { id } = await clients.compute.createServer(aServerSpec());
    expect(cloud.servers.map((server) => server.id)).toEqual([id]);
  });
});

describe('a service that is not there', () => {
  it('says so, and that nothing was sent', async () => {
    const clients = connect();
    await clients.session.token();
    await cloud.close();
    const error = await errorOf(clients.images.create({ name: 'x', diskFormat: 'raw', containerFormat: 'bare' }));
    expect(error).toMatchObject({ code: 'SERVICE_UNREACHABLE', call: { status: null, outcomeUnknown: false } });
    expect(error.message).toContain('ECONNREFUSED');
    expect(clock.sleeps.length).toBe(2);
    cloud = await startPlayedCloud();
  });

  it('is asked again even for a create, which then is made once', async () => {
    const place = createServer();
    await new Promise<void>((resolve) => place.listen(0, '127.0.0.1', resolve));
    const { port } = place.address() as AddressInfo;
    await new Promise((resolve) => place.close(resolve));
    const late = createServer((_request, response) => response.end('{}'));
    const clients = connect();
    const sleep = clock.sleep;
    clock.sleep = async (milliseconds, signal) => {
      if (!late.listening) await new Promise<void>((resolve) => late.listen(port, '127.0.0.1', resolve));
      return sleep(milliseconds, signal);
    };
    const url = `http://127.0.0.1:${port}/`;
    expect(await clients.http.request({ service: 'image', method: 'POST', url, json: {} })).toMatchObject({
      status: 200,
    });
    const closed = new Promise((resolve) => late.close(resolve));
    late.closeAllConnections();
    await closed;
  });
});

describe('creating an image', () => {
  const lost = faults.filter((fault) => fault.tries > 1 && fault.what !== '429');
  it.each(lost)('is never repeated after $what, and says that the outcome is unknown', async (fault) => {
    const { images } = connect(patience(fault));
    cloud.play('image', fault.play);
    const error = await errorOf(images.create({ name: 'x', diskFormat: 'raw', containerFormat: 'bare' }));
    expect(error.code).toBe(fault.code);
    expect(error.call.outcomeUnknown).toBe(true);
    expect(cloud.requests('image').length).toBe(1);
  });

  it('is repeated after 429: a rate limit turns away before anything is done', async () => {
    const { images } = connect();
    cloud.play('image', plays.status(429), { times: 1 });
    await images.create({ name: 'x', diskFormat: 'raw', containerFormat: 'bare' });
    expect(cloud.requests('image').length).toBe(2);
  });
});

describe('uploading', () => {
  async function* data(...chunks: string[]) {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }

  it.each([
    ['503', plays.status(503)],
    ['a cut', plays.cut],
    ['401', plays.status(401)],
  ])('is never repeated after %s', async (_what, play) => {
    const { images } = connect();
    cloud.play('image', play);
    await errorOf(images.upload('i1', data('abc'), 3));
    expect(cloud.requests('image').length).toBe(1);
  });

  it('fails when nobody listens, and when the service falls silent', async () => {
    const clients = connect({ uploadSilenceSeconds: 0.2 });
    await clients.session.token();
    cloud.play('image', plays.hang);
    expect(await errorOf(clients.images.upload('i1', data('abc'), 3))).toMatchObject({ code: 'SERVICE_TIMEOUT' });
    await cloud.close();
    expect(await errorOf(clients.images.upload('i1', data('abc'), 3))).toMatchObject({ code: 'SERVICE_UNREACHABLE' });
    cloud = await startPlayedCloud();
  });

  it('fails when its answer comes a byte at a time', async () => {
    const clients = connect({ uploadSilenceSeconds: 0.2 });
    cloud.play('image', plays.drip);
    expect(await errorOf(clients.images.upload('i1', data('abc'), 3))).toMatchObject({ code: 'SERVICE_TIMEOUT' });
  });

  it.each([
    ['less', ['ab']],
    ['more', ['abc', 'd']],
  ])('says so when the source has %s than announced', async (_what, chunks) => {
    const { images } = connect();
    await expect(images.upload('i1', data(...chunks), 3)).rejects.toMatchObject({ code: 'IMAGE_BROKEN' });
  });

  it("throws the source's own error", async () => {
    const { images } = connect();
    async function* failing() {
      yield Buffer.from('a');
      throw new Error('disk on fire');
    }
    await expect(images.upload('i1', failing(), 3)).rejects.toThrow('disk on fire');
  });
});

describe('a server whose creation got no proper answer', () => {
  const isCreate = (request: { method: string }) => request.method === 'POST';
  const lost = faults.filter(
    ({ tries, code, status }) =>
      (tries > 1 && status !== 429) || (code === 'SERVICE_RESPONSE_INVALID' && status !== 302),
  );

  it.each(lost)('is found and used: $what', async (fault) => {
    const { compute } = connect(patience(fault));
    const madeThenLost: Play = (response, request) => {
      makeServer(cloud, request);
      return fault.play(response, request);
    };
    cloud.play('compute', madeThenLost, { only: isCreate });
    const { id } = await compute.createServer(aServerSpec());
    expect(cloud.servers.map((server) => server.id)).toEqual([id]);
    expect(cloud.requests('compute').filter(isCreate)).toHaveLength(1);
  });

  it('is found although Nova takes a while and stumbles meanwhile', async () => {
    const { compute } = connect();
    let lateServer: (() => void) | null = null;
    cloud.play(
      'compute',
      (response, request) => {
        lateServer = () => makeServer(cloud, request);
        return plays.cut(response, request);
      },
      { only: isCreate },
    );
    const lookups = () => cloud.requests('compute').filter((request) => !isCreate(request)).length;
    cloud.play('compute', plays.status(500), { only: (request) => !isCreate(request), times: 4 });
    const sleep = clock.sleep;
    clock.sleep = async (milliseconds, signal) => {
      if (lookups() === 6) lateServer?.();
      return sleep(milliseconds, signal);
    };
    const { id } = await compute.createServer(aServerSpec());
    expect(cloud.servers.map((server) => server.id)).toEqual([id]);
  });

  it.each(lost)('was not made: the error of the creation is thrown, nothing is made: $what', async (fault) => {
    const { compute } = connect(patience(fault));
    cloud.play('compute', fault.play, { only: isCreate });
    const error = await errorOf(compute.createServer(aServerSpec()));
    expect(error.call).toMatchObject({ method: 'POST', outcomeUnknown: true });
    expect(cloud.requests('compute').filter(isCreate)).toHaveLength(1);
    expect(cloud.servers).toEqual([]);
    expect(clock.monotonicMs()).toBeGreaterThan(20_000);
  });

  it('is left alone when it has another name', async () => {
    const { compute } = connect();
    cloud.servers.push({ id: 'other', name: 'AMPHORA-1' }, { id: 'other-2', name: 'amphora-10' });
    cloud.play('compute', plays.cut, { only: isCreate });
    await errorOf(compute.createServer(aServerSpec({ name: 'amphora-1' })));
  });

  it('is not looked for when Nova refused it', async () => {
    const { compute } = connect();
    cloud.play('compute', plays.status(403, { forbidden: { code: 403, message: 'Quota exceeded for instances' } }));
    const error = await errorOf(compute.createServer(aServerSpec()));
    expect(error.code).toBe('SERVICE_LIMIT');
    expect(cloud.requests('compute')).toHaveLength(1);
  });

  it('is not looked for when the caller stops; the error says that it may exist', async () => {
    const { compute, session } = connect();
    await session.token();
    const stop = new AbortController();
    cloud.play('compute', (_response, request) => {
      makeServer(cloud, request);
      stop.abort();
    });
    const error = await errorOf(compute.createServer(aServerSpec(), stop.signal));
    expect(error).toMatchObject({ code: 'CANCELLED', call: { outcomeUnknown: true } });
    expect(cloud.requests('compute')).toHaveLength(1);
  });
});

describe('a listing of images', () => {
  const page = (...ids: string[]) =>
    plays.ok({ images: ids.map((id) => glanceImage(id)), next: '/v2/images?marker=lie' });
  const marked = (marker: string | null) => ({
    only: (request: { query: URLSearchParams }) => request.query.get('marker') === marker,
  });

  it('makes its own URLs, with every tag, whatever `next` says', async () => {
    cloud.play('image', page('9', '8'), marked(null));
    cloud.play('image', page('7', '6'), marked('8'));
    cloud.play('image', plays.ok({ images: [] }), marked('6'));
    const found = await connect().images.list({ tags: ['amphora'], status: 'active' });
    expect(found.map((image) => image.id)).toEqual(['9', '8', '7', '6']);
    for (const request of cloud.requests('image')) {
      expect(request.query.getAll('tag')).toEqual(['amphora']);
      expect(request.query.get('sort')).toBe('created_at:desc,id:desc');
    }
  });

  it('starts again when the marker was deleted between two pages', async () => {
    cloud.play('image', page('9', '8'), { ...marked(null), times: 1 });
    cloud.play('image', plays.status(400, html('No image found with ID 8')), { ...marked('8'), times: 1 });
    const found = connect().images.list({});
    await expect(found).resolves.toEqual([]);
    expect(cloud.requests('image').map((request) => request.query.get('marker'))).toEqual([null, '8', null]);
  });

  it('gives up when the marker is deleted every time', async () => {
    cloud.play('image', page('9', '8'), marked(null));
    cloud.play('image', plays.status(400, 'No image found with ID 8'), marked('8'));
    const error = await errorOf(connect().images.list({}));
    expect(error).toMatchObject({ code: 'SERVICE_REJECTED_REQUEST', call: { status: 400 } });
    expect(cloud.requests('image').length).toBe(12);
  });

  it('ends although the pages do not', async () => {
    cloud.play('image', page('9', '8'));
    const error = await errorOf(connect().images.list({}));
    expect(error.code).toBe('SERVICE_RESPONSE_INVALID');
    expect(error.message).toContain('do not end');
    expect(cloud.requests('image').length).toBe(2);
  });

  it('names an image once that came on two pages', async () => {
    cloud.play('image', page('9', '8'), marked(null));
    cloud.play('image', plays.ok({ images: [glanceImage('9'), glanceImage('7')] }), marked('8'));
    cloud.play('image', plays.ok({ images: [] }), marked('7'));
    const found = await connect().images.list({});
    expect(found.map((image) => image.id)).toEqual(['9', '8', '7']);
  });

  it('does not believe that the filters worked', async () => {
    const wrong = [
      { tags: ['Amphora'] },
      { tags: ['amphora '] },
      { status: 'queued' },
      { owner: 'P' },
      { os_hidden: true },
    ];
    const images = [{}, ...wrong].map((fields, index) => glanceImage(`i${index}`, fields));
    cloud.play('image', plays.ok({ images }), marked(null));
    const found = await connect().images.list({ tags: ['amphora'], status: 'active', owner: 'p' });
    expect(found.map((image) => image.id)).toEqual(['i0']);
  });

  it.each([
    ['no created_at', { created_at: undefined }, '/images/0'],
    ['a created_at that is no time', { created_at: 'yesterday' }, '/images/0/created_at'],
    ['tags that are no list', { tags: 'amphora' }, '/images/0/tags'],
    ['a size below zero', { size: -1 }, '/images/0/size'],
  ])('names what is wrong: %s', async (_what, fields, where) => {
    cloud.play('image', plays.ok({ images: [glanceImage('1', fields)] }));
    const error = await errorOf(connect().images.list({}));
    expect(error.code).toBe('SERVICE_RESPONSE_INVALID');
    expect(error.message).toContain(where);
  });

  it('refuses an answer without end', async () => {
    cloud.play('image', plays.ok(`{"images": [], "padding": "${'x'.repeat(100_000)}"}`));
    const error = await errorOf(connect({ maxAnswerBytes: 50_000 }).images.list({}));
    expect(error.code).toBe('SERVICE_RESPONSE_INVALID');
  });
});
