import { createHash } from 'node:crypto';
import type { TlsFiles } from '../../core/haproxy/settings.ts';
import { planTlsMaterial, secretReferences, type TlsMaterial } from '../../core/tls/plan-tls-material.ts';
import { KilnError } from '../../model/errors.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { LoadBalancerParts } from './parts.ts';
import type { Target } from './targets.ts';

/** Puts what HAProxy needs of certificates into the amphora; what is there already is not sent again. */
export async function uploadTlsMaterial(
  parts: LoadBalancerParts,
  target: Target,
  tree: LoadBalancerTree,
): Promise<TlsFiles> {
  const { files, tlsFiles } = await materialOf(parts, tree);
  const { id } = tree.loadBalancer;
  for (const [fileName, pem] of files) {
    const there = await parts.agent.getCertificateMd5(target, id, fileName);
    if (there !== createHash('md5').update(pem).digest('hex')) {
      await parts.agent.uploadCertificate(target, id, fileName, pem);
    }
  }
  return tlsFiles;
}

/** Takes out of the amphora what only one tree has a use for. */
export async function removeTlsMaterial(
  parts: LoadBalancerParts,
  target: Target,
  trees: { of: LoadBalancerTree; butOf: LoadBalancerTree },
): Promise<void> {
  if (secretReferences(trees.of).length === 0) return;
  const [leaving, staying] = await Promise.all([
    materialOf(parts, trees.of).catch(unlessGone),
    materialOf(parts, trees.butOf).catch(unlessGone),
  ]);
  // Without knowing all that stays nothing is taken away.
  if (!leaving || !staying) return;
  for (const fileName of leaving.files.keys()) {
    if (!staying.files.has(fileName)) {
      await parts.agent.deleteCertificate(target, trees.of.loadBalancer.id, fileName);
    }
  }
}

async function materialOf(parts: LoadBalancerParts, tree: LoadBalancerTree): Promise<TlsMaterial> {
  const { projectId, id } = tree.loadBalancer;
  const secrets = new Map(
    await Promise.all(
      secretReferences(tree).map(async ({ reference, holds }) => {
        const read = { certificate: 'getCertificate', ca: 'getCaCertificates', crl: 'getRevocationList' } as const;
        return [reference, await parts.secrets[read[holds]](reference, projectId)] as const;
      }),
    ),
  );
  return planTlsMaterial(tree, secrets, { folder: `${parts.settings().baseCertDir}/${id}` });
}

/** A secret that was taken away since: its files can't be named any more. */
function unlessGone(error: unknown): null {
  if (error instanceof KilnError && (error.code === 'SECRET_NOT_FOUND' || error.code === 'SECRET_INVALID')) return null;
  throw error;
}
