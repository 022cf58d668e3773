import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { healthCases } from '../../../test/kit/health-cases.ts';
import { storedListener, storedLoadBalancer, storedMember, storedPool } from '../../../test/kit/stored-resources.ts';
import type { LoadBalancerTree, OperatingStatus } from '../../model/load-balancer.ts';
import type { Heartbeat } from '../heartbeat/message.ts';
import { deriveStatuses } from './derive-statuses.ts';

/**
 * Each rule of octavia/amphorae/drivers/health/heartbeat_udp.py (Octavia 11). test/openstack/health-octavia.test.ts
 * compares with the code itself.
 */

const counters = { bytesIn: 0, bytesOut: 0, activeConnections: 0, totalConnections: 0, requestErrors: 0 };

/** A listener that is OPEN, with a pool that is UP, with two members that are up. */
function aTree(over: {
  loadBalancer?: Partial<LoadBalancerTree['loadBalancer']>;
  listener?: Partial<LoadBalancerTree['listeners'][number]>;
  pool?: Partial<LoadBalancerTree['pools'][number]>;
  member?: Partial<LoadBalancerTree['pools'][number]['members'][number]>;
}): LoadBalancerTree {
  return {
    loadBalancer: storedLoadBalancer('lb', over.loadBalancer),
    listeners: [{ ...storedListener('li', 'lb', { defaultPoolId: 'po' }), l7Policies: [], ...over.listener }],
    pools: [
      {
        ...storedPool('po', 'lb'),
        members: [storedMember('me1', 'po', over.member), storedMember('me2', 'po')],
        healthMonitor: null,
        ...over.pool,
      },
    ],
  };
}

function aHeartbeat(
  over: {
    version?: number;
    listeners?: Record<string, string>;
    pools?: { poolId?: string; listenerId?: string | null; status?: string; members?: Record<string, string> }[];
  } = {},
): Heartbeat {
  const { version = 3, listeners = { li: 'OPEN' }, pools = [{}] } = over;
  return {
    amphoraId: 'a',
    sequence: 0,
    version,
    countersAreDeltas: version >= 3,
    listeners: new Map(Object.entries(listeners).map(([id, status]) => [id, { status, counters }])),
    pools: pools.map((pool) => ({
      poolId: 'po',
      listenerId: 'li',
      status: 'UP',
      ...pool,
      members: new Map(Object.entries(pool.members ?? { me1: 'UP', me2: 'UP' })),
    })),
  };
}

/** `{ lb: 'ERROR', … }`: what becomes another status. */
function changes(tree: LoadBalancerTree, heartbeat: Heartbeat): Record<string, OperatingStatus> {
  return Object.fromEntries(
    deriveStatuses(tree, heartbeat).changes.map(({ id, operatingStatus }) => [id, operatingStatus]),
  );
}

it('changes nothing where all is as it was', () => {
  expect(deriveStatuses(aTree({}), aHeartbeat())).toEqual({
    changes: [],
    healthy: true,
    listenersExpected: 1,
    unknown: [],
  });
});

