/** Files of certificates, named and composed by the real Octavia as well (Debian: python3-octavia, 11.0). */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCertificate } from '../../src/adapters/secrets/read-secret.ts';
import { planTlsMaterial } from '../../src/core/tls/plan-tls-material.ts';
import { aCase, aTlsListener, listenerId } from '../golden/haproxy/build.ts';
import { openTlsWorkshop, type TlsWorkshop } from '../kit/tls-material.ts';

const python = '/usr/bin/python3';
const isInstalled = spawnSync(python, ['-c', 'import octavia.common.tls_utils.cert_parser']).status === 0;

describe.skipIf(!isInstalled)("Octavia's files of certificates (skipped without Debian's python3-octavia)", () => {
  let workshop: TlsWorkshop;
  beforeAll(() => {
    workshop = openTlsWorkshop();
  });
  afterAll(() => workshop.close());

  it('have the same names and the same content', async () => {
    const authority = workshop.make('authority', { isCa: true });
    const lower = workshop.make('lower', { isCa: true, issuer: authority });
    const sources: Record<string, Buffer> = {};
    const pkcs12: Record<string, string> = {};
    const pem: Record<string, object> = {};
    for (const kind of ['rsa', 'ec'] as const) {
      const leaf = workshop.make(`leaf-${kind}`, { kind, issuer: lower });
      for (const [name, options] of Object.entries({ new: [], old: ['-legacy'] })) {
        // Octavia keeps the order of the file; OpenSSL writes it as it was given.
        const bundle = workshop.pkcs12(leaf, [lower, authority], options);
        sources[`${kind} ${name}`] = bundle;
        pkcs12[`${kind} ${name}`] = bundle.toString('base64');
      }
      sources[`${kind} pem`] = Buffer.from(leaf.certificate + leaf.key + lower.certificate);
      const intermediates = [lower.certificate.trim()];
      pem[`${kind} pem`] = { certificate: leaf.certificate.trim(), key: leaf.key, intermediates };
    }
    const run = spawnSync(python, ['-W', 'ignore', join(import.meta.dirname, 'tls-octavia.py')], {
      input: JSON.stringify({ pkcs12, pem }),
      encoding: 'utf8',
      env: { LC_ALL: 'C.UTF-8' },
    });
    expect({ status: run.status, stderr: run.stderr }).toMatchObject({ status: 0 });
    const octavia = JSON.parse(run.stdout) as Record<string, { name: string; pem: string }>;

    const { tree } = aCase({ listeners: [aTlsListener({ defaultTlsContainerRef: 'it' })] });
    const ours: typeof octavia = {};
    for (const [name, content] of Object.entries(sources)) {
      const { files } = planTlsMaterial(tree, new Map([['it', await readCertificate(content)]]), { folder: '/certs' });
      const [[file, text] = ['', '']] = [...files].filter(([it]) => it !== `${listenerId()}.pem`);
      ours[name] = { name: file, pem: text };
    }
    expect(ours).toEqual(octavia);
  });
});
