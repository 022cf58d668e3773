import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import { type PlannedListener, type PlannedPool, planListeners } from '../haproxy/plan.ts';

/** What a secret has to be: a certificate with its key, certificates of authorities, a revocation list. */
type SecretKind = 'certificate' | 'ca' | 'crl';

interface SecretHolders {
  listeners: PlannedListener[];
  pools: PlannedPool[];
}

export interface SecretReference {
  reference: string;
  holds: SecretKind;
}

/** What a load balancer's HAProxy refers to in the key manager, each once. Nothing of what is disabled or leaving. */
export function secretReferences(tree: LoadBalancerTree): SecretReference[] {
  return referencesOf(holdersOfSecrets(tree));
}

/** What these refer to, each once. */
export function referencesOf({ listeners = [], pools = [] }: Partial<SecretHolders>): SecretReference[] {
  const all = [
    ...listeners.flatMap(({ listener }) => [
      ...listenerCertificates(listener).map((reference) => ({ reference, holds: 'certificate' as const })),
      ...one('ca', listener.clientCaTlsContainerRef),
      ...one('crl', listener.clientCrlContainerRef),
    ]),
    ...pools.flatMap((pool) => [
      ...one('certificate', pool.tlsContainerRef),
      ...one('ca', pool.caTlsContainerRef),
      ...one('crl', pool.crlContainerRef),
    ]),
  ];
  return [...new Map(all.map((found) => [`${found.holds} ${found.reference}`, found])).values()];
}

/** The references of a listener's certificates: its own first, as clients without SNI get it; each once. */
export function listenerCertificates(listener: PlannedListener['listener']): string[] {
  const { defaultTlsContainerRef, sniContainerRefs } = listener;
  return [...new Set([defaultTlsContainerRef, ...sniContainerRefs].filter((reference) => reference !== null))];
}

/** Listeners that end TLS, and pools that speak TLS to their members. */
export function holdersOfSecrets(tree: LoadBalancerTree): SecretHolders {
  // The limit plays no part in what is looked for.
  const planned = planListeners(tree, { defaultConnectionLimit: 1 });
  const pools = planned.flatMap((listener) => listener.pools).filter(({ tlsEnabled }) => tlsEnabled);
  return {
    listeners: planned.filter(({ listener, mayEndTls }) => mayEndTls && listenerCertificates(listener).length > 0),
    pools: [...new Set(pools)],
  };
}

function one(holds: SecretKind, reference: string | null): SecretReference[] {
  return reference === null ? [] : [{ reference, holds }];
}
