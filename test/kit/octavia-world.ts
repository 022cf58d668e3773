import { ServiceError } from '../../src/model/errors.ts';
import type { Image } from '../../src/model/image.ts';
import type { OctaviaAmphora, OctaviaFlavor, OctaviaFlavorProfile } from '../../src/model/octavia.ts';
import type { OctaviaRecord } from '../../src/model/octavia-release.ts';
import type { ReleaseDeps } from '../../src/octavia-release/deps.ts';
import type { ImageService } from '../../src/ports/images.ts';
import type { OctaviaService } from '../../src/ports/octavia.ts';
import type { OctaviaReleaseLog } from '../../src/ports/octavia-release-log.ts';
import { anImage } from './builders.ts';
import { createFakeClock } from './fakes/fake-clock.ts';

/** An Octavia and a Glance in memory, whose failovers take time: to try every history of a release over them in moments. */

interface WorldLoadBalancer {
  id: string;
  name: string;
  status: string;
  operatingStatus: string;
  flavorId: string | null;
  amphorae: OctaviaAmphora[];
  members: Record<string, string>;
  connections: number;
  /** What becomes of it, and when. */
  pending: { untilMs: number; end(): void } | null;
}

const FAILOVER_MS = 20_000;

export const oldImageId = 'old';
export const newImageId = 'new';

export type OctaviaWorld = ReturnType<typeof createOctaviaWorld>;

