import { isIPv6 } from 'node:net';
import type { Listener, ListenerProtocol, LoadBalancer } from '../../model/load-balancer.ts';
import { basePeerPort } from '../haproxy/peers.ts';
import { conflict, disabledOption, invalidOption, invalidRequest, validationFailure } from './api-errors.ts';
import { type CreationContext, changedRow, newRow, patched } from './creation-context.ts';
import { connectionLimit, insertableHeaders, insertableTlsHeaders } from './limits.ts';
import type { ApiSettings } from './settings.ts';
import type { ListenerPatch, ListenerSpec } from './spec.ts';
import { checkAlpn, checkCiphers, checkTlsVersions } from './tls.ts';

/**
 * The listener alone; its pools and policies are checked where they are known.
 * @param others the other listeners of its load balancer.
 */
export function makeListener(
  context: CreationContext,
  spec: ListenerSpec,
  loadBalancer: LoadBalancer,
  others: readonly Listener[],
  defaultPoolId: string | null,
): Listener {
  const { settings } = context;
  const { protocol } = spec;
  checkInsertHeaders(spec.insertHeaders, protocol);
  const hasCertificates = showsCertificates(spec);
  checkCertificates(spec, hasCertificates, settings);
  checkCiphers(spec.tlsCiphers, settings);
  const endsTls = protocol === 'TERMINATED_HTTPS';
  const versions = spec.tlsVersions ?? (endsTls ? settings.listenerTlsVersions : []);
  const alpn = spec.alpnProtocols ?? (endsTls ? settings.listenerAlpnProtocols : []);
  if (endsTls) checkAlpn(alpn);
  const listener: Listener = {
    ...newRow(context, loadBalancer.projectId, spec),
    loadBalancerId: loadBalancer.id,
    name: spec.name ?? '',
    description: spec.description ?? '',
    protocol,
    protocolPort: spec.protocolPort,
    peerPort: nextPeerPort(others),
    connectionLimit: spec.connectionLimit ?? connectionLimit.default,
    defaultPoolId,
    defaultTlsContainerRef: spec.defaultTlsContainerRef ?? null,
    sniContainerRefs: [...(spec.sniContainerRefs ?? [])],
    insertHeaders: { ...spec.insertHeaders },
    timeoutClientData: spec.timeoutClientData ?? settings.timeoutClientData,
    timeoutMemberConnect: spec.timeoutMemberConnect ?? settings.timeoutMemberConnect,
    timeoutMemberData: spec.timeoutMemberData ?? settings.timeoutMemberData,
    timeoutTcpInspect: spec.timeoutTcpInspect ?? settings.timeoutTcpInspect,
    clientCaTlsContainerRef: spec.clientCaTlsContainerRef ?? null,
    clientAuthentication: spec.clientAuthentication ?? 'NONE',
    clientCrlContainerRef: spec.clientCrlContainerRef ?? null,
    allowedCidrs: [...new Set(spec.allowedCidrs ?? [])],
    tlsCiphers: spec.tlsCiphers ?? (endsTls ? settings.listenerCiphers : null),
    tlsVersions: endsTls || versions.length > 0 ? checkTlsVersions(versions, settings, 'listener') : [],
    alpnProtocols: [...alpn],
    hstsMaxAge: spec.hstsMaxAge ?? null,
    hstsIncludeSubdomains: spec.hstsIncludeSubdomains ?? false,
    hstsPreload: spec.hstsPreload ?? false,
  };
  checkCidrs(listener.allowedCidrs, loadBalancer);
  checkHsts(listener);
  return listener;
}

