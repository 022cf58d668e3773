import { haproxyListeners } from '../../core/haproxy/plan.ts';
import type { Amphora } from '../../model/amphora.ts';
import { KilnError, noneIfGone, toKilnError } from '../../model/errors.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { Step } from '../engine/flow.ts';
import { updatePeers } from '../lib/haproxy-files.ts';
import {
  isOfAgent,
  isUnreachable,
  leaveToFailover,
  type TargetFailure,
  tryEachTarget,
  twice,
} from '../lib/on-each-target.ts';
import { type PairRole, type PairState, pairOf, pairRoles } from '../lib/pair.ts';
import { removePort } from '../lib/remove-port.ts';
import type { BuiltAmphora, Target } from '../lib/targets.ts';
import { treeOf } from '../lib/tree-of.ts';
import { addressOf, type PairMember, uploadVrrp } from '../lib/vrrp-files.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';
import type { VrrpPort } from './vrrp-port.ts';

type Built = BuiltAmphora & VrrpPort;
type State = LoadBalancerInput & PairState<Built>;
type Nothing = Record<string, never>;

/** An amphora that is to give up the VIP has so long to answer; one that does not is taken off its network. */
const STOP_WITHIN_MS = 5_000;
/** An amphora that was there before has so long for each request while nobody else may have the VIP: where both hang, that is the outage. */
const ANSWER_WITHIN_MS = 10_000;
/** So many advertisements after it began, keepalived has heard who has the VIP, also where processors are busy. */
const HEARD_AFTER_ADVERTS = 3;

/** Both of a new pair begin to agree on who has the VIP. */
export const startVrrp: Step<LoadBalancerDeps, State, Nothing> = {
  name: 'start-vrrp',
  async do(deps, { loadBalancerId, ...state }) {
    const built = builtIn(state);
    for (const one of built) {
      const others = built.filter(({ id }) => id !== one.id);
      await uploadVrrp(deps, loadBalancerId, one, others);
    }
    for (const one of built) await deps.agent.actOnVrrp(addressOf(one), 'start');
    return {};
  },
};

/** Nobody takes over who does not run what is to run: asked before there is no way back. */
export const checkNewAmphorae: Step<LoadBalancerDeps, State, Nothing> = {
  name: 'check-new-amphorae',
  async do(deps, { loadBalancerId, ...state }) {
    const tree = await treeOf(deps, loadBalancerId);
    const expected = tree.loadBalancer.adminStateUp ? haproxyListeners(tree).filter((one) => one.adminStateUp) : [];
    for (const one of builtIn(state)) {
      const running = new Set((await deps.agent.listListeners(addressOf(one))).map(({ id }) => id));
      const missing = expected.filter(({ id }) => !running.has(id)).map(({ id }) => id);
      if (missing.length > 0) {
        throw new KilnError('BOOT_FAILED', `new amphora ${one.id} does not serve listeners ${missing.join(', ')}`, {
          advice: "Nothing has changed: the old amphorae serve. Look into the new one's log.",
        });
      }
    }
    return {};
  },
};

/**
 * A new amphora takes the place of the one of its role: that one hands the VIP over, if it has it, and leaves the VIP's
 * network; the other one of the pair learns of the new one, and only then does the new one begin to listen for who has the
 * VIP. So there is nobody who does not hear whoever has it. From here on there is no way back.
 */
export function takeOver(role: PairRole): Step<LoadBalancerDeps, State, Nothing> {
  return {
    name: `${role}/take-over`,
    async do(deps, { loadBalancerId, ...state }) {
      const successor = builtIn(state).find((one) => one.role === role);
      if (!successor) return {};
      const partner = await partnerOf(deps, loadBalancerId, state, successor);
      const isPartnerNew = builtIn(state).some(({ id }) => id === partner?.id);
      await uploadVrrp(deps, loadBalancerId, successor, partner ? [partner] : []);
      // Who leaves says so once: a new partner that is not there to hear it waits for an advertisement that does not come.
      if (isPartnerNew) {
        await deps.clock.sleep(HEARD_AFTER_ADVERTS * deps.settings().vrrp.advertIntervalSeconds * 1000);
      }
      await retire(deps, loadBalancerId, successor);
      if (partner) await introduce(deps, loadBalancerId, partner, successor, isPartnerNew);
      await deps.agent.actOnVrrp(addressOf(successor), 'start');
      return {};
    },
  };
}

type Partner = PairMember & Partial<Pick<Amphora, 'status'>>;

/**
 * Who the new one will share the VIP with: a new one as well once that has taken over, else the one that serves. That may be in
 * ERROR, for it has refused something, and have the VIP all the same: who does not listen for it would have the VIP beside it.
 */
async function partnerOf(
  deps: LoadBalancerDeps,
  loadBalancerId: string,
  state: JsonObject,
  { role }: PairMember,
): Promise<Partner | null> {
  // BACKUP is the first to take over.
  const built = builtIn(state).find((one) => one.role !== role);
  if (built && role === 'MASTER') return built;
  const pair = await pairOf(deps, loadBalancerId, ['ALLOCATED', 'ERROR']);
  const others = pair.filter((one) => one.role !== role && one.id !== built?.id);
  const serving = others.find(({ status }) => status === 'ALLOCATED');
  if (serving) return serving;
  // Newer ones are what is left of failovers that came to nothing. Without its port it has no VIP, and its address may be another's.
  for (const one of others.toReversed()) if (await hasPort(deps, one)) return one;
  return null;
}

