import type { FlowName } from '../../src/model/flow-name.ts';
import type { LoadBalancerHarness } from './load-balancers.ts';

/** A change inside a load balancer: the flow that carries it out, and how it is asked for. */
interface LoadBalancerChange {
  flow: FlowName;
  ask(loadBalancerId: string): Promise<unknown>;
}

/**
 * Every kind of change inside load balancers, in an order in which each can be made in a new one; after the last nothing is
 * left in it. Members listen on 127.0.0.1 and 127.0.0.2.
 */
export function loadBalancerChanges(
  harness: () => Pick<LoadBalancerHarness, 'call'>,
  memberPort: () => number,
): LoadBalancerChange[] {
  /** What stands in each load balancer by now, by kind. */
  const made: Record<string, Map<string, string>> = {};
  const idIn = (kind: string, loadBalancerId: string) => made[kind]?.get(loadBalancerId) ?? '';

  const create = (
    flow: FlowName,
    kind: string,
    path: (id: string) => string,
    body: (id: string) => object,
  ): LoadBalancerChange => ({
    flow,
    async ask(id) {
      const answer = await harness().call('POST', path(id), { [kind]: body(id) });
      made[kind] ??= new Map();
      made[kind].set(id, answer[kind].id);
    },
  });
  const update = (flow: FlowName, kind: string, path: (id: string) => string, body: object): LoadBalancerChange => ({
    flow,
    ask: (id) => harness().call('PUT', path(id), { [kind]: body }),
  });
  const remove = (flow: FlowName, path: (id: string) => string): LoadBalancerChange => ({
    flow,
    ask: (id) => harness().call('DELETE', path(id)),
  });
  const paths = {
    listener: (id: string) => `/listeners/${idIn('listener', id)}`,
    pool: (id: string) => `/pools/${idIn('pool', id)}`,
    members: (id: string) => `/pools/${idIn('pool', id)}/members`,
    member: (id: string) => `/pools/${idIn('pool', id)}/members/${idIn('member', id)}`,
    monitor: (id: string) => `/healthmonitors/${idIn('healthmonitor', id)}`,
    policy: (id: string) => `/l7policies/${idIn('l7policy', id)}`,
    rules: (id: string) => `/l7policies/${idIn('l7policy', id)}/rules`,
    rule: (id: string) => `/l7policies/${idIn('l7policy', id)}/rules/${idIn('rule', id)}`,
  };
  return [
    create(
      'create-listener',
      'listener',
      () => '/listeners',
      (id) => ({
        loadbalancer_id: id,
        protocol: 'HTTP',
        protocol_port: 8080,
      }),
    ),
    update('update-listener', 'listener', paths.listener, { connection_limit: 100 }),
    create(
      'create-pool',
      'pool',
      () => '/pools',
      (id) => ({
        listener_id: idIn('listener', id),
        protocol: 'HTTP',
        lb_algorithm: 'ROUND_ROBIN',
      }),
    ),
    update('update-pool', 'pool', paths.pool, { lb_algorithm: 'LEAST_CONNECTIONS' }),
    create('create-member', 'member', paths.members, () => ({ address: '127.0.0.1', protocol_port: memberPort() })),
    update('update-member', 'member', paths.member, { weight: 7 }),
    {
      flow: 'update-members',
      ask: (id) =>
        harness().call('PUT', paths.members(id), {
          members: [
            { address: '127.0.0.1', protocol_port: memberPort(), weight: 3 },
            { address: '127.0.0.2', protocol_port: memberPort() },
          ],
        }),
    },
    create(
      'create-health-monitor',
      'healthmonitor',
      () => '/healthmonitors',
      (id) => ({
        pool_id: idIn('pool', id),
        type: 'TCP',
        delay: 5,
        timeout: 2,
        max_retries: 2,
      }),
    ),
    update('update-health-monitor', 'healthmonitor', paths.monitor, { delay: 6 }),
    create(
      'create-l7-policy',
      'l7policy',
      () => '/l7policies',
      (id) => ({
        listener_id: idIn('listener', id),
        action: 'REJECT',
      }),
    ),
    update('update-l7-policy', 'l7policy', paths.policy, { name: 'other' }),
    create('create-l7-rule', 'rule', paths.rules, () => ({ type: 'PATH', compare_type: 'EQUAL_TO', value: '/no' })),
    update('update-l7-rule', 'rule', paths.rule, { value: '/never' }),
    update('update-load-balancer', 'loadbalancer', (id) => `/loadbalancers/${id}`, { name: 'renamed' }),
    remove('delete-l7-rule', paths.rule),
    remove('delete-l7-policy', paths.policy),
    remove('delete-health-monitor', paths.monitor),
    remove('delete-member', paths.member),
    remove('delete-pool', paths.pool),
    remove('delete-listener', paths.listener),
  ];
}
