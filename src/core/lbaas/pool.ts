import {
  foreignLbAlgorithm,
  type LbAlgorithm,
  type ListenerProtocol,
  type Pool,
  type PoolProtocol,
  type SessionPersistence,
} from '../../model/load-balancer.ts';
import { providerCannot, validationFailure } from './api-errors.ts';
import { type CreationContext, changedRow, newRow, patched } from './creation-context.ts';
import type { AskedAlgorithm, PoolPatch, PoolSpec, SessionPersistenceSpec } from './spec.ts';
import { checkAlpn, checkCiphers, checkTlsVersions } from './tls.ts';

/** The pool alone; what stands in it is made by its own rules. */
export function makePool(
  context: CreationContext,
  spec: PoolSpec & { protocol: Pool['protocol']; lbAlgorithm: AskedAlgorithm },
  loadBalancer: { id: string; projectId: string; provider: string },
): Pool {
  const { settings } = context;
  if (spec.crlContainerRef && !spec.caTlsContainerRef) {
    throw validationFailure('A CA certificate reference is required to specify a revocation list.');
  }
  checkCiphers(spec.tlsCiphers, settings);
  const tls = spec.tlsEnabled ?? false;
  const versions = spec.tlsVersions ?? (tls ? settings.poolTlsVersions : []);
  const alpn = spec.alpnProtocols ?? (tls ? settings.poolAlpnProtocols : []);
  if (tls) checkAlpn(alpn);
  return {
    ...newRow(context, loadBalancer.projectId, spec),
    loadBalancerId: loadBalancer.id,
    name: spec.name ?? '',
    description: spec.description ?? '',
    protocol: spec.protocol,
    lbAlgorithm: ofProvider(spec.lbAlgorithm, loadBalancer.provider),
    sessionPersistence: spec.sessionPersistence ? newPersistence(spec.sessionPersistence, spec.protocol) : null,
    tlsEnabled: tls,
    tlsContainerRef: spec.tlsContainerRef ?? null,
    caTlsContainerRef: spec.caTlsContainerRef ?? null,
    crlContainerRef: spec.crlContainerRef ?? null,
    tlsCiphers: spec.tlsCiphers ?? (tls ? settings.poolCiphers : null),
    tlsVersions: tls || versions.length > 0 ? checkTlsVersions(versions, settings, 'pool') : [],
    alpnProtocols: [...alpn],
  };
}

export function changePool(pool: Pool, patch: PoolPatch, provider: string, { settings, now }: CreationContext): Pool {
  checkCiphers(patch.tlsCiphers, settings);
  if (patch.alpnProtocols) checkAlpn(patch.alpnProtocols);
  const versions = patched(patch.tlsVersions, pool.tlsVersions, settings.poolTlsVersions);
  const changed: Pool = {
    ...changedRow(pool, patch, now),
    name: patched(patch.name, pool.name, ''),
    description: patched(patch.description, pool.description, ''),
    lbAlgorithm: patch.lbAlgorithm ? ofProvider(patch.lbAlgorithm, provider) : pool.lbAlgorithm,
    sessionPersistence: changedPersistence(pool, patch.sessionPersistence),
    tlsEnabled: patched(patch.tlsEnabled, pool.tlsEnabled, false),
    tlsContainerRef: patched(patch.tlsContainerRef, pool.tlsContainerRef, null),
    caTlsContainerRef: patched(patch.caTlsContainerRef, pool.caTlsContainerRef, null),
    crlContainerRef: patched(patch.crlContainerRef, pool.crlContainerRef, null),
    tlsCiphers: patched(patch.tlsCiphers, pool.tlsCiphers, settings.poolCiphers),
    tlsVersions: patch.tlsVersions === undefined ? pool.tlsVersions : checkTlsVersions(versions, settings, 'pool'),
    alpnProtocols: patched(patch.alpnProtocols, pool.alpnProtocols, settings.poolAlpnProtocols),
  };
  if (changed.crlContainerRef && !changed.caTlsContainerRef) {
    throw validationFailure(
      pool.caTlsContainerRef
        ? 'A CA reference cannot be removed when a certificate revocation list is present.'
        : 'A CA reference is required to specify a certificate revocation list.',
    );
  }
  return changed;
}

