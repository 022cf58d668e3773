import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Amphora } from '../../model/amphora.ts';
import { createAmphoraStore } from './amphora-store.ts';
import { openDatabase } from './database.ts';
import type { KilnDatabase } from './schema.ts';

const clock = {
  now: () => new Date('2026-11-23T12:00:00Z'),
  monotonicMs: () => 0,
  sleep: async () => {},
};

function amphora(id: string, over: Partial<Amphora> = {}): Amphora {
  return {
    id,
    status: 'BOOTING',
    serverName: `amphora-${id}`,
    computeId: null,
    lbNetworkIp: null,
    imageId: null,
    imageChoice: null,
    computeFlavor: '65',
    cachedZone: null,
    certExpiration: null,
    agentVersion: null,
    timings: {},
    worker: null,
    reason: null,
    createdAt: '2026-11-23T11:00:00.000Z',
    updatedAt: '2026-11-23T11:00:00.000Z',
    ...over,
  };
}

describe('amphora store', () => {
  let folder: string;
  let database: KilnDatabase;
  const open = () => openDatabase(`sqlite://${folder}/deep/kiln.sqlite`, clock);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kiln-store-'));
    database = await open();
  });
  afterEach(async () => {
    await database.destroy();
    rmSync(folder, { recursive: true });
  });

  it('gives back what was put in, field by field, after the file was opened again', async () => {
    const whole = amphora('a', {
      status: 'READY',
      computeId: 'c',
      lbNetworkIp: '127.77.0.2',
      imageId: 'i',
      imageChoice: {
        imageId: 'i',
        rule: 'only-candidate',
        tag: 'ämphora, "quoted"',
        tagSource: 'flavor',
        ownerRequired: 'p',
        image: null,
        candidates: [],
        chosenAt: 't',
      },
      timings: { chooseMs: 3 },
      worker: 'w',
      reason: { code: 'X', message: 'm', advice: 'a' },
    });
    await createAmphoraStore(database, clock).insert(whole);
    await database.destroy();
    database = await open();
    expect(await createAmphoraStore(database, clock).get('a')).toEqual(whole);
  });
  it('changes only what the patch names, null included', async () => {
    const store = createAmphoraStore(database, clock);
    await store.insert(amphora('a', { computeId: 'c', worker: 'w' }));
    const changed = await store.update('a', { status: 'ERROR', worker: null });
    expect(changed).toEqual(amphora('a', { computeId: 'c', status: 'ERROR', updatedAt: '2026-11-23T12:00:00.000Z' }));
  });
  it('refuses to change what is not there', async () => {
    const store = createAmphoraStore(database, clock);
    await expect(store.update('b', { status: 'ERROR' })).rejects.toMatchObject({ code: 'AMPHORA_NOT_FOUND' });
    expect(await store.get('b')).toBeNull();
  });
  it('refuses a second amphora with the same server name', async () => {
    const store = createAmphoraStore(database, clock);
    await store.insert(amphora('a'));
    await expect(store.insert(amphora('b', { serverName: 'amphora-a' }))).rejects.toThrow();
  });
  it('lists the newest first, deleted ones on demand', async () => {
    const store = createAmphoraStore(database, clock);
    await store.insert(amphora('a', { createdAt: '2026-11-23T10:00:00.000Z' }));
    await store.insert(amphora('b', { createdAt: '2026-11-23T11:00:00.000Z' }));
    await store.insert(amphora('c', { createdAt: '2026-11-23T11:00:00.000Z', status: 'DELETED' }));
    expect((await store.list()).map(({ id }) => id)).toEqual(['b', 'a']);
    expect((await store.list({ includeDeleted: true })).map(({ id }) => id)).toEqual(['c', 'b', 'a']);
  });
  it('is opened by many at once', async () => {
    const several = await Promise.all(Array.from({ length: 8 }, open));
    await Promise.all(several.map((other, n) => createAmphoraStore(other, clock).insert(amphora(`id-${n}`))));
    expect(await createAmphoraStore(database, clock).list()).toHaveLength(8);
    await Promise.all(several.map((other) => other.destroy()));
  });
  it('is made by several processes at once', async () => {
    const file = join(folder, 'race.sqlite');
    const script = `
      import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, 'database.ts'))};
      const clock = { sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
      const database = await openDatabase('sqlite://${file}', clock);
      await database.selectFrom('kiln_amphora').selectAll().execute();
      await database.destroy();`;
    const run = () =>
      new Promise<number | null>((resolve) => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
        child.on('exit', resolve);
      });
    expect(await Promise.all([run(), run(), run(), run()])).toEqual([0, 0, 0, 0]);
  });
  it('says which engine it does not speak, without the password', async () => {
    const failure = openDatabase('mysql+pymysql://octavia:secret@db/octavia', clock);
    await expect(failure).rejects.toMatchObject({ code: 'STATE_UNUSABLE' });
    await expect(failure).rejects.not.toThrow(/secret/);
  });
});
