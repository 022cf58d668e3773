import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliNow, driveCli } from '../../../../test/kit/cli.ts';
import { KilnError } from '../../../model/errors.ts';
import type { SecretFolder, StoredSecret } from '../../../ports/secret-folder.ts';
import type { SecretUser } from '../../../ports/secret-users.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-secret-'));
  writeFileSync(join(folder, 'www.p12'), 'www');
  mkdirSync(join(folder, 'a-folder'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const owner = '2a8d1a5c6f664f0f8a3b1b9a2a7c4d10';
const shop: StoredSecret = {
  reference: '6f0f4d1f-2f7a-4b0a-9a53-0d6f2f1c8f3e',
  name: 'shop',
  projectId: owner,
  kind: 'certificate',
  subject: 'www.example.org',
  notAfter: '2026-05-31T23:59:59.000Z',
  problem: null,
  storedAt: '2026-02-01T08:00:00.000Z',
};
const others: StoredSecret[] = [
  {
    ...shop,
    reference: '7f0f4d1f-2f7a-4b0a-9a53-0d6f2f1c8f3e',
    name: null,
    projectId: null,
    subject: 'a-rather-long-name-of-a-host.in-a-deep-domain.example.org',
    notAfter: '2026-02-28T23:59:59.000Z',
  },
  {
    ...shop,
    reference: '8f0f4d1f-2f7a-4b0a-9a53-0d6f2f1c8f3e',
    name: 'ours',
    projectId: 'service',
    kind: 'ca-certificates',
    subject: null,
    notAfter: null,
  },
  {
    ...shop,
    reference: '9f0f4d1f-2f7a-4b0a-9a53-0d6f2f1c8f3e',
    name: null,
    projectId: owner,
    kind: 'unusable',
    subject: null,
    notAfter: null,
    problem: 'The secret is empty.',
  },
];

/** Keeps what it is given, under the reference of `shop`. */
function stand(kept: StoredSecret[] = [], stored: Partial<StoredSecret> = {}, users: SecretUser[] = []) {
  const contents: Array<[content: string, name: string | null]> = [];
  const secrets: SecretFolder = {
    async store(content, name, projectId) {
      contents.push([Buffer.from(content).toString(), name]);
      return { ...shop, name, projectId, ...stored };
    },
    list: async () => kept,
    async adopt(reference, projectId) {
      return { ...(await secrets.get(reference)), projectId };
    },
    get: async (reference) => secrets.delete(reference),
    async delete(reference) {
      const found = kept.find((secret) => secret.reference === reference);
      if (!found) throw new KilnError('SECRET_NOT_FOUND', `There is no secret ${reference}.`);
      return found;
    },
  };
  return {
    contents,
    parts: { secrets: async () => secrets, secretUsers: async () => ({ usersOf: async () => users }) },
  };
}

describe('secret store', () => {
  it('keeps the file and prints the reference to it', async () => {
    const { parts, contents } = stand();
    const run = await driveCli(
      ['secret', 'store', join(folder, 'www.p12'), '--name', 'my shop', '--project', owner],
      parts,
      {
        columns: 80,
      },
    );
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(contents).toEqual([['www', 'my shop']]);
    await expect(run.stdout).toMatchFileSnapshot('../../golden/secret-store.80.txt');
  });

  it('--quiet prints the reference alone, --json all that is known', async () => {
    const { parts } = stand();
    const command = ['secret', 'store', join(folder, 'www.p12'), '--project', owner];
    expect((await driveCli([...command, '--quiet'], parts)).stdout).toBe(`${shop.reference}\n`);
    expect((await driveCli([...command, '--json'], parts)).json()).toEqual({ ...shop, name: null });
  });

  it('says that a certificate has ended', async () => {
    const { parts } = stand([], { notAfter: new Date(cliNow.getTime() - 1000).toISOString() });
    const run = await driveCli(['secret', 'store', join(folder, 'www.p12'), '--project', owner], parts);
    expect(run).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('ended on 2026-03-01') });
  });

  it('ends with 2 for a file that is not there, or none', async () => {
    for (const file of ['nothing', 'a-folder']) {
      const { parts, contents } = stand();
      const run = await driveCli(['secret', 'store', join(folder, file), '--project', owner], parts);
      expect(run).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(`${file} can't be read`) });
      expect(contents).toEqual([]);
    }
  });
});

