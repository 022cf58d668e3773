import {
  type OperationSubject,
  type OperationVerb,
  type RowBefore,
  rowsBefore,
} from '../../core/operations/operation-subject.ts';
import { succeeded } from '../../core/operations/settlement.ts';
import type { FlowName } from '../../model/flow-name.ts';
import type { ResourceKind } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import { defineFlow, type Flow } from '../engine/flow.ts';
import { servingAmphorae } from '../lib/targets.ts';
import {
  type CertificatesUploaded,
  reloadListeners,
  removeCertificates,
  uploadCertificates,
  uploadHaproxyConfiguration,
} from '../steps/configure-listeners.ts';
import { failedSubject, type LoadBalancerInput, markActive, markErrorOnRevert } from '../steps/mark-error-on-revert.ts';
import { plugMemberNetworks, unplugMemberNetworks } from '../steps/plug-member-networks.ts';
import { applyQosPolicy, updateVip } from '../steps/update-vip.ts';
import type { LoadBalancerDeps } from './deps.ts';

type Input = LoadBalancerInput & { before?: JsonObject; othersBefore?: readonly RowBefore[] };

/**
 * A change inside a load balancer: its amphora gets everything as it shall be, in one go. What is already as it shall be
 * stays untouched, so that each of these flows is the same, and each is cheap.
 */
export function reconfigure<Name extends FlowName>(
  name: Name,
  verb: OperationVerb,
  kind: ResourceKind,
): Flow<LoadBalancerDeps, JsonObject, JsonObject, Name> {
  const subjectOf = ({ resourceId, before, othersBefore }: Input): OperationSubject => ({
    verb,
    kind,
    resourceId,
    before: before ?? null,
    othersBefore: othersBefore ?? [],
  });
  const before = (state: Input) => rowsBefore(subjectOf(state));
  const inAmphorae = {
    targetsOf: servingAmphorae,
    subjectOf: subjectOf as (state: LoadBalancerInput) => OperationSubject,
    mayBeLeftOut: ({ provisioningStatus }: { provisioningStatus: string }) => provisioningStatus === 'ERROR',
  };
  return defineFlow(name)
    .takes<LoadBalancerDeps, Input>()
    .step(markErrorOnRevert(failedSubject(subjectOf)))
    .step(applyQosPolicy(subjectOf))
    .step(plugMemberNetworks<Input>(servingAmphorae, before))
    .step(uploadCertificates(inAmphorae))
    .step(uploadHaproxyConfiguration(inAmphorae))
    .step(reloadListeners(inAmphorae))
    .step(updateVip(subjectOf))
    .step(removeCertificates(inAmphorae))
    .step(unplugMemberNetworks<Input>(servingAmphorae, before))
    .step(markActive<LoadBalancerInput & CertificatesUploaded>(succeeded))
    .build();
}
