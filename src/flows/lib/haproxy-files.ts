import { haproxyListeners } from '../../core/haproxy/plan.ts';
import { renderHaproxyConfiguration } from '../../core/haproxy/render.ts';
import type { HaproxyPeer, HaproxyVersion, TlsFiles } from '../../core/haproxy/settings.ts';
import { renderLvsConfiguration } from '../../core/keepalived/lvs/render.ts';
import { treeInEffect } from '../../core/operations/in-effect.ts';
import { rowsOfTree } from '../../core/operations/tree-rows.ts';
import { KilnError } from '../../model/errors.ts';
import { isPendingDelete, type Listener, type LoadBalancerTree } from '../../model/load-balancer.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import { pairOf } from './pair.ts';
import type { Target } from './targets.ts';
import { uploadTlsMaterial, withoutLeftOut } from './tls-material.ts';
import { storedTreeOf } from './tree-of.ts';

/** Puts HAProxy's and keepalived's configuration for this tree into the amphora. What runs does not change. */
export async function uploadConfigurations(
  deps: LoadBalancerDeps,
  target: Target,
  tree: LoadBalancerTree,
  tlsFiles: TlsFiles,
): Promise<void> {
  if (haproxyListeners(tree).length > 0) await uploadHaproxy(deps, target, tree, tlsFiles);
  const { basePath } = deps.settings().haproxy;
  for (const listener of datagramListeners(tree)) {
    await deps.agent.uploadLvsConfiguration(target, listener.id, renderLvsConfiguration(tree, listener, { basePath }));
  }
}

async function uploadHaproxy(
  deps: LoadBalancerDeps,
  target: Target,
  tree: LoadBalancerTree,
  tlsFiles: TlsFiles,
): Promise<void> {
  const { agent } = deps;
  const machine = await agent.getDetails(target);
  const rendered = renderHaproxyConfiguration(tree, tlsFiles, {
    ...deps.settings().haproxy,
    version: versionOf(machine.haproxyVersion),
    machine,
    peers: await peersOf(deps, tree),
  });
  await agent.uploadHaproxyConfiguration(target, tree.loadBalancer.id, rendered);
}

/**
 * An amphora that serves gets the peers of now. Listeners of UDP and SCTP have none: keepalived runs on as it is, unless something
 * may be other than the rows say, for a change that failed or a certificate that is gone.
 */
export async function updatePeers(deps: LoadBalancerDeps, target: Target, loadBalancerId: string): Promise<void> {
  const stored = await storedTreeOf(deps, loadBalancerId);
  const isSettled = rowsOfTree(stored).every(
    ({ kind, put }) => kind === 'loadbalancer' || put.provisioningStatus === 'ACTIVE',
  );
  const tree = treeInEffect(stored);
  const { tlsFiles, leftOut } = await uploadTlsMaterial(deps, target, tree, () => true);
  const served = withoutLeftOut(tree, leftOut);
  if (isSettled && leftOut.length === 0) {
    if (haproxyListeners(served).length === 0) return;
    await uploadHaproxy(deps, target, served, tlsFiles);
    await deps.agent.act(target, loadBalancerId, 'reload');
    return;
  }
  await uploadConfigurations(deps, target, served, tlsFiles);
  await reloadTarget(deps, target, served);
}

/** HAProxy's peers: the amphorae of a pair, those that are being built or replaced as well. */
async function peersOf(deps: LoadBalancerDeps, { loadBalancer }: LoadBalancerTree): Promise<HaproxyPeer[]> {
  if (loadBalancer.topology === 'SINGLE') return [];
  const pair = await pairOf(deps, loadBalancer.id);
  return pair.map(({ id, vrrpIp }) => ({ amphoraId: id, address: vrrpIp }));
}

/** Has the amphora run what was uploaded, and forget what is no longer there. */
export async function reloadTarget({ agent }: LoadBalancerDeps, target: Target, tree: LoadBalancerTree): Promise<void> {
  const { id } = tree.loadBalancer;
  if (haproxyListeners(tree).length > 0) await agent.act(target, id, 'reload');
  else await agent.deleteListener(target, id);
  for (const listener of datagramListeners(tree)) await agent.act(target, listener.id, 'reload');
  for (const listener of tree.listeners.filter((one) => isDatagram(one) && isPendingDelete(one))) {
    await agent.deleteListener(target, listener.id);
  }
}

/** What keepalived has of listeners that were not there before. */
export async function removeNewListeners(
  { agent }: LoadBalancerDeps,
  target: Target,
  { tree, before }: { tree: LoadBalancerTree; before: LoadBalancerTree },
): Promise<void> {
  const old = new Set(before.listeners.map(({ id }) => id));
  for (const { id } of datagramListeners(tree)) if (!old.has(id)) await agent.deleteListener(target, id);
}

const isDatagram = ({ protocol }: Listener) => protocol === 'UDP' || protocol === 'SCTP';

function datagramListeners(tree: LoadBalancerTree): LoadBalancerTree['listeners'] {
  return tree.listeners.filter((listener) => isDatagram(listener) && !isPendingDelete(listener));
}

/** "2.6.12-1+deb12u2" as 2.6. */
function versionOf(haproxyVersion: string): HaproxyVersion {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(haproxyVersion) ?? [];
  if (major && minor) return { major: Number(major), minor: Number(minor) };
  throw new KilnError('SERVICE_RESPONSE_INVALID', `the agent says that its HAProxy has version "${haproxyVersion}"`);
}
