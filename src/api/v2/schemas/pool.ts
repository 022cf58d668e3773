import { Type } from 'typebox';
import {
  foreignLbAlgorithm,
  lbAlgorithms,
  poolProtocols,
  sessionPersistenceTypes,
} from '../../../model/load-balancer.ts';
import {
  address,
  alpnProtocol,
  body,
  choice,
  closed,
  common,
  flag,
  idOnly,
  integer,
  list,
  nullable,
  one,
  optional,
  pattern,
  secretReference,
  tags,
  text,
  uuid,
} from './fields.ts';
import { healthMonitorInPool, healthMonitorView } from './health-monitor.ts';
import { memberInPool, memberView } from './member.ts';

const persistence = {
  cookie_name: optional(pattern('^[^\\s,;\\\\]+$', { maxLength: 255 })),
  persistence_timeout: optional(integer({ minimum: 0 })),
  persistence_granularity: optional(address()),
};
const sessionPersistence = closed({ type: choice(sessionPersistenceTypes), ...persistence });
const sessionPersistenceUpdate = closed({ type: optional(choice(sessionPersistenceTypes)), ...persistence });

const free = {
  name: optional(text()),
  description: optional(text()),
  admin_state_up: optional(flag()),
  tags: optional(tags()),
  tls_container_ref: optional(secretReference()),
  ca_tls_container_ref: optional(secretReference()),
  crl_container_ref: optional(secretReference()),
  tls_enabled: optional(flag()),
  tls_ciphers: optional(text(2048)),
  tls_versions: optional(list(text(32))),
  alpn_protocols: optional(list(alpnProtocol())),
};
const contents = {
  session_persistence: optional(sessionPersistence),
  healthmonitor: optional(healthMonitorInPool),
  members: optional(list(memberInPool)),
};

const askedAlgorithms = [...lbAlgorithms, foreignLbAlgorithm] as const;

/** Inside a load balancer or a listener that is created whole; with a name alone it refers to one that is spelled out. */
export const poolInTree = closed({
  ...free,
  ...contents,
  protocol: optional(choice(poolProtocols)),
  lb_algorithm: optional(choice(askedAlgorithms)),
});

const pool = closed({
  ...free,
  ...contents,
  listener_id: optional(uuid()),
  loadbalancer_id: optional(uuid()),
  protocol: choice(poolProtocols),
  lb_algorithm: choice(askedAlgorithms),
  project_id: optional(text(36)),
  tenant_id: optional(text(36)),
});
export const poolCreateBody = body('pool_', 'pool', pool);

const poolUpdate = closed({
  ...free,
  lb_algorithm: optional(choice(askedAlgorithms)),
  session_persistence: optional(sessionPersistenceUpdate),
});
export const poolUpdateBody = body('pool_', 'pool', poolUpdate);

const shared = {
  ...common(),
  name: Type.String(),
  description: Type.String(),
  protocol: Type.String(),
  lb_algorithm: Type.String(),
  session_persistence: nullable(
    Type.Object({
      type: Type.String(),
      cookie_name: nullable(Type.String()),
      persistence_timeout: nullable(Type.Integer()),
      persistence_granularity: nullable(Type.String()),
    }),
  ),
  listeners: list(idOnly()),
  tls_container_ref: nullable(Type.String()),
  ca_tls_container_ref: nullable(Type.String()),
  crl_container_ref: nullable(Type.String()),
  tls_enabled: flag(),
  tls_ciphers: nullable(Type.String()),
  tls_versions: nullable(list(Type.String())),
  alpn_protocols: nullable(list(Type.String())),
};
export const poolView = Type.Object({
  ...shared,
  loadbalancers: list(idOnly()),
  healthmonitor_id: Type.Optional(Type.String()),
  members: list(idOnly()),
});
export const poolFullView = Type.Object({
  ...shared,
  members: list(memberView),
  healthmonitor: nullable(healthMonitorView),
});
export const poolAnswer = one('pool', poolView);
