import { choice, integer, string } from '../option.ts';

/** [certificates]: the authority that signs the certificates of agents. */
export const certificatesOptions = {
  cert_generator: choice(['local_cert_generator'], {
    default: 'local_cert_generator',
    help: 'Driver that issues the certificates of agents. Kiln has this one.',
  }),
  cert_manager: choice(['local_cert_manager', 'barbican_cert_manager'], {
    default: 'local_cert_manager',
    help: 'Where the certificates of listeners are kept: local_cert_manager, a folder of this machine. Kiln does not speak with Barbican yet: then no reference can be read.',
  }),
  storage_path: string({
    default: null,
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
  signing_digest: choice(['sha1', 'sha256', 'sha384', 'sha512'], {
    default: 'sha256',
    defaultVariable: 'OS_OCTAVIA_CA_SIGNING_DIGEST',
    help: 'Digest of the signature.',
  }),
  cert_validity_time: integer({
    default: 2592000,
    unit: 'seconds',
    min: 1,
    mutable: true,
    help: 'How long the certificate of an agent is valid.',
  }),
};
