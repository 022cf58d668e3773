import type { TlsFiles } from '../../core/haproxy/settings.ts';
import { type OperationSubject, treeBefore } from '../../core/operations/operation-subject.ts';
import { toKilnError } from '../../model/errors.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { Step } from '../engine/flow.ts';
import { reloadTarget, removeNewListeners, uploadConfigurations } from '../lib/haproxy-files.ts';
import { isUnreachable, onEachTarget } from '../lib/on-each-target.ts';
import { type Target, type TargetsOf, targetsLeft } from '../lib/targets.ts';
import {
  isGone,
  type LeftOut,
  type MayBeLeftOut,
  removeTlsMaterial,
  uploadTlsMaterial,
  withoutLeftOut,
} from '../lib/tls-material.ts';
import { treeOf } from '../lib/tree-of.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';

/** `tlsFiles`: paths in the amphora; what is in them is never written down. `leftOut`: absent before Kiln 0.2. */
export type CertificatesUploaded = { tlsFiles: TlsFiles; leftOut?: readonly LeftOut[] };

/** What an operation changes; null for an amphora that is just being built: there is nothing to give back. */
export type SubjectOf<State> = ((state: State) => OperationSubject) | null;

interface Options<State> {
  targetsOf: TargetsOf<State>;
  subjectOf: SubjectOf<State>;
  mayBeLeftOut: MayBeLeftOut;
}
type Input = LoadBalancerInput & JsonObject;

/** What is given to an amphora that this very flow has built goes with its server. */
const ofNewAmphora = ({ subjectOf }: Pick<Options<never>, 'subjectOf'>) =>
  subjectOf === null ? ({ isRepeatable: true } as const) : {};

export function uploadCertificates<State extends Input>(
  options: Options<State>,
): Step<LoadBalancerDeps, State, CertificatesUploaded> {
  return {
    name: 'upload-certificates',
    ...ofNewAmphora(options),
    async do(deps, state, run) {
      const tree = await treeOf(deps, state.loadBalancerId);
      let uploaded: { tlsFiles: TlsFiles; leftOut: LeftOut[] } = {
        tlsFiles: { listeners: {}, pools: {} },
        leftOut: [],
      };
      await onEachTarget(deps, await options.targetsOf(deps, state), async (target) => {
        uploaded = await uploadTlsMaterial(deps, target, tree, options.mayBeLeftOut);
      });
      for (const { reason } of uploaded.leftOut) run.note(reason.message);
      return { tlsFiles: uploaded.tlsFiles, leftOut: uploaded.leftOut };
    },
    async undo(deps, state) {
      const before = await oldTree(deps, state, options);
      if (!before) return;
      const tree = await treeOf(deps, state.loadBalancerId);
      await backOnEachTarget(deps, await targetsLeft(options.targetsOf, deps, state), (target) =>
        removeTlsMaterial(deps, target, { of: tree, butOf: before }),
      );
    },
  };
}

/** HAProxy checks it; what runs goes on as it is. */
export function uploadHaproxyConfiguration<State extends Input & CertificatesUploaded>(
  options: Options<State>,
): Step<LoadBalancerDeps, State, Record<string, never>> {
  return {
    name: 'upload-haproxy-configuration',
    ...ofNewAmphora(options),
    async do(deps, state) {
      const tree = await servedTree(deps, state);
      await onEachTarget(deps, await options.targetsOf(deps, state), (target) =>
        uploadConfigurations(deps, target, tree, state.tlsFiles),
      );
      return {};
    },
    undo: (deps, state) => giveBack(deps, state, options),
  };
}

export function reloadListeners<State extends Input & CertificatesUploaded>(
  options: Options<State>,
): Step<LoadBalancerDeps, State, Record<string, never>> {
  return {
    name: 'reload-listeners',
    ...ofNewAmphora(options),
    async do(deps, state) {
      const tree = await servedTree(deps, state);
      await onEachTarget(deps, await options.targetsOf(deps, state), (target) => reloadTarget(deps, target, tree));
      return {};
    },
    // What ran before comes back with the files: see `uploadHaproxyConfiguration`.
  };
}

/** Certificates that nothing in the load balancer refers to any more leave the amphora. */
export function removeCertificates<State extends Input>(
  options: Options<State>,
): Step<LoadBalancerDeps, State, Record<string, never>> {
  return {
    name: 'remove-certificates',
    async do(deps, state) {
      const before = await oldTree(deps, state, options);
      if (!before) return {};
      const tree = await treeOf(deps, state.loadBalancerId);
      await onEachTarget(deps, await options.targetsOf(deps, state), (target) =>
        removeTlsMaterial(deps, target, { of: before, butOf: tree }),
      );
      return {};
    },
  };
}

async function servedTree(
  deps: LoadBalancerDeps,
  { loadBalancerId, leftOut = [] }: LoadBalancerInput & CertificatesUploaded,
): Promise<LoadBalancerTree> {
  return withoutLeftOut(await treeOf(deps, loadBalancerId), leftOut);
}

/** What the amphora had before: its files, and HAProxy running with them. */
async function giveBack<State extends Input>(
  deps: LoadBalancerDeps,
  state: State,
  options: Options<State>,
): Promise<void> {
  const before = await oldTree(deps, state, options);
  if (!before) return;
  const tree = await treeOf(deps, state.loadBalancerId);
  await backOnEachTarget(deps, await targetsLeft(options.targetsOf, deps, state), async (target) => {
    const { tlsFiles, leftOut } = await uploadTlsMaterial(deps, target, before, options.mayBeLeftOut);
    const served = withoutLeftOut(before, leftOut);
    await uploadConfigurations(deps, target, served, tlsFiles);
    await reloadTarget(deps, target, served);
    await removeNewListeners(deps, target, { tree, before });
  });
}

/**
 * On the way back. Where nobody can be reached they are left as they are: the operation must come to an end, so that they can be
 * failed over, and whatever is done with them next brings everything anew. So is one that served a certificate which is gone
 * since: what it has is all that there is. Of a pair, whatever becomes of one, the other one is given back what it had.
 */
async function backOnEachTarget(
  deps: LoadBalancerDeps,
  targets: readonly Target[],
  work: (target: Target) => Promise<void>,
): Promise<void> {
  const keeps = (ids: readonly string[], error: unknown) =>
    deps.log.warn({ amphorae: ids, err: error }, 'amphorae keep the files that they have');
  try {
    await onEachTarget(deps, targets, async (target) => {
      await work(target).catch((error: unknown) => {
        if (!isGone(error)) throw error;
        keeps([target.id], error);
      });
    });
  } catch (error) {
    if (!isUnreachable(toKilnError(error))) throw error;
    keeps(
      targets.map(({ id }) => id),
      error,
    );
  }
}

async function oldTree<State extends Input>(
  deps: LoadBalancerDeps,
  state: State,
  { subjectOf }: Options<State>,
): Promise<LoadBalancerTree | null> {
  return subjectOf && treeBefore(await treeOf(deps, state.loadBalancerId), subjectOf(state));
}