describe('members', () => {
  it.each<[string, OperatingStatus]>([
    ['UP', 'ONLINE'],
    ['UP 1/3', 'ONLINE'],
    ['DRAIN', 'DRAINING'],
    ['MAINT', 'OFFLINE'],
    ['no check', 'NO_MONITOR'],
  ])('"%s" is %s, and the pool is as it was', (word, status) => {
    const tree = aTree({ member: { operatingStatus: 'ERROR' } });
    expect(changes(tree, aHeartbeat({ pools: [{ members: { me1: word, me2: 'UP' } }] }))).toEqual({ me1: status });
  });

  it.each(['DOWN', 'DOWN 1/2'])(
    '"%s" is ERROR; a pool that still works is DEGRADED, and so the load balancer',
    (word) => {
      const heartbeat = aHeartbeat({ pools: [{ members: { me1: word, me2: 'UP' } }] });
      expect(changes(aTree({}), heartbeat)).toEqual({ me1: 'ERROR', po: 'DEGRADED', lb: 'DEGRADED' });
    },
  );

  it('one that is not reported is OFFLINE', () => {
    expect(changes(aTree({}), aHeartbeat({ pools: [{ members: { me2: 'UP' } }] }))).toEqual({ me1: 'OFFLINE' });
  });

  it('one without a monitor that is not reported stays as it is', () => {
    const tree = aTree({ member: { operatingStatus: 'NO_MONITOR' } });
    expect(changes(tree, aHeartbeat({ pools: [{ members: { me2: 'UP' } }] }))).toEqual({});
  });

  it.each(['RESTARTING', 'up', 'constructor'])('"%s" says nothing; the status stays', (word) => {
    const tree = aTree({ member: { operatingStatus: 'ERROR' } });
    const judgement = deriveStatuses(tree, aHeartbeat({ pools: [{ members: { me1: word, me2: 'UP' } }] }));
    expect(judgement.changes).toEqual([]);
    expect(judgement.unknown).toEqual(word === 'RESTARTING' ? [] : [{ kind: 'member', id: 'me1' }]);
  });

  it('one that the load balancer does not have is nothing', () => {
    expect(changes(aTree({}), aHeartbeat({ pools: [{ members: { me1: 'UP', me2: 'UP', gone: 'DOWN' } }] }))).toEqual(
      {},
    );
  });
});

describe('pools', () => {
  it('"DOWN" is ERROR, and so is the load balancer', () => {
    const heartbeat = aHeartbeat({ pools: [{ status: 'DOWN', members: { me1: 'DOWN', me2: 'DOWN' } }] });
    expect(changes(aTree({}), heartbeat)).toEqual({ me1: 'ERROR', me2: 'ERROR', po: 'ERROR', lb: 'ERROR' });
  });

  it('one without members is UP: ONLINE', () => {
    const tree = aTree({ pool: { members: [], operatingStatus: 'OFFLINE' } });
    expect(changes(tree, aHeartbeat({ pools: [{ members: {} }] }))).toEqual({ po: 'ONLINE' });
  });

  it('one that is not reported, disabled or not in use, is OFFLINE; its members stay as they are', () => {
    expect(changes(aTree({}), aHeartbeat({ pools: [] }))).toEqual({ po: 'OFFLINE' });
  });

  it('in a word that nobody knows it stays as it is; its members are judged, and do not degrade it', () => {
    const heartbeat = aHeartbeat({ pools: [{ status: 'MAINT', members: { me1: 'DOWN', me2: 'UP' } }] });
    const judgement = deriveStatuses(aTree({}), heartbeat);
    expect(judgement.changes).toEqual([{ kind: 'member', id: 'me1', operatingStatus: 'ERROR' }]);
    expect(judgement.unknown).toEqual([{ kind: 'pool', id: 'po' }]);
  });

  it('that two listeners use: in the newest formats the last one counts', () => {
    const heartbeat = aHeartbeat({
      pools: [{ members: { me1: 'DOWN', me2: 'DOWN' } }, { listenerId: 'li2', members: { me1: 'UP', me2: 'UP' } }],
    });
    expect(changes(aTree({}), heartbeat)).toEqual({});
  });

  it('of UDP listeners stand alone', () => {
    const heartbeat = aHeartbeat({ pools: [{ listenerId: null, members: { me1: 'DOWN', me2: 'UP' } }] });
    expect(changes(aTree({ listener: { protocol: 'UDP' } }), heartbeat)).toMatchObject({ me1: 'ERROR' });
  });
});

