/**
 * nftables' rules for one interface: what IP_VS balances (UDP, SCTP) leaves with the interface's own address, so that answers come back
 * through the amphora; TCP, which HAProxy carries, is not tracked, unless a firewall has to know its connections. Replaces the rules that were there for
 * it, at once.
 */
export function renderMasquerade(interfaceName: string, { tracksTcp }: { tracksTcp: boolean }): string {
  const table = `table inet kiln-${interfaceName}`;
  return `${table} {}
delete ${table}
${table} {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "${interfaceName}" meta l4proto { udp, sctp } masquerade
	}
${tracksTcp ? '' : untrackedTcp(interfaceName)}}
`;
}

function untrackedTcp(interfaceName: string): string {
  return `	chain prerouting {
		type filter hook prerouting priority raw; policy accept;
		iifname "${interfaceName}" meta l4proto tcp notrack
	}
	chain output {
		type filter hook output priority raw; policy accept;
		oifname "${interfaceName}" meta l4proto tcp notrack
	}
`;
}
