import { invalidRequest, validationFailure } from '../core/lbaas/api-errors.ts';
import { pythonLiteral } from '../core/lbaas/python-text.ts';
import { isSignedByAuthority } from '../core/tls/revocation-list.ts';
import { weaknessOf } from '../core/tls/weak-certificate.ts';
import { KilnError } from '../model/errors.ts';
import type { Listener, Pool } from '../model/load-balancer.ts';
import type { SecretStore } from '../ports/secret-store.ts';

/** What an object of the API refers to in the key manager. */
export interface SecretReferences {
  /** Certificates with keys, in the order in which Octavia asks for them. */
  certificates: readonly string[];
  ca: string | null;
  revocationList: string | null;
}

export function referencesOfListener(
  listener: Pick<
    Listener,
    'sniContainerRefs' | 'defaultTlsContainerRef' | 'clientCaTlsContainerRef' | 'clientCrlContainerRef'
  >,
): SecretReferences {
  return {
    certificates: [...listener.sniContainerRefs, listener.defaultTlsContainerRef].filter((it) => it !== null),
    ca: listener.clientCaTlsContainerRef,
    revocationList: listener.clientCrlContainerRef,
  };
}

export function referencesOfPool(
  pool: Pick<Pool, 'tlsContainerRef' | 'caTlsContainerRef' | 'crlContainerRef'>,
): SecretReferences {
  return {
    certificates: pool.tlsContainerRef === null ? [] : [pool.tlsContainerRef],
    ca: pool.caTlsContainerRef,
    revocationList: pool.crlContainerRef,
  };
}

const fieldsOfSecrets = [
  ...['sniContainerRefs', 'defaultTlsContainerRef', 'clientCaTlsContainerRef', 'clientCrlContainerRef'],
  ...['tlsContainerRef', 'caTlsContainerRef', 'crlContainerRef'],
];

/** Whether a change refers to secrets; those that it leaves alone were looked at when they came. */
export function namesSecrets(patch: object): boolean {
  return Object.entries(patch).some(([field, value]) => fieldsOfSecrets.includes(field) && value != null);
}

/**
 * Refuses references that can't be used, in Octavia's words (octavia/api/v2/controllers/base.py: _validate_tls_refs,
 * _validate_client_ca_and_crl_refs): what is there is read and looked at, so that no load balancer fails on it later. A
 * key manager that can't be asked counts as one that has nothing, as with Octavia. REQUEST_INVALID.
 */
export async function checkSecretReferences(
  secrets: SecretStore,
  { certificates, ca, revocationList }: SecretReferences,
  projectId: string,
): Promise<void> {
  const asked = [...new Set(certificates)].map((reference) => {
    return attempt(reference, secrets.getCertificate(reference, projectId));
  });
  const read = await Promise.all(asked);
  refuseUnreadable(read);
  if (read.some(({ value }) => value && value.commonName === null && value.dnsNames.length === 0)) {
    throw invalidRequest('No CN or DNSName(s) found in certificate. The certificate is invalid.');
  }
  for (const { reference, value } of read) {
    const weakness = value && weaknessOf(value);
    if (weakness) throw validationFailure(`HAProxy can not load the certificate of ${reference}: it ${weakness}.`);
  }
  if (ca === null) return;

  const [authorities, list] = await Promise.all([
    attempt(ca, secrets.getCaCertificates(ca, projectId)),
    revocationList === null ? null : attempt(revocationList, secrets.getRevocationList(revocationList, projectId)),
  ]);
  const given = [authorities, list].filter((it) => it !== null);
  refuseMissing(given.filter(({ error }) => error && error.code !== 'SECRET_INVALID'));
  if (authorities.error) throw invalidAuthority(authorities.error);
  if (list?.error) throw invalidRevocationList(list.error);
  if (list && !isSignedByAuthority(list.value ?? '', authorities.value ?? '')) {
    throw validationFailure('The CRL specified is not valid for client certificate authority reference supplied.');
  }
}

interface Attempt<Value> {
  reference: string;
  value: Value | null;
  error: KilnError | null;
}

function attempt<Value>(reference: string, asking: Promise<Value>): Promise<Attempt<Value>> {
  return asking.then(
    (value) => ({ reference, value, error: null }),
    (thrown: unknown) => {
      const error = thrown instanceof KilnError ? thrown : new KilnError('SECRET_NOT_FOUND', 'it can not be asked for');
      return { reference, value: null, error };
    },
  );
}

/** A PKCS#12 file that can't be used is refused at once; all others together. */
function refuseUnreadable(attempts: readonly Attempt<unknown>[]): void {
  const bundle = attempts.find(({ error }) => error?.code === 'SECRET_INVALID' && error.details.format === 'PKCS#12');
  if (bundle?.error) {
    throw invalidRequest(
      'The PKCS12 bundle is unreadable. Please check the PKCS12 bundle validity. In addition, make sure it does not ' +
        `require a pass phrase. Error: ${bundle.error.message}`,
    );
  }
  refuseMissing(attempts.filter(({ error }) => error !== null));
}

/** With the reasons behind Octavia's sentence for what is there and of no use. */
function refuseMissing(attempts: readonly Attempt<unknown>[]): void {
  if (attempts.length === 0) return;
  const references = attempts.map(({ reference }) => pythonLiteral(reference)).join(', ');
  const reasons = attempts
    .filter(({ error }) => error?.code === 'SECRET_INVALID')
    .map(({ error }) => ` ${error?.message}`);
  throw invalidRequest(`Could not retrieve certificate: [${references}]${[...new Set(reasons)].join('')}`);
}

const invalidAuthority = ({ message }: KilnError) =>
  validationFailure(
    'The client authentication CA certificate is invalid. It must be a valid x509 PEM format certificate. ' +
      `Error: ${message}`,
  );

const invalidRevocationList = ({ message }: KilnError) =>
  validationFailure(
    'The client authentication certificate revocation list is invalid. It must be a valid x509 PEM format ' +
      `certificate revocation list. Error: ${message}`,
  );
