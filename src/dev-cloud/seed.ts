import { randomBytes, randomUUID } from 'node:crypto';
import { hashPassword } from './identity/passwords.ts';
import type { EndpointRow, IdentityTables } from './identity/rows.ts';

const newId = () => randomUUID().replaceAll('-', '');

/** Octavia's own roles and Keystone's. Order is the order in which tokens list them. */
const roleNames = [
  'admin',
  'member',
  'reader',
  'service',
  'load-balancer_admin',
  'load-balancer_member',
  'load-balancer_observer',
  'load-balancer_global_observer',
  'load-balancer_quota_admin',
];

const projects = {
  admin: 'Administration of the cloud',
  service: 'Owns what the services need: amphorae and their images',
  demo: 'A tenant',
};

/** Users with the project they work in. `kiln` is what `octavia` is in an OpenStack: admin in project service. */
export const seededUsers = {
  kiln: { project: 'service', roles: ['admin', 'service'] },
  admin: { project: 'admin', roles: ['admin', 'load-balancer_admin'] },
  demo: { project: 'demo', roles: ['member', 'load-balancer_member'] },
} as const satisfies Record<string, { project: keyof typeof projects; roles: readonly string[] }>;

export type SeededUser = keyof typeof seededUsers;

const services = [
  { type: 'identity', name: 'keystone', path: '/identity' },
  { type: 'image', name: 'glance', path: '/image' },
  { type: 'compute', name: 'nova', path: '/compute/v2.1' },
  { type: 'network', name: 'neutron', path: '/network' },
];

/** The catalog names Kiln's API, which is not the cloud's own: it says where `kiln serve` will listen. */
export function announceLoadBalancers(tables: IdentityTables, url: string): void {
  const known = tables.services.all().find((row) => row.type === 'load-balancer');
  if (known?.url === url) return;
  const row = known ?? { id: newId(), type: 'load-balancer', name: 'octavia', path: '', endpoints: newEndpoints() };
  tables.services.put({ ...row, url });
}

function newEndpoints(): EndpointRow[] {
  return (['public', 'internal', 'admin'] as const).map((face) => ({ id: newId(), interface: face }));
}

/** A password nobody could guess: other users of the machine reach the same loopback address. */
export function newPassword(): string {
  return randomBytes(18).toString('hex');
}

/** Fills an empty Keystone; leaves one that has users alone. */
export function seedIdentity(tables: IdentityTables, passwords: Record<SeededUser, string>): void {
  if (tables.users.all().length > 0) return;

  tables.domains.put({ id: 'default', name: 'Default', description: 'The default domain' });
  for (const name of roleNames) tables.roles.put({ id: newId(), name });
  for (const [name, description] of Object.entries(projects)) {
    tables.projects.put({ id: newId(), name, domain_id: 'default', description });
  }
  for (const service of services) {
    tables.services.put({ id: newId(), ...service, endpoints: newEndpoints() });
  }
  for (const [name, { project, roles }] of Object.entries(seededUsers)) {
    const userId = newId();
    const projectId = tables.projects.all().find((row) => row.name === project)?.id ?? '';
    for (const role of tables.roles.all().filter((row) => (roles as readonly string[]).includes(row.name))) {
      const id = `${userId}/${projectId}/${role.id}`;
      tables.assignments.put({ id, user_id: userId, project_id: projectId, role_id: role.id });
    }
    const password = hashPassword(passwords[name as SeededUser]);
    tables.users.put({ id: userId, name, domain_id: 'default', password_hash: password });
  }
}
