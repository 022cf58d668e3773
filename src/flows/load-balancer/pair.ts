import { lost, succeeded } from '../../core/operations/settlement.ts';
import { KilnError } from '../../model/errors.ts';
import type { FlowName } from '../../model/flow-name.ts';
import type { JsonObject } from '../../model/operation.ts';
import { defineFlow, type Flow, type FlowBuilder } from '../engine/flow.ts';
import { reloadListeners, uploadConfigurations } from '../lib/haproxy-files.ts';
import { builtOfPair, isOfPair, type PairRole, type PairState, pairRoles, sideBySide } from '../lib/pair.ts';
import { type BuiltAmphora, builtAmphora, type Target } from '../lib/targets.ts';
import { uploadTlsMaterial, withoutLeftOut } from '../lib/tls-material.ts';
import { treeOf } from '../lib/tree-of.ts';
import {
  type CertificatesUploaded,
  reload,
  uploadCertificates,
  uploadConfiguration,
} from '../steps/configure-listeners.ts';
import {
  failedFailover,
  type LoadBalancerInput,
  markActive,
  markErrorOnRevert,
} from '../steps/mark-error-on-revert.ts';
import { plugMemberNetworks } from '../steps/plug-member-networks.ts';
import { plugVip } from '../steps/plug-vip.ts';
import { markAmphoraAllocated } from '../steps/record-amphora.ts';
import { removeReplaced } from '../steps/remove-amphorae.ts';
import { type AmphoraChoices, resolvePair } from '../steps/resolve-amphora.ts';
import { createServerGroup } from '../steps/server-group.ts';
import { createVipSecurityGroup, type VipSecurity } from '../steps/vip-security-group.ts';
import { judgeNewAmphorae, startVrrp, takeOver, tellPeers } from '../steps/vrrp.ts';
import { createVrrpPort, plugVrrpPort, type VrrpPort } from '../steps/vrrp-port.ts';
import { buildAmphora } from './build-amphora.ts';
import type { LoadBalancerDeps } from './deps.ts';
import { type FailoverInput, outcomeOf } from './failover.ts';

type Choices = LoadBalancerInput & AmphoraChoices & VipSecurity;
type Built = LoadBalancerInput & PairState<BuiltAmphora & VrrpPort>;
type PairFailoverInput = FailoverInput & { amphoraId?: string };

/** One of a pair: built, plugged in, and without the VIP, which keepalived gives to one of the two. */
const buildOneOfPair = defineFlow('build-amphora')
  .takes<LoadBalancerDeps, Choices>()
  .use(buildAmphora)
  .step(createVrrpPort)
  .step(plugVrrpPort)
  .step(plugVip)
  .step(plugMemberNetworks<LoadBalancerInput & BuiltAmphora>(builtAmphora))
  .build();
const markAllocated = defineFlow('mark-allocated')
  .takes<LoadBalancerDeps, Choices>()
  .step(markAmphoraAllocated)
  .build();

const inPair = (mayBeLeftOut: () => boolean) => ({ targetsOf: builtOfPair, subjectOf: null, mayBeLeftOut });

/** The types of these steps were checked where their flow was put together. */
function includeSideBySide<Input extends JsonObject, State extends JsonObject, Name extends string>(
  builder: FlowBuilder<LoadBalancerDeps, Input, State, Name>,
  flow: Flow<LoadBalancerDeps>,
) {
  for (const step of sideBySide(flow)) builder.step(step as never);
  return builder as unknown as FlowBuilder<LoadBalancerDeps, Input, State & PairState<BuiltAmphora & VrrpPort>, Name>;
}

const begunCreation = defineFlow('create-load-balancer-pair')
  .takes<LoadBalancerDeps, LoadBalancerInput>()
  .step(markErrorOnRevert((_records, tree) => lost(tree)))
  .step(createServerGroup)
  .step(resolvePair(async () => pairRoles))
  .step(createVipSecurityGroup);

/** A load balancer with two amphorae, of which one has the VIP: ACTIVE_STANDBY topology. Both are of one image. */
export const createPair = includeSideBySide(
  includeSideBySide(begunCreation, buildOneOfPair)
    .step(uploadCertificates<Built>(inPair(() => false)))
    .step(uploadConfiguration<Built & CertificatesUploaded>(inPair(() => false)))
    .step(reload<Built & CertificatesUploaded>(inPair(() => false)))
    .step(startVrrp),
  markAllocated,
)
  .step(markActive(succeeded))
  .build();

/**
 * Make before break, of one amphora or of both. The new ones are built side by side from one image, configured and judged
 * while the old ones serve. Then they take over, BACKUP before MASTER: whoever has the VIP hands it over to one that is
 * ready. One that lives and is not replaced is told of its new partner, and goes on as it is.
 */
function failover<Name extends FlowName>(
  name: Name,
  rolesOf: (deps: LoadBalancerDeps, input: PairFailoverInput) => Promise<readonly PairRole[]>,
) {
  const begun = defineFlow(name)
    .takes<LoadBalancerDeps, PairFailoverInput>()
    .step(markErrorOnRevert(failedFailover))
    .step(createServerGroup)
    .step(resolvePair(rolesOf))
    .step(createVipSecurityGroup);
  const ready = includeSideBySide(begun, buildOneOfPair)
    .step(uploadCertificates<Built>(inPair(() => true)))
    .step(uploadConfiguration<Built & CertificatesUploaded>(inPair(() => true)))
    .step(reload<Built & CertificatesUploaded>(inPair(() => true)))
    .step(judgeNewAmphorae)
    .step(tellPeers('introduce-peers', configureWhole))
    .commit()
    .step(takeOver('BACKUP'))
    .step(takeOver('MASTER'));
  return includeSideBySide(ready, markAllocated)
    .step(removeReplaced)
    .step(tellPeers('update-peers', configureWhole))
    .step(markActive<PairFailoverInput & Built & CertificatesUploaded>(outcomeOf))
    .build();
}

/** Whatever an amphora is to have of its load balancer, and its HAProxy running with it. */
async function configureWhole(deps: LoadBalancerDeps, target: Target, loadBalancerId: string): Promise<void> {
  const tree = await treeOf(deps, loadBalancerId);
  const { tlsFiles, leftOut } = await uploadTlsMaterial(deps, target, tree, () => true);
  const served = withoutLeftOut(tree, leftOut);
  await uploadConfigurations(deps, target, served, tlsFiles);
  await reloadListeners(deps, target, served);
}

export const failoverPair = failover('failover-load-balancer-pair', async () => pairRoles);
/** As that of a single one: the row has the old flavor until both new amphorae have taken over. */
export const resizePair = failover('resize-load-balancer-pair', async () => pairRoles);

async function roleOfAmphora(
  deps: LoadBalancerDeps,
  { amphoraId = '', loadBalancerId }: PairFailoverInput,
): Promise<readonly PairRole[]> {
  const amphora = await deps.amphorae.get(amphoraId);
  if (amphora && isOfPair(amphora)) return [amphora.role as PairRole];
  throw new KilnError('AMPHORA_NOT_FOUND', `amphora ${amphoraId} is none of load balancer ${loadBalancerId}'s pair`);
}

/** The other amphora is not touched, but for learning who its partner is. */
export const failoverAmphoraOfPair = failover('failover-amphora-of-pair', roleOfAmphora);
/** As above, to the one image that its input names. */
export const releaseAmphoraOfPair = failover('release-amphora-of-pair', roleOfAmphora);
