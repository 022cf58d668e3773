import { KilnError } from '../../model/errors.ts';
import type { Listener, LoadBalancer } from '../../model/load-balancer.ts';
import { renderBinds } from './bind.ts';
import { renderPolicies } from './l7.ts';
import { renderLogFormat } from './log-format.ts';
import type { PlannedListener } from './plan.ts';
import { prometheusBackend, servesPrometheus } from './prometheus.ts';
import { linesOf, type Section } from './section.ts';
import type { HaproxySettings, TlsFiles } from './settings.ts';

/**
 * `frontend LISTENER_ID`: the name under which heartbeats report the listener.
 * INTERNAL when a TERMINATED_HTTPS listener has no certificate: its port would speak no TLS.
 */
export function renderFrontend(
  loadBalancer: LoadBalancer,
  planned: PlannedListener,
  files: TlsFiles['listeners'][string] | undefined,
  settings: HaproxySettings,
): Section {
  const { listener, mode, defaultPool } = planned;
  const endsTls = listener.protocol === 'TERMINATED_HTTPS';
  if (endsTls && !files) {
    throw new KilnError('INTERNAL', `Listener ${listener.id} is TERMINATED_HTTPS and no certificate file is given.`);
  }
  const addresses = [loadBalancer.vip, ...loadBalancer.additionalVips].map(({ address }) => address);
  const defaults = settings.defaultTimeouts;
  const inspectDelay = listener.timeoutTcpInspect || defaults.tcpInspectMilliseconds;
  return {
    header: `frontend ${listener.id}`,
    lines: linesOf(
      `maxconn ${planned.connectionLimit}`,
      endsTls && 'redirect scheme https if !{ ssl_fc }',
      endsTls && strictTransportSecurity(listener),
      renderBinds(planned, addresses, files, settings),
      `mode ${mode}`,
      renderPolicies(planned),
      defaultPool && `default_backend ${defaultPool.id}:${listener.id}`,
      `timeout client ${listener.timeoutClientData || defaults.clientDataMilliseconds}`,
      inspectDelay > 0 && `tcp-request inspect-delay ${inspectDelay}`,
      servesPrometheus(listener, settings) && `default_backend ${prometheusBackend}`,
      settings.logging.logsConnections && renderLogFormat(settings.logging.format, loadBalancer, mode),
    ),
  };
}

function strictTransportSecurity({ hstsMaxAge, hstsIncludeSubdomains, hstsPreload }: Listener): string | null {
  if (hstsMaxAge === null) return null;
  const directives = linesOf(
    `max-age=${hstsMaxAge};`,
    hstsIncludeSubdomains && 'includeSubDomains;',
    hstsPreload && 'preload;',
  );
  return `http-response set-header Strict-Transport-Security "${directives.join(' ')}"`;
}
