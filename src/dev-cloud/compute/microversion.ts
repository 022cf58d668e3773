import { ComputeFault } from './fault.ts';

/** The major version is always 2; a microversion is its minor part. These are the bounds of Nova 26 (Zed). */
export const minMinor = 1;
export const maxMinor = 93;

const modernHeader = 'openstack-api-version';
const legacyHeader = 'x-openstack-nova-api-version';

/**
 * The minor version that a request asks for; 1 when it asks for none.
 * @throws ComputeFault 400 for nonsense, 406 for a version that is not spoken (test/recorded/nova: 37, 38).
 */
export function negotiateMinor(headers: Readonly<Record<string, string | string[] | undefined>>): number {
  const wanted = requested(headers);
  if (wanted === null) return minMinor;
  if (wanted === 'latest') return maxMinor;
  if (!/^[1-9]\d*\.(0|[1-9]\d*)$/.test(wanted)) {
    throw new ComputeFault(
      400,
      `API Version String ${wanted} is of invalid format. Must be of format MajorNum.MinorNum.`,
    );
  }
  const [major, minor] = wanted.split('.').map(Number);
  if (major !== 2 || minor === undefined || minor < minMinor || minor > maxMinor) {
    const bounds = `Minimum is 2.${minMinor} and maximum is 2.${maxMinor}.`;
    throw new ComputeFault(406, `Version ${wanted} is not supported by the API. ${bounds}`);
  }
  return minor;
}

/** What every answer says: the version that it speaks, or, refusing one, the version that was asked for. */
export function versionHeaders(version: string): Record<string, string> {
  return {
    'OpenStack-API-Version': `compute ${version}`,
    'X-OpenStack-Nova-API-Version': version,
    Vary: 'OpenStack-API-Version, X-OpenStack-Nova-API-Version',
  };
}

/** Out of `compute 2.15` (one of several services, perhaps) or the older header's bare `2.15`. */
export function requested(headers: Readonly<Record<string, string | string[] | undefined>>): string | null {
  const modern = [headers[modernHeader]].flat().join(',').split(',');
  const ours = modern.map((item) => item.trim().split(/\s+/)).find(([service]) => service === 'compute');
  const legacy = headers[legacyHeader];
  return ours?.[1] ?? (typeof legacy === 'string' ? legacy : null);
}