export function changeListener(
  listener: Listener,
  patch: ListenerPatch,
  loadBalancer: LoadBalancer,
  settings: ApiSettings,
  now: string,
): Listener {
  const { protocol } = listener;
  if (isDatagram(protocol) && (refersToCertificates(patch) || hasHeaders(patch.insertHeaders))) {
    throw validationFailure(`${protocol} protocol listener does not support TLS or header insertion.`);
  }
  if (protocol !== 'TERMINATED_HTTPS' && protocol !== 'PROMETHEUS' && refersToCertificates(patch)) {
    throw validationFailure(`Certificate container references are not allowed on ${protocol} protocol listeners.`);
  }
  checkInsertHeaders(patch.insertHeaders, protocol);
  checkCiphers(patch.tlsCiphers, settings);
  if (patch.alpnProtocols) checkAlpn(patch.alpnProtocols);
  const versions = patched(patch.tlsVersions, listener.tlsVersions, settings.listenerTlsVersions);
  const before = listener;
  const changed: Listener = {
    ...changedRow(listener, patch, now),
    name: patched(patch.name, before.name, ''),
    description: patched(patch.description, before.description, ''),
    connectionLimit: patched(patch.connectionLimit, before.connectionLimit, connectionLimit.default),
    defaultPoolId: patched(patch.defaultPoolId, before.defaultPoolId, null),
    defaultTlsContainerRef: patched(patch.defaultTlsContainerRef, before.defaultTlsContainerRef, null),
    sniContainerRefs: patched(patch.sniContainerRefs, before.sniContainerRefs, []),
    insertHeaders: patched(patch.insertHeaders, before.insertHeaders, {}),
    timeoutClientData: patched(patch.timeoutClientData, before.timeoutClientData, settings.timeoutClientData),
    timeoutMemberConnect: patched(
      patch.timeoutMemberConnect,
      before.timeoutMemberConnect,
      settings.timeoutMemberConnect,
    ),
    timeoutMemberData: patched(patch.timeoutMemberData, before.timeoutMemberData, settings.timeoutMemberData),
    timeoutTcpInspect: patched(patch.timeoutTcpInspect, before.timeoutTcpInspect, settings.timeoutTcpInspect),
    clientCaTlsContainerRef: patched(patch.clientCaTlsContainerRef, before.clientCaTlsContainerRef, null),
    clientAuthentication: patched(patch.clientAuthentication, before.clientAuthentication, 'NONE'),
    clientCrlContainerRef: patched(patch.clientCrlContainerRef, before.clientCrlContainerRef, null),
    allowedCidrs: patched(patch.allowedCidrs, before.allowedCidrs, []),
    tlsCiphers: patched(patch.tlsCiphers, before.tlsCiphers, settings.listenerCiphers),
    tlsVersions:
      patch.tlsVersions === undefined ? before.tlsVersions : checkTlsVersions(versions, settings, 'listener'),
    alpnProtocols: patched(patch.alpnProtocols, before.alpnProtocols, settings.listenerAlpnProtocols),
    hstsMaxAge: patched(patch.hstsMaxAge, before.hstsMaxAge, null),
    hstsIncludeSubdomains: patched(patch.hstsIncludeSubdomains, before.hstsIncludeSubdomains, false),
    hstsPreload: patched(patch.hstsPreload, before.hstsPreload, false),
  };
  if (patch.defaultTlsContainerRef !== undefined || patch.sniContainerRefs !== undefined) {
    checkServesCertificate(changed, protocol === 'TERMINATED_HTTPS', protocol);
  }
  checkClientAuthentication(changed, patch.clientAuthentication);
  if (patch.allowedCidrs) checkCidrs(patch.allowedCidrs, loadBalancer);
  checkHsts(changed);
  return changed;
}

/** Behind the highest one of the load balancer (octavia/db/repositories.py, _find_next_peer_port). */
function nextPeerPort(others: readonly Listener[]): number {
  return Math.max(basePeerPort - 1, ...others.map(({ peerPort }) => peerPort ?? 0)) + 1;
}

/** No two listeners of a load balancer on one port of one transport. */
export function checkPortIsFree(
  listener: Pick<Listener, 'protocol' | 'protocolPort'>,
  others: readonly Listener[],
): void {
  const taken = others.find(
    (other) =>
      other.protocolPort === listener.protocolPort && transport(other.protocol) === transport(listener.protocol),
  );
  if (!taken) return;
  throw conflict(
    `Another Listener on this Load Balancer is already using protocol ${taken.protocol} and protocol_port ${taken.protocolPort}`,
  );
}

export const noChildren = (protocol: ListenerProtocol) =>
  invalidRequest(`Protocol ${protocol} listeners cannot have child objects.`);

const isDatagram = (protocol: ListenerProtocol) => protocol === 'UDP' || protocol === 'SCTP';
const transport = (protocol: ListenerProtocol) => (isDatagram(protocol) ? protocol : 'TCP');
const hasHeaders = (headers: object | null | undefined) => headers != null && Object.keys(headers).length > 0;

type Certificates = Pick<
  ListenerPatch,
  'defaultTlsContainerRef' | 'sniContainerRefs' | 'clientCaTlsContainerRef' | 'clientCrlContainerRef'
>;

/** To those who connect. */
const showsCertificates = (spec: Certificates) => Boolean(spec.defaultTlsContainerRef || spec.sniContainerRefs?.length);
const refersToCertificates = (spec: Certificates) => showsCertificates(spec) || Boolean(spec.clientCaTlsContainerRef);

