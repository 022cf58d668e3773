import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultServerSettings } from '../../test/kit/server-settings.ts';
import { renderAgentConfiguration } from '../core/amphora/agent-configuration.ts';
import { KilnError } from '../model/errors.ts';
import { parseAgentConfiguration, parseIni } from './configuration.ts';

const amphora = { id: '5a0d7c1e-1111-4222-8333-444455556666', topology: 'SINGLE' };

describe('what a controller writes', () => {
  it('is read back', () => {
    expect(parseAgentConfiguration(renderAgentConfiguration(defaultServerSettings.agent, amphora))).toEqual({
      amphoraId: amphora.id,
      bindHost: '::',
      bindPort: 9443,
      agentServerCa: '/etc/octavia/certs/client_ca.pem',
      agentServerCert: '/etc/octavia/certs/server.pem',
      agentRequestReadTimeoutSeconds: 180,
      isOfPair: false,
      minTlsVersion: 'TLSv1.2',
      haproxyCmd: '/usr/sbin/haproxy',
      basePath: '/var/lib/octavia',
      baseCertDir: '/var/lib/octavia/certs',
      networkFolder: '/etc/octavia/interfaces',
      heartbeat: { controllers: [{ host: '192.0.2.10', port: 5555 }], intervalSeconds: 10, key: 'insecure' },
    });
  });

  it('comes back unchanged whatever the value, or is refused; no value adds a line', () => {
    const pieces = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.string({ unit: fc.constantFrom('$', '"', "'", ' ', '\\', '=', '#', ';', '[', 'a', '\n', '\r'), maxLength: 8 }),
    );
    fc.assert(
      fc.property(pieces, (heartbeatKey) => {
        const settings = structuredClone(defaultServerSettings.agent);
        const baseline = renderAgentConfiguration(settings, amphora).split('\n').length;
        settings.healthManager.heartbeatKey = heartbeatKey;
        let text: string;
        try {
          text = renderAgentConfiguration(settings, amphora);
        } catch (error) {
          expect(error).toBeInstanceOf(KilnError);
          expect((error as KilnError).code).toBe('CONFIGURATION_INVALID');
          expect(heartbeatKey).toMatch(/[\p{Cc}\u2028\u2029]|\\\$/u);
          return;
        }
        expect(text.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/).length).toBe(baseline);
        expect(parseIni(text).get('health_manager')?.get('heartbeat_key')).toBe(heartbeatKey);
        expect([...parseIni(text).keys()]).toHaveLength(5);
      }),
      { numRuns: 500 },
    );
  });
});

describe('amphora-agent.conf', () => {
  const minimal = '[amphora_agent]\namphora_id = a\n';

  it("has Octavia's defaults", () => {
    expect(parseAgentConfiguration(minimal)).toMatchObject({
      bindHost: '::',
      bindPort: 9443,
      minTlsVersion: 'TLSv1.2',
      heartbeat: { controllers: [], intervalSeconds: 10, key: null },
    });
  });

  it('sends heartbeats to addresses of both families', () => {
    const text = `${minimal}[health_manager]\ncontroller_ip_port_list = 192.0.2.1:5555, [2001:db8::1]:5556,2001:db8::2:5557\n`;
    expect(parseAgentConfiguration(text).heartbeat.controllers).toEqual([
      { host: '192.0.2.1', port: 5555 },
      { host: '2001:db8::1', port: 5556 },
      { host: '2001:db8::2', port: 5557 },
    ]);
  });

  it('is the dialect of oslo.config', () => {
    const text =
      '# c\n; c\n[a]\nx = 1\ny: two words \nz = first\n  second\nx = 2\n\n[b]\nq = "it\'s"\n[a]\nmore=a=b\r\n';
    const sections = parseIni(text);
    expect(Object.fromEntries(sections.get('a') ?? [])).toEqual({
      x: '2',
      y: 'two words',
      z: 'first\nsecond',
      more: 'a=b',
    });
    expect(sections.get('b')?.get('q')).toBe("it's");
  });

  it.each([
    ['x = 1\n', 'line 1 stands before the first section: x'],
    ['[a\n', 'line 1 is not a section: [a'],
    ['[a]\nwhatever\n', 'line 2 is neither a section nor "name = value"'],
    ['[a]\n more\n', 'line 2 continues no option: more'],
    ['[amphora_agent]\n', '[amphora_agent] amphora_id is not set'],
    [
      `${minimal}[haproxy_amphora]\nbind_port = 70000\n`,
      '[haproxy_amphora] bind_port is "70000"; allowed is an integer',
    ],
    [
      `${minimal}[health_manager]\ncontroller_ip_port_list = a\n`,
      'controller_ip_port_list has "a"; allowed is address:port',
    ],
    [`${minimal}agent_tls_protocol = TLSv9\n`, '[amphora_agent] agent_tls_protocol is "TLSv9"; allowed are SSLv3'],
  ])('%j is refused', (text, message) => {
    expect(() => parseAgentConfiguration(text)).toThrow(message);
  });
});
