import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lvsAddressesOf } from '../lvs-addresses.ts';
import { parseLvsConfiguration } from './lvs-configuration.ts';
import { lvsStatistics, parseIpVs } from './lvs-statistics.ts';

/** What Kiln renders for keepalived. */
const rendered = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../../test/golden/keepalived', `${name}.conf`), 'utf8');
const member = (number: number) => `40000000-0000-4000-8000-00000000000${number}`;
const pool = '30000000-0000-4000-8000-000000000001';

/** Output of ipvsadm 1.31. */
const list = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
UDP  203.0.113.5:53 wrr
  -> 192.0.2.1:8080               Masq    1      2          1
  -> 192.0.2.2:8080               Masq    0      3          0
UDP  [2001:db8::5]:53 wrr
  -> [2001:db8::11]:8080          Masq    1      1          0
`;
const statistics = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
UDP  203.0.113.5:53                     20       21       22     2300     2400
  -> 192.0.2.1:8080                     10       10       10     1000     1000
UDP  [2001:db8::5]:53                    5        6        7      800      900
`;
const table = parseIpVs(list, statistics);

it('reads what keepalived was given', () => {
  expect(parseLvsConfiguration(rendered('disabled-member'))).toEqual({
    isDisabled: false,
    protocol: 'UDP',
    virtualServers: ['203.0.113.5:53'],
    poolId: pool,
    hasMonitor: false,
    members: [
      { id: member(1), realServer: '192.0.2.1:8080' },
      { id: member(2), realServer: null },
      { id: member(3), realServer: '192.0.2.3:8080' },
    ],
  });
  expect(parseLvsConfiguration(rendered('both-families'))).toMatchObject({
    hasMonitor: true,
    virtualServers: ['203.0.113.6:53', '[2001:db8::5]:53', '[2001:db8::6]:53'],
  });
  expect(parseLvsConfiguration(rendered('disabled-listener'))).toMatchObject({ isDisabled: true, members: [] });
  expect(lvsAddressesOf(rendered('both-families'))).toEqual(['203.0.113.6', '2001:db8::5', '2001:db8::6']);
});

describe('heartbeats tell of a UDP listener', () => {
  const of = (name: string, isRestarting = false, kernel = table) =>
    lvsStatistics('l', parseLvsConfiguration(rendered(name)), kernel, isRestarting);
  const statusesOf = (name: string, ...rest: [boolean?, typeof table?]) => {
    const [reported] = of(name, ...rest).pools;
    return { pool: reported?.status, members: [...(reported?.members.values() ?? [])] };
  };

  it('what the kernel counts', () => {
    expect(of('udp').listeners).toEqual([
      {
        id: 'l',
        status: 'OPEN',
        activeConnections: 5,
        totals: {
          ...{ bytesIn: 2300, bytesOut: 2400, totalConnections: 20 },
          ...{ requestErrors: 0, serverErrors: 0, connectErrors: 0, responseErrors: 0, retries: 0 },
        },
      },
    ]);
    expect(of('udp').pools).toMatchObject([{ poolId: pool, listenerId: null }]);
  });

  it('apart from an SCTP listener with the same port', () => {
    const asSctp = (output: string) =>
      output.replaceAll('UDP ', 'SCTP').replace('2300', '9').replace('      20 ', '       1 ');
    const both = parseIpVs(`${list}${asSctp(list)}`, `${statistics}${asSctp(statistics)}`);
    expect(of('udp', false, both).listeners).toMatchObject([{ totals: { bytesIn: 2300, totalConnections: 20 } }]);
    const sctp = parseLvsConfiguration(rendered('udp').replaceAll('protocol UDP', 'protocol SCTP'));
    expect(lvsStatistics('l', sctp, both, false).listeners).toMatchObject([
      { totals: { bytesIn: 9, totalConnections: 1 } },
    ]);
  });

  it('members without a monitor, draining, disabled, and gone', () => {
    expect(statusesOf('udp')).toEqual({ pool: 'UP', members: ['no check', 'DRAIN'] });
    expect(statusesOf('disabled-member')).toEqual({ pool: 'UP', members: ['no check', 'MAINT', 'DOWN'] });
  });

  it('members that their monitor finds, or does not find', () => {
    expect(statusesOf('monitor-udp-connect')).toEqual({ pool: 'UP', members: ['UP', 'DRAIN'] });
    expect(statusesOf('monitor-udp-connect', false, new Map())).toEqual({ pool: 'DOWN', members: ['DOWN', 'DOWN'] });
    expect(statusesOf('monitor-udp-connect', true, new Map()).members).toEqual(['RESTARTING', 'RESTARTING']);
  });

  it('nothing where the kernel has no IP_VS, but that keepalived runs', () => {
    expect(of('udp', false, parseIpVs('', '')).listeners).toMatchObject([{ status: 'OPEN', activeConnections: 0 }]);
  });

  it('without a pool, and nothing of one that is disabled', () => {
    expect(of('without-pool').pools).toEqual([]);
    expect(of('disabled-listener')).toEqual({ listeners: [], pools: [] });
  });
});
