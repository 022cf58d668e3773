import type { Member } from '../../../model/load-balancer.ts';
import { type Line, linesOf } from '../block.ts';
import { renderCheck } from './health-check.ts';
import type { PlannedListener } from './plan.ts';
import type { LvsSettings } from './settings.ts';

/** A member. The agent pairs these comments with the addresses, in the order in which both stand. */
export function renderRealServer(
  member: Member,
  { listener, monitor }: PlannedListener,
  settings: LvsSettings,
): Line[] {
  if (!member.adminStateUp) return [`# Member ${member.id} is disabled`];
  return [
    `# Configuration for Member ${member.id}`,
    {
      header: `real_server ${member.address} ${member.protocolPort}`,
      lines: linesOf(
        `weight ${member.weight}`,
        listener.connectionLimit > 0 && `uthreshold ${listener.connectionLimit}`,
        monitor && renderCheck(monitor, member, settings),
      ),
    },
  ];
}
