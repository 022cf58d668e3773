/** The real HAProxy, asked as Octavia's agent asks it. */
import 'reflect-metadata';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { peerName } from '../../../src/core/haproxy/peers.ts';
import { createTestAuthority } from '../../kit/certificate-authority.ts';
import { amphoraId, listenerId, loadBalancerId, tlsFileNames } from './build.ts';

export const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;

export interface ConfigurationChecker {
  /** Where the amphora's /var/lib/octavia stands here. */
  folder: string;
  /** `haproxy -c` of a configuration: its status (0: good) and what it complained of. */
  check(configuration: string): { status: number | null; alerts: string[] };
  close(): void;
}

/** A folder in the place of /var/lib/octavia, with the TLS material that the cases name. */
export async function createChecker(): Promise<ConfigurationChecker> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-haproxy-'));
  const certificates = join(folder, 'certs', loadBalancerId);
  mkdirSync(certificates, { recursive: true });
  const authority = await createTestAuthority(folder, 'ca', { kind: 'ec' });
  const file = (name: string) => join(certificates, name);
  await authority.issueToFile(file(tlsFileNames.server), 'www.example.org');
  await authority.issueToFile(file(tlsFileNames.client), 'client');
  writeFileSync(file(tlsFileNames.ca), readFileSync(authority.certificateFile));
  writeFileSync(file(tlsFileNames.revocationList), await revokeOne(readFileSync(authority.keyFile, 'utf8')));
  writeFileSync(file(`${listenerId()}.pem`), `${file(tlsFileNames.server)}\n`);
  writeFileSync(join(folder, 'ping-wrapper.sh'), '#!/bin/sh\n', { mode: 0o755 });

  // What the agent adds: the group, and here no claim to more files than the machine gives.
  const group = join(folder, 'group.conf');
  writeFileSync(group, 'global\n    group nogroup\n    no strict-limits\n');
  const configurationFile = join(folder, 'haproxy.cfg');
  return {
    folder,
    check(configuration) {
      writeFileSync(configurationFile, configuration.replaceAll('/var/lib/octavia', folder));
      const run = spawnSync('haproxy', ['-c', '-L', peerName(amphoraId()), '-f', configurationFile, '-f', group], {
        encoding: 'utf8',
      });
      const alerts = `${run.stdout}${run.stderr}`.split('\n').filter((line) => line.includes('[ALERT]'));
      return { status: run.status, alerts };
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function revokeOne(keyPem: string): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const list = await x509.X509CrlGenerator.create({
    issuer: 'CN=ca, O=Kiln tests',
    thisUpdate: new Date(Date.now() - 3_600_000),
    nextUpdate: new Date(Date.now() + 86_400_000),
    entries: [{ serialNumber: `40${randomBytes(8).toString('hex')}` }],
    signingKey: createPrivateKey(keyPem).toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
  });
  // OpenSSL wants the full name.
  return `${list.toString('pem').replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL')}\n`;
}

/**
 * What Octavia's agent does to a configuration before it stores it: it cuts out what it takes for the process's group.
 * Python's `\s` and `.`; both know more line ends and blanks than ASCII has.
 */
export function asTheAgentStoresIt(configuration: string): string {
  return configuration.replace(/[\s\x1c-\x1f\x85]+group[\s\x1c-\x1f\x85][^\n]+/gu, '');
}
