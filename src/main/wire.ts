/** The one place where ports meet their adapters. */
import { randomInt, randomUUID } from 'node:crypto';
import { createAmphoraAgentClient } from '../adapters/amphora-agent/client.ts';
import type { AmphoraAgentSettings } from '../adapters/amphora-agent/connection.ts';
import { createCertificateIssuer } from '../adapters/certificates/issuer.ts';
import { createWorkerIdentity } from '../adapters/process/worker-identity.ts';
import { createAmphoraStore } from '../adapters/storage/amphora-store.ts';
import { openDatabase } from '../adapters/storage/database.ts';
import type { Configuration } from '../config/options/index.ts';
import type { AmphoraParts } from '../flows/parts.ts';
import { createImageResolver } from '../flows/resolve-image.ts';
import type { Clock } from '../ports/clock.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';
import type { Log } from '../ports/log.ts';
import { amphoraSettings, imageSettings } from './amphora-settings.ts';
import type { OpenStack } from './openstack.ts';
import type { StatePaths } from './state-paths.ts';

interface Around {
  clock: Clock;
  log: Log;
  /** In force now: what a reload changes takes effect with the next flow. */
  current: () => Configuration;
}

export function wireResolver(openstack: OpenStack, around: Around): ImageResolver {
  const { images, identity, compute } = openstack;
  const { clock, log, current } = around;
  return createImageResolver({ images, identity, compute, clock, log, settings: () => imageSettings(current()) });
}

/** What the flows of an amphora act through, over the real cloud and the real state. */
export async function wireAmphorae(
  openstack: OpenStack,
  paths: StatePaths,
  around: Around,
): Promise<{ parts: AmphoraParts; close(): Promise<void> }> {
  const { clock, log, current } = around;
  const { certificates } = current();
  const database = await openDatabase(paths.database, clock);
  const parts: AmphoraParts = {
    resolver: wireResolver(openstack, around),
    compute: openstack.compute,
    certificates: createCertificateIssuer(
      {
        caCertificateFile: certificates.ca_certificate,
        caPrivateKeyFile: certificates.ca_private_key,
        caPrivateKeyPassphrase: certificates.ca_private_key_passphrase,
        signingDigest: certificates.signing_digest,
      },
      clock,
    ),
    agent: createAmphoraAgentClient(() => agentSettings(current())),
    store: createAmphoraStore(database, clock),
    worker: createWorkerIdentity(),
    clock,
    log,
    settings: () => amphoraSettings(current()),
    newId: randomUUID,
    randomInteger: randomInt,
  };
  return { parts, close: () => database.destroy() };
}

/** What the client of agents is told, at each call. */
function agentSettings({ haproxy_amphora: haproxy, amphora_agent: agent }: Configuration): AmphoraAgentSettings {
  return {
    clientCertFile: haproxy.client_cert,
    serverCaFile: haproxy.server_ca,
    port: haproxy.bind_port,
    connectTimeoutSeconds: haproxy.rest_request_conn_timeout,
    readTimeoutSeconds: haproxy.rest_request_read_timeout,
    lbNetworkInterface: haproxy.lb_network_interface,
    tlsProtocol: agent.agent_tls_protocol,
  };
}
