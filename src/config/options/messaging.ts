import { boolean, integer, string } from '../option.ts';

/** [oslo_messaging_rabbit]: how to speak with the broker that [DEFAULT] transport_url names. */
export const osloMessagingRabbitOptions = {
  ssl: boolean({
    default: false,
    deprecatedNames: [['oslo_messaging_rabbit', 'rabbit_use_ssl']],
    help: 'Speak TLS with the broker.',
  }),
  ssl_ca_file: string({
    default: null,
    deprecatedNames: [['oslo_messaging_rabbit', 'kombu_ssl_ca_certs']],
    help: "PEM file with the authorities to trust. Not set: the broker's certificate is not verified at all, as in oslo.messaging.",
  }),
  ssl_cert_file: string({
    default: null,
    deprecatedNames: [['oslo_messaging_rabbit', 'kombu_ssl_certfile']],
    help: 'PEM file with a certificate to show to the broker.',
  }),
  ssl_key_file: string({
    default: null,
    deprecatedNames: [['oslo_messaging_rabbit', 'kombu_ssl_keyfile']],
    help: 'PEM file with the key of ssl_cert_file.',
  }),
  ssl_enforce_hostname_verification: boolean({
    default: false,
    help: "Demand that the broker's certificate names its host. Only with ssl_ca_file.",
  }),
  heartbeat_timeout_threshold: integer({
    default: 60,
    unit: 'seconds',
    min: 0,
    help: 'The connection is given up when the broker has been silent for about so long. 0: never.',
  }),
};
