import type { TlsFiles } from '../../core/haproxy/settings.ts';
import { type OperationSubject, treeBefore } from '../../core/operations/operation-subject.ts';
import { KilnError } from '../../model/errors.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { JsonObject } from '../../model/operation.ts';
import type { Step } from '../engine/flow.ts';
import { reloadListeners, uploadConfigurations } from '../load-balancer/haproxy-files.ts';
import type { LoadBalancerParts } from '../load-balancer/parts.ts';
import { type Target, type TargetsOf, targetsLeft } from '../load-balancer/targets.ts';
import { removeTlsMaterial, uploadTlsMaterial } from '../load-balancer/tls-material.ts';
import { treeOf } from '../load-balancer/tree-of.ts';
import type { LoadBalancerInput } from './mark-error-on-revert.ts';

/** `tlsFiles`: paths in the amphora; what is in them is never written down. */
export type CertificatesUploaded = { tlsFiles: JsonObject };

/** What an operation changes; null for an amphora that is just being built: there is nothing to give back. */
export type SubjectOf<State> = ((state: State) => OperationSubject) | null;

interface Options<State> {
  targetsOf: TargetsOf<State>;
  subjectOf: SubjectOf<State>;
}
type Input = LoadBalancerInput & JsonObject;

export function uploadCertificates<State extends Input>(
  options: Options<State>,
): Step<LoadBalancerParts, State, CertificatesUploaded> {
  return {
    name: 'upload-certificates',
    async do(parts, state) {
      const tree = await treeOf(parts, state.loadBalancerId);
      let tlsFiles: TlsFiles = { listeners: {}, pools: {} };
      for (const target of await options.targetsOf(parts, state)) {
        tlsFiles = await uploadTlsMaterial(parts, target, tree);
      }
      return { tlsFiles: tlsFiles as unknown as JsonObject };
    },
    async undo(parts, state) {
      const before = await oldTree(parts, state as unknown as State, options);
      if (!before) return;
      const tree = await treeOf(parts, state.loadBalancerId);
      for (const target of await targetsLeft(options.targetsOf, parts, state as unknown as State)) {
        await unlessUnreachable(parts, target, () => removeTlsMaterial(parts, target, { of: tree, butOf: before }));
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
      const tree = await treeOf(parts, state.loadBalancerId);
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
      const tree = await treeOf(parts, state.loadBalancerId);
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

/**
 * What the amphora had before: its files, and HAProxy running with them. One that can't be reached is left: the operation
 * must come to an end, so that it can be failed over, and whatever is done with it next brings everything anew.
 */
async function giveBack<State extends Input>(
  parts: LoadBalancerParts,
  state: State,
  options: Options<State>,
): Promise<void> {
  const before = await oldTree(parts, state, options);
  if (!before) return;
  for (const target of await targetsLeft(options.targetsOf, parts, state)) {
    await unlessUnreachable(parts, target, async () => {
      const tlsFiles = await uploadTlsMaterial(parts, target, before);
      await uploadConfigurations(parts, target, before, tlsFiles);
      await reloadListeners(parts, target, before);
    });
  }
}

async function unlessUnreachable(parts: LoadBalancerParts, target: Target, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof KilnError) || error.code !== 'AGENT_UNREACHABLE') throw error;
    parts.log.warn({ amphora: target.id, err: error }, 'an amphora that can not be reached keeps its files');
  }
}

async function oldTree<State extends Input>(
  parts: LoadBalancerParts,
  state: State,
  { subjectOf }: Options<State>,
): Promise<LoadBalancerTree | null> {
  return subjectOf && treeBefore(await treeOf(parts, state.loadBalancerId), subjectOf(state));
}
