import type { HealthMonitor, HealthMonitorType, PoolProtocol } from '../../model/load-balancer.ts';
import { writeUrlPath } from '../keepalived/lvs/url-path.ts';
import { disabledOption, invalidOption, validationFailure } from './api-errors.ts';
import { type CreationContext, changedRow, newRow, patched } from './creation-context.ts';
import { datagramTimeoutSeconds, datagramUrlPathBytes, healthMonitorRetries, httpCheck } from './limits.ts';
import type { ApiSettings } from './settings.ts';
import type { HealthMonitorPatch, HealthMonitorSpec } from './spec.ts';

const speaksHttp = (type: HealthMonitorType) => type === 'HTTP' || type === 'HTTPS';

export function makeHealthMonitor(
  context: CreationContext,
  spec: HealthMonitorSpec,
  pool: { id: string; projectId: string; protocol: PoolProtocol },
): HealthMonitor {
  if (spec.type === 'PING' && !context.settings.allowPingHealthMonitors) throw disabledOption('type', 'PING');
  checkFitsPool(spec.type, spec.delay, pool.protocol, context.settings);
  const http = speaksHttp(spec.type);
  if (!http) refuseHttpFields(spec.type, spec, (value) => Boolean(value));
  const monitor: HealthMonitor = {
    ...newRow(context, pool.projectId, spec),
    poolId: pool.id,
    name: spec.name ?? '',
    type: spec.type,
    delay: spec.delay,
    timeout: spec.timeout,
    maxRetries: spec.maxRetries,
    maxRetriesDown: spec.maxRetriesDown ?? healthMonitorRetries.downDefault,
    httpMethod: http ? spec.httpMethod || httpCheck.method : null,
    urlPath: http ? spec.urlPath || httpCheck.urlPath : null,
    expectedCodes: http ? spec.expectedCodes || httpCheck.expectedCodes : null,
    httpVersion: spec.httpVersion ?? null,
    domainName: spec.domainName ?? null,
  };
  checkDomainName(monitor);
  checkExpectedCodes(monitor);
  checkFitsKeepalived(monitor, pool.protocol);
  return monitor;
}

export function changeHealthMonitor(
  monitor: HealthMonitor,
  patch: HealthMonitorPatch,
  poolProtocol: PoolProtocol,
  settings: ApiSettings,
  now: string,
): HealthMonitor {
  const http = speaksHttp(monitor.type);
  if (!http) refuseHttpFields(monitor.type, patch, (value) => value !== undefined);
  for (const [field, name] of requiredFields) {
    if (patch[field] === null) throw invalidOption('None', name);
  }
  if (patch.delay != null) checkFitsPool(monitor.type, patch.delay, poolProtocol, settings);
  const changed: HealthMonitor = {
    ...changedRow(monitor, patch, now),
    name: patched(patch.name, monitor.name, ''),
    delay: patch.delay ?? monitor.delay,
    timeout: patch.timeout ?? monitor.timeout,
    maxRetries: patch.maxRetries ?? monitor.maxRetries,
    maxRetriesDown: patched(patch.maxRetriesDown, monitor.maxRetriesDown, healthMonitorRetries.downDefault),
    httpMethod: http ? patched(patch.httpMethod, monitor.httpMethod, httpCheck.method) : null,
    urlPath: http ? patched(patch.urlPath, monitor.urlPath, httpCheck.urlPath) : null,
    expectedCodes: http ? patched(patch.expectedCodes, monitor.expectedCodes, httpCheck.expectedCodes) : null,
    httpVersion: patched(patch.httpVersion, monitor.httpVersion, null),
    domainName: patched(patch.domainName, monitor.domainName, null),
  };
  checkDomainName(changed);
  checkExpectedCodes(changed);
  checkFitsKeepalived(changed, poolProtocol);
  return changed;
}

const requiredFields = [
  ['delay', 'delay'],
  ['maxRetries', 'max_retries'],
  ['timeout', 'timeout'],
] as const;

const httpFields = [
  ['httpMethod', 'http_method'],
  ['urlPath', 'url_path'],
  ['expectedCodes', 'expected_codes'],
] as const;

function refuseHttpFields(
  type: HealthMonitorType,
  spec: HealthMonitorPatch,
  isGiven: (value: unknown) => boolean,
): void {
  for (const [field, name] of httpFields) {
    if (isGiven(spec[field])) throw invalidOption(name, `health monitors of type ${type}`);
  }
}

function checkFitsPool(
  type: HealthMonitorType,
  delay: number,
  poolProtocol: PoolProtocol,
  settings: ApiSettings,
): void {
  const datagrams = poolProtocol === 'UDP' || poolProtocol === 'SCTP';
  if (!datagrams) {
    if (type !== 'UDP-CONNECT' && type !== 'SCTP') return;
    throw validationFailure(`The ${type} type is only supported for pools of type UDP/SCTP.`);
  }
  if (type !== 'UDP-CONNECT' && type !== 'SCTP' && type !== 'TCP' && type !== 'HTTP') {
    throw validationFailure(
      `The associated pool protocol is ${poolProtocol}, so only a UDP-CONNECT/SCTP/TCP/HTTP health monitor is supported.`,
    );
  }
  const minimum = settings.udpConnectMinimumDelaySeconds;
  if (type === 'UDP-CONNECT' && delay < minimum) {
    throw validationFailure(
      `The request delay value ${delay} should be larger than ${minimum} for UDP-CONNECT health monitor type.`,
    );
  }
}

/** Keepalived checks the members of such pools, within narrower limits than HAProxy's. */
function checkFitsKeepalived({ timeout, expectedCodes, urlPath }: HealthMonitor, protocol: PoolProtocol): void {
  if (protocol !== 'UDP' && protocol !== 'SCTP') return;
  const { minimum, maximum } = datagramTimeoutSeconds;
  if (timeout < minimum || timeout > maximum) {
    throw validationFailure(
      `The timeout ${timeout} must be from ${minimum} to ${maximum} for health monitors of ${protocol} pools.`,
    );
  }
  const pathBytes = writeUrlPath(urlPath ?? '').length;
  if (pathBytes > datagramUrlPathBytes) {
    throw validationFailure(
      `The url_path has ${pathBytes} bytes, percent-encoded; health monitors of ${protocol} pools take ${datagramUrlPathBytes} at most.`,
    );
  }
  const codes = (expectedCodes ?? '').match(/\d{3}/g) ?? [];
  const odd = codes.filter((code) => !/^[1-5]/.test(code));
  if (odd.length === 0) return;
  throw validationFailure(
    `The expected_codes ${odd.join(', ')} are not from 100 to 599, which health monitors of ${protocol} pools need.`,
  );
}

/** `404-200` holds no code at all. */
function checkExpectedCodes({ expectedCodes }: HealthMonitor): void {
  const [, first, last] = /^(\d{3})-(\d{3})$/.exec(expectedCodes ?? '') ?? [];
  if (Number(first ?? 0) <= Number(last ?? 0)) return;
  throw invalidOption(expectedCodes ?? '', `expected_codes: the range runs backwards; write ${last}-${first}`);
}

/** A Host header exists since HTTP 1.1. */
function checkDomainName(monitor: HealthMonitor): void {
  if (!monitor.domainName) return;
  if (monitor.httpVersion === null) {
    throw validationFailure("'http_version' must be specified when 'domain_name' is provided.");
  }
  if (monitor.httpVersion < 1.1) {
    throw invalidOption(
      `http_version ${monitor.httpVersion.toFixed(1)}`,
      'health monitors HTTP 1.1 domain name health check',
    );
  }
}
