import type { Static } from 'typebox';
import type { Listener, LoadBalancerTree } from '../../../model/load-balancer.ts';
import type { RelatedIds } from '../../../ports/load-balancer-store.ts';
import type { listenerFullView, listenerView } from '../schemas/listener.ts';
import { ids, orNull, wireTime, wireTimeOrNull } from './common.ts';
import { l7PolicyToFullWire } from './l7-policy.ts';

export function listenerToWire(listener: Listener, related: RelatedIds): Static<typeof listenerView> {
  return {
    ...head(listener),
    l7policies: ids(related.l7PolicyIds),
    ...middle(listener),
    loadbalancers: ids([listener.loadBalancerId]),
    ...tail(listener),
  };
}

export function listenerToFullWire(listener: LoadBalancerTree['listeners'][number]): Static<typeof listenerFullView> {
  return {
    l7policies: listener.l7Policies.map(l7PolicyToFullWire),
    ...head(listener),
    ...middle(listener),
    ...tail(listener),
  };
}

const head = (listener: Listener) => ({
  id: listener.id,
  name: listener.name,
  description: listener.description,
  provisioning_status: listener.provisioningStatus,
  operating_status: listener.operatingStatus,
  admin_state_up: listener.adminStateUp,
  protocol: listener.protocol,
  protocol_port: listener.protocolPort,
  connection_limit: listener.connectionLimit,
  default_tls_container_ref: listener.defaultTlsContainerRef,
  sni_container_refs: [...listener.sniContainerRefs].sort(),
  project_id: listener.projectId,
  default_pool_id: listener.defaultPoolId,
});

const middle = (listener: Listener) => ({
  insert_headers: { ...listener.insertHeaders },
  created_at: wireTime(listener.createdAt),
  updated_at: wireTimeOrNull(listener.updatedAt),
});

const tail = (listener: Listener) => ({
  timeout_client_data: listener.timeoutClientData,
  timeout_member_connect: listener.timeoutMemberConnect,
  timeout_member_data: listener.timeoutMemberData,
  timeout_tcp_inspect: listener.timeoutTcpInspect,
  tags: [...listener.tags],
  client_ca_tls_container_ref: listener.clientCaTlsContainerRef,
  client_authentication: listener.clientAuthentication,
  client_crl_container_ref: listener.clientCrlContainerRef,
  allowed_cidrs: orNull(listener.allowedCidrs),
  tls_ciphers: listener.tlsCiphers,
  tls_versions: orNull(listener.tlsVersions),
  alpn_protocols: orNull(listener.alpnProtocols),
  hsts_max_age: listener.hstsMaxAge,
  hsts_include_subdomains: listener.hstsIncludeSubdomains,
  hsts_preload: listener.hstsPreload,
  tenant_id: listener.projectId,
});
