/** A listener in a configuration of HAProxy's, as `GET /1.0/listeners` tells it. */
export interface ConfiguredListener {
  id: string;
  /** The mode in capitals, or TERMINATED_HTTPS where certificates are shown. */
  type: string;
}

/** Frontends are named after listeners. The one for Prometheus' metrics of HAProxy itself is not one. */
export function listenersOf(configuration: string): ConfiguredListener[] {
  return configuration.split(/^(?=frontend\s|backend\s|listen\s|defaults\b|peers\s)/m).flatMap((section) => {
    const id = /^frontend\s+(\S+)/.exec(section)?.[1];
    if (!id || id.includes('prometheus')) return [];
    const terminates = /^\s+bind\s+\S+\s+ssl crt-list\s/m.test(section);
    const mode = /^\s+mode\s+(\S+)/m.exec(section)?.[1] ?? 'tcp';
    return [{ id, type: terminates ? 'TERMINATED_HTTPS' : mode.toUpperCase() }];
  });
}

/** Addresses that listeners are bound to, each once. */
export function boundAddressesOf(configuration: string): string[] {
  return [...new Set([...configuration.matchAll(/^\s*bind\s+(\S+):\d+/gm)].map(([, address = '']) => address))];
}