export function createOctaviaWorld(options: { singles: number; pairs: number }) {
  const clock = createFakeClock({ autoAdvance: true });
  const nowMs = () => clock.now().getTime();
  const images = new Map<string, Image>(
    [
      anImage({ id: oldImageId, tags: ['amphora'], createdAt: '2026-01-01T00:00:00Z', owner: 'service' }),
      anImage({ id: newImageId, tags: [], createdAt: '2026-02-01T00:00:00Z', owner: 'service' }),
    ].map((image) => [image.id, image]),
  );
  const marks = new Map<string, string>();
  const loadBalancers = new Map<string, WorldLoadBalancer>();
  const flavors = new Map<string, OctaviaFlavor>();
  const profiles = new Map<string, OctaviaFlavorProfile>();
  let counter = 0;

  const world = {
    clock,
    images,
    marks,
    loadBalancers,
    flavors,
    profiles,
    /** Images whose amphorae never come up. */
    broken: new Set<string>(['none']),
    /** Images whose amphorae lose their members. */
    blind: new Set<string>(),
    /** Images on which no listener comes up, in a load balancer that is ACTIVE and ONLINE all the same. */
    mute: new Set<string>(),
    /** Every failover that was carried out. */
    failovers: [] as { loadBalancerId: string; amphoraId: string | null; imageId: string }[],
    /** The largest number of load balancers that were under way at once. */
    mostPending: 0,
    /** How often the tag was on no image. */
    untagged: 0,
    ignoresTags: false,
    /** Asked before each call; may throw. `after`: the call was carried out, and its answer is what is thrown. */
    fault: (_call: string, _when: 'before' | 'after'): void => {},
    add(topology: 'SINGLE' | 'ACTIVE_STANDBY', fields: Partial<WorldLoadBalancer> = {}): string {
      const id = fields.id ?? `lb-${String(loadBalancers.size).padStart(3, '0')}`;
      const roles = topology === 'SINGLE' ? ['STANDALONE'] : ['MASTER', 'BACKUP'];
      const made: WorldLoadBalancer = {
        id,
        name: id,
        status: 'ACTIVE',
        operatingStatus: 'ONLINE',
        flavorId: null,
        amphorae: [],
        members: { m1: 'ONLINE', m2: 'ONLINE' },
        connections: 0,
        pending: null,
        ...fields,
      };
      made.amphorae = roles.map((role) => newAmphora(id, role, oldImageId));
      loadBalancers.set(id, made);
      return id;
    },
    imagesOf: (id: string) => loadBalancers.get(id)?.amphorae.map(({ imageId }) => imageId),
    tagged: () => [...images.values()].filter(({ tags }) => tags.includes('amphora')).map(({ id }) => id),
  };
  for (let index = 0; index < options.pairs; index++) world.add('ACTIVE_STANDBY');
  for (let index = 0; index < options.singles; index++) world.add('SINGLE');

  function newAmphora(loadBalancerId: string, role: string | null, imageId: string): OctaviaAmphora {
    counter++;
    return { id: `amp-${counter}`, loadBalancerId, serverId: `srv-${counter}`, role, status: 'ALLOCATED', imageId };
  }

  function choose(flavorId: string | null): string {
    const profile = profiles.get(flavors.get(flavorId ?? '')?.profileId ?? '');
    const tag = world.ignoresTags ? 'amphora' : String(profile?.data.amp_image_tag ?? 'amphora');
    const found = [...images.values()].filter(
      ({ tags, status, osHidden }) => tags.includes(tag) && status === 'active' && !osHidden,
    );
    found.sort((one, other) => other.createdAt.localeCompare(one.createdAt));
    return world.ignoresTags ? oldImageId : (found[0]?.id ?? 'none');
  }

  function settle(): void {
    if (world.tagged().length === 0) world.untagged++;
    const all = [...loadBalancers.values()];
    world.mostPending = Math.max(world.mostPending, all.filter(({ status }) => status === 'PENDING_UPDATE').length);
    for (const one of all) {
      if (one.pending === null || nowMs() < one.pending.untilMs) continue;
      const { end } = one.pending;
      one.pending = null;
      end();
    }
  }

  /** Every call goes through here. */
  async function call<Value>(name: string, act: () => Value): Promise<Value> {
    settle();
    world.fault(name, 'before');
    const value = act();
    settle();
    world.fault(name, 'after');
    return value;
  }

  function find(id: string): WorldLoadBalancer {
    const found = loadBalancers.get(id);
    if (!found) throw serviceError('SERVICE_NOT_FOUND', 404);
    return found;
  }

  function failover(one: WorldLoadBalancer, replaced: readonly OctaviaAmphora[], amphoraId: string | null): void {
    const isAllowed = one.status === 'ACTIVE' || (amphoraId === null && one.status === 'ERROR');
    if (!isAllowed) throw serviceError('SERVICE_CONFLICT', 409);
    one.status = 'PENDING_UPDATE';
    const imageId = choose(one.flavorId);
    world.failovers.push({ loadBalancerId: one.id, amphoraId, imageId });
    one.pending = {
      untilMs: nowMs() + FAILOVER_MS,
      end() {
        const gone = new Set(replaced.map(({ id }) => id));
        one.amphorae = [
          ...one.amphorae.filter(({ id }) => !gone.has(id)),
          ...replaced.map(({ role }) => newAmphora(one.id, role, imageId)),
        ];
        one.status = world.broken.has(imageId) ? 'ERROR' : 'ACTIVE';
        one.operatingStatus = one.status === 'ACTIVE' ? 'ONLINE' : 'ERROR';
        one.members = { m1: 'ONLINE', m2: world.blind.has(imageId) ? 'ERROR' : 'ONLINE' };
      },
    };
  }

  const viewOf = (one: WorldLoadBalancer) => ({
    id: one.id,
    name: one.name,
    projectId: 'tenant',
    provider: 'amphora',
    provisioningStatus: one.status,
    operatingStatus: one.operatingStatus,
    flavorId: one.flavorId,
    zone: null,
  });

  const octavia: OctaviaService = {
    listLoadBalancers: ({ provisioningStatus, name } = {}) =>
      call('listLoadBalancers', () =>
        [...loadBalancers.values()]
          .filter((one) => provisioningStatus === undefined || one.status === provisioningStatus)
          .filter((one) => name === undefined || one.name === name)
          .map(viewOf),
      ),
    getLoadBalancer: (id) => call('getLoadBalancer', () => viewOf(find(id))),
    listAmphorae: ({ loadBalancerId } = {}) =>
      call('listAmphorae', () =>
        [...loadBalancers.values()]
          .filter(({ id }) => loadBalancerId === undefined || id === loadBalancerId)
          .flatMap(({ amphorae }) => amphorae),
      ),
    getStatusTree: (id) =>
      call('getStatusTree', () => {
        const { status, operatingStatus, members, amphorae } = find(id);
        const isMute = amphorae.some(({ imageId }) => world.mute.has(imageId ?? ''));
        const listeners = { l1: isMute ? 'OFFLINE' : operatingStatus };
        return { provisioningStatus: status, operatingStatus, listeners, members };
      }),
    getStatistics: (id) => call('getStatistics', () => ({ connections: find(id).connections, requestErrors: 0 })),
    failoverLoadBalancer: (id) =>
      call('failover', () => {
        const one = find(id);
        failover(one, one.amphorae, null);
      }),
    failoverAmphora: (id) =>
      call('failover', () => {
        const one = [...loadBalancers.values()].find(({ amphorae }) => amphorae.some((amphora) => amphora.id === id));
        if (!one) throw serviceError('SERVICE_NOT_FOUND', 404);
        failover(
          one,
          one.amphorae.filter((amphora) => amphora.id === id),
          id,
        );
      }),
    listFlavors: () => call('listFlavors', () => [...flavors.values()]),
    listFlavorProfiles: () => call('listFlavorProfiles', () => [...profiles.values()]),
    createFlavorProfile: (profile) => call('createFlavorProfile', () => put(profiles, profile)),
    createFlavor: (flavor) => call('createFlavor', () => put(flavors, flavor)),
    deleteFlavor: (id) => call('deleteFlavor', () => void flavors.delete(id)),
    deleteFlavorProfile: (id) => call('deleteFlavorProfile', () => void profiles.delete(id)),
    createLoadBalancer: ({ name, flavorId }) =>
      call('createLoadBalancer', () => {
        const id = world.add('SINGLE', { id: `probe-${++counter}`, name, flavorId, status: 'PENDING_CREATE' });
        const one = find(id);
        const imageId = choose(flavorId);
        one.operatingStatus = 'OFFLINE';
        one.amphorae = [];
        one.pending = {
          untilMs: nowMs() + FAILOVER_MS,
          end() {
            one.amphorae = [newAmphora(id, 'STANDALONE', imageId)];
            one.status = world.broken.has(imageId) ? 'ERROR' : 'ACTIVE';
            one.operatingStatus = one.status === 'ACTIVE' ? 'ONLINE' : 'ERROR';
          },
        };
        return viewOf(one);
      }),
    deleteLoadBalancer: (id) => call('deleteLoadBalancer', () => void loadBalancers.delete(id)),
  };

  function put<Value extends object>(into: Map<string, Value & { id: string }>, value: Value): Value & { id: string } {
    const made = { ...value, id: `made-${++counter}` };
    into.set(made.id, made);
    return made;
  }

  function findImage(id: string): Image {
    const found = images.get(id);
    if (!found) throw serviceError('SERVICE_NOT_FOUND', 404);
    return found;
  }
  const glance: Pick<ImageService, 'get' | 'list' | 'addTag' | 'removeTag'> = {
    get: (id) => call('getImage', () => findImage(id)),
    list: ({ tags = [] }) =>
      call('listImages', () =>
        [...images.values()]
          .filter(
            (image) => tags.every((tag) => image.tags.includes(tag)) && image.status === 'active' && !image.osHidden,
          )
          .sort((one, other) => other.createdAt.localeCompare(one.createdAt)),
      ),
    addTag: (id, tag) =>
      call('addTag', () => {
        const image = findImage(id);
        images.set(id, { ...image, tags: [...new Set([...image.tags, tag])] });
      }),
    removeTag: (id, tag) =>
      call('removeTag', () => {
        const image = findImage(id);
        images.set(id, { ...image, tags: image.tags.filter((one) => one !== tag) });
      }),
  };

  const deps: ReleaseDeps = {
    octavia,
    images: glance,
    marks: {
      read: (id) => call('readMark', () => marks.get(findImage(id).id) ?? null),
      write: (id, mark) => call('writeMark', () => void marks.set(id, mark)),
      remove: (id) => call('removeMark', () => void marks.delete(id)),
    },
    clock,
    pollMs: 5_000,
  };
  return { ...world, world, deps };
}

export function serviceError(
  code: ConstructorParameters<typeof ServiceError>[0],
  status: number | null,
  outcomeUnknown = false,
): ServiceError {
  const call = { service: 'load-balancer', method: 'PUT', path: '/', status, serviceMessage: null, requestId: null };
  return new ServiceError(code, `${code} ${status}`, { ...call, retryAfterSeconds: null, outcomeUnknown });
}

/** Thrown where a process is killed. */
export class Killed extends Error {}

/** A state file in memory, that outlives the processes which write it. */
export function createMemoryFile(clock: { now(): Date }) {
  const records: OctaviaRecord[] = [];
  return {
    records,
    /** @param onAppend may throw Killed: before the line is written, or right after it. */
    open(onAppend: (index: number, when: 'before' | 'after') => void = () => {}): OctaviaReleaseLog {
      let read = 0;
      return {
        async read() {
          const found = records.slice(read);
          read = records.length;
          return found;
        },
        async append(event) {
          const index = records.length;
          onAppend(index, 'before');
          records.push(JSON.parse(JSON.stringify({ atMs: clock.now().getTime(), ...event })));
          onAppend(index, 'after');
        },
        lock: async () => true,
        close: async () => {},
      };
    },
  };
}
