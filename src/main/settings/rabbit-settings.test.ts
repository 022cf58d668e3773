import { expect, it } from 'vitest';
import { loadConfiguration } from '../../config/load.ts';
import { rabbitLinkSettings } from './rabbit-settings.ts';

const configured = loadConfiguration({ configFiles: [], configDirs: [], environment: {} }).config.oslo_messaging_rabbit;
const url = 'rabbit://u:p@h:1/v';

it('is plain TCP and a minute of patience by default', () => {
  expect(rabbitLinkSettings(url, configured)).toEqual({
    hosts: [{ host: 'h', port: 1, user: 'u', password: 'p' }],
    virtualHost: 'v',
    tls: null,
    heartbeatTimeoutSeconds: 60,
  });
});

it('takes TLS from the file; names of hosts count only beside an authority', () => {
  const over = { ssl: true, ssl_enforce_hostname_verification: true };
  const tls = { caFile: null, certFile: null, keyFile: null, verifyHostname: false };
  expect(rabbitLinkSettings(url, { ...configured, ...over }).tls).toEqual(tls);
  expect(rabbitLinkSettings(url, { ...configured, ...over, ssl_ca_file: '/ca' }).tls).toEqual({
    ...tls,
    caFile: '/ca',
    verifyHostname: true,
  });
});

it('what stands in the URL goes before the file', () => {
  const settings = rabbitLinkSettings(
    `${url}?ssl=True&ssl_ca_file=/a&ssl_cert_file=/b&ssl_key_file=/c&heartbeat_timeout_threshold=10&rabbit_interval_max=1`,
    configured,
  );
  expect(settings.tls).toEqual({ caFile: '/a', certFile: '/b', keyFile: '/c', verifyHostname: false });
  expect(settings.heartbeatTimeoutSeconds).toBe(10);
  expect(rabbitLinkSettings(`${url}?ssl=0`, { ...configured, ssl: true }).tls).toBeNull();
});

it('refuses what is no value of its option', () => {
  expect(() => rabbitLinkSettings(`${url}?ssl=perhaps`, configured)).toThrow(/transport_url: ssl must be/);
});
