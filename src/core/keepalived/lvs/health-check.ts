import { batches } from '../../../lib/batches.ts';
import type { HealthMonitor, Member } from '../../../model/load-balancer.ts';
import { requireAddress } from '../../haproxy/address.ts';
import { expandCodes } from '../../haproxy/health-check.ts';
import type { Block } from '../block.ts';
import type { LvsSettings } from './settings.ts';
import { writeUrlPath } from './url-path.ts';

/** How keepalived checks a member. Null for monitors that it can't carry out: then members count as alive. */
export function renderCheck(monitor: HealthMonitor, member: Member, { basePath }: LvsSettings): Block | null {
  const address = requireAddress(`the monitor of member ${member.id}`, member.monitorAddress ?? member.address);
  const port = member.monitorPort ?? member.protocolPort;
  const { timeout } = monitor;
  switch (monitor.type) {
    case 'UDP-CONNECT':
      return miscCheck(`${basePath}/lvs/check/udp_check.sh ${address} ${port}`, timeout);
    case 'SCTP':
      // A program of the agent, which ends by itself before keepalived would end it.
      return miscCheck(`amphora-health-checker sctp -t ${timeout} ${address} ${port}`, timeout + 1);
    case 'HTTP':
      if (monitor.httpMethod !== 'GET') return null;
      return { header: 'HTTP_GET', lines: [renderUrl(monitor), ...connection(address, port, timeout)] };
    case 'TCP':
      return { header: 'TCP_CHECK', lines: connection(address, port, timeout) };
    default:
      return null;
  }
}

function miscCheck(command: string, timeout: number): Block {
  return { header: 'MISC_CHECK', lines: [`misc_path "${command}"`, `misc_timeout ${timeout}`] };
}

function connection(address: string, port: number, timeout: number): string[] {
  return [`connect_ip ${address}`, `connect_port ${port}`, `connect_timeout ${timeout}`];
}

/** Keepalived reads no more than 1024 bytes of a line, and adds up what several lines name. */
const CODES_PER_LINE = 200;

function statusCodeLines(codes: readonly number[]): string[] {
  const lines = [...batches(codes, CODES_PER_LINE)].map((some) => `status_code ${some.join(' ')}`);
  return lines.length > 0 ? lines : ['status_code 200'];
}

/** One URL with all its codes: of several URLs, keepalived wants each to answer as it should. */
function renderUrl({ urlPath, expectedCodes }: HealthMonitor): Block {
  const codes = expandCodes(expectedCodes ?? '');
  return {
    header: 'url',
    lines: [`path ${writeUrlPath(urlPath ?? '/')}`, ...statusCodeLines(codes)],
  };
}
