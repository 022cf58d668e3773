import type { Configuration } from '../../src/config/options/index.ts';

/** Networks on loopback for VIPs and members, made in a cloud's Neutron by its service user. */
export interface TestNetworks {
  vip: { networkId: string; subnetId: string; otherSubnetId: string };
  /** `address`: one that a member may have. */
  member: { networkId: string; subnetId: string; otherSubnetId: string; address: string };
  /** A port in the network for VIPs, as a user brings it. */
  makePort(): Promise<string>;
  removePort(id: string): Promise<void>;
  close(): Promise<void>;
}

/** Second octets, two for each network, that neither the embedded cloud (64 to 191) nor the test bed (79) uses. */
const octets = { vip: [201, 203], member: [202, 204] } as const;

/** Takes what a run that broke off has left, and makes what is not there. */
export async function openNetworks({ service_auth: auth }: Configuration): Promise<TestNetworks> {
  const login = await fetch(`${auth.auth_url?.replace(/\/v3\/?$/, '')}/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: {
            user: { name: auth.username, domain: { name: auth.user_domain_name }, password: auth.password },
          },
        },
        scope: { project: { name: auth.project_name, domain: { name: auth.project_domain_name } } },
      },
    }),
  });
  const token = login.headers.get('x-subject-token') ?? '';
  const { catalog } = ((await login.json()) as { token: { catalog: { type: string; endpoints: { url: string }[] }[] } })
    .token;
  const url = catalog.find(({ type }) => type === 'network')?.endpoints[0]?.url.replace(/\/$/, '');

  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape.
  async function call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<any> {
    const answer = await fetch(`${url}/v2.0/${path}`, {
      method,
      headers: { 'x-auth-token': token, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }
  async function ensure(what: keyof typeof octets) {
    const name = `kiln-test-${what}`;
    const [found] = (await call('GET', `networks?name=${name}`)).networks;
    const network = found ?? (await call('POST', 'networks', { network: { name } })).network;
    const { subnets } = await call('GET', `subnets?network_id=${network.id}`);
    const ensureSubnet = async (octet: number): Promise<string> => {
      const cidr = `127.${octet}.0.0/16`;
      const there = subnets.find((one: { cidr: string }) => one.cidr === cidr);
      // Neutron takes such a subnet only without DHCP and without a gateway.
      const asked = { name, network_id: network.id, ip_version: 4, cidr, enable_dhcp: false, gateway_ip: null };
      return (there ?? (await call('POST', 'subnets', { subnet: asked })).subnet).id;
    };
    const [first, second] = octets[what];
    return {
      networkId: network.id as string,
      subnetId: await ensureSubnet(first),
      otherSubnetId: await ensureSubnet(second),
    };
  }

  const vip = await ensure('vip');
  const member = await ensure('member');
  return {
    vip,
    member: { ...member, address: `127.${octets.member[0]}.0.7` },
    makePort: async () => (await call('POST', 'ports', { port: { name: 'mine', network_id: vip.networkId } })).port.id,
    removePort: async (id) => {
      await call('DELETE', `ports/${id}`);
    },
    async close() {
      for (const { networkId } of [vip, member]) await call('DELETE', `networks/${networkId}`).catch(() => {});
    },
  };
}