function checkCertificates(spec: ListenerSpec, hasCertificates: boolean, settings: ApiSettings): void {
  const { protocol } = spec;
  if (isDatagram(protocol) && hasCertificates) {
    throw validationFailure(`${protocol} protocol listener does not support TLS.`);
  }
  const endsTls = protocol === 'TERMINATED_HTTPS' || (protocol === 'PROMETHEUS' && hasCertificates);
  const title = protocol === 'PROMETHEUS' ? 'PROMETHEUS with TLS' : protocol;
  if (endsTls && !settings.allowTlsTerminatedListeners) throw disabledOption('protocol', title);
  if (protocol === 'PROMETHEUS' && !settings.allowPrometheusListeners) throw disabledOption('protocol', protocol);
  if (!endsTls && hasCertificates) {
    throw validationFailure(`Certificate container references are not allowed on ${protocol} protocol listeners.`);
  }
  checkServesCertificate(spec, endsTls, title);
  checkClientAuthentication(spec, spec.clientAuthentication);
}

/** HAProxy can't end TLS with nothing to show. */
function checkServesCertificate(spec: Certificates, endsTls: boolean, title: string): void {
  if (showsCertificates(spec)) return;
  if (spec.clientCaTlsContainerRef) {
    throw validationFailure(
      'An SNI or default certificate container reference must be provided with a client CA container reference.',
    );
  }
  if (endsTls) {
    throw validationFailure(
      `An SNI or default certificate container reference must be provided for ${title} protocol listeners.`,
    );
  }
}

const lacksClientCa = (setting: string) =>
  validationFailure(`Client authentication setting ${setting} requires a client CA container reference.`);

/** @param wish what a request has for the mode; null, which goes back to NONE, needs an authority too. */
function checkClientAuthentication(spec: ListenerPatch, wish: ListenerPatch['clientAuthentication']): void {
  if (wish === null && !spec.clientCaTlsContainerRef) throw lacksClientCa('None');
  if ((spec.clientAuthentication ?? 'NONE') !== 'NONE' && !spec.clientCaTlsContainerRef) {
    throw lacksClientCa(String(spec.clientAuthentication));
  }
  if (spec.clientCrlContainerRef && !spec.clientCaTlsContainerRef) {
    throw validationFailure(
      'A client authentication CA reference is required to specify a client authentication revocation list.',
    );
  }
}

function checkInsertHeaders(
  headers: Readonly<Record<string, string>> | null | undefined,
  protocol: ListenerProtocol,
): void {
  if (!hasHeaders(headers)) return;
  if (protocol !== 'HTTP' && protocol !== 'TERMINATED_HTTPS') {
    throw invalidOption('insert-headers', `a ${protocol} protocol listener.`);
  }
  const names = Object.keys(headers ?? {});
  const tls: readonly string[] = insertableTlsHeaders;
  const plain: readonly string[] = insertableHeaders;
  const list = (of: readonly string[]) => `[${of.map((name) => `'${name}'`).join(', ')}]`;
  if (names.some((name) => !plain.includes(name) && !tls.includes(name))) {
    throw invalidOption(list(names), 'insert_headers');
  }
  const needTls = names.filter((name) => tls.includes(name));
  if (protocol === 'HTTP' && needTls.length > 0) throw invalidOption(list(needTls), `${protocol} protocol listener.`);
}

function checkCidrs(cidrs: readonly string[], loadBalancer: LoadBalancer): void {
  if (cidrs.length > 0 && loadBalancer.vipSgIds.length > 0) {
    throw validationFailure('Allowed CIDRs are not allowed when using custom VIP Security Groups.');
  }
  const addresses = [loadBalancer.vip, ...loadBalancer.additionalVips].map(({ address }) => address);
  for (const cidr of cidrs) {
    if (addresses.some((address) => isIPv6(address) === cidr.includes(':'))) continue;
    const vips = addresses.map((address) => `'${address}'`).join(', ');
    throw validationFailure(`CIDR ${cidr} IP version incompatible with all VIPs [${vips}] IP version.`);
  }
}

function checkHsts(listener: Listener): void {
  const { hstsMaxAge } = listener;
  if ((listener.hstsIncludeSubdomains || listener.hstsPreload) && hstsMaxAge === null) {
    throw validationFailure(
      'HSTS configuration options hsts_include_subdomains and hsts_preload only make sense if hsts_max_age is set as well.',
    );
  }
  if (hstsMaxAge !== null && listener.protocol !== 'TERMINATED_HTTPS') {
    throw validationFailure('The HSTS feature can only be used for listeners using the TERMINATED_HTTPS protocol.');
  }
}
