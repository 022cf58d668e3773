import { choice, integer, string } from '../option.ts';

/** Octavia's managers that Kiln doesn't have. */
const unreadCertManagers = ['barbican_cert_manager', 'castellan_cert_manager', 'noop_cert_manager'] as const;

const signingDigests: ReadonlySet<string> = new Set(['sha1', 'sha256', 'sha384', 'sha512']);

/** What certificates are signed with: the digest that is configured where Kiln has it, else sha256. */
export function signingDigestOf(configured: string): string {
  const digest = configured.toLowerCase();
  return signingDigests.has(digest) ? digest : 'sha256';
}

/** [certificates]: the authority that signs the certificates of agents. */
export const certificatesOptions = {
  cert_generator: choice(['local_cert_generator'], {
    default: 'local_cert_generator',
    withoutEffect: 'it is the only one there is',
    help: 'Driver that issues the certificates of agents.',
  }),
  cert_manager: choice(['local_cert_manager', ...unreadCertManagers], {
    default: 'local_cert_manager',
    octaviaDefault: { value: 'barbican_cert_manager', reason: 'Kiln does not speak with Barbican yet' },
    help: 'Where the certificates of listeners are kept: local_cert_manager, a folder of this machine. With the others Kiln starts, and can read no reference: what needs a certificate is refused.',
    remark: (manager) =>
      manager === 'local_cert_manager'
        ? null
        : 'Kiln does not have it: no certificate can be read, and listeners and pools that name one are refused. Set local_cert_manager and keep certificates with `kiln secret store`.',
  }),
  storage_path: string({
    default: null,
    defaultVariable: 'OS_OCTAVIA_TLS_STORAGE',
    octaviaDefault: { value: '/var/lib/octavia/certificates/', reason: 'the state of Kiln is in one folder' },
    help: 'Folder of local_cert_manager. Not set: secrets in [kiln] state_path.',
  }),
  ca_certificate: string({
    default: '/etc/ssl/certs/ssl-cert-snakeoil.pem',
    defaultVariable: 'OS_OCTAVIA_TLS_CA_CERT',
    help: 'PEM file with the certificate of the authority that signs the certificates of agents.',
  }),
  ca_private_key: string({
    default: '/etc/ssl/private/ssl-cert-snakeoil.key',
    defaultVariable: 'OS_OCTAVIA_TLS_CA_KEY',
    help: 'PEM file with the key of that authority: RSA or EC, encrypted or not.',
  }),
  ca_private_key_passphrase: string({
    default: null,
    defaultVariable: 'OS_OCTAVIA_CA_KEY_PASS',
    secret: true,
    help: 'Passphrase of ca_private_key. Not set: it is not encrypted.',
  }),
  signing_digest: string({
    default: 'sha256',
    defaultVariable: 'OS_OCTAVIA_CA_SIGNING_DIGEST',
    pattern: {
      regex: /^(md5|sha(1|224|256|384|512)|sha(512_(224|256)|3_(224|256|384|512)))$/i,
      description: 'the name of a digest: sha1, sha256, sha384, sha512',
    },
    help: 'Digest of the signature, in any case. Others that Octavia knows (md5, sha224, sha3_256 and its kin) are taken as sha256.',
    remark: (digest) =>
      signingDigests.has(digest.toLowerCase())
        ? null
        : `Kiln signs with sha256 instead; it has ${[...signingDigests].join(', ')}`,
  }),
  cert_validity_time: integer({
    default: 2592000,
    unit: 'seconds',
    min: 1,
    mutable: true,
    help: 'How long the certificate of an agent is valid.',
  }),
};