/** HAProxy could do that one only if it were newer than that of many amphorae; Octavia's amphora provider refuses it. */
function ofProvider(algorithm: AskedAlgorithm, provider: string): LbAlgorithm {
  if (algorithm !== foreignLbAlgorithm) return algorithm;
  throw providerCannot(provider, `Amphora provider does not support ${algorithm} algorithm.`);
}

/** Which pools a listener can hand its connections to (octavia/common/constants.py). */
const poolProtocolsOf: Readonly<Record<ListenerProtocol, readonly PoolProtocol[]>> = {
  TCP: ['HTTP', 'HTTPS', 'PROXY', 'PROXYV2', 'TCP'],
  HTTP: ['HTTP', 'PROXY', 'PROXYV2'],
  HTTPS: ['HTTPS', 'PROXY', 'PROXYV2', 'TCP'],
  TERMINATED_HTTPS: ['HTTP', 'PROXY', 'PROXYV2'],
  UDP: ['UDP'],
  SCTP: ['SCTP'],
  PROMETHEUS: [],
};

export function checkProtocols(listener: ListenerProtocol, pool: PoolProtocol): void {
  if (poolProtocolsOf[listener].includes(pool)) return;
  throw validationFailure(`The pool protocol '${pool}' is invalid while the listener protocol is '${listener}'.`);
}

function changedPersistence(pool: Pool, wish: SessionPersistenceSpec | null | undefined): SessionPersistence | null {
  if (wish === undefined) return pool.sessionPersistence;
  return wish === null ? null : persistence(wish, pool.sessionPersistence, pool.protocol, 'UDP');
}

const newPersistence = (spec: SessionPersistenceSpec, protocol: PoolProtocol) =>
  persistence(spec, null, protocol, 'UDP and SCTP');

/** @param datagrams what Octavia's refusal calls the protocols that have timeouts, which is not the same for all requests. */
function persistence(
  spec: SessionPersistenceSpec,
  before: SessionPersistence | null,
  protocol: PoolProtocol,
  datagrams: string,
): SessionPersistence {
  const type = spec.type ?? before?.type;
  if (!type) throw validationFailure('Invalid session_persistence provided.');
  const cookieName = spec.cookieName ?? null;
  if (protocol === 'UDP' || protocol === 'SCTP') checkForDatagrams(type, cookieName);
  else if (spec.persistenceTimeout || spec.persistenceGranularity) {
    throw validationFailure(`persistence_timeout and persistence_granularity is only for ${datagrams} protocol pools.`);
  }
  checkCookie(type, cookieName);
  return {
    type,
    cookieName,
    persistenceTimeout: spec.persistenceTimeout ?? null,
    persistenceGranularity: spec.persistenceGranularity ?? null,
  };
}

function checkForDatagrams(type: SessionPersistence['type'], cookieName: string | null): void {
  if (type === 'SOURCE_IP' && cookieName) {
    throw validationFailure(
      'session_persistence SOURCE_IP type for UDP and SCTP protocols only accepts: type, persistence_timeout, ' +
        'persistence_granularity.',
    );
  }
  if (cookieName) throw validationFailure('Cookie names are not supported for UDP/SCTP pools.');
  if (type !== 'SOURCE_IP') {
    throw validationFailure(`Session persistence of type ${type} is not supported for UDP/SCTP protocol pools.`);
  }
}

/** Printable ASCII without the separators of RFC 2616. */
const cookieNamePattern = /^[!#$%&'*+\-.0-9A-Z^_`a-z|~]+$/;

function checkCookie(type: SessionPersistence['type'], cookieName: string | null): void {
  if (cookieName) {
    if (type !== 'APP_COOKIE') {
      throw validationFailure(
        'Field "cookie_name" can only be specified with session persistence of type "APP_COOKIE".',
      );
    }
    if (!cookieNamePattern.test(cookieName)) throw validationFailure('Supplied "cookie_name" is invalid.');
  } else if (type === 'APP_COOKIE') {
    throw validationFailure(
      'Field "cookie_name" must be specified when using the "APP_COOKIE" session persistence type.',
    );
  }
}
