import type { Member } from '../../model/load-balancer.ts';
import { canonicalAddress, translatedAddress } from '../network/address.ts';
import { conflict, invalidOption, invalidRequest } from './api-errors.ts';
import { type CreationContext, changedRow, newRow, patched } from './creation-context.ts';
import { weight as weights } from './limits.ts';
import type { ApiSettings } from './settings.ts';
import type { MemberPatch, MemberSpec } from './spec.ts';

/** @param monitored whether the pool has a health monitor, which decides what the member's state is at first. */
export function makeMember(
  context: CreationContext,
  spec: MemberSpec,
  pool: { id: string; projectId: string; monitored: boolean },
): Member {
  checkNotReserved(spec.address, 'member address', context.settings);
  checkNotReserved(spec.monitorAddress, 'member monitor_address', context.settings);
  if (spec.requestSriov) throw invalidRequest('The load balancer flavor does not allow SR-IOV member ports.');
  return {
    ...newRow(context, pool.projectId, spec),
    operatingStatus: pool.monitored ? 'OFFLINE' : 'NO_MONITOR',
    poolId: pool.id,
    name: spec.name ?? '',
    address: spec.address,
    protocolPort: spec.protocolPort,
    weight: spec.weight ?? weights.default,
    backup: spec.backup ?? false,
    subnetId: spec.subnetId ?? null,
    monitorAddress: spec.monitorAddress ?? null,
    monitorPort: spec.monitorPort ?? null,
  };
}

export function changeMember(member: Member, patch: MemberPatch, { settings, now }: CreationContext): Member {
  checkNotReserved(patch.monitorAddress, 'member monitor_address', settings);
  return {
    ...changedRow(member, patch, now),
    name: patched(patch.name, member.name, ''),
    weight: patched(patch.weight, member.weight, weights.default),
    backup: patched(patch.backup, member.backup, false),
    monitorAddress: patched(patch.monitorAddress, member.monitorAddress, null),
    monitorPort: patched(patch.monitorPort, member.monitorPort, null),
  };
}

/**
 * As a batch says it: what it leaves out has its default again, but for name, tags and subnet (octavia/api/v2/types/member.py, whose
 * MemberPOST gives the other fields defaults). Another subnet is one that a change of a single member can't give.
 */
export function replaceMember(member: Member, spec: MemberSpec, context: CreationContext): Member {
  const { adminStateUp = true, weight = null, backup = null, monitorAddress = null, monitorPort = null } = spec;
  return {
    ...changeMember(member, { ...spec, adminStateUp, weight, backup, monitorAddress, monitorPort }, context),
    subnetId: patched(spec.subnetId, member.subnetId, null),
  };
}

type Endpoint = Pick<Member, 'address' | 'protocolPort'>;

/** One text for one address and port, however the address is written: what the members of a pool differ in. */
export const endpointOf = ({ address, protocolPort }: Endpoint): string =>
  `${protocolPort} ${canonicalAddress(address)}`;

/** Adds the endpoint of a member to those that are `taken` in its pool. @throws KilnError RESOURCE_CONFLICT. */
export function takeEndpoint(member: Endpoint, taken: Set<string>): void {
  const endpoint = endpointOf(member);
  if (taken.has(endpoint)) {
    throw conflict(
      `Another member on this pool is already using ip ${member.address} on protocol_port ${member.protocolPort}`,
    );
  }
  taken.add(endpoint);
}

/** The amphora would send requests, or health checks, where no tenant may: to the metadata service. */
function checkNotReserved(address: string | null | undefined, option: string, settings: ApiSettings): void {
  if (!address) return;
  const reached = [canonicalAddress(address), translatedAddress(address)];
  if (reached.some((one) => one !== null && settings.reservedAddresses.includes(one))) {
    throw invalidOption(address, option);
  }
}
