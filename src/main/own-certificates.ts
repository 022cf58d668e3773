import { inspectCertificate } from '../adapters/certificates/inspect.ts';
import { readConnection } from '../adapters/storage/connection.ts';
import type { Configuration } from '../config/options/index.ts';
import { alarmOf } from '../core/tls/certificate-end.ts';
import { createReminder } from '../lib/reminder.ts';
import type { OwnCertificate } from '../model/certificate.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { rabbitLinkSettings } from './settings/rabbit-settings.ts';

/** Files are looked at so often; what is wrong is said once, and again daily. */
const LOOK_EVERY_MS = 3_600_000;
const SAID_AGAIN_MS = 24 * 3_600_000;

/** Every certificate file that the configuration names, by the option that names it. */
export function ownCertificateFiles(
  configuration: Configuration,
): readonly (readonly [option: string, file: string])[] {
  const { certificates, controller_worker: worker, haproxy_amphora: haproxy } = configuration;
  const named: (readonly [option: string, file: string | null])[] = [
    ['[certificates] ca_certificate', certificates.ca_certificate],
    ['[controller_worker] client_ca', worker.client_ca],
    ['[haproxy_amphora] client_cert', haproxy.client_cert],
    ['[haproxy_amphora] server_ca', haproxy.server_ca],
    ...ofConnections(configuration),
    ...ofServices(configuration),
  ];
  return named.flatMap(([option, file]) => (file ? [[option, file] as const] : []));
}

function ofConnections({ database, DEFAULT, oslo_messaging_rabbit: rabbit }: Configuration) {
  const files: [string, string | null][] = [];
  const connection = database.connection ? readConnection(database.connection) : null;
  if (connection?.engine === 'mysql' && connection.tls) {
    files.push(['[database] connection ssl_ca', connection.tls.caFile]);
    files.push(['[database] connection ssl_cert', connection.tls.certFile]);
  }
  const link = DEFAULT.transport_url ? rabbitLinkSettings(DEFAULT.transport_url, rabbit) : null;
  if (link?.tls) {
    files.push(['[oslo_messaging_rabbit] ssl_ca_file', link.tls.caFile]);
    files.push(['[oslo_messaging_rabbit] ssl_cert_file', link.tls.certFile]);
  }
  return files;
}

/** `cafile` and its older name, in whichever section has one. */
function ofServices(configuration: Configuration): [string, string | null][] {
  return Object.entries(configuration).flatMap(([section, options]) =>
    ['cafile', 'ca_certificates_file'].flatMap((option): [string, string | null][] => {
      const file = (options as Readonly<Record<string, unknown>>)[option];
      return typeof file === 'string' && file !== '' ? [[`[${section}] ${option}`, file]] : [];
    }),
  );
}

/** Reads them all. What can't be read is reported in `problem`. */
export function readOwnCertificates(configuration: Configuration): Promise<OwnCertificate[]> {
  const nothing = { keyFile: null, keyPassphrase: null, issuedBy: null, mustVerify: null };
  return Promise.all(
    ownCertificateFiles(configuration).map(async ([option, file]) => {
      const { notAfter, problem } = await inspectCertificate({ ...nothing, file });
      return { option, file, notAfter, problem };
    }),
  );
}

/** Those that are an alarm, for `kiln status`. */
export async function troubledOwnCertificates(configuration: Configuration, now: Date): Promise<OwnCertificate[]> {
  return (await readOwnCertificates(configuration)).filter((one) => alarmOf(one, now) !== null);
}

/** Says in the log which of them end soon, have ended or can't be read, until the signal is aborted. Never rejects. */
export async function watchOwnCertificates(
  { clock, log, current }: { clock: Clock; log: Log; current: () => Configuration },
  signal: AbortSignal,
): Promise<void> {
  const toBeSaid = createReminder(SAID_AGAIN_MS);
  while (!signal.aborted) {
    const now = clock.now();
    const alarms = new Map(
      (await troubledOwnCertificates(current(), now)).map((one) => [
        `${alarmOf(one, now)} ${one.option} ${one.file}`,
        one,
      ]),
    );
    for (const key of toBeSaid([...alarms.keys()], clock.monotonicMs())) {
      const one = alarms.get(key);
      if (one) sayAlarm(one, now, log);
    }
    await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
  }
}

function sayAlarm(one: OwnCertificate, now: Date, log: Log): void {
  const alarm = alarmOf(one, now);
  const renew = 'issue a new one and put it in place of the file';
  if (alarm === 'soon') log.warn({ ...one }, `${one.option}: the certificate ends on ${one.notAfter}; ${renew}`);
  else if (alarm === 'ended')
    log.error({ ...one }, `${one.option}: the certificate ended on ${one.notAfter}; ${renew}`);
  else log.error({ ...one }, `${one.option}: the file can't be used: ${one.problem}; correct it, or the option`);
}
