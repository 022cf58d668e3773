import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startKiln } from '../kit/kiln-process.ts';
import { openServingCloud, type ServingCloud } from '../kit/serving-cloud.ts';

/** `kiln ui` beside a real `kiln serve`; its page in a browser: test/ui. */

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let cloud: ServingCloud;
beforeAll(async () => {
  cloud = await openServingCloud();
});
afterAll(() => cloud?.close());

it('prints an address that lets in once, asks kiln serve what the page asks, and says when that is gone', async () => {
  const local = startKiln(['ui', '--quiet'], cloud.dev.environment);
  const { origin, hash } = new URL(await local.line(/^http:/));
  const signIn = () =>
    fetch(`${origin}/ui/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ method: 'code', code: hash.replace('#code=', '') }),
    });
  const signedIn = await signIn();
  expect(signedIn.status).toBe(200);
  const { token } = (await signedIn.json()) as { token: string };
  expect((await signIn()).status).toBe(401);
  const ask = (path: string) => fetch(`${origin}/v2/kiln/${path}`, { headers: { 'x-auth-token': token } });
  for (const path of ['attention', 'fleet', 'releases', 'operations', 'amphorae/health']) {
    expect((await ask(path)).status, path).toBe(200);
  }
  await cloud.serve.stop();
  expect((await ask('attention')).status).toBe(502);
  expect(await local.stop()).toBe(0);
  const second = startKiln(['ui'], cloud.dev.environment);
  expect(await second.ended).not.toBe(0);
  expect(second.lines.join('\n')).toContain('no `kiln serve` answers here');
});
