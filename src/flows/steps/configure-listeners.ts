import type { TlsFiles } from '../../core/haproxy/settings.ts';
import { type OperationSubject, treeBefore } from '../../core/operations/operation-subject.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { Step } from '../engine/flow.ts';
import { reloadListeners, removeNewListeners, uploadConfigurations } from '../load-balancer/haproxy-files.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import { type Target, type TargetsOf, targetsLeft } from '../load-balancer/targets.ts';
import {
  isGone,
  type LeftOut,
  type MayBeLeftOut,
  removeTlsMaterial,
  uploadTlsMaterial,
  withoutLeftOut,
} from '../load-balancer/tls-material.ts';
import { treeOf } from '../load-balancer/tree-of.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';

/** `tlsFiles`: paths in the amphora; what is in them is never written down. `leftOut`: absent before Kiln 0.2. */
export type CertificatesUploaded = { tlsFiles: JsonObject; leftOut?: readonly LeftOut[] };

/** What an operation changes; null for an amphora that is just being built: there is nothing to give back. */
export type SubjectOf<State> = ((state: State) => OperationSubject) | null;

interface Options<State> {
  targetsOf: TargetsOf<State>;
  subjectOf: SubjectOf<State>;
  mayBeLeftOut: MayBeLeftOut;
}
type Input = LoadBalancerInput & JsonObject;

export function uploadCertificates<State extends Input>(
  options: Options<State>,
): Step<LoadBalancerParts, State, CertificatesUploaded> {
  return {
    name: 'upload-certificates',
    async do(parts, state, run) {
      const tree = await treeOf(parts, state.loadBalancerId);
      let uploaded: { tlsFiles: TlsFiles; leftOut: LeftOut[] } = {
        tlsFiles: { listeners: {}, pools: {} },
        leftOut: [],
      };
      for (const target of await options.targetsOf(parts, state)) {
        uploaded = await uploadTlsMaterial(parts, target, tree, options.mayBeLeftOut);
      }
      for (const { reason } of uploaded.leftOut) run.note(reason.message);
      return { tlsFiles: uploaded.tlsFiles as unknown as JsonObject, leftOut: uploaded.leftOut };
    },
    async undo(parts, state) {
      const before = await oldTree(parts, state as unknown as State, options);
      if (!before) return;
      const tree = await treeOf(parts, state.loadBalancerId);
      for (const target of await targetsLeft(options.targetsOf, parts, state as unknown as State)) {
        await unlessKept(parts, target, () => removeTlsMaterial(parts, target, { of: tree, butOf: before }));
      }
    },
  };
}

/** HAProxy checks it; what runs goes on as it is. */
export function uploadConfiguration<State extends Input & CertificatesUploaded>(
  options: Options<State>,
): Step<LoadBalancerParts, State, Record<string, never>> {
  return {
    name: 'upload-haproxy-configuration',
    async do(parts, state) {
      const tree = await servedTree(parts, state);
      for (const target of await options.targetsOf(parts, state)) {
        await uploadConfigurations(parts, target, tree, state.tlsFiles as unknown as TlsFiles);
      }
      return {};
    },
    undo: (parts, state) => giveBack(parts, state as unknown as State, options),
  };
}

export function reload<State extends Input & CertificatesUploaded>(
  options: Options<State>,
): Step<LoadBalancerParts, State, Record<string, never>> {
  return {
    name: 'reload-listeners',
    async do(parts, state) {
      const tree = await servedTree(parts, state);
      for (const target of await options.targetsOf(parts, state)) await reloadListeners(parts, target, tree);
      return {};
    },
    // What ran before comes back with the files: see `uploadConfiguration`.
  };
}

/** Certificates that nothing in the load balancer refers to any more leave the amphora. */
export function removeCertificates<State extends Input>(
  options: Options<State>,
): Step<LoadBalancerParts, State, Record<string, never>> {
  return {
    name: 'remove-certificates',
    async do(parts, state) {
      const before = await oldTree(parts, state, options);
      if (!before) return {};
      const tree = await treeOf(parts, state.loadBalancerId);
      for (const target of await options.targetsOf(parts, state)) {
        await removeTlsMaterial(parts, target, { of: before, butOf: tree });
      }
      return {};
    },
  };
}

async function servedTree(
  parts: LoadBalancerParts,
  { loadBalancerId, leftOut = [] }: LoadBalancerInput & CertificatesUploaded,
): Promise<LoadBalancerTree> {
  return withoutLeftOut(await treeOf(parts, loadBalancerId), leftOut);
}

/**
 * What the amphora had before: its files, and HAProxy running with them. One that can't be reached is left: the operation
 * must come to an end, so that it can be failed over, and whatever is done with it next brings everything anew. So is one
 * that served a certificate which is gone since: what it has is all that there is.
 */
async function giveBack<State extends Input>(
  parts: LoadBalancerParts,
  state: State,
  options: Options<State>,
): Promise<void> {
  const before = await oldTree(parts, state, options);
  if (!before) return;
  const tree = await treeOf(parts, state.loadBalancerId);
  for (const target of await targetsLeft(options.targetsOf, parts, state)) {
    await unlessKept(parts, target, async () => {
      const { tlsFiles, leftOut } = await uploadTlsMaterial(parts, target, before, options.mayBeLeftOut);
      const served = withoutLeftOut(before, leftOut);
      await uploadConfigurations(parts, target, served, tlsFiles);
      await reloadListeners(parts, target, served);
      await removeNewListeners(parts, target, { tree, before });
    });
  }
}

async function unlessKept(parts: LoadBalancerParts, target: Target, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isGone(error) && (error as { code?: unknown }).code !== 'AGENT_UNREACHABLE') throw error;
    parts.log.warn({ amphora: target.id, err: error }, 'an amphora keeps the files that it has');
  }
}

async function oldTree<State extends Input>(
  parts: LoadBalancerParts,
  state: State,
  { subjectOf }: Options<State>,
): Promise<LoadBalancerTree | null> {
  return subjectOf && treeBefore(await treeOf(parts, state.loadBalancerId), subjectOf(state));
}
