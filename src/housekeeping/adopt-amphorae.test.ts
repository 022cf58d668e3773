import { afterEach, describe, expect, it } from 'vitest';
import { openBoots } from '../../test/kit/boots.ts';
import { aServerSpec } from '../../test/kit/builders.ts';
import { storedAmphora } from '../../test/kit/contract/amphora-store.ts';
import type { Amphora } from '../model/amphora.ts';
import type { ImageChoice } from '../model/image.ts';
import { adoptAmphorae } from './adopt-amphorae.ts';

const dead = 'host/2/2';
const alive = 'host/3/3';
const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

async function open() {
  const boots = await openBoots();
  endings.push(() => boots.close());
  const adopt = () =>
    adoptAmphorae({
      amphorae: boots.amphorae,
      worker: { self: 'host/1/1', isAlive: (worker) => worker !== dead },
      settings: () => ({ flavorId: '65', topology: 'SINGLE' }),
      announce: () => {},
      log: boots.log,
    });
  return { ...boots, adopt };
}

const imageChoice: ImageChoice = {
  imageId: 'image-1',
  rule: 'only-candidate',
  tag: 'amphora',
  tagSource: 'configuration',
  ownerRequired: 'service-project',
  image: null,
  candidates: [],
  chosenAt: '2026-11-22T12:00:00.000Z',
};
const chosen = {
  imageId: 'image-1',
  imageChoice,
  certExpiration: '2026-12-22T12:00:00.000Z',
  timings: { chooseMs: 5 },
};
const reason = { code: 'BOOT_TIMEOUT', message: 'it took too long', advice: 'Look at Nova.' };

/** What each part of a boot of Kiln 0.2 had on record when its process died, and whether Nova had a server by then. */
const rows: [string, Partial<Amphora>, boolean][] = [
  ['before the choice', {}, false],
  ['before Nova was asked', chosen, false],
  ['before the answer of Nova', chosen, true],
  ['while Nova built', { ...chosen, computeId: 'server', timings: { chooseMs: 5, createMs: 7 } }, true],
  ['while its agent was waited for', { ...chosen, computeId: 'server', lbNetworkIp: '10.0.0.1' }, true],
];

/** The row as it was, and its server, with the ID that Nova has given it. */
async function left(boots: Awaited<ReturnType<typeof open>>, row: Partial<Amphora>, hasServer: boolean) {
  const server = hasServer
    ? await boots.compute.createServer(aServerSpec({ name: 'amphora-a', imageId: 'image-1' }))
    : null;
  const computeId = row.computeId ? (server?.id ?? null) : null;
  await boots.amphorae.insert(storedAmphora('a', { worker: dead, ...row, computeId }));
  return server;
}

describe('what a dead process of Kiln 0.2 left', () => {
  it.each(rows)('%s goes on to one server', async (_when, row, hasServer) => {
    const boots = await open();
    const server = await left(boots, row, hasServer);
    expect(await boots.adopt()).toBe(1);
    await boots.carryOutAll();
    expect(await boots.amphorae.get('a')).toMatchObject({ status: 'READY', worker: null, imageId: 'image-1' });
    const servers = boots.compute.servers().map((one) => one.server.id);
    expect(servers).toEqual([(await boots.amphorae.get('a'))?.computeId]);
    if (server) expect(servers).toEqual([server.id]);
    expect(await boots.adopt()).toBe(0);
  });

  it.each(rows)('%s, on its way back, is undone with its reason', async (_when, row, hasServer) => {
    const boots = await open();
    await left(boots, { ...row, status: 'PENDING_DELETE', reason, worker: null }, hasServer);
    expect(await boots.adopt()).toBe(1);
    await boots.carryOutAll();
    expect(await boots.amphorae.get('a')).toMatchObject({ status: 'ERROR', reason });
    expect(boots.compute.servers()).toEqual([]);
    expect(boots.compute.calls('createServer')).toBe(hasServer ? 1 : 0);
  });

  it.each(rows)('%s, that somebody deletes, is deleted', async (_when, row, hasServer) => {
    const boots = await open();
    await left(boots, { ...row, status: 'PENDING_DELETE' }, hasServer);
    expect(await boots.adopt()).toBe(1);
    await boots.carryOutAll();
    expect(await boots.amphorae.get('a')).toMatchObject({ status: 'DELETED' });
    expect(boots.compute.servers()).toEqual([]);
  });

  it('is taken up once by several that find it', async () => {
    const boots = await open();
    await left(boots, chosen, true);
    const all = await Promise.all([boots.adopt(), boots.adopt(), boots.adopt()]);
    expect(all.toSorted()).toEqual([0, 0, 1]);
    await boots.carryOutAll();
    expect(boots.compute.servers()).toHaveLength(1);
  });

  it('is left to a process that lives, to its load balancer, and to an operation that has it', async () => {
    const boots = await open();
    await boots.amphorae.insert(storedAmphora('a', { worker: alive }));
    await boots.amphorae.insert(storedAmphora('b', { worker: dead, loadBalancerId: 'lb' }));
    await boots.amphorae.insert(storedAmphora('c', { worker: dead, status: 'READY' }));
    await boots.amphorae.requestBoot(storedAmphora('d', { worker: dead }), {
      id: 'op',
      flow: 'boot-amphora',
      subject: 'd',
      input: {},
      priority: 0,
    });
    expect(await boots.adopt()).toBe(0);
  });
});
