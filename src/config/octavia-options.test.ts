import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eachOption } from './describe.ts';
import { declaredOption, formatValue } from './evaluate.ts';
import { knownOptions } from './known-options.ts';
import { loadConfiguration } from './load.ts';
import type { Option } from './option.ts';
import { declarations } from './options/index.ts';

/** One option, as the real Octavia and its libraries declare it (oslo.config's generator). */
interface Recorded {
  default: unknown;
  choices?: string[];
  min?: number;
  max?: number;
  /** Deprecated names: [section, option]. */
  old?: [string, string][];
}

const recorded: { options: Record<string, Record<string, Recorded>>; earlier: Record<string, string[]> } = JSON.parse(
  readFileSync(new URL('../../test/recorded/octavia-options.json', import.meta.url), 'utf8'),
);

const shared = Object.entries(recorded.options).flatMap(([section, options]) =>
  Object.entries(options).flatMap(([option, octavia]) => {
    const declared = declaredOption(declarations, section, option);
    return declared ? [{ name: `[${section}] ${option}`, declared, octavia }] : [];
  }),
);

const isTaken = (declared: Option<unknown>, text: string) => !('fault' in declared.parse(text));

/** Not set, empty and (of a flag) false are one. */
const plain = (value: unknown) => {
  const text = formatValue(value);
  return text === 'False' ? '' : text;
};

describe("Octavia's own declarations", () => {
  it('are the bulk of what Kiln declares', () => {
    expect(shared.length).toBeGreaterThan(140);
  });

  it.each(shared.filter(({ octavia }) => octavia.choices ?? octavia.min ?? octavia.max))(
    '$name: Kiln takes each value at the edges',
    ({ declared, octavia: { choices = [], min, max } }) => {
      const edges = [...choices, ...[min, max].filter((bound) => bound !== undefined).map(String)];
      expect(edges.filter((text) => !isTaken(declared, text))).toEqual([]);
    },
  );

  it.each(shared)('$name: the default is the same, or it is said that it is not', ({ name, declared, octavia }) => {
    // What Debian's oslo.policy of 2023 has; the releases that Octavia demands have policy.yaml.
    if (name === '[oslo_policy] policy_file') return;
    const same = plain(octavia.default) === plain(declared.default);
    if (same) expect(declared.octaviaDefault).toBeNull();
    else expect(declared.octaviaDefault?.value).toBe(formatValue(octavia.default));
  });

  it.each(shared.filter(({ octavia }) => octavia.old))('$name: older names are read', ({ name, declared, octavia }) => {
    const taken = declared.deprecatedNames.map(String);
    expect(
      (octavia.old ?? []).filter((old) => !taken.includes(String(old))),
      name,
    ).toEqual([]);
  });

  it('names are known, those of releases since Train and of libraries too', () => {
    const names = [
      ...Object.entries(recorded.options).flatMap(([section, options]) =>
        Object.keys(options).map((option) => [section, option] as const),
      ),
      ...Object.entries(recorded.earlier).flatMap(([section, options]) =>
        options.map((option) => [section, option] as const),
      ),
    ];
    const isKnown = ([section, option]: readonly [string, string]) =>
      declaredOption(declarations, section, option) !== undefined || knownOptions.get(section)?.has(option);
    expect(names.filter((name) => !isKnown(name))).toEqual([]);
  });
});

/** Values that mean something to Octavia although its declarations don't list them. */
describe.each([
  ['certificates', 'cert_manager', 'castellan_cert_manager', /kiln secret store/],
  ['certificates', 'cert_manager', 'noop_cert_manager', /refused/],
  ['certificates', 'cert_manager', 'barbican_cert_manager', /refused/],
  ['certificates', 'signing_digest', 'SHA512', null],
  ['certificates', 'signing_digest', 'sha224', /sha256 instead/],
  ['controller_worker', 'volume_driver', 'volume_cinder_driver', /no root volumes/],
  ['controller_worker', 'loadbalancer_topology', 'ACTIVE_STANDBY', null],
  ['api_settings', 'auth_strategy', 'testing', /as keystone/],
  ['api_settings', 'auth_strategy', 'noauth', /administrator/],
  ['api_settings', 'pagination_max_limit', '-1', null],
  ['api_settings', 'pagination_max_limit', ' 100 ', null],
  ['api_settings', 'udp_connect_min_interval_health_monitor', '-1', null],
  ['api_settings', 'enabled_provider_drivers', 'amphora:A,ovn:O', /does not serve ovn/],
  ['nova', 'random_amphora_name_length', '1', /takes 8/],
  ['nova', 'random_amphora_name_length', '7', /takes 8/],
  ['nova', 'random_amphora_name_length', '8', null],
  ['neutron', 'valid_interfaces', 'internalURL,public', null],
  ['haproxy_amphora', 'default_connection_limit', '0', null],
  ['networking', 'port_detach_timeout', '60', /without effect/],
  ['networking', 'port_detach_timeout', '300', null],
] as const)('[%s] %s = %s', (section, option, value, caution) => {
  const environment = { [`OS_${section.toUpperCase()}__${option.toUpperCase()}`]: value };

  it(caution === null ? 'is taken in silence' : 'is taken, and it is said what Kiln does', () => {
    const { cautions } = loadConfiguration({ configFiles: [], configDirs: [], environment });
    expect(cautions.map((one) => [one.section, one.option, one.source])).toEqual(
      caution === null ? [] : [[section, option, { kind: 'environment', variable: Object.keys(environment)[0] }]],
    );
    if (caution !== null) expect(cautions[0]?.message).toMatch(caution);
  });
});

it('a default that differs from Octavia has a reason, and is another', () => {
  const differing = [...eachOption()].filter(([, , { octaviaDefault }]) => octaviaDefault !== null);
  expect(differing.length).toBeGreaterThan(4);
  for (const [, , declared] of differing) {
    expect(formatValue(declared.default)).not.toBe(declared.octaviaDefault?.value);
    expect(declared.octaviaDefault?.reason).not.toBe('');
  }
});
