import Fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../test/kit/free-port.ts';
import { listen } from './listen.ts';

const taken = { where: 'a test listens', advice: 'Take another one.' };
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(name: string, port: number, isShared: boolean): Promise<void> {
  const app = Fastify();
  app.get('/', () => name);
  const { close } = await listen(app, { host: '127.0.0.1', port, isShared }, taken);
  closing.push(close);
}

async function whoAnswers(port: number): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text();
}

describe('the port of the API', () => {
  it('is shared by processes that all say so: each gets connections, and one goes on alone', async () => {
    const port = await freePort();
    await serve('one', port, true);
    await serve('two', port, true);
    const answers = new Set<string>();
    // The kernel chooses by the client's port, which is another one each time.
    while (answers.size < 2) answers.add(await whoAnswers(port));
    expect([...answers].sort()).toEqual(['one', 'two']);
    await closing.shift()?.();
    for (let asked = 0; asked < 20; asked++) expect(await whoAnswers(port)).toBe('two');
  });

  it.each([
    [false, false],
    [true, false],
    [false, true],
  ])('is refused to the second one, with what to do (shared: %s, %s)', async (first, second) => {
    const port = await freePort();
    await serve('one', port, first);
    await expect(serve('two', port, second)).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      message: `port ${port} of 127.0.0.1, where a test listens, is taken`,
      advice: taken.advice,
    });
  });
});
