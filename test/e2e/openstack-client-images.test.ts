import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../../src/dev-cloud/cloud.ts';
import { type OpenstackClients, openstackClients, openstackIsMissing } from '../kit/openstack-client.ts';

/** Debian's `openstack` (python3-openstackclient) against the embedded cloud: identity and images. */

const reason = openstackIsMissing;

describe.skipIf(reason !== null)(`the openstack client${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-openstack-client-'));
  const dataFile = join(folder, 'image.raw');
  let cloud: Cloud;
  let clients: OpenstackClients;

  beforeAll(async () => {
    cloud = await startCloud({ stateDirectory: join(folder, 'cloud') });
    clients = openstackClients(cloud.cloudsFile);
    writeFileSync(dataFile, randomBytes(200_000));
  });
  afterAll(async () => {
    await clients?.close();
    await cloud.close();
    rmSync(folder, { recursive: true });
  });

  type Who = 'kiln-dev' | 'kiln-dev-admin' | 'kiln-dev-demo';

  const openstack = (who: Who, ...words: string[]) => clients.print(who, words);
  async function json<Shape>(who: Who, ...args: string[]): Promise<Shape> {
    return JSON.parse(await openstack(who, ...args, '-f', 'json')) as Shape;
  }
  type Listed = Record<string, unknown>[];
  const column = (rows: Listed, name: string) => rows.map((row) => row[name]);
  const imageNames = async (who: Who, ...args: string[]) =>
    column(await json<Listed>(who, 'image', 'list', ...args), 'Name');

  test('issues a token and lists catalog, projects, users and endpoints', { timeout: 120_000 }, async () => {
    const [token, catalog, projects, users, endpoints, own] = await Promise.all([
      json<Record<string, string>>('kiln-dev', 'token', 'issue'),
      json<Listed>('kiln-dev', 'catalog', 'list'),
      json<Listed>('kiln-dev-admin', 'project', 'list'),
      json<Listed>('kiln-dev-admin', 'user', 'list'),
      json<Listed>('kiln-dev-admin', 'endpoint', 'list'),
      json<Listed>('kiln-dev-demo', 'project', 'list'),
      expect(openstack('kiln-dev-demo', 'user', 'list')).rejects.toThrow(/not authorized.*HTTP 403/s),
    ]);
    expect(token.project_id).toBe(cloud.accounts.kiln.projectId);
    expect(column(catalog, 'Type')).toEqual(['identity', 'image', 'compute', 'network', 'load-balancer']);
    expect(column(projects, 'Name')).toEqual(['admin', 'service', 'demo']);
    expect(column(users, 'Name')).toEqual(['kiln', 'admin', 'demo']);
    expect(endpoints).toHaveLength(15);
    expect(column(own, 'Name')).toEqual(['demo']);

    const made = await json<Record<string, string>>('kiln-dev-demo', 'application', 'credential', 'create', 'robot');
    expect(made.secret).toBeTruthy();
    await openstack('kiln-dev-demo', 'application', 'credential', 'delete', 'robot');
    expect(await json('kiln-dev-demo', 'application', 'credential', 'list')).toEqual([]);
  });

  test('takes an image through its whole life', { timeout: 240_000 }, async () => {
    const create = ['image', 'create', 'amphora-1', '--disk-format', 'raw', '--container-format', 'bare'];
    const { id } = await json<{ id: string }>(
      'kiln-dev',
      ...create,
      ...['--file', dataFile, '--tag', 'amphora', '--property', 'hw_architecture=x86_64'],
    );
    const show = () => json<Record<string, unknown>>('kiln-dev', 'image', 'show', 'amphora-1');
    expect(await show()).toMatchObject({
      id,
      status: 'active',
      size: 200_000,
      tags: ['amphora'],
      visibility: 'shared',
    });

    await openstack('kiln-dev', 'image', 'set', '--tag', 'second', '--min-disk', '2', 'amphora-1');
    expect(await imageNames('kiln-dev', '--tag', 'amphora', '--tag', 'second')).toEqual(['amphora-1']);
    await openstack('kiln-dev', 'image', 'unset', '--tag', 'second', 'amphora-1');
    expect(await show()).toMatchObject({ tags: ['amphora'], min_disk: 2 });

    await openstack('kiln-dev', 'image', 'set', '--hidden', id);
    expect(await imageNames('kiln-dev', '--tag', 'amphora')).toEqual([]);
    expect(await imageNames('kiln-dev', '--hidden')).toEqual(['amphora-1']);
    await openstack('kiln-dev', 'image', 'set', '--unhidden', id);

    await openstack('kiln-dev', 'image', 'set', '--deactivate', id);
    expect(await show()).toMatchObject({ status: 'deactivated' });
    await openstack('kiln-dev', 'image', 'set', '--activate', id);

    expect(await imageNames('kiln-dev-demo')).toEqual([]);
    await openstack('kiln-dev', 'image', 'add', 'project', id, 'demo');
    expect(column(await json('kiln-dev', 'image', 'member', 'list', id), 'Status')).toEqual(['pending']);
    await openstack('kiln-dev-demo', 'image', 'set', '--accept', id);
    expect(await imageNames('kiln-dev-demo')).toEqual(['amphora-1']);
    const copy = join(folder, 'copy.raw');
    await openstack('kiln-dev-demo', 'image', 'save', '--file', copy, id);
    expect(readFileSync(copy).equals(readFileSync(dataFile))).toBe(true);
    await expect(openstack('kiln-dev-demo', 'image', 'delete', id)).rejects.toThrow(/403/);
    await openstack('kiln-dev', 'image', 'remove', 'project', id, cloud.accounts.demo.projectId);
    expect(await imageNames('kiln-dev-demo')).toEqual([]);

    await openstack('kiln-dev', 'image', 'set', '--protected', id);
    await expect(openstack('kiln-dev', 'image', 'delete', id)).rejects.toThrow(/protected/);
    await openstack('kiln-dev', 'image', 'set', '--unprotected', id);
    await openstack('kiln-dev', 'image', 'delete', id);
    expect(await imageNames('kiln-dev')).toEqual([]);
  });

  test('pages through more images than Glance puts on one page', { timeout: 240_000 }, async () => {
    const token = await openstack('kiln-dev', 'token', 'issue', '-f', 'value', '-c', 'id');
    for (let index = 0; index < 30; index++) {
      await fetch(`${cloud.url}/image/v2/images`, {
        method: 'POST',
        headers: { 'X-Auth-Token': token, 'Content-Type': 'application/json' },
        body: JSON.stringify({ name: `n${index}`, tags: ['many'] }),
      });
    }
    expect(await imageNames('kiln-dev', '--tag', 'many')).toHaveLength(30);
    expect(await imageNames('kiln-dev', '--tag', 'many', '--limit', '7')).toHaveLength(7);
  });
});
