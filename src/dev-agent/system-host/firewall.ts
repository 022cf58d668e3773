import type { FirewallRule } from '../plug.ts';

/**
 * nftables' rules for what comes in by one interface that no hypervisor filters (octavia/amphorae/backends/utils/nftable_utils.py): answers to
 * the amphora's own connections, what the network itself needs, and what the rules name. They replace those before, at once.
 */
export function renderFirewall(interfaceName: string, rules: readonly FirewallRule[]): string {
  const table = `table inet kiln-firewall-${interfaceName}`;
  return `${table} {}
delete ${table}
${table} {
	chain input {
		type filter hook input priority filter; policy accept;
		iifname != "${interfaceName}" accept
		ct state vmap { established : accept, related : accept, invalid : drop }
		icmp type destination-unreachable accept
		icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert, packet-too-big, destination-unreachable } accept
${rules.map((rule) => `\t\t${ruleOf(rule)}\n`).join('')}		drop
	}
}
`;
}

function ruleOf({ protocol, cidr, port }: FirewallRule): string {
  const from = cidr === null || cidr.endsWith('/0') ? '' : `${cidr.includes(':') ? 'ip6' : 'ip'} saddr ${cidr} `;
  return protocol === 'VRRP'
    ? `${from}meta l4proto 112 accept`
    : `${from}${protocol.toLowerCase()} dport ${port} accept`;
}
