import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { defaultServerSettings } from '../../../test/kit/server-settings.ts';
import { renderUserData } from './cloud-init.ts';
import { renderLogForwarding } from './log-forwarding.ts';
import { buildServerSpec, type ServerRequest } from './server-spec.ts';

const request: ServerRequest = {
  amphoraId: '5a0d7c1e-1111-4222-8333-444455556666',
  serverName: 'amphora-5a0d7c1e-1111-4222-8333-444455556666',
  topology: 'SINGLE',
  imageId: 'image',
  computeFlavorId: 'flavor',
  certificate: { certificatePem: 'CERTIFICATE\n\n', privateKeyPem: 'KEY' },
  clientCaPem: 'CLIENT CA\n',
};

describe('buildServerSpec', () => {
  it('puts certificate and key into server.pem, in this order', () => {
    const { files } = buildServerSpec(defaultServerSettings, request);
    expect(files['/etc/octavia/certs/server.pem']).toBe('CERTIFICATE\nKEY\n');
    expect(files['/etc/octavia/certs/client_ca.pem']).toBe('CLIENT CA\n');
    expect(Object.keys(files)).toHaveLength(4);
  });

  it('puts the same files into user data instead, where that is configured', () => {
    const personality = buildServerSpec(defaultServerSettings, request);
    const spec = buildServerSpec({ ...defaultServerSettings, filesInUserData: true }, request);
    expect(spec.files).toEqual({});
    const written = parse(spec.userData ?? '').write_files as Array<{ path: string; content: string }>;
    expect(Object.fromEntries(written.map(({ path, content }) => [path, content]))).toEqual(personality.files);
  });

  it('plugs boot networks, or the management network of the zone alone', () => {
    const settings = { ...defaultServerSettings, bootNetworkIds: ['a', 'b'], availabilityZone: 'nova' };
    expect(buildServerSpec(settings, request)).toMatchObject({ networkIds: ['a', 'b'], availabilityZone: 'nova' });
    const zone = { computeZone: 'edge', managementNetworkId: 'c' };
    const inZone = buildServerSpec(settings, { ...request, zone });
    expect(inZone).toMatchObject({ networkIds: ['c'], availabilityZone: 'edge' });
  });
});

describe('user data', () => {
  it('carries any text unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme', minLength: 1 }), (content, path) => {
        const document = parse(renderUserData({ [path]: content }, 'UTC'));
        expect(document.write_files).toEqual([expect.objectContaining({ path, content })]);
      }),
    );
  });

  it('takes no lines out of the time zone', () => {
    expect(() => renderUserData({}, 'UTC\nruncmd: [reboot]')).toThrow('[controller_worker] amp_timezone');
    expect(parse(renderUserData({}, 'a: b')).timezone).toBe('a: b');
  });
});

describe('log forwarding', () => {
  const { logForwarding } = defaultServerSettings;
  const settings = { ...logForwarding, userLogFacility: 0, administrativeLogFacility: 1 };

  it.each([
    '192.0.2.1',
    'host:0',
    'host:65536',
    ':514',
    'host:x',
    'a"b:514',
    'host:514\n*.* stop',
    '[::1:514',
    'a b:5',
  ])('refuses the target %j', (target) => {
    expect(() => renderLogForwarding({ ...settings, adminLogTargets: [target] })).toThrow(
      '[amphora_agent] admin_log_targets has',
    );
    expect(() => renderLogForwarding({ ...settings, tenantLogTargets: [target] })).toThrow('tenant_log_targets');
  });

  it('takes IPv6 addresses in brackets', () => {
    const text = renderLogForwarding({ ...settings, adminLogTargets: ['[2001:db8::1]:10514'] });
    expect(text).toContain('target="2001:db8::1"\n         port="10514"');
  });
});
