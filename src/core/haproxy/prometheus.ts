import { capabilitiesOf } from './capabilities.ts';
import type { PlannedListener } from './plan.ts';
import type { Section } from './section.ts';
import type { HaproxySettings } from './settings.ts';

/** What a PROMETHEUS listener sends its clients to. */
export const prometheusBackend = 'prometheus-exporter-internal';

export function servesPrometheus(listener: PlannedListener['listener'], { version }: HaproxySettings): boolean {
  return listener.protocol === 'PROMETHEUS' && capabilitiesOf(version).prometheus;
}

/**
 * For PROMETHEUS listeners: HAProxy's exporter on port 9101, and the amphora's own proxy on 9102, which asks the former
 * and gives the figures Octavia's names. The agent leaves what has "prometheus" in its name out of the heartbeats.
 */
export function renderPrometheus(listeners: readonly PlannedListener[], settings: HaproxySettings): Section[] {
  if (!listeners.some(({ listener }) => servesPrometheus(listener, settings))) return [];
  return [
    {
      header: `frontend ${prometheusBackend}-endpoint`,
      lines: [
        'bind 127.0.0.1:9101',
        'mode http',
        'no log',
        'http-request use-service prometheus-exporter if { path /metrics }',
        'http-request reject',
        'timeout http-request 5s',
        'timeout client 5s',
      ],
    },
    {
      header: `backend ${prometheusBackend}`,
      lines: [
        'mode http',
        'no log',
        'balance first',
        'timeout connect 5s',
        'timeout server 5s',
        'server prometheus-internal 127.0.0.1:9102',
      ],
    },
  ];
}
