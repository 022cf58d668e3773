import fc from 'fast-check';
import type { Heartbeat } from '../../src/core/heartbeat/message.ts';
import { type LoadBalancerTree, operatingStatuses, provisioningStatuses } from '../../src/model/load-balancer.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from './stored-resources.ts';

/** A load balancer with a heartbeat that may be its amphora's, or tell of less, of more, and in unknown words. */
export interface HealthCase {
  tree: LoadBalancerTree;
  heartbeat: Heartbeat;
}

const noCounters = { bytesIn: 0, bytesOut: 0, activeConnections: 0, totalConnections: 0, requestErrors: 0 };
const mostly = <Value>(likely: Value, unlikely: Value) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(likely) }, { weight: 1, arbitrary: fc.constant(unlikely) });
const enabled = mostly(true, false);
const resource = fc.record({ adminStateUp: enabled, operatingStatus: fc.constantFrom(...operatingStatuses) });
const someOf = (ids: readonly string[]) => fc.subarray([...ids, 'unheard-of']);

/** Words that are sent, and some that are not. */
const listenerWords = fc.constantFrom('OPEN', 'OPEN', 'FULL', 'CLOSED');
const poolWords = fc.constantFrom('UP', 'UP', 'DOWN', 'MAINT');
const memberWords = fc.constantFrom(
  'UP',
  'UP 1/3',
  'DOWN',
  'DOWN 1/2',
  'DRAIN',
  'MAINT',
  'no check',
  'RESTARTING',
  'up',
);

const trees: fc.Arbitrary<LoadBalancerTree> = fc
  .record({
    loadBalancer: resource,
    provisioningStatus: fc.constantFrom('ACTIVE' as const, ...provisioningStatuses.filter((one) => one !== 'DELETED')),
    listeners: fc.array(fc.record({ resource, udp: fc.boolean(), pool: fc.option(fc.nat({ max: 2 })) }), {
      maxLength: 3,
    }),
    pools: fc.array(fc.record({ resource, members: fc.array(resource, { maxLength: 3 }) }), { maxLength: 3 }),
  })
  .map(({ loadBalancer, provisioningStatus, listeners, pools }) => ({
    loadBalancer: storedLoadBalancer('lb', { ...loadBalancer, provisioningStatus }),
    listeners: listeners.map(({ resource: fields, udp, pool }, n) => ({
      ...storedListener(`li${n}`, 'lb', {
        ...fields,
        protocol: udp ? 'UDP' : 'HTTP',
        defaultPoolId: pool !== null && pool < pools.length ? `po${pool}` : null,
      }),
      l7Policies: [],
    })),
    pools: pools.map(({ resource: fields, members }, n) => ({
      ...storedPool(`po${n}`, 'lb', fields),
      members: members.map((member, m) => storedMember(`me${n}-${m}`, `po${n}`, member)),
      healthMonitor: null,
    })),
  }));

function heartbeatsOf({ listeners, pools }: LoadBalancerTree): fc.Arbitrary<Heartbeat> {
  const listenerIds = listeners.map(({ id }) => id);
  const poolStates = someOf(pools.map(({ id }) => id)).chain((ids) =>
    fc.tuple(
      ...ids.map((poolId) => {
        const members = pools.find(({ id }) => id === poolId)?.members ?? [];
        return fc.record({
          poolId: fc.constant(poolId),
          listenerIds: fc.subarray(listenerIds),
          status: poolWords,
          members: someOf(members.map(({ id }) => id)).chain((reported) =>
            fc.tuple(...reported.map((id) => memberWords.map((word): [string, string] => [id, word]))),
          ),
        });
      }),
    ),
  );
  return fc
    .record({
      version: fc.constantFrom(0, 1, 2, 3, 3),
      reported: fc.oneof(
        fc.constant(listeners.filter((one) => one.adminStateUp).map(({ id }) => id)),
        someOf(listenerIds),
      ),
      words: fc.array(listenerWords, { minLength: 4, maxLength: 4 }),
      pools: poolStates,
    })
    .map(({ version, reported, words, pools: states }) => ({
      amphoraId: 'a',
      sequence: 0,
      version,
      countersAreDeltas: version >= 3,
      listeners: new Map(reported.map((id, n) => [id, { status: words[n] ?? 'OPEN', counters: noCounters }])),
      pools: states.flatMap(({ listenerIds: users, members, ...state }) => {
        // In the old formats a pool stands in a listener that is reported; later it may stand alone.
        const standsIn = version >= 2 ? [null, ...users] : users.filter((id) => reported.includes(id));
        return standsIn.map((listenerId) => ({ ...state, listenerId, members: new Map(members) }));
      }),
    }));
}

export const healthCases: fc.Arbitrary<HealthCase> = trees.chain((tree) =>
  heartbeatsOf(tree).map((heartbeat) => ({ tree, heartbeat })),
);
