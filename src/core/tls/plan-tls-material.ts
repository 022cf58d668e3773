import { createHash } from 'node:crypto';
import { KilnError } from '../../model/errors.ts';
import type { LoadBalancerTree } from '../../model/load-balancer.ts';
import type { TlsFiles } from '../haproxy/settings.ts';
import { holdersOfSecrets, listenerCertificates } from './secret-references.ts';

export { secretReferences } from './secret-references.ts';

/** A certificate with its key as the key manager gives it: PEM, of which blank lines at the ends don't count. */
export interface CertificateMaterial {
  certificatePem: string;
  /** Not encrypted. A secret. */
  privateKeyPem: string;
  /** From the one that signed the certificate upwards. */
  intermediatesPem: readonly string[];
}

/** By reference: a certificate with its key, or the PEM of authorities or of a revocation list. */
export type FetchedSecrets = ReadonlyMap<string, CertificateMaterial | string>;

export interface TlsMaterial {
  /** File name → content, a secret. In the order in which they are sent: what a file names comes before it. */
  files: ReadonlyMap<string, string>;
  /** What the configuration of HAProxy is rendered with. */
  tlsFiles: TlsFiles;
}

/**
 * What an amphora's folder of certificates holds for a load balancer, named and composed as Octavia does
 * (octavia/amphorae/drivers/haproxy/rest_api_driver.py: _process_tls_certificates, _process_secret,
 * _process_pool_certs; octavia/common/tls_utils/cert_parser.py: build_pem): `SHA-1.pem` of a certificate's PEM with
 * key and intermediates in it, `SHA-1.pem` of authorities or a list, and for each listener `LISTENER_ID.pem`, HAProxy's
 * crt-list of its certificates.
 * @param secrets all that `secretReferences` names; INTERNAL when one is missing or of another kind.
 * @param folder where the agent puts the files: `[haproxy_amphora] base_cert_dir`, a slash, the load balancer's ID.
 */
export function planTlsMaterial(
  tree: LoadBalancerTree,
  secrets: FetchedSecrets,
  { folder }: { folder: string },
): TlsMaterial {
  const files = new Map<string, string>();
  const place = (name: string, content: string) => {
    files.set(name, content);
    return `${folder}/${name}`;
  };
  const certificate = (reference: string) => {
    const found = secrets.get(reference);
    if (!found || typeof found === 'string') throw missing(reference, 'certificate with its key');
    return place(certificateFileName(found), buildPem(found));
  };
  const plain = (reference: string | null, what: string) => {
    if (reference === null) return null;
    const found = secrets.get(reference);
    if (typeof found !== 'string') throw missing(reference, what);
    return place(`${sha1(found)}.pem`, found);
  };

  const { listeners, pools } = holdersOfSecrets(tree);
  return {
    tlsFiles: {
      listeners: Object.fromEntries(
        listeners.map(({ listener }) => {
          // Two references may lead to one certificate: once is enough.
          const paths = [...new Set(listenerCertificates(listener).map(certificate))];
          const paper = {
            clientCa: plain(listener.clientCaTlsContainerRef, 'certificate of an authority'),
            clientRevocationList: plain(listener.clientCrlContainerRef, 'revocation list'),
          };
          return [listener.id, { certificateList: place(`${listener.id}.pem`, `${paths.join('\n')}\n`), ...paper }];
        }),
      ),
      pools: Object.fromEntries(
        pools.map((pool) => [
          pool.id,
          {
            clientCertificate: pool.tlsContainerRef === null ? null : certificate(pool.tlsContainerRef),
            ca: plain(pool.caTlsContainerRef, 'certificate of an authority'),
            revocationList: plain(pool.crlContainerRef, 'revocation list'),
          },
        ]),
      ),
    },
    files,
  };
}

function certificateFileName({ certificatePem }: CertificateMaterial): string {
  return `${sha1(certificatePem.trim())}.pem`;
}

function buildPem({ certificatePem, privateKeyPem, intermediatesPem }: CertificateMaterial): string {
  return [certificatePem, privateKeyPem, ...intermediatesPem].map((part) => `${part.trim()}\n`).join('');
}

/** A name, not a seal: what Octavia has named files by since ever. */
function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

function missing(reference: string, what: string): KilnError {
  return new KilnError('INTERNAL', `What ${reference} refers to was not fetched as a ${what}.`);
}
