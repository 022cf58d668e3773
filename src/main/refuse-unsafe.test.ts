import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../config/load.ts';
import { serveRoles } from '../model/serve-role.ts';
import { refuseUnsafe } from './refuse-unsafe.ts';
import { apiSettings } from './settings/api-settings.ts';

/** @param environment options as OS_SECTION__OPTION. */
const configured = (environment: Record<string, string>) => loadConfiguration({ configFiles: [], environment }).config;
const key = { OS_HEALTH_MANAGER__HEARTBEAT_KEY: 'a long one' };

describe('is not served', () => {
  it.each([{}, { OS_HEALTH_MANAGER__HEARTBEAT_KEY: '' }])('heartbeats that nobody signs: %j', (environment) => {
    const act = () => refuseUnsafe(configured(environment), serveRoles);
    expect(act).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID', exitCode: 2 }));
    expect(act).toThrow(/heartbeat_key is not set/);
    refuseUnsafe(configured(environment), ['api', 'worker']);
    refuseUnsafe(configured(key), serveRoles);
  });

  it.each([
    { OS_API_SETTINGS__DEFAULT_PROVIDER_DRIVER: 'ovn' },
    {
      OS_API_SETTINGS__DEFAULT_PROVIDER_DRIVER: 'ovn',
      OS_API_SETTINGS__ENABLED_PROVIDER_DRIVERS: 'amphora:A,ovn:O',
    },
    { OS_API_SETTINGS__ENABLED_PROVIDER_DRIVERS: 'octavia:O' },
  ])('a default provider that Kiln has not: %j', (environment) => {
    expect(() => refuseUnsafe(configured({ ...key, ...environment }), ['api'])).toThrow(/default_provider_driver = /);
    refuseUnsafe(configured(environment), ['worker']);
  });

  it('another provider, beside its own', () => {
    const environment = { OS_API_SETTINGS__ENABLED_PROVIDER_DRIVERS: 'amphora:A,ovn:O' };
    refuseUnsafe(configured(environment), ['api']);
    expect(apiSettings(configured(environment)).providers).toEqual({ amphora: 'A' });
  });
});

it.each([
  ["['169.254.169.254']", ['169.254.169.254']],
  ['["169.254.169.254", "FE80::A9FE:A9FE"]', ['169.254.169.254', 'fe80::a9fe:a9fe']],
  ["'10.0.0.1',10.0.0.2", ['10.0.0.1', '10.0.0.2']],
  ['::ffff:10.0.0.1', ['10.0.0.1']],
])('reserved_ips = %s', (written, reserved) => {
  const { reservedAddresses } = apiSettings(configured({ OS_NETWORKING__RESERVED_IPS: written }));
  expect(reservedAddresses).toEqual(reserved);
});

it.each(["['169.254.169.254'", '169.254.169', 'localhost', '[[10.0.0.1]]'])(
  'reserved_ips = %s is refused',
  (written) => {
    expect(() => configured({ OS_NETWORKING__RESERVED_IPS: written })).toThrow(/reserved_ips/);
  },
);
