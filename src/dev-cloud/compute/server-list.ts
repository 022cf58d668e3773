import { hostName } from '../network/facade.ts';
import type { Call, Compute } from './compute.ts';
import { badRequest, ComputeFault, policyFault } from './fault.ts';
import type { ServerRow } from './rows.ts';
import { serverStatus } from './server-view.ts';

/** Statuses that Nova knows; asking for one that nobody has is no fault. */
const knownStatuses = new Set([
  ...['ACTIVE', 'BUILD', 'DELETED', 'ERROR', 'HARD_REBOOT', 'MIGRATING', 'PASSWORD', 'PAUSED', 'REBOOT', 'REBUILD'],
  ...['RESCUE', 'RESIZE', 'REVERT_RESIZE', 'SHELVED', 'SHELVED_OFFLOADED', 'SHUTOFF', 'SOFT_DELETED', 'SUSPENDED'],
  ...['VERIFY_RESIZE', 'UNKNOWN'],
]);

/** Filters that look for a part of the value: Nova hands them to the database as regular expressions. */
const patternFilters: Record<string, (row: ServerRow) => string | null> = {
  name: (row) => row.name,
  description: (row) => row.description,
};

/** Filters that want the whole value. */
const exactFilters: Record<string, (row: ServerRow) => string | null> = {
  image: (row) => row.imageId,
  flavor: (row) => row.flavor.id,
  uuid: (row) => row.id,
  user_id: (row) => row.userId,
  key_name: (row) => row.keyName,
  reservation_id: (row) => row.reservationId,
  availability_zone: (row) => row.availabilityZone,
  vm_state: (row) => row.vmState,
  task_state: (row) => row.taskState,
  // There is one host, and nothing is locked.
  host: () => hostName,
  node: () => hostName,
};

/** Without an administrator's rights, other filters are ignored in silence. */
const everybodysFilters = [
  'name',
  'image',
  'flavor',
  'uuid',
  'reservation_id',
  'key_name',
  'availability_zone',
  'user_id',
];

/**
 * The servers that a query is about, newest first: those of the caller's project, or of all of them where an
 * administrator says `all_tenants`. An unknown filter is ignored.
 */
export function filterServers(compute: Compute, query: URLSearchParams, { user, minor }: Call): ServerRow[] {
  const allTenants = isAllTenants(query);
  if (allTenants && !user.isAdmin) throw policyFault('servers:index:get_all_tenants');
  const projectId = allTenants ? (query.get('project_id') ?? query.get('tenant_id')) : user.projectId;

  const statuses = query.getAll('status').map((status) => status.toUpperCase());
  if (statuses.length > 0 && !statuses.some((status) => knownStatuses.has(status))) {
    if (minor >= 38) throw badRequest('Invalid status value');
    return [];
  }
  if (statuses.includes('DELETED') && !user.isAdmin) {
    throw new ComputeFault(403, 'Only administrators may list deleted instances');
  }
  const tests = [...new Set(query.keys())].flatMap((key) => filterOf(key, query.get(key) ?? '', user.isAdmin));
  const addresses = addressFilter(compute, query);
  const changes = changeFilter(query, minor);
  const tags = tagFilter(query, minor);
  return compute.tables.servers
    .all()
    .filter((row) => projectId === null || row.projectId === projectId)
    .filter((row) => statuses.length === 0 || statuses.includes(serverStatus(row)))
    .filter((row) => tests.every((test) => test(row)) && addresses(row) && changes(row) && tags(row))
    .filter(() => minor < 73 || !/^(1|t|true|on|y|yes)$/i.test(query.get('locked') ?? ''))
    .sort(order(query));
}

function filterOf(key: string, value: string, isAdmin: boolean): ((row: ServerRow) => boolean)[] {
  if (!isAdmin && !everybodysFilters.includes(key)) return [];
  const pattern = patternFilters[key];
  if (pattern) {
    const expression = regularExpression(value);
    return [(row) => expression.test(pattern(row) ?? '')];
  }
  const exact = exactFilters[key];
  return exact ? [(row) => exact(row) === value] : [];
}

/** By the moment of the last change; `changes-before` came with 2.66. */
function changeFilter(query: URLSearchParams, minor: number): (row: ServerRow) => boolean {
  const moment = (key: string) => {
    const text = query.get(key);
    if (text === null) return null;
    const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
    if (Number.isNaN(time)) throw badRequest(`Invalid input for query parameters ${key}. Value: ${text}.`);
    return time;
  };
  const since = moment('changes-since');
  const before = minor >= 66 ? moment('changes-before') : null;
  return ({ updatedAt }) => {
    const changed = Date.parse(updatedAt);
    return (since === null || changed >= since) && (before === null || changed <= before);
  };
}

/** From 2.26 on: each a list with commas. */
function tagFilter(query: URLSearchParams, minor: number): (row: ServerRow) => boolean {
  const asked = (key: string) => (minor < 26 ? null : (query.get(key)?.split(',') ?? null));
  const [every, some] = [asked('tags'), asked('tags-any')];
  const [notEvery, none] = [asked('not-tags'), asked('not-tags-any')];
  return ({ tags }) => {
    const has = (tag: string) => tags.includes(tag);
    if (every?.some((tag) => !has(tag)) || none?.some(has)) return false;
    return (some === null || some.some(has)) && !notEvery?.every(has);
  };
}

/** `ip` is a pattern for any address of the server. */
function addressFilter(compute: Compute, query: URLSearchParams): (row: ServerRow) => boolean {
  const ip = query.get('ip');
  if (ip === null) return () => true;
  const expression = regularExpression(ip);
  return (row) =>
    compute.network
      .portsOfServer(row.id)
      .some((port) => port.fixedIps.some(({ ip_address }) => expression.test(ip_address)));
}

/** MariaDB's REGEXP does not tell case apart in Nova's collation. What is no expression is looked for as it stands. */
function regularExpression(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'i');
  } catch {
    return new RegExp(pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
  }
}

function isAllTenants(query: URLSearchParams): boolean {
  const value = query.get('all_tenants');
  if (value === null) return false;
  return value === '' || ['1', 'true', 't', 'yes', 'y', 'on'].includes(value.toLowerCase());
}

/** By `sort_key` and `sort_dir`, in pairs; else the newest first. */
function order(query: URLSearchParams): (a: ServerRow, b: ServerRow) => number {
  const keys: Record<string, (row: ServerRow) => string> = {
    created_at: (row) => `${row.createdAt} ${String(row.number).padStart(12, '0')}`,
    updated_at: (row) => row.updatedAt,
    display_name: (row) => row.name,
    uuid: (row) => row.id,
    vm_state: (row) => row.vmState,
  };
  const directions = query.getAll('sort_dir');
  const wanted = query.getAll('sort_key').map((key, index) => ({ key, sign: directions[index] === 'asc' ? 1 : -1 }));
  return (a, b) => {
    for (const { key, sign } of [...wanted, { key: 'created_at', sign: -1 }]) {
      const read = keys[key];
      const [left, right] = read ? [read(a), read(b)] : ['', ''];
      if (left !== right) return left < right ? -sign : sign;
    }
    return 0;
  };
}
