import type { CloudUser } from './cloud-user.ts';
import { sleep } from './until.ts';

/** By what the things of a run are known: names of its own, and IDs in the names that Kiln gives. */
export interface Marks {
  /** Images and networks begin with it. */
  runName: string;
  loadBalancerIds: ReadonlySet<string>;
  amphoraIds: ReadonlySet<string>;
  imageIds: ReadonlySet<string>;
  /** A network of the run's own: every port in it is the run's. */
  networkId: string | null;
}

interface Leftover {
  /** Kind, ID and name, for people. */
  what: string;
  remove(): Promise<unknown>;
}

/** How long a cloud may take to let go of what it was asked to delete. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 300;

/**
 * Removes whatever the clouds list that bears a mark, again and again until nothing does: a port is freed by its server,
 * an image by its servers, a network by its ports.
 * @param users all who made something; the first one is whom Kiln works as.
 * @returns what is still there, with what the cloud said; empty when all is gone.
 */
export async function removeLeftovers(users: readonly CloudUser[], marks: Marks): Promise<string[]> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const failures: string[] = [];
    // A cloud that does not answer may be back in a moment.
    const found = await findLeftovers(users, marks).catch((error: Error) => {
      failures.push(`nobody knows what: ${error.message}`);
      return [];
    });
    if (found.length === 0 && failures.length === 0) return [];
    for (const { what, remove } of found) {
      await remove().then(
        () => failures.push(what),
        (error: Error) => failures.push(`${what}: ${error.message}`),
      );
    }
    if (performance.now() > endMs) return failures;
    await sleep(PAUSE_MS);
  }
}

/** In the order in which they have to go. */
async function findLeftovers(users: readonly CloudUser[], marks: Marks): Promise<Leftover[]> {
  const [operator] = users;
  if (!operator) return [];
  const groups = await Promise.all([
    findServers(operator, marks),
    findPorts(operator, marks),
    findSecurityGroups(operator, marks),
    ...users.map((user) => findImages(user, marks)),
    findNetworks(operator, marks),
  ]);
  return [...new Map(groups.flat().map((one) => [one.what, one])).values()];
}

async function findServers(operator: CloudUser, { amphoraIds, imageIds }: Marks): Promise<Leftover[]> {
  const servers = await operator.list('compute', '/servers/detail', 'servers');
  return servers
    .filter(({ status }) => status !== 'DELETED')
    .filter(({ name, image }) => imageIds.has(image?.id) || amphoraIds.has(name.replace(/^amphora-/, '')))
    .map(({ id, name }) => ({ what: `server ${id} (${name})`, remove: () => operator.compute.deleteServer(id) }));
}

async function findPorts(operator: CloudUser, marks: Marks): Promise<Leftover[]> {
  const ids = [...marks.loadBalancerIds, ...marks.amphoraIds];
  const ports = await operator.list('network', `/ports?project_id=${operator.projectId}`, 'ports');
  return ports
    .filter(({ name, network_id }) => network_id === marks.networkId || ids.some((id) => name.includes(id)))
    .map(({ id, name }) => ({ what: `port ${id} (${name})`, remove: () => operator.network.deletePort(id) }));
}

async function findSecurityGroups(operator: CloudUser, { loadBalancerIds }: Marks): Promise<Leftover[]> {
  const path = `/security-groups?project_id=${operator.projectId}`;
  const groups = await operator.list('network', path, 'security_groups');
  return groups
    .filter(({ name }) => loadBalancerIds.has(name.replace(/^lb-/, '')))
    .map(({ id, name }) => ({
      what: `security group ${id} (${name})`,
      remove: () => operator.network.deleteSecurityGroup(id),
    }));
}

async function findImages(user: CloudUser, { runName }: Marks): Promise<Leftover[]> {
  const listed = await Promise.all([
    user.images.list({ visibility: 'all' }),
    user.images.list({ visibility: 'all', hidden: true }),
  ]);
  return listed
    .flat()
    .filter(({ name, owner }) => name?.startsWith(runName) && owner === user.projectId)
    .map(({ id, name }) => ({ what: `image ${id} (${name})`, remove: () => user.images.delete(id) }));
}

async function findNetworks(operator: CloudUser, { runName }: Marks): Promise<Leftover[]> {
  const networks = await operator.list('network', `/networks?name=${runName}`, 'networks');
  return networks.map(({ id, name }) => ({
    what: `network ${id} (${name})`,
    remove: () => operator.call('network', 'DELETE', `/networks/${id}`),
  }));
}
