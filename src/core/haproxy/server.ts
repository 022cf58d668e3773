import type { HealthMonitor, Member } from '../../model/load-balancer.ts';
import { hostAddress, socketAddress } from './address.ts';
import type { Capabilities } from './capabilities.ts';
import { monitorOf, type PlannedListener, type PlannedPool } from './plan.ts';
import { words } from './section.ts';
import type { HaproxySettings, TlsFiles } from './settings.ts';
import { alpnList, cipherOptions, versionOptions } from './tls.ts';

/** What the `server` lines of a backend are made from. */
export interface ServerContext {
  pool: PlannedPool;
  planned: PlannedListener;
  files: TlsFiles['pools'][string] | undefined;
  settings: HaproxySettings;
  capabilities: Capabilities;
}

/** `server MEMBER_ID …`: the name under which heartbeats report the member. */
export function renderServer(member: Member, context: ServerContext): string {
  const { pool, planned } = context;
  const monitor = monitorOf(pool);
  const alpn = pool.tlsEnabled && context.capabilities.memberAlpn ? alpnList(pool.alpnProtocols) : null;
  return words(
    'server',
    member.id,
    socketAddress(`member ${member.id}`, member.address, member.protocolPort),
    `weight ${member.weight}`,
    monitor && checkOptions(member, monitor, pool, alpn),
    pool.sessionPersistence?.type === 'HTTP_COOKIE' && `cookie ${member.id}`,
    pool.protocol === 'PROXY' && 'send-proxy',
    pool.protocol === 'PROXYV2' && (planned.mayEndTls ? 'send-proxy-v2-ssl-cn' : 'send-proxy-v2'),
    member.backup && 'backup',
    !member.adminStateUp && 'disabled',
    pool.tlsEnabled && tlsOptions(context),
    alpn && `alpn ${alpn}`,
  );
}

/** A check does its TLS handshake on its own where traffic has none; else `verify` of the traffic holds for both. */
function checkOptions(member: Member, monitor: HealthMonitor, pool: PlannedPool, alpn: string | null): string {
  const checksTls = monitor.type === 'HTTPS' || monitor.type === 'TLS-HELLO';
  const { monitorAddress, monitorPort } = member;
  return words(
    'check',
    checksTls && 'check-ssl',
    checksTls && !pool.tlsEnabled && 'verify none',
    alpn && `check-alpn ${alpn}`,
    `inter ${monitor.delay}s fall ${monitor.maxRetriesDown} rise ${monitor.maxRetries}`,
    monitorAddress && `addr ${hostAddress(`member ${member.id}`, monitorAddress)}`,
    monitorPort && `port ${monitorPort}`,
  );
}

/** TLS to the member. With a CA the member has to prove itself, in checks too; without one anybody is believed. */
function tlsOptions({ pool, files, settings }: ServerContext): string {
  const ca = files?.ca;
  return words(
    'ssl',
    files?.clientCertificate && `crt ${files.clientCertificate}`,
    ca && `ca-file ${ca}`,
    ca && files.revocationList && `crl-file ${files.revocationList}`,
    ca ? 'verify required' : 'verify none',
    'sni ssl_fc_sni',
    cipherOptions(pool.tlsCiphers, settings.defaultPoolCiphers),
    versionOptions(pool.tlsVersions),
  );
}
