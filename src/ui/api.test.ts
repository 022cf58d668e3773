import { afterEach, beforeEach, expect, it, vi } from 'vitest';

type Api = typeof import('./api.ts');
let api: Api;
let state: typeof import('./state.ts');
/** How the server answers. */
let answer: () => Response | Promise<never>;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.resetModules();
  vi.stubGlobal('location', { hash: '' });
  vi.stubGlobal('document', { baseURI: 'http://kiln.test/ui/', querySelector: () => null });
  // As a browser does: whoever ends a request ends its body as well.
  vi.stubGlobal('fetch', async (_url: URL, { signal }: RequestInit) => {
    const ended = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
    ended.catch(() => {
      for (const body of bodies) body.error(new Error('aborted'));
    });
    return await Promise.race([answer(), ended]);
  });
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const limit = new AbortController();
    setTimeout(() => limit.abort(new DOMException('too late', 'TimeoutError')), ms);
    return limit.signal;
  });
  [api, state] = [await import('./api.ts'), await import('./state.ts')];
});
afterEach(() => {
  bodies.length = 0;
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const bodies: ReadableStreamDefaultController<Uint8Array>[] = [];
const streamed = () => new Response(new ReadableStream<Uint8Array>({ start: (body) => void bodies.push(body) }));
const say = (text: string) => bodies[0]?.enqueue(new TextEncoder().encode(text));
const noAnswer = { status: 0, message: 'The server does not answer.' };

it.each([
  ['says nothing', () => new Promise<never>(() => {})],
  ['stops in the middle of its answer', streamed],
])(
  'gives a server up that %s, and takes it up again',
  async (_title, hang) => {
    answer = hang;
    const asked = api.getShared('v2/kiln/attention');
    const refused = expect(asked).rejects.toMatchObject(noAnswer);
    await vi.advanceTimersByTimeAsync(30_000);
    await refused;
    expect(state.connection.value).toBe('lost');
    answer = () => new Response('{"attention":1}');
    expect(await api.getShared('v2/kiln/attention')).toEqual({ attention: 1 });
    expect(state.connection.value).toBe('restored');
  },
  2_000,
);

it('follows a stream for as long as there are signs of life, and no longer', async () => {
  answer = streamed;
  const lines: unknown[] = [];
  let end = 'follows';
  const following = api.followLines('v2/kiln/events', new AbortController().signal, (more) => lines.push(...more));
  const refused = expect(following.finally(() => (end = 'ended'))).rejects.toMatchObject(noAnswer);
  for (const text of ['{"id":1}\n', '\n', '{"id":2}\n']) {
    await vi.advanceTimersByTimeAsync(39_000);
    say(text);
  }
  await vi.advanceTimersByTimeAsync(39_000);
  expect([end, lines]).toEqual(['follows', [{ id: 1 }, { id: 2 }]]);
  await vi.advanceTimersByTimeAsync(1_000);
  await refused;
  expect(state.connection.value).toBe('lost');
  expect(vi.getTimerCount()).toBe(0);
}, 2_000);

it('leaves a stream whose reader has gone, which says nothing of the server', async () => {
  answer = streamed;
  const reader = new AbortController();
  const following = api.followLines('v2/kiln/events', reader.signal, () => {});
  const left = expect(following).rejects.not.toMatchObject(noAnswer);
  await vi.advanceTimersByTimeAsync(1);
  reader.abort();
  await left;
  expect(state.connection.value).toBe('fine');
  expect(vi.getTimerCount()).toBe(0);
}, 2_000);
