import { lost, succeeded } from '../../core/operations/settlement.ts';
import { KilnError } from '../../model/errors.ts';
import type { FlowName } from '../../model/flow-name.ts';
import { defineFlow, type Flow } from '../engine/flow.ts';
import { builtOfPair, isOfPair, type PairRole, type PairState, pairRoles } from '../lib/pair.ts';
import { onNewAmphora } from '../lib/patient-agent.ts';
import { type BuiltAmphora, builtAmphora } from '../lib/targets.ts';
import {
  type CertificatesUploaded,
  reloadListeners,
  uploadCertificates,
  uploadHaproxyConfiguration,
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
import { deleteReplacedAmphorae } from '../steps/remove-amphorae.ts';
import { type AmphoraChoices, resolveAmphorae } from '../steps/resolve-amphora.ts';
import { createServerGroup } from '../steps/server-group.ts';
import { updateVipSecurityGroup, type VipSecurity } from '../steps/vip-security-group.ts';
import { checkNewAmphorae, introducePeers, startVrrp, takeOver, updatePeersOfPair } from '../steps/vrrp.ts';
import { createVrrpPort, plugVipPort, type VrrpPort } from '../steps/vrrp-port.ts';
import { buildAmphora } from './build-amphora.ts';
import type { LoadBalancerDeps } from './deps.ts';
import { type FailoverInput, outcomeOf } from './failover.ts';
import { versionOneOf } from './pair-version-1.ts';

type Choices = LoadBalancerInput & AmphoraChoices & VipSecurity;
type Built = LoadBalancerInput & PairState<BuiltAmphora & VrrpPort>;
type PairFailoverInput = FailoverInput & { amphoraId?: string };

/** One of a pair: built, plugged in, and without the VIP, which keepalived gives to one of the two. */
const buildOneOfPair = defineFlow('build-amphora')
  .takes<LoadBalancerDeps, Choices>()
  .use(buildAmphora)
  .step(createVrrpPort)
  .step(plugVipPort)
  .step(onNewAmphora(plugVip))
  .step(onNewAmphora(plugMemberNetworks<LoadBalancerInput & BuiltAmphora>(builtAmphora)))
  .build();
const markAllocated = defineFlow('mark-allocated')
  .takes<LoadBalancerDeps, Choices>()
  .step(markAmphoraAllocated)
  .build();

const inPair = (mayBeLeftOut: () => boolean) => ({ targetsOf: builtOfPair, subjectOf: null, mayBeLeftOut });

const buildBoth = { MASTER: buildOneOfPair, BACKUP: buildOneOfPair };
const allocateBoth = { MASTER: markAllocated, BACKUP: markAllocated };
/** What a role is built of was chosen before: nothing, where it is not built. */
const isBuilt = (state: PairState<AmphoraChoices>, role: PairRole) => state[role] !== undefined;

/** Since version 2 both amphorae are built in branches; a journal of version 1 goes on in that. */
type Versions = { version: number; older: readonly Flow<LoadBalancerDeps>[] };
function withVersionOne<PairFlow extends Flow<LoadBalancerDeps>>(define: (versions?: Versions) => PairFlow): PairFlow {
  return define({ version: 2, older: [versionOneOf(define())] });
}
const beginning = 'mark-lb-error-on-revert';

/** A load balancer with two amphorae, of which one has the VIP: ACTIVE_STANDBY topology. Both are of one image. */
export const createPair = withVersionOne((versions) =>
  defineFlow('create-load-balancer-pair')
    .takes<LoadBalancerDeps, LoadBalancerInput>(versions)
    .step(markErrorOnRevert((_records, tree) => lost(tree), beginning))
    .step(createServerGroup)
    .step(resolveAmphorae(async () => pairRoles))
    .step(updateVipSecurityGroup)
    .parallel(buildBoth)
    .step(onNewAmphora(uploadCertificates<Built>(inPair(() => false))))
    .step(onNewAmphora(uploadHaproxyConfiguration<Built & CertificatesUploaded>(inPair(() => false))))
    .step(onNewAmphora(reloadListeners<Built & CertificatesUploaded>(inPair(() => false))))
    .step(onNewAmphora(startVrrp))
    .parallel(allocateBoth)
    .step(markActive(succeeded))
    .build(),
);

/**
 * Make before break, of one amphora or of both. The new ones are built side by side from one image, configured and judged
 * while the old ones serve. Then they take over, BACKUP before MASTER: whoever has the VIP hands it over to one that is
 * ready. One that lives and is not replaced gets its new partner's address, and goes on as it is.
 */
function failover<Name extends FlowName>(
  name: Name,
  rolesOf: (deps: LoadBalancerDeps, input: PairFailoverInput) => Promise<readonly PairRole[]>,
) {
  return withVersionOne((versions) =>
    defineFlow(name)
      .takes<LoadBalancerDeps, PairFailoverInput>(versions)
      .step(markErrorOnRevert(failedFailover, beginning))
      .step(createServerGroup)
      .step(resolveAmphorae(rolesOf))
      .step(updateVipSecurityGroup)
      .parallel(buildBoth, isBuilt)
      .step(onNewAmphora(uploadCertificates<Built>(inPair(() => true))))
      .step(onNewAmphora(uploadHaproxyConfiguration<Built & CertificatesUploaded>(inPair(() => true))))
      .step(onNewAmphora(reloadListeners<Built & CertificatesUploaded>(inPair(() => true))))
      .step(onNewAmphora(checkNewAmphorae))
      .step(introducePeers)
      .commit()
      .step(takeOver('BACKUP'))
      .step(takeOver('MASTER'))
      .parallel(allocateBoth, isBuilt)
      .step(deleteReplacedAmphorae)
      .step(updatePeersOfPair)
      .step(markActive<PairFailoverInput & Built & CertificatesUploaded>(outcomeOf))
      .build(),
  );
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
