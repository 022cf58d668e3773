/** The files of certificates that an amphora is given, made from what `openssl` makes, and loaded by the real HAProxy. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCaCertificates, readCertificate, readRevocationList } from '../../../src/adapters/secrets/read-secret.ts';
import { renderHaproxyConfiguration } from '../../../src/core/haproxy/render.ts';
import {
  type CertificateMaterial,
  planTlsMaterial,
  secretReferences,
  type TlsMaterial,
} from '../../../src/core/tls/plan-tls-material.ts';
import type { LoadBalancerTree } from '../../../src/model/load-balancer.ts';
import { type MadeCertificate, openTlsWorkshop, type TlsWorkshop } from '../../kit/tls-material.ts';
import {
  aCase,
  aListener,
  aPolicy,
  aPool,
  aTlsListener,
  defaultSettings,
  listenerId,
  poolId,
} from '../haproxy/build.ts';
import { hasHaproxy } from '../haproxy/check.ts';

const secrets = new Map<string, CertificateMaterial | string>();
let workshop: TlsWorkshop;
let authority: MadeCertificate;
let lower: MadeCertificate;
let leaf: MadeCertificate;

beforeAll(async () => {
  workshop = openTlsWorkshop();
  authority = workshop.make('authority', { isCa: true });
  lower = workshop.make('lower', { isCa: true, issuer: authority });
  leaf = workshop.make('www.example.org', { issuer: lower, dnsNames: ['www.example.org'] });
  const other = workshop.make('other.example.org', { issuer: authority, kind: 'rsa', dnsNames: ['other.example.org'] });
  const client = workshop.make('client', { issuer: authority, kind: 'rsa' });
  secrets.set('www', await readCertificate(workshop.pkcs12(leaf, [authority, lower])));
  secrets.set('www-again', await readCertificate(Buffer.from(leaf.key + leaf.certificate + lower.certificate)));
  secrets.set('other', await readCertificate(workshop.pkcs12(other, [])));
  secrets.set('client', await readCertificate(Buffer.from(client.certificate + client.key)));
  secrets.set('ca', await readCaCertificates(Buffer.from(authority.certificate)));
  secrets.set('crl', await readRevocationList(Buffer.from(workshop.revocationList(authority))));
});
afterAll(() => workshop.close());

const treeOf = (parts: Parameters<typeof aCase>[0]) => aCase(parts).tree;
const everything = (): LoadBalancerTree =>
  treeOf({
    listeners: [
      aTlsListener({
        defaultTlsContainerRef: 'www',
        sniContainerRefs: ['other', 'www'],
        clientCaTlsContainerRef: 'ca',
        clientCrlContainerRef: 'crl',
        clientAuthentication: 'MANDATORY',
        l7Policies: [aPolicy({ action: 'REDIRECT_TO_POOL', redirectPoolId: poolId(2) })],
      }),
      aTlsListener({ defaultTlsContainerRef: null, sniContainerRefs: ['other'], protocolPort: 8443 }, 2),
    ],
    pools: [
      aPool({ tlsEnabled: true, tlsContainerRef: 'client', caTlsContainerRef: 'ca', crlContainerRef: 'crl' }),
      aPool({ tlsEnabled: true, members: [] }, 2),
    ],
  });
const plan = (tree: LoadBalancerTree, folder = '/certs/lb') => planTlsMaterial(tree, secrets, { folder });
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');
const nameOf = (reference: string) => {
  const found = secrets.get(reference);
  return `${sha1(typeof found === 'object' ? found.certificatePem : (found ?? ''))}.pem`;
};

it('names what a tree refers to, each once, with what it has to be', () => {
  expect(secretReferences(everything())).toEqual([
    { reference: 'www', holds: 'certificate' },
    { reference: 'other', holds: 'certificate' },
    { reference: 'ca', holds: 'ca' },
    { reference: 'crl', holds: 'crl' },
    { reference: 'client', holds: 'certificate' },
  ]);
});

describe('leaves out', () => {
  const refs = { defaultTlsContainerRef: 'www' };
  it.each<[string, Parameters<typeof aCase>[0]]>([
    ['a disabled load balancer', { loadBalancer: { adminStateUp: false }, listeners: [aTlsListener(refs)] }],
    ['a disabled listener', { listeners: [aTlsListener({ ...refs, adminStateUp: false })] }],
    ['one that is leaving', { listeners: [aTlsListener({ ...refs, provisioningStatus: 'PENDING_DELETE' })] }],
    ['one without TLS', { listeners: [aListener(refs)] }],
    ['a pool without TLS', { pools: [aPool({ tlsContainerRef: 'client' })] }],
    ['a pool that nothing leads to', { pools: [aPool({ tlsEnabled: true, tlsContainerRef: 'client' }, 2)] }],
    ['PROMETHEUS without certificates', { listeners: [aListener({ protocol: 'PROMETHEUS' })] }],
  ])('%s', (_what, parts) => {
    const tree = treeOf(parts);
    expect(secretReferences(tree)).toEqual([]);
    expect(plan(tree)).toEqual({ files: new Map(), tlsFiles: { listeners: {}, pools: {} } });
  });
});

it("composes files as Octavia does: key and chain behind the certificate, a list of the listener's own", () => {
  const { files, tlsFiles } = plan(everything());
  const www = secrets.get('www') as CertificateMaterial;
  expect(files.get(nameOf('www'))).toBe(
    `${leaf.certificate}${www.privateKeyPem}\n${lower.certificate}${authority.certificate}`,
  );
  expect(files.get(`${listenerId()}.pem`)).toBe(`/certs/lb/${nameOf('www')}\n/certs/lb/${nameOf('other')}\n`);
  expect(files.get(`${listenerId(2)}.pem`)).toBe(`/certs/lb/${nameOf('other')}\n`);
  expect(files.get(nameOf('ca'))).toBe(authority.certificate);
  expect(tlsFiles).toEqual({
    listeners: {
      [listenerId()]: {
        certificateList: `/certs/lb/${listenerId()}.pem`,
        clientCa: `/certs/lb/${nameOf('ca')}`,
        clientRevocationList: `/certs/lb/${nameOf('crl')}`,
      },
      [listenerId(2)]: {
        certificateList: `/certs/lb/${listenerId(2)}.pem`,
        clientCa: null,
        clientRevocationList: null,
      },
    },
    pools: {
      [poolId()]: {
        clientCertificate: `/certs/lb/${nameOf('client')}`,
        ca: `/certs/lb/${nameOf('ca')}`,
        revocationList: `/certs/lb/${nameOf('crl')}`,
      },
      [poolId(2)]: { clientCertificate: null, ca: null, revocationList: null },
    },
  });
  // HAProxy may be started as soon as a list is there: what it names was sent before it.
  expect([...files.keys()].indexOf(nameOf('other'))).toBeLessThan([...files.keys()].indexOf(`${listenerId()}.pem`));
});

it('sends one file for two references to one certificate', () => {
  const tree = treeOf({
    listeners: [aTlsListener({ defaultTlsContainerRef: 'www', sniContainerRefs: ['www-again'] })],
  });
  const { files } = plan(tree);
  expect([...files.keys()]).toEqual([nameOf('www'), `${listenerId()}.pem`]);
  expect(files.get(`${listenerId()}.pem`)).toBe(`/certs/lb/${nameOf('www')}\n`);
});

it('says what was not fetched', () => {
  const tree = treeOf({ listeners: [aTlsListener({ defaultTlsContainerRef: 'ca' })] });
  expect(() => plan(tree)).toThrow('What ca refers to was not fetched as a certificate with its key.');
  const other = treeOf({ listeners: [aTlsListener({ defaultTlsContainerRef: 'www', clientCaTlsContainerRef: 'no' })] });
  expect(() => plan(other)).toThrow('What no refers to was not fetched as a certificate of an authority.');
});

describe.skipIf(!hasHaproxy)('the real HAProxy (skipped without it)', () => {
  const check = ({ files, tlsFiles }: TlsMaterial, tree: LoadBalancerTree, folder: string) => {
    mkdirSync(folder, { recursive: true });
    for (const [name, content] of files) writeFileSync(join(folder, name), content);
    const configuration = join(folder, 'haproxy.cfg');
    writeFileSync(configuration, renderHaproxyConfiguration(tree, tlsFiles, { ...defaultSettings, basePath: folder }));
    writeFileSync(join(folder, 'group.conf'), 'global\n    group nogroup\n    no strict-limits\n');
    const run = spawnSync('haproxy', ['-c', '-f', configuration, '-f', join(folder, 'group.conf')], {
      encoding: 'utf8',
    });
    return { status: run.status, alerts: run.stderr.split('\n').filter((line) => line.includes('[ALERT]')) };
  };

  it('loads all of it', () => {
    const folder = join(workshop.folder, 'loads');
    const tree = everything();
    expect(check(plan(tree, folder), tree, folder)).toEqual({ status: 0, alerts: [] });
  });

  it('would have noticed a missing file', () => {
    const folder = join(workshop.folder, 'misses');
    const tree = everything();
    const { files, tlsFiles } = plan(tree, folder);
    const without = new Map([...files].filter(([name]) => name !== nameOf('other')));
    expect(check({ files: without, tlsFiles }, tree, folder).status).toBe(1);
  });
});
