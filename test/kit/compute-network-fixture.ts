import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { create } from 'tar';
import { computeService, seedCompute } from '../../src/dev-cloud/compute/index.ts';
import type { BootableImage, CloudContext, CloudUser } from '../../src/dev-cloud/context.ts';
import { createHypervisor, type Hypervisor } from '../../src/dev-cloud/hypervisor/index.ts';
import { createNetworkFacade, networkService, seedNetwork } from '../../src/dev-cloud/network/index.ts';
import { CloudState } from '../../src/dev-cloud/state.ts';

const user = (userName: string, projectName: string, isAdmin: boolean): CloudUser => ({
  userId: `user-${userName}`,
  userName,
  projectId: `project-${projectName}`,
  projectName,
  roles: [isAdmin ? 'admin' : 'member'],
  isAdmin,
});

/** Tokens are the users' names. */
export const smallCloudUsers = {
  kiln: user('kiln', 'service', true),
  admin: user('admin', 'admin', true),
  demo: user('demo', 'demo', false),
};

/** An answer, its body parsed. */
export interface SmallCloudAnswer {
  status: number;
  headers: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any;
}

/** Nova and Neutron of the embedded cloud by themselves: three users with fixed tokens, images from a map. */
export interface SmallCloud {
  folder: string;
  context: CloudContext;
  images: Map<string, BootableImage>;
  /** As kiln, unless `token` says otherwise; null sends none. Paths are as from the root: `/compute/v2.1/servers`. */
  call(
    method: string,
    path: string,
    options?: { body?: unknown; token?: string | null; version?: string; headers?: Record<string, string> },
  ): Promise<SmallCloudAnswer>;
  /** Packs an agent's program into an image, ready to boot, and returns its ID. */
  addImage(id: string, agent: string, changes?: Partial<BootableImage>): Promise<string>;
  /** Ends all servers and starts again on the same state. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startSmallCloud(
  options: {
    firstMomentMilliseconds?: number;
    seeded?: boolean;
    addresses?: 'loopback' | 'any';
    /** What its hypervisor does otherwise. */
    hypervisor?: Partial<Hypervisor>;
  } = {},
): Promise<SmallCloud> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-compute-network-'));
  const images = new Map<string, BootableImage>();
  let app: FastifyInstance;
  let context: CloudContext;

  async function start(): Promise<void> {
    context = {
      state: new CloudState(join(folder, 'cloud.sqlite')),
      stateDirectory: folder,
      baseUrl: () => 'http://127.0.0.1:8774',
      authenticate: (token) => smallCloudUsers[token as keyof typeof smallCloudUsers] ?? null,
      findImage: (imageId) => images.get(imageId) ?? null,
    };
    if (options.seeded !== false) {
      const { kiln, demo } = smallCloudUsers;
      seedNetwork(context, { service: kiln.projectId, tenant: demo.projectId });
      seedCompute(context, smallCloudUsers.kiln.userId);
    }
    app = Fastify();
    await app.register(networkService(context, options.addresses ?? 'loopback'), { prefix: '/network' });
    const { firstMomentMilliseconds = 100 } = options;
    const processes = await createHypervisor({ stateDirectory: folder, firstMomentMilliseconds });
    const hypervisor = { ...processes, ...options.hypervisor };
    await app.register(computeService(context, hypervisor, createNetworkFacade(context)), { prefix: '/compute' });
    await app.ready();
  }
  async function stop(): Promise<void> {
    await app.close();
    context.state.close();
  }

  await start();
  return {
    folder,
    get context() {
      return context;
    },
    images,
    async call(method, path, { body, token = 'kiln', version, headers } = {}) {
      const answer = await app.inject({
        method: method as 'GET',
        url: path,
        headers: {
          ...(token === null ? {} : { 'x-auth-token': token }),
          ...(version === undefined ? {} : { 'openstack-api-version': `compute ${version}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: body as object }),
      });
      const text = answer.body;
      return { status: answer.statusCode, headers: answer.headers, body: text === '' ? '' : JSON.parse(text) };
    },
    async addImage(id, agent, changes = {}) {
      const source = await mkdtemp(join(folder, 'image-'));
      const manifest = {
        format: 'kiln-amphora-1',
        name: id,
        version: '1',
        entry: 'agent.mjs',
        createdAt: '2026-01-01',
      };
      await writeFile(join(source, 'amphora.json'), JSON.stringify(manifest));
      await writeFile(join(source, 'agent.mjs'), agent);
      const dataFile = `${source}.tgz`;
      await create({ gzip: true, file: dataFile, cwd: source }, ['amphora.json', 'agent.mjs']);
      images.set(id, { id, status: 'active', sizeBytes: 1000, minDiskGiB: 0, minRamMiB: 0, dataFile, ...changes });
      return id;
    },
    async restart() {
      await stop();
      await start();
    },
    async close() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
