import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MadeCertificate, openTlsWorkshop, type TlsWorkshop } from '../../../test/kit/tls-material.ts';
import { largestSecretBytes } from './limits.ts';
import { createLocalSecretStore } from './local-secret-store.ts';
import { secretIdOf } from './reference.ts';
import { createUnsupportedSecretStore } from './unsupported-secret-store.ts';

const project = 'e3cd678b11784734bc366148aa37580e';
const unknown = '9d1c5f5e-0000-4000-8000-000000000001';
let workshop: TlsWorkshop;
let authority: MadeCertificate;
let leaf: MadeCertificate;
let folder: string;
let store: ReturnType<typeof createLocalSecretStore>;

beforeAll(() => {
  workshop = openTlsWorkshop();
  authority = workshop.make('authority', { isCa: true });
  leaf = workshop.make('www.example.org', { issuer: authority });
});
afterAll(() => workshop.close());
beforeEach(() => {
  // Not there yet: it is made when it is needed.
  folder = join(mkdtempSync(join(tmpdir(), 'kiln-secrets-')), 'secrets');
  store = createLocalSecretStore(folder);
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const pem = () => Buffer.from(leaf.certificate + leaf.key);

it('keeps what was stored, for its owner alone, under a reference', async () => {
  const stored = await store.store(pem(), 'shop', project);
  expect(stored).toMatchObject({ name: 'shop', kind: 'certificate', subject: 'www.example.org', problem: null });
  expect(stored.notAfter).toMatch(/^20.*Z$/);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  const read = await store.getCertificate(stored.reference, project);
  expect(read).toMatchObject({ certificatePem: leaf.certificate.trim(), commonName: 'www.example.org' });
});

it('gives a secret to the load balancers of its owner alone, in every kind, and says nothing of it to others', async () => {
  const kinds = [
    { content: pem(), get: store.getCertificate },
    { content: Buffer.from(authority.certificate), get: store.getCaCertificates },
    { content: Buffer.from(workshop.revocationList(authority)), get: store.getRevocationList },
  ];
  for (const { content, get } of kinds) {
    const { reference, projectId } = await store.store(content, null, project);
    expect(projectId).toBe(project);
    await get(reference, project);
    await expect(get(reference, 'another')).rejects.toMatchObject({
      code: 'SECRET_NOT_FOUND',
      message: `There is no secret ${reference}.`,
    });
    await store.delete(reference);
    await expect(get(reference, project)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  }
  expect(readdirSync(folder)).toEqual([]);
});

it('gives a secret without an owner to nobody until it is adopted, once', async () => {
  mkdirSync(folder);
  writeFileSync(join(folder, unknown), pem());
  for (const nobody of [project, '']) {
    await expect(store.getCertificate(unknown, nobody)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  }
  expect(await store.list()).toMatchObject([{ reference: unknown, projectId: null }]);
  // What a crash may leave of a file.
  writeFileSync(join(folder, `${unknown}.project`), '');
  await expect(store.getCertificate(unknown, '')).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  for (const time of ['first', 'again']) {
    expect(await store.adopt(unknown, project), time).toMatchObject({ reference: unknown, projectId: project });
  }
  expect(await store.getCertificate(unknown, project)).toMatchObject({ commonName: 'www.example.org' });
  await expect(store.adopt(unknown, 'another')).rejects.toMatchObject({
    code: 'RESOURCE_CONFLICT',
    message: `secret ${unknown} belongs to project ${project}`,
  });
  await expect(store.getCertificate(unknown, 'another')).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  await expect(store.adopt(unknown.replace('1', '2'), project)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
});

it('finds a secret by the hrefs that Barbican would have for it', async () => {
  const { reference } = await store.store(workshop.pkcs12(leaf, [authority]), null, project);
  for (const href of [
    reference.toUpperCase(),
    `https://keys.example.org:9311/v1/secrets/${reference}`,
    `http://keys.example.org/key-manager/v1/containers/${reference}/`,
  ]) {
    expect((await store.getCertificate(href, project)).intermediatesPem).toEqual([authority.certificate.trim()]);
  }
});

it('knows what else is kept, and gives each only as what it is', async () => {
  const ca = await store.store(Buffer.from(authority.certificate), 'ca', project);
  const crl = await store.store(Buffer.from(workshop.revocationList(authority)), null, project);
  expect([ca.kind, crl.kind]).toEqual(['ca-certificates', 'revocation-list']);
  expect(await store.getCaCertificates(ca.reference, project)).toBe(authority.certificate);
  expect(await store.getRevocationList(crl.reference, project)).toContain('BEGIN X509 CRL');
  await expect(store.getCertificate(ca.reference, project)).rejects.toMatchObject({ code: 'SECRET_INVALID' });
  await expect(store.getCaCertificates(crl.reference, project)).rejects.toMatchObject({ code: 'SECRET_INVALID' });
  await expect(store.getRevocationList(ca.reference, project)).rejects.toMatchObject({ code: 'SECRET_INVALID' });
});

it('does not keep what is of no use', async () => {
  await expect(store.store(Buffer.from('garbage'), null, project)).rejects.toMatchObject({ code: 'SECRET_INVALID' });
  await expect(store.store(Buffer.from(leaf.certificate + authority.key), null, project)).rejects.toThrow(
    'do not belong',
  );
  expect(existsSync(folder)).toBe(false);
});

it('lists in the order of storing, what an operator put there as well', async () => {
  expect(await store.list()).toEqual([]);
  const one = await store.store(pem(), null, project);
  const two = await store.store(Buffer.from(authority.certificate), 'two', project);
  writeFileSync(join(folder, unknown), 'garbage');
  writeFileSync(join(folder, 'README'), 'not a secret');
  const listed = await store.list();
  expect(listed.map(({ reference }) => reference)).toEqual(
    expect.arrayContaining([one.reference, two.reference, unknown]),
  );
  expect(listed).toHaveLength(3);
  expect(listed.find(({ reference }) => reference === unknown)).toMatchObject({
    kind: 'unusable',
    problem: expect.stringContaining('neither PKCS#12'),
  });
});

it('deletes all of one, and says when there is none', async () => {
  const { reference } = await store.store(pem(), 'gone soon', project);
  expect(await store.delete(`https://keys.example.org/v1/secrets/${reference}`)).toMatchObject({ reference });
  expect(readdirSync(folder)).toEqual([]);
  await expect(store.delete(reference)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
});

it("reads what Octavia's LocalCertManager has kept", async () => {
  mkdirSync(folder);
  writeFileSync(join(folder, `${unknown}.crt`), leaf.certificate.trim());
  writeFileSync(join(folder, `${unknown}.key`), leaf.key.trim());
  writeFileSync(join(folder, `${unknown}.int`), authority.certificate);
  await expect(store.getCertificate(unknown, project)).rejects.toMatchObject({ code: 'SECRET_NOT_FOUND' });
  await store.adopt(unknown, project);
  const read = await store.getCertificate(unknown, project);
  expect(read.intermediatesPem).toEqual([authority.certificate.trim()]);
  expect(await store.list()).toMatchObject([{ reference: unknown, kind: 'certificate' }]);
  await store.delete(unknown);
  expect(readdirSync(folder)).toEqual([]);
});

describe('a reference that leads nowhere', () => {
  const refused = (reference: string) => store.getCertificate(reference, project).catch((error: unknown) => error);

  it('is not found', async () => {
    for (const reference of [unknown, '', 'garbage', '../../etc/passwd', `${unknown}/../x`, `file:///${unknown}`]) {
      expect(await refused(reference)).toMatchObject({ code: 'SECRET_NOT_FOUND' });
    }
  });

  it('is never a path, whatever it is', async () => {
    const part = fc.constantFrom('..', '/', unknown, 'https://', '\0', '%2e', '\n', '?', '#', 'a', '.crt');
    const odd = fc.oneof(
      fc.string(),
      fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
    );
    await fc.assert(
      fc.asyncProperty(odd, async (reference) => {
        expect(secretIdOf(reference) ?? unknown).toMatch(/^[0-9a-f-]{36}$/);
        expect(await refused(reference)).toMatchObject({ code: 'SECRET_NOT_FOUND' });
      }),
    );
  });

  it('is refused when its file is too large, a folder, or not for us', async () => {
    mkdirSync(join(folder, unknown), { recursive: true });
    writeFileSync(join(folder, `${unknown}.project`), project);
    expect(await refused(unknown)).toMatchObject({
      code: 'SECRET_NOT_FOUND',
      message: expect.stringContaining('EISDIR'),
    });
    expect(await store.list()).toMatchObject([{ kind: 'unusable', problem: expect.stringContaining('EISDIR') }]);
    const large = unknown.replace('9d', '9e');
    writeFileSync(join(folder, `${large}.project`), project);
    writeFileSync(join(folder, large), Buffer.alloc(largestSecretBytes * 3, 0x30));
    expect(await refused(large)).toMatchObject({
      code: 'SECRET_INVALID',
      message: expect.stringContaining('more than 1048576 bytes'),
    });
    if (process.getuid?.() === 0) return;
    chmodSync(join(folder, large), 0);
    expect(await refused(large)).toMatchObject({
      code: 'SECRET_NOT_FOUND',
      message: expect.stringContaining('EACCES'),
    });
  });
});

it('Barbican is not there yet, and each reference says so', async () => {
  const barbican = createUnsupportedSecretStore('barbican_cert_manager');
  const href = `https://keys.example.org/v1/secrets/${unknown}`;
  for (const asked of [
    barbican.getCertificate(href, project),
    barbican.getCaCertificates(href, project),
    barbican.getRevocationList(href, project),
  ]) {
    await expect(asked).rejects.toMatchObject({
      code: 'SECRET_NOT_FOUND',
      message: expect.stringContaining(href),
      advice: expect.stringContaining('local_cert_manager'),
    });
  }
});
