import { isIPv6 } from 'node:net';
import { KilnError } from '../../model/errors.ts';

/** Where an amphora sends its logs; from [amphora_agent] of octavia.conf. */
export interface LogForwardingSettings {
  /** `host:port`; the first is used, the others stand in when it fails. Empty: not forwarded. */
  adminLogTargets: readonly string[];
  tenantLogTargets: readonly string[];
  userLogFacility: number;
  administrativeLogFacility: number;
  logProtocol: 'TCP' | 'UDP';
  logRetryCount: number;
  logRetryIntervalSeconds: number;
  logQueueSize: number;
  forwardAllLogs: boolean;
  disableLocalLogStorage: boolean;
}

/**
 * `/etc/rsyslog.d/10-rsyslog.conf`: forwards tenant traffic logs and administrative logs, each to its own targets, as
 * Octavia's template does (octavia/common/jinja/logging). Without targets the file forwards nothing, and still replaces
 * one that the image may hold. A target that is not `host:port` is CONFIGURATION_INVALID.
 */
export function renderLogForwarding(settings: LogForwardingSettings): string {
  const tenant = settings.tenantLogTargets.map((target) => parseTarget('tenant_log_targets', target));
  const admin = settings.adminLogTargets.map((target) => parseTarget('admin_log_targets', target));
  const traffic = `local${settings.userLogFacility}`;
  const own = settings.forwardAllLogs ? `*.*;${traffic}.none` : `local${settings.administrativeLogFacility}.*`;
  const lines = ['# Log forwarding of the amphora, from [amphora_agent] of octavia.conf.'];
  if (tenant.length > 0) {
    lines.push(...ruleset('tenant_forwarding', tenant, settings), `${traffic}.=info call tenant_forwarding`);
  }
  if (admin.length > 0) lines.push(...ruleset('admin_forwarding', admin, settings), `${own} call admin_forwarding`);
  if (settings.disableLocalLogStorage) lines.push('*.* stop');
  return `${lines.join('\n')}\n`;
}

interface Target {
  host: string;
  port: number;
}

function ruleset(name: string, targets: readonly Target[], settings: LogForwardingSettings): string[] {
  const actions = targets.map(({ host, port }, index) => {
    const parameters = {
      type: 'omfwd',
      target: host,
      port,
      protocol: settings.logProtocol.toLowerCase(),
      'action.resumeRetryCount': settings.logRetryCount,
      'action.resumeInterval': settings.logRetryIntervalSeconds,
      ...(index > 0 ? { 'action.execOnlyWhenPreviousIsSuspended': 'on' } : {}),
    };
    const written = Object.entries(parameters).map(([key, value]) => `${key}="${value}"`);
    return `  action(${written.join('\n         ')})`;
  });
  return [`ruleset(name="${name}" queue.type="linkedList" queue.size="${settings.logQueueSize}") {`, ...actions, '}'];
}

/** Takes `host:port` apart; an IPv6 address may stand in brackets. Host names can hold nothing that ends a string. */
function parseTarget(option: string, target: string): Target {
  const colon = target.lastIndexOf(':');
  const host = target.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, '$1');
  const port = Number(/^\d{1,5}$/.test(target.slice(colon + 1)) ? target.slice(colon + 1) : Number.NaN);
  if ((isIPv6(host) || /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(host)) && port >= 1 && port <= 65535) {
    return { host, port };
  }
  throw new KilnError(
    'CONFIGURATION_INVALID',
    `[amphora_agent] ${option} has ${JSON.stringify(target)}; allowed is host:port, such as 192.0.2.10:10514.`,
  );
}
