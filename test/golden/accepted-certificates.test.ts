/** Whatever certificate the API accepts, the real HAProxy loads: keys of every size, sums of every age, odd chains. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalSecretStore } from '../../src/adapters/secrets/local-secret-store.ts';
import { KilnError } from '../../src/model/errors.ts';
import { checkSecretReferences } from '../../src/services/secret-references.ts';
import { openTlsWorkshop, type TlsWorkshop } from '../kit/tls-material.ts';
import { hasHaproxy } from './haproxy/check.ts';

const project = '11111111111111111111111111111111';

let workshop: TlsWorkshop;
let authority: ReturnType<TlsWorkshop['make']>;
beforeAll(() => {
  workshop = openTlsWorkshop();
  authority = workshop.make('authority', { kind: 'rsa', isCa: true });
});
afterAll(() => workshop.close());

const read = (file: string): string => workshop.openssl('x509', '-in', file).toString();
const keyIn = (file: string): string => workshop.openssl('pkey', '-in', file).toString();

/** Signed by itself. */
function withKey(...key: string[]): string {
  workshop.openssl('genpkey', ...key, '-out', 'one.key');
  workshop.openssl('req', '-x509', '-new', '-key', 'one.key', '-subj', '/CN=www', '-out', 'one.crt');
  return read('one.crt') + keyIn('one.key');
}
const rsa = (bits: number) => withKey('-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`);
const ec = (curve: string, encoding = 'named_curve') =>
  withKey('-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`, '-pkeyopt', `ec_param_enc:${encoding}`);

function sign(name: string, digest: string, issuer: string): string {
  workshop.openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', `${name}.key`);
  workshop.openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
  const by = ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`, '-set_serial', '7', `-${digest}`];
  workshop.openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.crt`);
  return read(`${name}.crt`);
}

function signedBySmallAuthority(): string {
  const small = rsa(1024);
  const leaf = sign('under-small', 'sha256', 'one');
  return leaf + keyIn('under-small.key') + small.slice(0, small.indexOf('-----BEGIN PRIVATE'));
}

function signedWith(digest: string): string {
  writeFileSync(join(workshop.folder, 'authority.crt'), authority.certificate);
  return sign('leaf', digest, 'authority') + keyIn('leaf.key');
}

function behindIntermediate(digest: string): string {
  writeFileSync(join(workshop.folder, 'authority.crt'), authority.certificate);
  const intermediate = sign('intermediate', digest, 'authority');
  const leaf = sign('behind', 'sha256', 'intermediate');
  return leaf + keyIn('behind.key') + intermediate + authority.certificate;
}

const cases: Record<string, [() => string, 'taken' | 'refused']> = {
  'RSA 512': [() => rsa(512), 'refused'],
  'RSA 1024': [() => rsa(1024), 'refused'],
  'RSA 2048': [() => rsa(2048), 'taken'],
  'EC P-192': [() => ec('prime192v1'), 'refused'],
  'EC secp112r1': [() => ec('secp112r1'), 'refused'],
  'EC sect163k1': [() => ec('sect163k1'), 'refused'],
  'EC P-224': [() => ec('secp224r1'), 'taken'],
  'EC P-256': [() => ec('prime256v1'), 'taken'],
  'EC P-521': [() => ec('secp521r1'), 'taken'],
  'EC secp256k1': [() => ec('secp256k1'), 'taken'],
  'EC brainpool': [() => ec('brainpoolP256r1'), 'taken'],
  'EC with its curve spelled out': [() => ec('prime256v1', 'explicit'), 'taken'],
  'RSA-PSS': [() => withKey('-algorithm', 'RSA-PSS'), 'refused'],
  'Ed25519': [() => withKey('-algorithm', 'ED25519'), 'refused'],
  'signed with SHA-1': [() => signedWith('sha1'), 'refused'],
  'signed with MD5': [() => signedWith('md5'), 'refused'],
  'signed with SHA-256': [() => signedWith('sha256'), 'taken'],
  'an intermediate signed with SHA-1': [() => behindIntermediate('sha1'), 'refused'],
  'an intermediate signed with SHA-512': [() => behindIntermediate('sha512'), 'taken'],
  'signed by a small key that comes with it': [() => signedBySmallAuthority(), 'refused'],
};

describe.skipIf(!hasHaproxy)('the API and HAProxy (skipped without it) agree about', () => {
  it.each(Object.keys(cases))('%s', async (kind) => {
    const [make, wanted] = cases[kind] as (typeof cases)[string];
    const secrets = createLocalSecretStore(join(workshop.folder, 'secrets'));
    let verdict = 'taken';
    try {
      const { reference } = await secrets.store(Buffer.from(make()), null, project);
      await checkSecretReferences(secrets, { certificates: [reference], ca: null, revocationList: null }, project);
      const { certificatePem, privateKeyPem, intermediatesPem } = await secrets.getCertificate(reference, project);
      const bundle = join(workshop.folder, 'bundle.pem');
      writeFileSync(bundle, `${[certificatePem, privateKeyPem, ...intermediatesPem].join('\n')}\n`);
      const file = join(workshop.folder, 'haproxy.cfg');
      const timeouts = ['client', 'server', 'connect'].map((one) => `  timeout ${one} 1s\n`).join('');
      writeFileSync(file, `defaults\n  mode http\n${timeouts}frontend f\n  bind 127.0.0.1:1 ssl crt ${bundle}\n`);
      const run = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' });
      expect([run.status, run.stderr]).toEqual([0, expect.any(String)]);
    } catch (error) {
      if (!(error instanceof KilnError)) throw error;
      verdict = 'refused';
    }
    expect([kind, verdict]).toEqual([kind, wanted]);
  }, 120_000);
});
