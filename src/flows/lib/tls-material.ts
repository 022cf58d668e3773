import { createHash } from 'node:crypto';
import type { TlsFiles } from '../../core/haproxy/settings.ts';
import { treeOfRows } from '../../core/operations/in-effect.ts';
import { planTlsMaterial, secretReferences, type TlsMaterial } from '../../core/tls/plan-tls-material.ts';
import { holdersOfSecrets, referencesOf, type SecretReference } from '../../core/tls/secret-references.ts';
import { KilnError } from '../../model/errors.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { OperationReason } from '../../model/operation.ts';
import type { LoadBalancerDeps } from '../load-balancer/deps.ts';
import type { Target } from './targets.ts';

/** A listener or a pool that a secret which is gone keeps out of an amphora. */
export type LeftOut = { readonly id: string; readonly reason: Record<keyof OperationReason, string> };

/**
 * Whether a listener or a pool whose secret is gone may be left out. Where it may not, nothing is rendered: what serves is
 * not taken away for a change of something else.
 */
export type MayBeLeftOut = (row: { provisioningStatus: string }) => boolean;

interface Material extends TlsMaterial {
  leftOut: LeftOut[];
}

/** Puts what HAProxy needs of certificates into the amphora; what is there already is not sent again. */
export async function uploadTlsMaterial(
  deps: LoadBalancerDeps,
  target: Target,
  tree: LoadBalancerTree,
  mayBeLeftOut: MayBeLeftOut,
): Promise<{ tlsFiles: TlsFiles; leftOut: LeftOut[] }> {
  const { files, tlsFiles, leftOut } = await materialOf(deps, tree, mayBeLeftOut);
  const { id } = tree.loadBalancer;
  for (const [fileName, pem] of files) {
    const there = await deps.agent.getCertificateMd5(target, id, fileName);
    if (there !== createHash('md5').update(pem).digest('hex')) {
      await deps.agent.uploadCertificate(target, id, fileName, pem);
    }
  }
  return { tlsFiles, leftOut };
}

/** Takes out of the amphora what only one tree has a use for. */
export async function removeTlsMaterial(
  deps: LoadBalancerDeps,
  target: Target,
  trees: { of: LoadBalancerTree; butOf: LoadBalancerTree },
): Promise<void> {
  if (secretReferences(trees.of).length === 0) return;
  const [leaving, staying] = await Promise.all([
    materialOf(deps, trees.of, nothing).catch(unlessGone),
    materialOf(deps, trees.butOf, nothing).catch(unlessGone),
  ]);
  // Without knowing all that stays nothing is taken away.
  if (!leaving || !staying) return;
  for (const fileName of leaving.files.keys()) {
    if (!staying.files.has(fileName)) {
      await deps.agent.deleteCertificate(target, trees.of.loadBalancer.id, fileName);
    }
  }
}

const nothing: MayBeLeftOut = () => false;

/** The tree without what is left out. */
export function withoutLeftOut(tree: LoadBalancerTree, leftOut: readonly LeftOut[]): LoadBalancerTree {
  const ids = new Set(leftOut.map(({ id }) => id));
  return ids.size === 0 ? tree : treeOfRows(tree, ({ id }) => !ids.has(id));
}

async function materialOf(
  deps: LoadBalancerDeps,
  tree: LoadBalancerTree,
  mayBeLeftOut: MayBeLeftOut,
): Promise<Material> {
  const { projectId, id: loadBalancerId } = tree.loadBalancer;
  const read = { certificate: 'getCertificate', ca: 'getCaCertificates', crl: 'getRevocationList' } as const;
  const keyOf = ({ reference, holds }: SecretReference) => `${holds} ${reference}`;
  const gone = new Map<string, KilnError>();
  const found = secretReferences(tree).map(async (one) => {
    const secret = await deps.secrets[read[one.holds]](one.reference, projectId).catch((error: unknown) => {
      if (!isGone(error)) throw error;
      gone.set(keyOf(one), error);
      return '';
    });
    return [one.reference, secret] as const;
  });
  const secrets = new Map(await Promise.all(found));

  const holders = holdersOfSecrets(tree);
  const leftOut = [
    ...holders.listeners.map((one) => ({ row: one.listener, refers: referencesOf({ listeners: [one] }) })),
    ...holders.pools.map((one) => ({ row: one, refers: referencesOf({ pools: [one] }) })),
  ].flatMap(({ row, refers }): LeftOut[] => {
    const error = refers.flatMap((one) => gone.get(keyOf(one)) ?? [])[0];
    if (!error) return [];
    const { code, advice } = error;
    if (!mayBeLeftOut(row)) throw new KilnError(code, `${row.id}: ${error.message}`, { advice, cause: error });
    return [{ id: row.id, reason: { code, message: `${row.id} is left out: ${error.message}`, advice } }];
  });
  const folder = `${deps.settings().baseCertDir}/${loadBalancerId}`;
  return { ...planTlsMaterial(withoutLeftOut(tree, leftOut), secrets, { folder }), leftOut };
}

/** Its files can't be named any more. */
function unlessGone(error: unknown): null {
  if (isGone(error)) return null;
  throw error;
}

/** A secret that was taken away since. Nothing but another secret, or another reference, can help. */
export function isGone(error: unknown): error is KilnError {
  return error instanceof KilnError && (error.code === 'SECRET_NOT_FOUND' || error.code === 'SECRET_INVALID');
}
