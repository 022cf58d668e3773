import type { HealthMonitor } from '../../model/load-balancer.ts';
import type { Capabilities } from './capabilities.ts';
import { quoteFormatText, quoteUrl } from './quote.ts';
import { linesOf, words } from './section.ts';

/** Lines of a backend that say how its members are checked; how often, and where, stands on each `server` line. */
export function renderHealthCheck(monitor: HealthMonitor, basePath: string, capabilities: Capabilities): string[] {
  const isHttp = monitor.type === 'HTTP' || monitor.type === 'HTTPS';
  return linesOf(
    'load-server-state-from-file global',
    `timeout check ${monitor.timeout}s`,
    isHttp && renderHttpCheck(monitor, capabilities),
    monitor.type === 'PING' && ['option external-check', `external-check command ${basePath}/ping-wrapper.sh`],
  );
}

function renderHttpCheck(monitor: HealthMonitor, { sendsCheckHeaders }: Capabilities): string[] {
  const version = monitor.httpVersion === null ? null : `HTTP/${monitor.httpVersion.toFixed(1)}`;
  const host = version === 'HTTP/1.1' ? monitor.domainName : null;
  // Before 2.2 a header can only be smuggled into the version of the request line.
  const versionAndHost = host && !sendsCheckHeaders ? `${version}\\r\\nHost:\\ ${quoteUrl(host)}` : version;
  return linesOf(
    words('option httpchk', quoteUrl(monitor.httpMethod ?? 'GET'), quoteUrl(monitor.urlPath ?? '/'), versionAndHost),
    host && sendsCheckHeaders && `http-check send hdr Host ${quoteFormatText(host)}`,
    `http-check expect rstatus ${expandCodes(monitor.expectedCodes ?? '').join('|') || '200'}`,
  );
}

/** "200", "200,202" or "200-204" as the codes themselves, in order; what is no code is passed over. */
export function expandCodes(expectedCodes: string): number[] {
  const codes = expectedCodes.split(',').flatMap((part) => {
    const [, first, last] = /^\s*(\d{3})(?:-(\d{3}))?\s*$/.exec(part) ?? [];
    if (first === undefined) return [];
    const length = Number(last ?? first) - Number(first) + 1;
    return Array.from({ length: Math.max(length, 0) }, (_, index) => Number(first) + index);
  });
  return [...new Set(codes)].sort((one, other) => one - other);
}
