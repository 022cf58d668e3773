import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deriveStatuses } from '../../src/core/health/derive-statuses.ts';
import { type HealthCase, healthCases } from '../kit/health-cases.ts';

/** Heartbeats of every kind, judged by the health manager of the real Octavia (Debian: python3-octavia) as well. */

const python = '/usr/bin/python3';
const isInstalled =
  spawnSync(python, ['-c', 'import octavia.amphorae.drivers.health.heartbeat_udp'], { stdio: 'ignore' }).status === 0;

it.runIf(isInstalled)('decides as Octavia does', { timeout: 120_000 }, () => {
  const cases = fc.sample(healthCases, 3_000).filter(isFollowed);
  expect(cases.length).toBeGreaterThan(2_000);
  const { status, stdout, stderr } = spawnSync(python, [join(import.meta.dirname, 'health-octavia.py')], {
    input: JSON.stringify(cases.map(forOctavia)),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  expect(status, stderr).toBe(0);
  const theirs: unknown[] = JSON.parse(stdout);
  const ours = cases.map(({ tree, heartbeat }) => {
    const { changes, healthy } = deriveStatuses(tree, heartbeat);
    return { changes: Object.fromEntries(changes.map(({ id, operatingStatus }) => [id, operatingStatus])), healthy };
  });
  for (const [n, judgement] of ours.entries()) expect(judgement, JSON.stringify(cases[n])).toEqual(theirs[n]);
});

/**
 * Of heartbeats of the first format Octavia takes a UDP listener that tells nothing off the number that it expects, also
 * when it is disabled, and so was not counted in the first place. That is not followed.
 */
function isFollowed({ tree, heartbeat }: HealthCase): boolean {
  return (
    heartbeat.version > 0 || tree.listeners.every(({ protocol, adminStateUp }) => protocol !== 'UDP' || adminStateUp)
  );
}

/** As get_lb_for_health_update (octavia/db/repositories.py) reads it, and the message as it comes off the wire. */
function forOctavia({ tree: { loadBalancer, listeners, pools }, heartbeat }: HealthCase) {
  const byId = <Row extends { id: string }, Value>(rows: readonly Row[], value: (row: Row) => Value) =>
    Object.fromEntries(rows.map((row) => [row.id, value(row)]));
  const poolsTold = heartbeat.pools.map((pool) => ({
    ...pool,
    message: { status: pool.status, members: Object.fromEntries(pool.members) },
  }));
  const inListeners = heartbeat.version < 2;
  return {
    loadBalancer: {
      id: loadBalancer.id,
      enabled: loadBalancer.adminStateUp,
      provisioning_status: loadBalancer.provisioningStatus,
      operating_status: loadBalancer.operatingStatus,
      listeners: byId(listeners, ({ adminStateUp, operatingStatus, protocol }) => ({
        enabled: adminStateUp,
        operating_status: operatingStatus,
        protocol,
      })),
      pools: byId(pools, ({ operatingStatus, members }) => ({
        operating_status: operatingStatus,
        members: byId(members, (member) => ({ operating_status: member.operatingStatus })),
      })),
    },
    udpListeners: byId(listeners, ({ defaultPoolId }) => {
      const pool = pools.find(({ id }) => id === defaultPoolId);
      return { default_pool: pool ? { members: pool.members.map((one) => ({ enabled: one.adminStateUp })) } : null };
    }),
    health: {
      id: heartbeat.amphoraId,
      ...(heartbeat.version > 0 && { ver: heartbeat.version }),
      listeners: Object.fromEntries(
        [...heartbeat.listeners].map(([id, { status }]) => [
          id,
          {
            status,
            ...(inListeners && {
              pools: Object.fromEntries(
                poolsTold.filter(({ listenerId }) => listenerId === id).map(({ poolId, message }) => [poolId, message]),
              ),
            }),
          },
        ]),
      ),
      ...(!inListeners && {
        pools: Object.fromEntries(
          poolsTold.map(({ poolId, listenerId, message }) => [
            listenerId === null ? poolId : `${poolId}:${listenerId}`,
            message,
          ]),
        ),
      }),
    },
  };
}
