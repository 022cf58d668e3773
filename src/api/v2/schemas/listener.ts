import { Type } from 'typebox';
import * as limits from '../../../core/lbaas/limits.ts';
import { listenerProtocols } from '../../../model/load-balancer.ts';
import {
  alpnProtocol,
  body,
  choice,
  cidr,
  closed,
  common,
  flag,
  idOnly,
  integer,
  list,
  nullable,
  one,
  optional,
  parent,
  secretReference,
  tags,
  text,
  uuid,
} from './fields.ts';
import { l7PolicyFullView, l7PolicyInListener } from './l7-policy.ts';
import { poolInTree } from './pool.ts';

const timeout = () => optional(integer(limits.timeoutMs));

const free = {
  name: optional(text()),
  description: optional(text()),
  admin_state_up: optional(flag()),
  connection_limit: optional(integer({ minimum: limits.connectionLimit.minimum })),
  default_tls_container_ref: optional(secretReference()),
  sni_container_refs: optional(list(secretReference())),
  default_pool_id: optional(uuid()),
  insert_headers: optional(Type.Record(Type.String(), text())),
  timeout_client_data: timeout(),
  timeout_member_connect: timeout(),
  timeout_member_data: timeout(),
  timeout_tcp_inspect: timeout(),
  tags: optional(tags()),
  client_ca_tls_container_ref: optional(secretReference()),
  client_authentication: optional(choice(limits.clientAuthenticationModes)),
  client_crl_container_ref: optional(secretReference()),
  allowed_cidrs: optional(list(cidr())),
  tls_ciphers: optional(text(2048)),
  tls_versions: optional(list(text(32))),
  alpn_protocols: optional(list(alpnProtocol())),
  hsts_max_age: optional(integer({ minimum: 0 })),
  hsts_include_subdomains: optional(flag()),
  hsts_preload: optional(flag()),
};
const create = {
  ...free,
  protocol: choice(listenerProtocols),
  protocol_port: integer(limits.port),
  default_pool: optional(poolInTree),
  l7policies: optional(list(l7PolicyInListener)),
};

/** Inside a load balancer that is created whole. */
export const listenerInTree = closed(create);

const listener = closed({
  ...create,
  loadbalancer_id: parent(),
  project_id: optional(text(36)),
  tenant_id: optional(text(36)),
});
export const listenerCreateBody = body('listener_', 'listener', listener);

const listenerUpdate = closed(free);
export const listenerUpdateBody = body('listener_', 'listener', listenerUpdate);

const shared = {
  ...common(),
  name: Type.String(),
  description: Type.String(),
  protocol: Type.String(),
  protocol_port: Type.Integer(),
  connection_limit: Type.Integer(),
  default_tls_container_ref: nullable(Type.String()),
  sni_container_refs: list(Type.String()),
  default_pool_id: nullable(Type.String()),
  insert_headers: Type.Record(Type.String(), Type.String()),
  timeout_client_data: Type.Integer(),
  timeout_member_connect: Type.Integer(),
  timeout_member_data: Type.Integer(),
  timeout_tcp_inspect: Type.Integer(),
  client_ca_tls_container_ref: nullable(Type.String()),
  client_authentication: Type.String(),
  client_crl_container_ref: nullable(Type.String()),
  allowed_cidrs: nullable(list(Type.String())),
  tls_ciphers: nullable(Type.String()),
  tls_versions: nullable(list(Type.String())),
  alpn_protocols: nullable(list(Type.String())),
  hsts_max_age: nullable(Type.Integer()),
  hsts_include_subdomains: flag(),
  hsts_preload: flag(),
};
export const listenerView = Type.Object({
  ...shared,
  l7policies: list(idOnly()),
  loadbalancers: list(idOnly()),
});
export const listenerFullView = Type.Object({ ...shared, l7policies: list(l7PolicyFullView) });
export const listenerAnswer = one('listener', listenerView);
