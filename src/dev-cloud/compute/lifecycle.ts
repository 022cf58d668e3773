import type { BootableImage } from '../context.ts';
import { GuestEndedError, type GuestPort, type Hypervisor, UnusableImageError } from '../hypervisor/index.ts';
import type { NetworkFacade, ServerPort } from '../network/index.ts';
import { type ComputeTables, type FlavorRow, type ServerRow, type TaskState, timestamp } from './rows.ts';
import type { RequestedNic } from './server-request.ts';

/** What a server is built from: everything that was asked for, found and fitting. */
export interface ServerPlan {
  flavor: FlavorRow;
  image: BootableImage;
  nics: readonly RequestedNic[];
  /** Empty means the project's default group. */
  securityGroupIds: readonly string[];
}

/** What a new server gets besides its row. It may hold private keys and is never stored in a row. */
export interface BuildInput extends ServerPlan {
  files: readonly { path: string; contents: string }[];
}

/** Everything that happens to a server after its request was answered. Work on one server is done in order. */
export interface Lifecycle {
  /** Plugs it in and starts it; the row ends as active or error. */
  build(server: ServerRow, input: BuildInput): void;
  /** Ends it and all that Nova made for it; the row is gone afterwards. */
  delete(serverId: string): void;
  start(serverId: string): void;
  stop(serverId: string): void;
  reboot(serverId: string): void;
  /** Gives it the network card of a port that is bound to it. */
  plug(serverId: string, port: ServerPort): Promise<void>;
  /** Takes a network card away. */
  unplug(serverId: string, portId: string): Promise<void>;
  /** The last lines that the server printed; null for all that is kept. */
  consoleOutput(serverId: string, lines: number | null): Promise<string>;
  /** Brings back what ran when the cloud ended; what it was cut off from is finished or given up. */
  resume(): void;
  /** Waits for what is under way, ends all servers; their rows stay, so that `resume` finds them. */
  close(): Promise<void>;
}

/** No host will do for a server. The message is Nova's, for what follows "No valid host was found.". */
class NoValidHostError extends Error {}

