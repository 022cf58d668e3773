import type { Member } from '../../model/load-balancer.ts';
import { weight } from './limits.ts';
import { changedRow, type Making, newRow, patched } from './making.ts';
import { conflict, invalidOption, invalidRequest } from './refusals.ts';
import type { MemberPatch, MemberSpec } from './spec.ts';

/** @param monitored whether the pool has a health monitor, which decides what the member's state is at first. */
export function makeMember(
  making: Making,
  spec: MemberSpec,
  pool: { id: string; projectId: string; monitored: boolean },
): Member {
  if (making.settings.reservedAddresses.includes(spec.address.toUpperCase())) {
    throw invalidOption(spec.address, 'member address');
  }
  if (spec.requestSriov) throw invalidRequest('The load balancer flavor does not allow SR-IOV member ports.');
  return {
    ...newRow(making, pool.projectId, spec),
    operatingStatus: pool.monitored ? 'OFFLINE' : 'NO_MONITOR',
    poolId: pool.id,
    name: spec.name ?? '',
    address: spec.address,
    protocolPort: spec.protocolPort,
    weight: spec.weight ?? weight.default,
    backup: spec.backup ?? false,
    subnetId: spec.subnetId ?? null,
    monitorAddress: spec.monitorAddress ?? null,
    monitorPort: spec.monitorPort ?? null,
  };
}

export function changeMember(member: Member, patch: MemberPatch, now: string): Member {
  return {
    ...changedRow(member, patch, now),
    name: patched(patch.name, member.name, ''),
    weight: patched(patch.weight, member.weight, weight.default),
    backup: patched(patch.backup, member.backup, false),
    monitorAddress: patched(patch.monitorAddress, member.monitorAddress, null),
    monitorPort: patched(patch.monitorPort, member.monitorPort, null),
  };
}

/** Two members of a pool differ in address or port. */
export function checkNotDuplicate(member: Pick<Member, 'address' | 'protocolPort'>, others: readonly Member[]): void {
  if (!others.some((other) => sameEndpoint(other, member))) return;
  throw conflict(
    `Another member on this pool is already using ip ${member.address} on protocol_port ${member.protocolPort}`,
  );
}

export function sameEndpoint(
  one: Pick<Member, 'address' | 'protocolPort'>,
  other: Pick<Member, 'address' | 'protocolPort'>,
): boolean {
  return one.address === other.address && one.protocolPort === other.protocolPort;
}
