import type { Static } from 'typebox';
import type { Member } from '../../../model/load-balancer.ts';
import type { memberView } from '../schemas/member.ts';
import { vnicType, wireTime, wireTimeOrNull } from './common.ts';

export function memberToWire(member: Member): Static<typeof memberView> {
  return {
    id: member.id,
    name: member.name,
    operating_status: member.operatingStatus,
    provisioning_status: member.provisioningStatus,
    admin_state_up: member.adminStateUp,
    address: member.address,
    protocol_port: member.protocolPort,
    weight: member.weight,
    backup: member.backup,
    subnet_id: member.subnetId,
    project_id: member.projectId,
    created_at: wireTime(member.createdAt),
    updated_at: wireTimeOrNull(member.updatedAt),
    monitor_address: member.monitorAddress,
    monitor_port: member.monitorPort,
    tags: [...member.tags],
    vnic_type: vnicType,
    tenant_id: member.projectId,
  };
}
