/** The control socket: whether a `kiln serve` is alive must be seen also when its database is not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectControl } from '../../src/adapters/control/client.ts';
import { type ControlDeps, controlRoutes } from '../../src/api/control/routes.ts';
import type { ServeStatus } from '../../src/model/control.ts';

let folder: string;
let socketPath: string;
let app: FastifyInstance;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-control-'));
  socketPath = join(folder, 'kiln.sock');
  app = Fastify({ forceCloseConnections: true });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await app.close();
  rmSync(folder, { recursive: true, force: true });
});

const unused = () => Promise.reject(new Error('not asked for here'));
const amphorae = { list: async () => [], get: unused, boot: unused, delete: unused };
const self = { pid: 4711, version: '0.3.0' };

async function serve(status: ControlDeps['status']): Promise<void> {
  await controlRoutes(app, { self, amphorae, abortOperation: unused, status, publicApi: unused });
  await app.listen({ path: socketPath });
}

it('connects to a kiln serve whose status never comes', async () => {
  await serve(() => new Promise(() => {}));
  const client = await connectControl(socketPath);
  expect(client?.pid).toBe(4711);
  expect(await client?.amphorae.list({ includeDeleted: false })).toEqual([]);
  await client?.close();
}, 2_500);

it('connects to an older kiln serve, which has only its status', async () => {
  app.get('/status', () => ({ pid: 4712 }) as ServeStatus);
  app.setNotFoundHandler((_request, reply) =>
    reply.code(400).send({ error: { code: 'USAGE', message: 'no', advice: '', retryable: false, details: {} } }),
  );
  await app.listen({ path: socketPath });
  const client = await connectControl(socketPath);
  expect(client?.pid).toBe(4712);
  await client?.close();
});

it('says that a kiln serve does not answer, and not that this user may not ask', async () => {
  app.get('/ping', () => new Promise(() => {}));
  await app.listen({ path: socketPath });
  const { timeout } = AbortSignal;
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout(50));
  await expect(connectControl(socketPath)).rejects.toMatchObject({
    code: 'STATE_UNUSABLE',
    message: expect.stringContaining('has not answered in 3 s'),
    advice: expect.not.stringContaining('as the user'),
  });
});