describe('secret store --project', () => {
  it('is needed, and is an ID', async () => {
    const { parts, contents } = stand();
    const file = join(folder, 'www.p12');
    expect(await driveCli(['secret', 'store', file], parts)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /--project is missing: a secret belongs to one project[\s\S]*openstack token issue/,
      ),
    });
    for (const wrong of ['', 'a b', '../x']) {
      expect(await driveCli(['secret', 'store', file, '--project', wrong], parts)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(`--project is ${JSON.stringify(wrong)}, which is no ID of a project`),
      });
    }
    expect(contents).toEqual([]);
    const named = await driveCli(['secret', 'store', file, '--project', 'demo'], parts);
    expect(named.stdout).toContain('Project    demo');
    expect(named.stderr).toContain('"demo" looks like no ID of Keystone\'s');
  });
});

describe('secret adopt', () => {
  const ownerless = { ...shop, projectId: null };
  const user = (projectId: string): SecretUser => ({
    kind: 'pool',
    id: 'p',
    name: '',
    loadBalancerId: 'lb',
    projectId,
  });

  it('gives it to the project that is named, else to the only one that uses it', async () => {
    const named = await driveCli(`secret adopt ${shop.reference} --project ${owner}`, stand([ownerless]).parts);
    expect(named).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining(`Project    ${owner}`) });
    const { parts } = stand([ownerless], {}, [user(owner), user(owner)]);
    const used = await driveCli(`secret adopt ${shop.reference} --json`, parts);
    expect(used.json()).toEqual(shop);
  });

  it('does not guess between none and several', async () => {
    for (const [users, why] of [
      [[], 'nothing refers to it'],
      [[user('a'), user('b')], 'projects a, b refer to it'],
    ] as const) {
      expect(await driveCli(`secret adopt ${shop.reference}`, stand([ownerless], {}, [...users]).parts)).toMatchObject({
        exitCode: 2,
        stdout: '',
        stderr: expect.stringContaining(why),
      });
    }
  });
});

describe('secret list', () => {
  it.each([80, 120])('in %i columns', async (columns) => {
    const run = await driveCli('secret list', stand([shop, ...others]).parts, { columns });
    expect(run.exitCode).toBe(0);
    await expect(run.stdout).toMatchFileSnapshot(`../../golden/secret-list.${columns}.txt`);
  });

  it('--without-owner shows those that nobody can use', async () => {
    const { parts } = stand([shop, ...others]);
    const run = await driveCli('secret list --without-owner --quiet', parts);
    expect(run.stdout).toBe(`${others[0]?.reference}\n`);
  });

  it('says when there is none', async () => {
    expect((await driveCli('secret list', stand().parts)).stdout).toBe('No secret.\n');
  });
});

describe('secret delete', () => {
  it('deletes one, and ends with 2 when there is none', async () => {
    const { parts } = stand([shop]);
    expect((await driveCli(`secret delete ${shop.reference}`, parts)).stdout).toBe(
      `Secret ${shop.reference} is deleted.\n`,
    );
    expect(await driveCli('secret delete nothing', parts)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('There is no secret nothing.'),
    });
  });

  it('keeps one that is in use, and names who uses it, unless it is asked to', async () => {
    const users = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(
      (id): SecretUser => ({
        kind: id === 'b' ? 'pool' : 'listener',
        id,
        name: id === 'a' ? 'shop' : '',
        loadBalancerId: 'lb',
        projectId: owner,
      }),
    );
    const { parts } = stand([shop], {}, users);
    expect(await driveCli(`secret delete ${shop.reference}`, parts)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /is in use by listener a \(shop\) of load balancer lb, pool b of load balancer lb, .*, and 2 others[\s\S]*--force/,
      ),
    });
    expect((await driveCli(`secret delete ${shop.reference} --force`, parts)).stdout).toBe(
      `Secret ${shop.reference} is deleted.\n`,
    );
  });
});
