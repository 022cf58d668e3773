/** What of keepalived's configuration this amphora's own VRRP acts on. */
export interface VrrpConfiguration {
  virtualRouterId: number;
  priority: number;
  advertIntervalMs: number;
  /** Null: the other amphorae have none either. */
  password: string | null;
  /** The amphora's own address, and those of the others. */
  ownIp: string;
  peerIps: readonly string[];
  vips: readonly string[];
  check: { intervalMs: number; failCount: number; successCount: number };
}

/**
 * Reads what a controller, Octavia or Kiln, writes for keepalived. What it says of interfaces, routes and ARP means nothing
 * to a process on loopback addresses.
 * @throws an Error that names what is missing or odd.
 */
export function parseVrrpConfiguration(text: string): VrrpConfiguration {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/[#!].*/, '').trim())
    .filter((line) => line !== '');
  const word = (name: string) => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  const required = (name: string): string => {
    const value = word(name);
    if (value === undefined) throw new Error(`the configuration has no ${name}`);
    return value;
  };
  const number = (name: string, min: number, max: number): number => {
    const value = Number(required(name));
    if (value >= min && value <= max) return value;
    throw new Error(`${name} is "${required(name)}"; allowed is a number from ${min} to ${max}`);
  };
  const block = (name: string): string[] => {
    const start = lines.indexOf(`${name} {`);
    return start < 0 ? [] : lines.slice(start + 1, lines.indexOf('}', start));
  };
  return {
    virtualRouterId: number('virtual_router_id', 1, 255),
    priority: number('priority', 1, 255),
    advertIntervalMs: number('advert_int', 0.01, 255) * 1000,
    password: word('auth_pass') ?? null,
    ownIp: required('unicast_src_ip'),
    peerIps: block('unicast_peer'),
    vips: [...block('virtual_ipaddress'), ...block('virtual_ipaddress_excluded')],
    check: {
      intervalMs: number('interval', 0.1, 86_400) * 1000,
      failCount: number('fall', 1, 1_000_000),
      successCount: number('rise', 1, 1_000_000),
    },
  };
}
