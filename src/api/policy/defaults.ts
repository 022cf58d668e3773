/**
 * Octavia's default policies (octavia/policies/*.py), from which `policy.yaml` may deviate name by name.
 * Facts, not text: names are what operators write in their policy files.
 */

interface RoleRule {
  rule: string;
  /** What held before Keystone's default roles; still granted unless `enforce_new_defaults` is set. */
  before?: string;
}

/** Who someone is. Octavia's own roles (`load-balancer_*`) are the older ones. */
export const roleRules: Readonly<Record<string, RoleRule>> = {
  'project-member': { rule: 'role:member and project_id:%(project_id)s' },
  'project-reader': { rule: 'role:reader and project_id:%(project_id)s' },
  service: { rule: 'role:service' },
  context_is_admin: { rule: 'role:admin', before: 'role:admin or role:load-balancer_admin' },
  'load-balancer:owner': { rule: 'project_id:%(project_id)s' },
  'load-balancer:admin': {
    rule: 'is_admin:True or role:admin',
    before: 'is_admin:True or role:admin or role:load-balancer_admin',
  },
  'load-balancer:global_observer': { rule: 'role:admin', before: 'role:load-balancer_global_observer' },
  'load-balancer:member_and_owner': {
    rule: 'rule:project-member',
    before: 'role:load-balancer_member and rule:load-balancer:owner',
  },
  'load-balancer:observer_and_owner': {
    rule: 'rule:project-reader',
    before: 'role:load-balancer_observer and rule:load-balancer:owner',
  },
  'load-balancer:quota-admin': { rule: 'role:admin', before: 'role:load-balancer_quota_admin' },
};

const readers = 'rule:load-balancer:observer_and_owner or rule:load-balancer:global_observer';
const writers = 'rule:load-balancer:member_and_owner or rule:load-balancer:admin';

/** What one may do. */
export const accessRules: Readonly<Record<string, string>> = {
  'load-balancer:read': `${readers} or ${writers}`,
  'load-balancer:read-global': 'rule:load-balancer:global_observer or rule:load-balancer:admin',
  'load-balancer:write': writers,
  'load-balancer:read-quota': `${readers} or rule:load-balancer:quota-admin or ${writers}`,
  'load-balancer:read-quota-global':
    'rule:load-balancer:global_observer or rule:load-balancer:quota-admin or rule:load-balancer:admin',
  'load-balancer:write-quota': 'rule:load-balancer:quota-admin or rule:load-balancer:admin',
};

const read = 'rule:load-balancer:read';
const readGlobal = 'rule:load-balancer:read-global';
const write = 'rule:load-balancer:write';
const admin = 'rule:load-balancer:admin';
const readQuota = 'rule:load-balancer:read-quota';

const crud = { get_all: read, get_one: read, post: write, put: write, delete: write };
const owned = { ...crud, 'get_all-global': readGlobal };
const adminOnly = { get_all: admin, get_one: admin, post: admin, put: admin, delete: admin };
const readByAll = { ...adminOnly, get_all: read, get_one: read };
const readByService = `${read} or rule:service`;

/** Resource → action → rule. The full name is `os_load-balancer_api:RESOURCE:ACTION`. */
const actions = {
  loadbalancer: {
    ...owned,
    'post:vip_sg_ids': write,
    'put:vip_sg_ids': write,
    get_stats: read,
    get_status: read,
    put_failover: admin,
    // Kiln's own.
    put_flavor: admin,
  },
  listener: { ...owned, get_stats: read },
  pool: owned,
  member: { ...crud, get_all: readByService, get_one: read },
  healthmonitor: owned,
  l7policy: owned,
  l7rule: crud,
  quota: {
    get_all: readQuota,
    'get_all-global': 'rule:load-balancer:read-quota-global',
    get_one: readQuota,
    put: 'rule:load-balancer:write-quota',
    delete: 'rule:load-balancer:write-quota',
    get_defaults: readQuota,
  },
  amphora: {
    get_all: admin,
    get_one: admin,
    delete: admin,
    put_config: admin,
    put_failover: admin,
    get_stats: admin,
  },
  provider: { get_all: read },
  'provider-flavor': { get_all: admin },
  'provider-availability-zone': { get_all: admin },
  flavor: readByAll,
  'flavor-profile': adminOnly,
  'availability-zone': readByAll,
  'availability-zone-profile': adminOnly,
  /** Kiln's own. */
  fleet: { get_one: admin },
  attention: { get_one: admin },
  event: { get_all: admin },
  operation: { get_all: admin, get_one: admin, post_abort: admin },
  release: { get_all: readGlobal, get_one: readGlobal, post_plan: readGlobal, post: admin, put_intent: admin },
} as const;

type Actions = typeof actions;
/** Such as `listener:get_all`. */
export type Action = { [Resource in keyof Actions]: `${Resource}:${keyof Actions[Resource] & string}` }[keyof Actions];

const ruleOf = Object.fromEntries(
  Object.entries(actions).flatMap(([resource, rules]) =>
    Object.entries(rules).map(([action, rule]) => [`${resource}:${action}`, rule]),
  ),
);

/** All there is to do. */
export const allActions = Object.keys(ruleOf) as Action[];

export const actionRules: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(ruleOf).map(([action, rule]) => [`os_load-balancer_api:${action}`, rule]),
);
