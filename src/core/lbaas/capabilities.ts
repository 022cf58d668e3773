import type { FlavorCapabilities, ZoneCapabilities } from '../../model/flavor.ts';
import { topologies } from '../../model/load-balancer.ts';
import { invalidOption, providerCannot, providerLacksOption } from './api-errors.ts';
import { clip, pythonLiteral } from './python-text.ts';

/**
 * What flavor profiles and availability zone profiles may say, and what it means: the one home for the check of profiles
 * and for the answers about a provider's capabilities (octavia/api/drivers/amphora_driver/flavor_schema.py and
 * availability_zone_schema.py).
 */
interface Capability {
  type: 'string' | 'boolean' | 'array';
  values?: readonly string[];
  description: string;
  /** Octavia has it and Kiln does not: a profile that asks for it is refused, and it is not advertised. */
  unserved?: true;
}
type Capabilities = Readonly<Record<string, Capability>>;

export const flavorCapabilities = {
  loadbalancer_topology: {
    type: 'string',
    values: [...topologies].sort(),
    // OpenStack's suite compares this one, and that of compute_zone, word for word.
    description:
      'The load balancer topology. One of: SINGLE - One amphora per load balancer. ACTIVE_STANDBY - Two amphora per load balancer.',
  },
  compute_flavor: { type: 'string', description: 'ID of the Nova flavor of its amphorae.' },
  amp_image_tag: { type: 'string', description: 'Tag in Glance of the image that its amphorae boot.' },
  sriov_vip: { type: 'boolean', description: 'Whether VIP ports are virtual functions of SR-IOV.', unserved: true },
  allow_member_sriov: {
    type: 'boolean',
    description: 'Whether member ports may be virtual functions of SR-IOV.',
    unserved: true,
  },
} as const satisfies Record<keyof FlavorCapabilities, Capability>;

export const zoneCapabilities = {
  compute_zone: { type: 'string', description: 'The compute availability zone.' },
  volume_zone: { type: 'string', description: 'Availability zone of Cinder.', unserved: true },
  management_network: { type: 'string', description: 'ID of the management network of its amphorae.' },
  valid_vip_networks: {
    type: 'array',
    description: 'IDs of networks that VIPs may be in, instead of those that octavia.conf allows.',
  },
} as const satisfies Record<keyof ZoneCapabilities, Capability>;

/**
 * Checks the JSON text of a profile.
 * @param option the field that the text came in: flavor_data or availability_zone_data.
 * @returns what it says.
 * @throws KilnError REQUEST_INVALID, in the words of Octavia and of Python's jsonschema. (Octavia answers 501 to what the
 * provider doesn't know; to Kiln, what a request got wrong is 400.)
 */
export function checkProfileData(
  provider: string,
  option: string,
  text: string,
  capabilities: Capabilities,
): Record<string, never> {
  const data = parse(text, option);
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw providerLacksOption(provider, `${pythonLiteral(data)} is not of type 'object'`);
  }
  const unknown = Object.keys(data).filter((key) => !Object.hasOwn(capabilities, key));
  if (unknown.length > 0) {
    const names = unknown.map(pythonLiteral).join(', ');
    const were = unknown.length > 1 ? 'were' : 'was';
    throw providerLacksOption(provider, `Additional properties are not allowed (${names} ${were} unexpected)`);
  }
  for (const [key, value] of Object.entries(data)) {
    const fault = faultOf(value, capabilities[key] as Capability);
    if (fault) throw providerLacksOption(provider, `${key} ${fault}`);
  }
  checkServed(provider, data, capabilities);
  // By the types above, whatever it is that they describe.
  return data as Record<string, never>;
}

/** Refuses what would be silently left out. @throws KilnError OPTION_UNSUPPORTED. */
export function checkServed(provider: string, data: object, capabilities: Capabilities): void {
  for (const [key, value] of Object.entries(data)) {
    if (capabilities[key]?.unserved && isGiven(value)) throw providerCannot(provider, `${key} ${pythonLiteral(value)}`);
  }
}

/** Those that a profile may ask for, by name. */
export function advertised(capabilities: Capabilities): { name: string; description: string }[] {
  return Object.entries(capabilities)
    .filter(([, { unserved }]) => !unserved)
    .map(([name, { description }]) => ({ name, description }));
}

/** `false` and an empty text ask for nothing. */
function isGiven(value: unknown): boolean {
  return value !== false && value !== '';
}

function parse(text: string, option: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw invalidOption(clip(text), option);
  }
}

function faultOf(value: unknown, { type, values }: Capability): string | null {
  const fits = type === 'array' ? isListOfText(value) : typeof value === type;
  if (!fits) return `${pythonLiteral(value)} is not of type '${type}'`;
  if (values && !values.includes(value as string)) {
    return `${pythonLiteral(value)} is not one of [${[...values].map(pythonLiteral).join(', ')}]`;
  }
  // Half a surrogate pair is no text: no database and no service takes it.
  return isWellFormed(value) ? null : `${pythonLiteral(value)} is not well-formed`;
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isWellFormed(value: unknown): boolean {
  return [value].flat().every((one) => typeof one !== 'string' || one.isWellFormed());
}

/** A value as Python prints it; never walked, however deep it is. */
