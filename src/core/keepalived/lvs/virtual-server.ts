import type { HealthMonitor, LbAlgorithm } from '../../../model/load-balancer.ts';
import { type Block, type Line, linesOf } from '../block.ts';
import { renderPersistence } from './persistence.ts';
import { type Family, membersOf, type PlannedListener, type PlannedPool } from './plan.ts';
import { renderRealServer } from './real-server.ts';
import type { LvsSettings } from './settings.ts';

const schedulers: Record<LbAlgorithm, string> = {
  ROUND_ROBIN: 'wrr',
  LEAST_CONNECTIONS: 'lc',
  SOURCE_IP: 'sh',
};

/** For each family of VIPs a group with the addresses, and what is balanced behind it. */
export function renderVirtualServers(planned: PlannedListener, settings: LvsSettings): Block[] {
  const { pool, listener } = planned;
  if (!pool) return [];
  const served = servedFamilies(planned, pool);
  const unserved = planned.vips.map(({ family }) => family).filter((family) => !served.includes(family));
  return planned.vips
    .filter(({ family }) => served.includes(family))
    .flatMap(({ family, addresses }) => [
      {
        header: `virtual_server_group ipv${family}-group`,
        lines: addresses.map((address) => `${address} ${listener.protocolPort}`),
      },
      {
        header: `virtual_server group ipv${family}-group`,
        lines: linesOf(
          `lb_algo ${schedulers[pool.pool.lbAlgorithm]}`,
          'lb_kind NAT',
          `protocol ${listener.protocol}`,
          renderPersistence(pool.pool.sessionPersistence, family),
          planned.monitor && renderRhythm(planned.monitor),
          renderPool(planned, pool, family, settings),
          // All of them disabled: a word for the agent, which looks for it anywhere in the file.
          family === served.at(-1) && unserved.flatMap((other) => renderMembers(planned, pool, other, settings)),
        ),
      },
    ]);
}

/**
 * keepalived makes nothing of a virtual server without members. Where it makes something of the other family, Octavia's agent looks for
 * both, fails, and sends no more heartbeats: so a family without an enabled member is left out, unless that is all of them.
 */
function servedFamilies({ vips }: PlannedListener, pool: PlannedPool): Family[] {
  const families = vips.map(({ family }) => family);
  const served = families.filter((family) => membersOf(pool, family).some(({ adminStateUp }) => adminStateUp));
  return served.length > 0 && pool.pool.adminStateUp ? served : families;
}

/** How often members are checked, and how often a check has to fail. */
function renderRhythm({ delay, maxRetriesDown }: HealthMonitor): string[] {
  return [
    `delay_loop ${delay}`,
    `delay_before_retry ${delay}`,
    ...(maxRetriesDown > 0 ? [`retry ${maxRetriesDown}`] : []),
  ];
}

function renderPool(planned: PlannedListener, pool: PlannedPool, family: Family, settings: LvsSettings) {
  const { id, adminStateUp } = pool.pool;
  return linesOf(
    adminStateUp ? `# Configuration for Pool ${id}` : `# Pool ${id} is disabled`,
    planned.monitor && `# Configuration for HealthMonitor ${planned.monitor.id}`,
    renderMembers(planned, pool, family, settings),
  );
}

function renderMembers(planned: PlannedListener, pool: PlannedPool, family: Family, settings: LvsSettings): Line[] {
  if (!pool.pool.adminStateUp) return [];
  return membersOf(pool, family).flatMap((member) => renderRealServer(member, planned, settings));
}
