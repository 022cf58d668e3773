import type { LoadBalancer } from '../../model/load-balancer.ts';
import { capabilitiesOf } from './capabilities.ts';
import { monitorOf, type PlannedListener } from './plan.ts';
import { linesOf, type Section, words } from './section.ts';
import type { AmphoraMachine, HaproxySettings } from './settings.ts';

/** Octavia's ceiling: a sum of connection limits beyond it counts as this. */
const highestConnectionLimit = 1_000_000;

/**
 * `global`. The agent adds the process's group from a file of its own. It reads `stats socket`, which heartbeats are
 * made from, and writes the server state before each reload.
 */
export function renderGlobal(
  loadBalancer: LoadBalancer,
  listeners: readonly PlannedListener[],
  settings: HaproxySettings,
): Section {
  const { basePath, logging, machine } = settings;
  const sum = listeners.reduce((limit, { connectionLimit }) => limit + connectionLimit, 0);
  const connectionLimit = Math.min(sum || settings.defaultConnectionLimit, highestConnectionLimit);
  const endsTls = listeners.some(({ listener }) => listener.protocol === 'TERMINATED_HTTPS');
  const pings = listeners.some(({ pools }) => pools.some((pool) => monitorOf(pool)?.type === 'PING'));
  const cacheSize = endsTls ? tlsCacheSize(machine, connectionLimit) : null;
  const threads = threadCount(machine);
  return {
    header: 'global',
    lines: linesOf(
      'daemon',
      'user nobody',
      `log ${logging.address} local${logging.userFacility}`,
      `log ${logging.address} local${logging.administrativeFacility} notice`,
      `stats socket ${basePath}/${loadBalancer.id}.sock mode 0666 level user`,
      `server-state-file ${basePath}/${loadBalancer.id}/servers-state`,
      `maxconn ${connectionLimit}`,
      cacheSize !== null && `tune.ssl.cachesize ${cacheSize}`,
      threads !== null && [`nbthread ${threads}`, words('cpu-map', `auto:1/1-${threads}`, `1-${threads}`)],
      pings && 'external-check',
      pings && capabilitiesOf(settings.version).forksOnlyOnDemand && 'insecure-fork-wanted',
    ),
  };
}

/** All processors but the first, where they are set aside for HAProxy. */
function threadCount({ cpuCount, activeTunedProfiles }: AmphoraMachine): number | null {
  if (!activeTunedProfiles.includes('amphora') || cpuCount === null || cpuCount < 2) return null;
  return cpuCount - 1;
}

/**
 * Blocks of the TLS session cache: two fifths of the memory that connections leave, at 32 KiB for each connection and
 * about four blocks to the KiB. Null where HAProxy's default (some 5000 KiB) is no less.
 */
function tlsCacheSize({ memoryKiB }: AmphoraMachine, connectionLimit: number): number | null {
  if (!memoryKiB) return null;
  const { free, buffers, cached } = memoryKiB;
  const cacheKiB = Math.floor(((free + buffers + cached - 32 * connectionLimit) * 2) / 5);
  return cacheKiB > 5000 ? cacheKiB * 4 : null;
}