export function createLifecycle(tables: ComputeTables, network: NetworkFacade, hypervisor: Hypervisor): Lifecycle {
  const queues = new Map<string, Promise<void>>();
  let closing = false;

  function change(serverId: string, changes: Partial<ServerRow>): void {
    const row = tables.servers.get(serverId);
    if (row) tables.servers.put({ ...row, ...changes, updatedAt: timestamp() });
  }

  /** Does the work once what is under way for this server is done. A failure is the server's, not ours. */
  function enqueue(
    serverId: string,
    taskState: TaskState | null,
    work: (row: ServerRow) => Promise<void>,
  ): Promise<void> {
    if (taskState !== null) change(serverId, { taskState });
    const done = (queues.get(serverId) ?? Promise.resolve()).then(async () => {
      const row = tables.servers.get(serverId);
      if (!row || closing) return;
      try {
        await work(row);
      } catch (error) {
        // Cut off by our own end: the row stays as it is, and `resume` decides.
        if (!closing) fail(row, error as Error);
      }
    });
    queues.set(serverId, done);
    void done.finally(() => {
      if (queues.get(serverId) === done) queues.delete(serverId);
    });
    return done;
  }

  /** As `enqueue`, for what somebody waits for: a failure is theirs. */
  async function inTurn(serverId: string, work: () => Promise<void>): Promise<void> {
    let failed: { error: unknown } | null = null;
    await enqueue(serverId, null, async () => {
      await work().catch((error: unknown) => {
        failed = { error };
      });
    });
    if (failed !== null) throw (failed as { error: unknown }).error;
  }

  function fail(row: ServerRow, error: Error): void {
    const fault = {
      code: 500,
      message: faultMessage(row, error),
      details: error.stack ?? String(error),
      createdAt: timestamp(),
    };
    change(row.id, { vmState: 'error', taskState: null, fault });
  }

  async function build(row: ServerRow, input: BuildInput): Promise<void> {
    if (!hasHostFor(row)) throw new NoValidHostError('There are not enough hosts available.');
    change(row.id, { taskState: 'spawning' });
    const ports = plug(row, input);
    const key = tables.keypairs.get(`${row.userId}/${row.keyName}`);
    await hypervisor.build({
      serverId: row.id,
      hostname: row.hostname,
      memoryMiB: row.flavor.ramMiB,
      imageFile: input.image.dataFile,
      ports: ports.map(guestPort),
      publicKeys: key ? { [key.name]: key.publicKey } : {},
      files: input.files.map(({ path, contents }) => ({ path, contents: Buffer.from(contents, 'base64') })),
      userData: row.userData === null ? null : Buffer.from(row.userData, 'base64').toString('utf8'),
    });
    change(row.id, { vmState: 'active', taskState: null, launchedAt: timestamp() });
  }

  /** The cloud is one host: a group with hard anti-affinity has room for as many servers on it as its rules say. */
  function hasHostFor(row: ServerRow): boolean {
    const group = tables.serverGroups.get(row.serverGroupId ?? '');
    if (group?.policy !== 'anti-affinity') return true;
    const isPlaced = (other: ServerRow) => other.id !== row.id && other.portIds.length > 0;
    const placed = tables.servers.all().filter((other) => other.serverGroupId === group.id && isPlaced(other));
    return placed.length < Number(group.rules.max_server_per_host ?? 1);
  }

  /** Gives the server its ports, one row at a time, so that a later failure still knows what to take back. */
  function plug(row: ServerRow, input: BuildInput): ServerPort[] {
    const portIds: string[] = [];
    const ownPortIds: string[] = [];
    return input.nics.map((nic) => {
      const port =
        'portId' in nic
          ? network.bindPort(nic.portId, row.id)
          : network.createPort({
              serverId: row.id,
              networkId: nic.networkId,
              projectId: row.projectId,
              securityGroupIds: input.securityGroupIds,
              fixedIp: nic.fixedIp,
            });
      portIds.push(port.id);
      if (!('portId' in nic)) ownPortIds.push(port.id);
      change(row.id, { portIds, ownPortIds });
      return port;
    });
  }

  async function remove(row: ServerRow): Promise<void> {
    await hypervisor.destroy(row.id);
    for (const port of network.portsOfServer(row.id)) {
      if (row.ownPortIds.includes(port.id)) network.deletePort(port.id);
      else network.unbindPort(port.id);
    }
    tables.servers.delete(row.id);
  }

  async function start(row: ServerRow): Promise<void> {
    await hypervisor.start(row.id);
    change(row.id, { vmState: 'active', taskState: null, fault: null });
  }

  // Nova compares the power state and calls a server that went off by itself stopped.
  hypervisor.onEnded((serverId) => {
    if (tables.servers.get(serverId)?.vmState === 'active') change(serverId, { vmState: 'stopped' });
  });

  return {
    build: (server, input) => void enqueue(server.id, 'scheduling', (row) => build(row, input)),
    delete: (serverId) => void enqueue(serverId, 'deleting', remove),
    start: (serverId) => void enqueue(serverId, 'powering-on', start),
    stop: (serverId) =>
      void enqueue(serverId, 'powering-off', async () => {
        await hypervisor.stop(serverId);
        change(serverId, { vmState: 'stopped', taskState: null });
      }),
    reboot: (serverId) =>
      void enqueue(serverId, 'reboot_started', async (row) => {
        await hypervisor.reboot(row.id);
        change(row.id, { vmState: 'active', taskState: null, fault: null });
      }),
    plug: (serverId, port) => inTurn(serverId, () => hypervisor.plug(serverId, guestPort(port))),
    unplug: (serverId, portId) => inTurn(serverId, () => hypervisor.unplug(serverId, portId)),
    consoleOutput: hypervisor.consoleOutput,
    resume: () => {
      for (const row of tables.servers.all()) {
        if (row.taskState === 'deleting') void enqueue(row.id, null, remove);
        else if (row.vmState === 'building') fail(row, new GuestEndedError('was being built when the cloud ended'));
        else if (row.vmState === 'active') void enqueue(row.id, null, start);
        else if (row.taskState !== null) change(row.id, { taskState: null });
      }
    },
    close: async () => {
      closing = true;
      await hypervisor.close();
      await Promise.all(queues.values());
    },
  };
}

function guestPort(port: ServerPort): GuestPort {
  const { id, networkId, macAddress, mtu, subnets } = port;
  const addresses = port.fixedIps.flatMap(({ subnet_id: subnetId, ip_address: address }) => {
    const subnet = subnets.find((one) => one.id === subnetId);
    if (!subnet) return [];
    return { address, prefixLength: Number(subnet.cidr.split('/')[1]), gateway: subnet.gateway_ip };
  });
  return { id, networkId, macAddress, mtu, addresses };
}

/** The words of Nova: a build that no other host could do better is given up at once, any other is tried elsewhere. */
function faultMessage(row: ServerRow, error: Error): string {
  if (error instanceof NoValidHostError) return `No valid host was found. ${error.message}`;
  if (error instanceof UnusableImageError) {
    return `Build of instance ${row.id} aborted: Image ${row.imageId} is unacceptable: it ${error.message}`;
  }
  if (error instanceof GuestEndedError) return `Build of instance ${row.id} aborted: the server ${error.message}`;
  return `Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance ${row.id}.`;
}
