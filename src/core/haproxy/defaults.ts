import type { Section } from './section.ts';
import type { HaproxySettings } from './settings.ts';

/** `defaults`: what all frontends and backends share. */
export function renderDefaults({ logging }: HaproxySettings): Section {
  return {
    header: 'defaults',
    lines: [
      logging.logsConnections ? 'log global' : 'no log',
      'retries 3',
      'option redispatch',
      'option splice-request',
      'option splice-response',
      'option http-keep-alive',
    ],
  };
}
