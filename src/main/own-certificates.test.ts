import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFakeClock } from '../../test/kit/fakes/fake-clock.ts';
import { createFakeLog } from '../../test/kit/fakes/fake-log.ts';
import { openTlsWorkshop, type TlsWorkshop } from '../../test/kit/tls-material.ts';
import { ownCertificateMetrics } from '../adapters/metrics/own-certificates.ts';
import { loadConfiguration } from '../config/load.ts';
import {
  ownCertificateFiles,
  readOwnCertificates,
  troubledOwnCertificates,
  watchOwnCertificates,
} from './own-certificates.ts';

const dayMs = 86_400_000;
let workshop: TlsWorkshop;
let file: (name: string) => string;
beforeAll(() => {
  workshop = openTlsWorkshop();
  file = (name) => join(workshop.folder, `${name}.file`);
  writeFileSync(file('client'), workshop.make('client', { days: 40 }).certificate);
  const cas = ['old', 'new'].map((name, index) => workshop.make(name, { isCa: true, days: index ? 3000 : 31 }));
  writeFileSync(file('ca'), cas.map(({ certificate }) => certificate).join(''));
  writeFileSync(file('broken'), 'no certificate');
});
afterAll(() => workshop.close());

function configured(more: Record<string, string> = {}) {
  const none = {
    OS_CERTIFICATES__CA_CERTIFICATE: '',
    OS_CONTROLLER_WORKER__CLIENT_CA: '',
    OS_HAPROXY_AMPHORA__SERVER_CA: '',
  };
  const environment = { ...none, OS_HAPROXY_AMPHORA__CLIENT_CERT: file('client'), ...more };
  return loadConfiguration({ configFiles: [], environment }).config;
}

it('are those of amphorae, and of the connections to the database, the broker and every service', () => {
  const configuration = configured({
    OS_CERTIFICATES__CA_CERTIFICATE: '/a',
    OS_CONTROLLER_WORKER__CLIENT_CA: '/b',
    OS_HAPROXY_AMPHORA__SERVER_CA: '/c',
    OS_DATABASE__CONNECTION: 'mysql+pymysql://u:p@h/db?ssl_ca=/d&ssl_cert=/e&ssl_key=/k',
    OS_DEFAULT__TRANSPORT_URL: 'rabbit://u:p@h/?ssl=true',
    OS_OSLO_MESSAGING_RABBIT__SSL_CA_FILE: '/f',
    OS_OSLO_MESSAGING_RABBIT__SSL_CERT_FILE: '/g',
    OS_KEYSTONE_AUTHTOKEN__CAFILE: '/h',
    OS_SERVICE_AUTH__CAFILE: '/i',
    OS_GLANCE__CA_CERTIFICATES_FILE: '/j',
  });
  const files = ownCertificateFiles(configuration).map(([, name]) => name);
  expect(files.filter((name) => name.length === 2)).toEqual(
    expect.arrayContaining(['/a', '/b', '/c', '/d', '/e', '/f', '/g', '/h', '/i', '/j']),
  );
  expect(files).toContain(file('client'));
});

it('are an alarm in the log a month before their end, once and then daily, and a fault when they have ended', async () => {
  const clock = createFakeClock({ start: new Date().toISOString() });
  const log = createFakeLog();
  const ended = new AbortController();
  let configuration = configured();
  const watching = watchOwnCertificates({ clock, log, current: () => configuration }, ended.signal);
  const lines = () => log.lines.map((line) => JSON.stringify(line)).filter((line) => line.includes('client_cert'));
  const goOn = async (hours: number) => {
    for (let hour = 0; hour < hours; hour++) {
      await expect.poll(() => clock.sleeps.length, { interval: 1 }).toBeGreaterThan(looks);
      looks = clock.sleeps.length;
      await clock.advance(3_600_000);
    }
    await expect.poll(() => clock.sleeps.length, { interval: 1 }).toBeGreaterThan(looks);
  };
  let looks = 0;
  await goOn(1);
  expect(lines()).toEqual([]);
  clock.jumpWall(11 * dayMs);
  await goOn(1);
  expect(lines()).toEqual([expect.stringContaining('the certificate ends on')]);
  expect(lines()[0]).toContain('put it in place of the file');
  await goOn(23);
  expect(lines()).toHaveLength(1);
  await goOn(1);
  expect(lines()).toHaveLength(2);
  clock.jumpWall(40 * dayMs);
  await goOn(1);
  expect(lines().at(-1)).toContain('the certificate ended on');
  expect(lines()).toHaveLength(3);
  // Another file, after a reload.
  configuration = configured({ OS_HAPROXY_AMPHORA__CLIENT_CERT: file('broken') });
  await goOn(1);
  expect(lines().at(-1)).toContain('has no PEM certificate in it');
  ended.abort();
  await watching;
});

it('are on show with the seconds that are left: of a file with several, of the first that ends', async () => {
  const configuration = configured({
    OS_HAPROXY_AMPHORA__SERVER_CA: file('ca'),
    OS_KEYSTONE_AUTHTOKEN__CAFILE: file('broken'),
  });
  const registry = new Registry();
  const later = new Date(Date.now() + 41 * dayMs);
  ownCertificateMetrics(
    registry,
    () => readOwnCertificates(configuration),
    () => later,
  );
  const text = await registry.metrics();
  const of = (option: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.includes(`"${option}"`))
        ?.split(' ')
        .at(-1),
    );
  expect(of('[haproxy_amphora] client_cert')).toBeLessThan(0);
  expect(of('[haproxy_amphora] client_cert')).toBeGreaterThan(-2 * 86_400);
  expect(of('[haproxy_amphora] server_ca')).toBeLessThan(-9 * 86_400);
  expect(text).not.toContain('[keystone_authtoken]');
  expect(text).not.toContain(workshop.folder);
  const troubled = await troubledOwnCertificates(configuration, new Date());
  expect(troubled).toMatchObject([{ option: '[keystone_authtoken] cafile', notAfter: null }]);
});