describe('listeners', () => {
  it('"FULL" is DEGRADED, and so is the load balancer', () => {
    expect(changes(aTree({}), aHeartbeat({ listeners: { li: 'FULL' } }))).toEqual({ li: 'DEGRADED', lb: 'DEGRADED' });
  });

  it('in a word that nobody knows it stays as it is', () => {
    const judgement = deriveStatuses(aTree({}), aHeartbeat({ listeners: { li: 'CLOSED' } }));
    expect(judgement).toMatchObject({ changes: [], healthy: true, unknown: [{ kind: 'listener', id: 'li' }] });
  });

  it('one that is missing is ERROR, which the load balancer does not show; the heartbeat is no sign of health', () => {
    const judgement = deriveStatuses(aTree({}), aHeartbeat({ listeners: {} }));
    expect(judgement.changes).toEqual([{ kind: 'listener', id: 'li', operatingStatus: 'ERROR' }]);
    expect(judgement).toMatchObject({ healthy: false, listenersExpected: 1 });
  });

  it('one that is disabled, or in the middle of a change, is OFFLINE when it is missing: that is how it should be', () => {
    const disabled = deriveStatuses(aTree({ listener: { adminStateUp: false } }), aHeartbeat({ listeners: {} }));
    expect(disabled).toMatchObject({ changes: [{ id: 'li', operatingStatus: 'OFFLINE' }], healthy: true });
    const pending = aTree({ loadBalancer: { provisioningStatus: 'PENDING_UPDATE' } });
    expect(deriveStatuses(pending, aHeartbeat({ listeners: {} }))).toMatchObject({
      changes: [{ id: 'li', operatingStatus: 'OFFLINE' }],
      healthy: true,
    });
  });

  it('one too many is no sign of health', () => {
    expect(deriveStatuses(aTree({}), aHeartbeat({ listeners: { li: 'OPEN', gone: 'OPEN' } }))).toMatchObject({
      healthy: false,
      changes: [],
    });
  });
});

describe('load balancers', () => {
  it.each<OperatingStatus>(['OFFLINE', 'ERROR', 'DEGRADED'])('%s becomes ONLINE when all is well again', (was) => {
    expect(changes(aTree({ loadBalancer: { operatingStatus: was } }), aHeartbeat())).toEqual({ lb: 'ONLINE' });
  });

  it('one that is disabled is OFFLINE, however many listeners it tells of', () => {
    const tree = aTree({ loadBalancer: { adminStateUp: false } });
    const judgement = deriveStatuses(tree, aHeartbeat({ listeners: {}, pools: [] }));
    expect(judgement.healthy).toBe(true);
    expect(Object.fromEntries(judgement.changes.map(({ id, operatingStatus }) => [id, operatingStatus]))).toEqual({
      li: 'ERROR',
      po: 'OFFLINE',
      lb: 'OFFLINE',
    });
  });

  it('a pool that is DOWN outweighs a listener that is FULL, in whichever order', () => {
    const heartbeat = aHeartbeat({ listeners: { li: 'FULL' }, pools: [{ status: 'DOWN' }] });
    expect(changes(aTree({}), heartbeat)).toMatchObject({ lb: 'ERROR' });
  });
});

describe('older formats', () => {
  it.each([0, 1])('%s: pools stand in their listeners; the first that knows one counts', (version) => {
    const tree = aTree({});
    const second = { ...storedListener('li2', 'lb'), l7Policies: [] };
    const heartbeat = aHeartbeat({
      version,
      listeners: { li2: 'OPEN', li: 'OPEN' },
      pools: [{ listenerId: 'li2', status: 'DOWN' }, { listenerId: 'li' }],
    });
    expect(changes({ ...tree, listeners: [...tree.listeners, second] }, heartbeat)).toEqual({});
  });

  it('1: where no listener is reported, nothing is known of pools', () => {
    expect(changes(aTree({}), aHeartbeat({ version: 1, listeners: {}, pools: [] }))).toEqual({ li: 'ERROR' });
  });

  it.each([
    ['no pool', { listener: { protocol: 'UDP', defaultPoolId: null } } as const],
    ['a pool without members', { listener: { protocol: 'UDP' }, pool: { members: [] } } as const],
    [
      'a pool with disabled members',
      {
        listener: { protocol: 'UDP' },
        pool: { members: [storedMember('me1', 'po', { adminStateUp: false })] },
      } as const,
    ],
  ])('0: a UDP listener with %s is not expected', (_name, over) => {
    const silent = { listeners: {}, pools: [] };
    expect(deriveStatuses(aTree(over), aHeartbeat({ ...silent, version: 0 }))).toMatchObject({ listenersExpected: 0 });
    expect(deriveStatuses(aTree(over), aHeartbeat({ ...silent, version: 1 }))).toMatchObject({ listenersExpected: 1 });
  });
});

