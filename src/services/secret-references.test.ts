import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTlsWorkshop, type TlsWorkshop } from '../../test/kit/tls-material.ts';
import { createLocalSecretStore } from '../adapters/secrets/local-secret-store.ts';
import type { KilnError } from '../model/errors.ts';
import {
  checkSecretReferences,
  referencesOfListener,
  referencesOfPool,
  type SecretReferences,
} from './secret-references.ts';

const project = 'e3cd678b11784734bc366148aa37580e';
const unknown = 'https://keys.example.org/v1/secrets/9d1c5f5e-0000-4000-8000-000000000001';
const reference = { www: '', p12: '', ca: '', otherCa: '', rsaCa: '', crl: '', rsaCrl: '' };
const spoilt = {
  locked: '9d1c5f5e-0000-4000-8000-00000000000a',
  keyless: '9d1c5f5e-0000-4000-8000-00000000000b',
  garbage: '9d1c5f5e-0000-4000-8000-00000000000c',
};
let workshop: TlsWorkshop;
let folder: string;
let store: ReturnType<typeof createLocalSecretStore>;

beforeAll(async () => {
  workshop = openTlsWorkshop();
  folder = mkdtempSync(join(tmpdir(), 'kiln-references-'));
  store = createLocalSecretStore(folder);
  const [ca, otherCa] = [workshop.make('ca', { isCa: true }), workshop.make('other', { isCa: true })];
  const rsaCa = workshop.make('rsa', { isCa: true, kind: 'rsa' });
  const www = workshop.make('www', { issuer: ca });
  const contents: Record<keyof typeof reference, string | Buffer> = {
    www: www.certificate + www.key,
    p12: workshop.pkcs12(www, [ca]),
    ca: ca.certificate,
    otherCa: otherCa.certificate,
    rsaCa: otherCa.certificate + rsaCa.certificate,
    crl: workshop.revocationList(ca),
    rsaCrl: workshop.revocationList(rsaCa),
  };
  for (const name of Object.keys(reference) as Array<keyof typeof reference>) {
    reference[name] = (await store.store(Buffer.from(contents[name]), null, project)).reference;
  }
  writeFileSync(join(folder, spoilt.locked), workshop.pkcs12(www, [], ['-passout', 'pass:phrase']));
  writeFileSync(join(folder, spoilt.keyless), www.certificate);
  writeFileSync(join(folder, spoilt.garbage), 'garbage');
  for (const id of Object.values(spoilt)) writeFileSync(join(folder, `${id}.project`), project);
});
afterAll(() => {
  workshop.close();
  rmSync(folder, { recursive: true });
});

const nothing: SecretReferences = { certificates: [], ca: null, revocationList: null };
const check = (given: Partial<SecretReferences>) => checkSecretReferences(store, { ...nothing, ...given }, project);
const refusal = (given: Partial<SecretReferences>) =>
  check(given).then(
    () => expect.unreachable('was let in'),
    ({ code, httpStatus, message }: KilnError) => {
      expect({ code, httpStatus }).toEqual({ code: 'REQUEST_INVALID', httpStatus: 400 });
      return message;
    },
  );

it('lets in what can be used', async () => {
  await check({});
  await check({ certificates: [reference.www, `https://keys.example.org/v1/containers/${reference.p12}`] });
  await check({ ca: reference.ca });
  await check({ certificates: [reference.www], ca: reference.ca, revocationList: reference.crl });
  await check({ ca: reference.rsaCa, revocationList: reference.rsaCrl });
});

describe('certificates', () => {
  it('that are not there are named, all of them, as Python lists them', async () => {
    const odd = ["it's", 'a "b"', '\\'];
    expect(await refusal({ certificates: [unknown, reference.www] })).toBe(
      `Could not retrieve certificate: ['${unknown}']`,
    );
    expect(await refusal({ certificates: [unknown, ...odd] })).toBe(
      `Could not retrieve certificate: ['${unknown}', "it's", 'a "b"', '\\\\']`,
    );
  });

  it('in PKCS#12 with a passphrase are refused as Octavia does', async () => {
    expect(await refusal({ certificates: [unknown, spoilt.locked] })).toBe(
      'The PKCS12 bundle is unreadable. Please check the PKCS12 bundle validity. In addition, make sure it does not ' +
        'require a pass phrase. Error: The secret is a PKCS#12 file that needs a passphrase, or is damaged.',
    );
  });

  it('that are of no use are refused with the reason', async () => {
    expect(await refusal({ certificates: [spoilt.keyless] })).toBe(
      `Could not retrieve certificate: ['${spoilt.keyless}'] The secret holds no private key.`,
    );
    expect(await refusal({ certificates: [reference.ca] })).toContain('holds no private key');
  });

  it('are not there when the key manager can not be asked', async () => {
    const broken = { ...store, getCertificate: () => Promise.reject(new Error('connection refused to 192.0.2.1')) };
    const asked = checkSecretReferences(broken, { ...nothing, certificates: [reference.www] }, project);
    await expect(asked).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      message: `Could not retrieve certificate: ['${reference.www}']`,
    });
  });
});

describe('authorities and revocation lists', () => {
  it('that are not there are named together', async () => {
    expect(await refusal({ ca: unknown, revocationList: 'nothing' })).toBe(
      `Could not retrieve certificate: ['${unknown}', 'nothing']`,
    );
    expect(await refusal({ ca: spoilt.garbage, revocationList: unknown })).toBe(
      `Could not retrieve certificate: ['${unknown}']`,
    );
  });

  it('that are something else are refused', async () => {
    expect(await refusal({ ca: spoilt.garbage })).toBe(
      'Validation failure: The client authentication CA certificate is invalid. It must be a valid x509 PEM format ' +
        'certificate. Error: The secret holds no certificate in PEM format.',
    );
    expect(await refusal({ ca: reference.ca, revocationList: reference.otherCa })).toMatch(
      /^Validation failure: The client authentication certificate revocation list is invalid\. It must be a valid x509 /,
    );
  });

  it('that do not belong together are refused', async () => {
    for (const [ca, revocationList] of [
      [reference.otherCa, reference.crl],
      [reference.ca, reference.rsaCrl],
      [reference.otherCa, reference.rsaCrl],
    ]) {
      expect(await refusal({ ca: ca as string, revocationList: revocationList as string })).toBe(
        'Validation failure: The CRL specified is not valid for client certificate authority reference supplied.',
      );
    }
  });
});

it('knows what listeners and pools refer to', () => {
  expect(
    referencesOfListener({
      sniContainerRefs: ['b', 'c'],
      defaultTlsContainerRef: 'a',
      clientCaTlsContainerRef: 'd',
      clientCrlContainerRef: null,
    }),
  ).toEqual({ certificates: ['b', 'c', 'a'], ca: 'd', revocationList: null });
  expect(referencesOfPool({ tlsContainerRef: null, caTlsContainerRef: 'a', crlContainerRef: 'b' })).toEqual({
    certificates: [],
    ca: 'a',
    revocationList: 'b',
  });
});

it('refuses a certificate that names nobody', async () => {
  const nameless = { certificatePem: '', keyPem: '', commonName: null, dnsNames: [] };
  const secrets = {
    ...store,
    getCertificate: async () => ({ ...(await store.getCertificate(reference.www, project)), ...nameless }),
  };
  await expect(
    checkSecretReferences(secrets, { ...nothing, certificates: [reference.www] }, project),
  ).rejects.toMatchObject({ message: 'No CN or DNSName(s) found in certificate. The certificate is invalid.' });
});
