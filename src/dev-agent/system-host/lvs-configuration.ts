import { shortestAddress } from '../../core/network/address.ts';

/** What keepalived's configuration of a UDP or SCTP listener says, as far as its heartbeat needs it. */
export interface LvsConfiguration {
  isDisabled: boolean;
  protocol: 'UDP' | 'SCTP';
  /** `address:port` as ipvsadm shows them: IPv6 in brackets. */
  virtualServers: string[];
  poolId: string | null;
  hasMonitor: boolean;
  /** `realServer` is null for a member that is disabled. */
  members: Array<{ id: string; realServer: string | null }>;
}

/** Resources are named in comments before what belongs to them (octavia/common/jinja/lvs). */
export function parseLvsConfiguration(text: string): LvsConfiguration {
  const parsed: LvsConfiguration = {
    isDisabled: false,
    protocol: /^\s*protocol SCTP$/m.test(text) ? 'SCTP' : 'UDP',
    virtualServers: [],
    poolId: null,
    hasMonitor: /\b(MISC_CHECK|HTTP_GET|TCP_CHECK)\b/.test(text),
    members: [],
  };
  let inGroup = false;
  let memberId: string | null = null;
  for (const line of text.split('\n').map((one) => one.trim())) {
    const [, kind, id = ''] = /^# Configuration for (Pool|Member) (\S+)/.exec(line) ?? [];
    const [, disabledKind, disabledId = ''] = /^# (Listener|Member) (\S+) is disabled/.exec(line) ?? [];
    const [, address, port] = /^(?:real_server )?([\da-fA-F.:]+) (\d+)/.exec(line) ?? [];
    if (kind === 'Pool') parsed.poolId = id;
    else if (kind === 'Member') memberId = id;
    else if (disabledKind === 'Listener') parsed.isDisabled = true;
    else if (disabledKind === 'Member') parsed.members.push({ id: disabledId, realServer: null });
    else if (line.startsWith('virtual_server_group ')) inGroup = true;
    else if (line === '}') inGroup = false;
    else if (address && port && line.startsWith('real_server ')) {
      if (memberId !== null) parsed.members.push({ id: memberId, realServer: endpoint(address, port) });
      memberId = null;
    } else if (inGroup && address && port) parsed.virtualServers.push(endpoint(address, port));
  }
  return parsed;
}

function endpoint(address: string, port: string): string {
  return address.includes(':') ? `[${shortestAddress(address)}]:${port}` : `${address}:${port}`;
}