async function hasPort({ network }: LoadBalancerDeps, { vrrpPortId }: Amphora): Promise<boolean> {
  return vrrpPortId !== null && (await network.getPort(vrrpPortId).catch(noneIfGone)) !== null;
}

/** Whoever had this role hands over and lets go: first its keepalived, and whatever becomes of that, its port. */
async function retire(deps: LoadBalancerDeps, loadBalancerId: string, successor: PairMember): Promise<void> {
  for (const old of await deps.amphorae.list({ loadBalancerId })) {
    if (old.id === successor.id || old.role !== successor.role || old.vrrpPortId === null) continue;
    await deps.agent.actOnVrrp(addressOf({ ...old, limitMs: STOP_WITHIN_MS }), 'stop').catch((thrown: unknown) => {
      deps.log.info(
        { amphora: old.id, reason: toKilnError(thrown).message },
        'an amphora is replaced without its help',
      );
    });
    if (old.computeId !== null) await removePort(deps, old.vrrpPortId, old.computeId);
  }
}

/** One that does not take it holds up nothing: what serves and is not new is failed over next. */
async function introduce(
  deps: LoadBalancerDeps,
  loadBalancerId: string,
  partner: Partner,
  successor: PairMember,
  isPartnerNew: boolean,
): Promise<void> {
  const asked = isPartnerNew ? partner : { ...partner, limitMs: ANSWER_WITHIN_MS };
  try {
    await twice(deps.clock, async () => {
      await uploadVrrp(deps, loadBalancerId, asked, [successor]);
      await deps.agent.actOnVrrp(addressOf(asked), 'start');
    });
  } catch (thrown) {
    const error = toKilnError(thrown);
    if (!isOfAgent(error)) throw thrown;
    deps.log.warn({ amphora: partner.id, err: error }, 'the other one of a pair has not learned of the new one');
    // Nothing else would tell it: both would have the VIP for ever.
    if (!isPartnerNew && partner.status !== 'ERROR') await leaveToFailover(deps, partner, error);
  }
}

/**
 * HAProxy of the amphorae that serve learns of the new ones before these take over, so that they get to know its sessions.
 * Nobody is waited for: it may be the one that is replaced, which is replaced because it does not do what it is asked for.
 */
export const introducePeers: Step<LoadBalancerDeps, LoadBalancerInput, Nothing> = {
  name: 'introduce-peers',
  async do(deps, { loadBalancerId }) {
    for (const failure of (await tellPeers(deps, loadBalancerId, { limitMs: ANSWER_WITHIN_MS })).failures)
      keepsItsPeers(deps, failure);
    return {};
  },
};

/**
 * Again when the old ones are gone. Whoever does not take it is failed over, while the other one serves.
 * @throws what a new one refuses: one that replaced it, of the same image, would refuse it as well, and so on for ever.
 */
export const updatePeersOfPair: Step<LoadBalancerDeps, State, Nothing> = {
  name: 'update-peers',
  async do(deps, { loadBalancerId, ...state }) {
    const { targets, failures } = await tellPeers(deps, loadBalancerId);
    const built = builtIn(state).map(({ id }) => id);
    const refused = failures.find(({ target, error }) => built.includes(target.id) && !isUnreachable(error));
    if (refused) throw refused.error;
    for (const failure of failures) {
      if (failures.length === targets.length) keepsItsPeers(deps, failure);
      else await leaveToFailover(deps, failure.target, failure.error);
    }
    return {};
  },
};

/** @throws what is not the agents' fault. */
async function tellPeers(
  deps: LoadBalancerDeps,
  loadBalancerId: string,
  limit: { limitMs?: number } = {},
): Promise<{ targets: Target[]; failures: TargetFailure[] }> {
  // New ones serve, and count, only once they have taken over.
  const serving = (await pairOf(deps, loadBalancerId)).filter(({ status }) => status === 'ALLOCATED');
  const targets = serving.map((one) => ({ ...addressOf({ ...one, ...limit }), serverId: one.computeId ?? '' }));
  const failures = await tryEachTarget(deps, targets, (target) => updatePeers(deps, target, loadBalancerId));
  const grave = failures.find(({ error }) => !isOfAgent(error));
  if (grave) throw grave.error;
  return { targets, failures };
}

function keepsItsPeers({ log }: LoadBalancerDeps, { target, error }: TargetFailure): void {
  log.warn({ amphora: target.id, err: error }, 'an amphora of a pair keeps the peers that it has');
}

function builtIn(state: JsonObject): PairMember[] {
  return pairRoles.flatMap((role) => {
    const part = state[role] as Built | undefined;
    return part ? [{ id: part.amphoraId, lbNetworkIp: part.address, vrrpIp: part.vrrpIp, role }] : [];
  });
}