/** The tree with what a judgement changed. */
function changed(tree: LoadBalancerTree, heartbeat: Heartbeat): LoadBalancerTree {
  const now = changes(tree, heartbeat);
  const apply = <Row extends { id: string; operatingStatus: OperatingStatus }>(row: Row): Row => ({
    ...row,
    operatingStatus: now[row.id] ?? row.operatingStatus,
  });
  return {
    loadBalancer: apply(tree.loadBalancer),
    listeners: tree.listeners.map(apply),
    pools: tree.pools.map((pool) => ({ ...apply(pool), members: pool.members.map(apply) })),
  };
}

describe('whatever comes', () => {
  it('the same heartbeat again changes nothing more', () => {
    fc.assert(
      fc.property(healthCases, ({ tree, heartbeat }) => {
        expect(changes(changed(tree, heartbeat), heartbeat)).toEqual({});
      }),
    );
  });

  it('only what is in the tree changes, each once, and to another status', () => {
    fc.assert(
      fc.property(healthCases, ({ tree, heartbeat }) => {
        const rows = [
          tree.loadBalancer,
          ...tree.listeners,
          ...tree.pools,
          ...tree.pools.flatMap(({ members }) => members),
        ];
        const { changes: made } = deriveStatuses(tree, heartbeat);
        expect(new Set(made.map(({ id }) => id)).size).toBe(made.length);
        for (const { id, operatingStatus } of made) {
          const row = rows.find((one) => one.id === id);
          expect(row).toBeDefined();
          expect(row?.operatingStatus).not.toBe(operatingStatus);
        }
      }),
    );
  });

  it('a load balancer is as bad as the worst that is reported of it', () => {
    fc.assert(
      fc.property(healthCases, ({ tree, heartbeat }) => {
        const after = changed(tree, heartbeat);
        const reported = new Set(heartbeat.pools.map(({ poolId }) => poolId));
        const pools = after.pools.filter(({ id }) => reported.has(id));
        fc.pre(heartbeat.version >= 2 && deriveStatuses(tree, heartbeat).unknown.length === 0);
        const { operatingStatus, adminStateUp } = after.loadBalancer;
        if (pools.some((pool) => pool.operatingStatus === 'ERROR')) expect(operatingStatus).toBe('ERROR');
        else if (!adminStateUp) expect(operatingStatus).toBe('OFFLINE');
        else {
          const isDegraded = [...pools, ...after.listeners].some((row) => row.operatingStatus === 'DEGRADED');
          expect(operatingStatus).toBe(isDegraded ? 'DEGRADED' : 'ONLINE');
        }
      }),
    );
  });

  it('a load balancer whose other amphora does not serve is DEGRADED, if it is not worse', () => {
    const alone = (over: Parameters<typeof aTree>[0], heartbeat = aHeartbeat()) =>
      deriveStatuses(aTree(over), heartbeat, { lacksPartner: true }).changes.filter(
        ({ kind }) => kind === 'loadbalancer',
      );
    const is = (operatingStatus: OperatingStatus) => ({ loadBalancer: { operatingStatus } });
    expect(alone(is('ONLINE'))).toEqual([{ kind: 'loadbalancer', id: 'lb', operatingStatus: 'DEGRADED' }]);
    expect(alone(is('DEGRADED'))).toEqual([]);
    expect(alone(is('ONLINE'), aHeartbeat({ pools: [{ status: 'DOWN' }] }))).toMatchObject([
      { operatingStatus: 'ERROR' },
    ]);
    expect(alone({ loadBalancer: { operatingStatus: 'OFFLINE', adminStateUp: false } })).toEqual([]);
  });
});
