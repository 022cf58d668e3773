import type { Listener } from '../../model/load-balancer.ts';
import { socketAddress } from './address.ts';
import type { PlannedListener } from './plan.ts';
import { words } from './section.ts';
import type { HaproxySettings, TlsFiles } from './settings.ts';
import { alpnList, cipherOptions, versionOptions } from './tls.ts';

const verification: Record<Listener['clientAuthentication'], string> = {
  NONE: 'none',
  OPTIONAL: 'optional',
  MANDATORY: 'required',
};

/** `bind`, once for each VIP. The agent knows a listener with TLS by `ssl crt-list` right after the address. */
export function renderBinds(
  { listener, mayEndTls }: PlannedListener,
  vipAddresses: readonly string[],
  files: TlsFiles['listeners'][string] | undefined,
  settings: HaproxySettings,
): string[] {
  const options = mayEndTls && files ? tlsOptions(listener, files, settings) : null;
  return vipAddresses.map((address) => {
    return words('bind', socketAddress(`listener ${listener.id}`, address, listener.protocolPort), options);
  });
}

function tlsOptions(listener: Listener, files: TlsFiles['listeners'][string], settings: HaproxySettings): string {
  const alpn = alpnList(listener.alpnProtocols);
  const { clientCa, clientRevocationList } = files;
  return words(
    `ssl crt-list ${files.certificateList}`,
    clientCa && `ca-file ${clientCa} verify ${verification[listener.clientAuthentication]}`,
    clientCa && clientRevocationList && `crl-file ${clientRevocationList}`,
    cipherOptions(listener.tlsCiphers, settings.defaultListenerCiphers),
    versionOptions(listener.tlsVersions),
    alpn && `alpn ${alpn}`,
  );
}
