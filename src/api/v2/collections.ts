import type { TSchema } from 'typebox';
import type { ResourceKind, Resources } from '../../model/load-balancer.ts';
import type { RelatedIds } from '../../ports/load-balancer-store.ts';
import { healthMonitorView } from './schemas/health-monitor.ts';
import { l7PolicyView } from './schemas/l7-policy.ts';
import { l7RuleView } from './schemas/l7-rule.ts';
import { listenerView } from './schemas/listener.ts';
import { loadBalancerView } from './schemas/load-balancer.ts';
import { memberView } from './schemas/member.ts';
import { poolView } from './schemas/pool.ts';
import { healthMonitorToWire } from './wire/health-monitor.ts';
import { l7PolicyToWire } from './wire/l7-policy.ts';
import { l7RuleToWire } from './wire/l7-rule.ts';
import { listenerToWire } from './wire/listener.ts';
import { loadBalancerToWire } from './wire/load-balancer.ts';
import { memberToWire } from './wire/member.ts';
import { poolToWire } from './wire/pool.ts';

/** How a kind appears in the API: its keys in answers, its fields. */
export interface Representation<Kind extends ResourceKind> {
  /** Key of one, and of many, in answers. */
  one: string;
  many: string;
  view: TSchema;
  toWire(row: Resources[Kind], related: RelatedIds): Record<string, unknown>;
}

export const representations: { readonly [Kind in ResourceKind]: Representation<Kind> } = {
  loadbalancer: { one: 'loadbalancer', many: 'loadbalancers', view: loadBalancerView, toWire: loadBalancerToWire },
  listener: { one: 'listener', many: 'listeners', view: listenerView, toWire: listenerToWire },
  pool: { one: 'pool', many: 'pools', view: poolView, toWire: poolToWire },
  member: { one: 'member', many: 'members', view: memberView, toWire: memberToWire },
  healthmonitor: {
    one: 'healthmonitor',
    many: 'healthmonitors',
    view: healthMonitorView,
    toWire: (row) => healthMonitorToWire(row),
  },
  l7policy: { one: 'l7policy', many: 'l7policies', view: l7PolicyView, toWire: l7PolicyToWire },
  l7rule: { one: 'rule', many: 'rules', view: l7RuleView, toWire: l7RuleToWire },
};
