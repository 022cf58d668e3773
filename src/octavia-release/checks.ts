import { toKilnError } from '../model/errors.ts';
import type { OctaviaCheck } from '../model/octavia-release.ts';
import type { CloudRoom } from '../ports/cloud-room.ts';
import type { ComputeService } from '../ports/compute.ts';
import type { ImageMarks } from '../ports/image-marks.ts';
import type { NetworkService } from '../ports/network.ts';
import type { OctaviaPlan } from './plan.ts';

export interface CheckDeps {
  marks: Pick<ImageMarks, 'read'>;
  room: CloudRoom;
  compute: Pick<ComputeService, 'listInterfaces'>;
  network: Pick<NetworkService, 'freeAddresses'>;
}

type Finding = Omit<OctaviaCheck, 'name'>;
const ok = (message: string): Finding => ({ outcome: 'ok', message });
const warning = (message: string): Finding => ({ outcome: 'warning', message });
const stop = (message: string): Finding => ({ outcome: 'stop', message });

/** What should be known before a release is begun. A check that can't be made is a warning, with the reason. */
export async function checkBefore(deps: CheckDeps, planned: OctaviaPlan): Promise<OctaviaCheck[]> {
  const checks: [name: string, check: () => Finding | Promise<Finding>][] = [
    ['way back', () => checkWayBack(planned)],
    ['candidates', () => checkCandidates(planned)],
    ['owner', () => checkOwner(planned)],
    ['other releases', () => checkMarks(deps, planned)],
    ['busy', () => checkBusy(planned)],
    ['quota', () => checkQuota(deps, planned)],
    ['hosts', () => checkHosts(deps, planned)],
    ['addresses', () => checkAddresses(deps, planned)],
  ];
  return await Promise.all(
    checks.map(async ([name, check]) => {
      try {
        return { name, ...(await check()) };
      } catch (error) {
        return { name, ...warning(`could not be checked: ${toKilnError(error).message}`) };
      }
    }),
  );
}

function checkWayBack({ plan, baseline }: OctaviaPlan): Finding {
  if (baseline === null) {
    return stop(
      `no other active image carries the tag \`${plan.tag}\`: a load balancer that the image breaks could not go back. ` +
        `Tag the image that they run: \`openstack image set --tag ${plan.tag} IMAGE\``,
    );
  }
  const others = new Set(plan.targets.map(({ fromImageId }) => fromImageId).filter((id) => id !== baseline.id));
  const to = `back to image ${baseline.id} (${baseline.name ?? 'unnamed'})`;
  return others.size === 0
    ? ok(to)
    : warning(`${to}; ${others.size} other images are in use, to which nothing goes back`);
}

function checkCandidates({ plan }: OctaviaPlan): Finding {
  const { taggedImageIds } = plan.baseline;
  return taggedImageIds.length <= 1
    ? ok(`${taggedImageIds.length} image carries the tag now`)
    : warning(
        `${taggedImageIds.length} images carry the tag (${taggedImageIds.join(', ')}); they lose it when the tag moves`,
      );
}

function checkOwner({ image, baseline }: OctaviaPlan): Finding {
  if (baseline === null || image.owner === baseline.owner) return ok(`project ${image.owner ?? 'none'}`);
  return warning(
    `it belongs to project ${image.owner ?? 'none'}, and the image that carries the tag to ${baseline.owner ?? 'none'}: ` +
      'where octavia.conf has amp_image_owner_id, Octavia will not find it. The probe shows that',
  );
}

async function checkMarks({ marks }: CheckDeps, { plan }: OctaviaPlan): Promise<Finding> {
  const ids = [...new Set([plan.image.id, ...plan.baseline.taggedImageIds])];
  const found = await Promise.all(ids.map(async (id) => [id, await marks.read(id)] as const));
  const taken = found.find(([, mark]) => mark !== null);
  if (!taken) return ok('none');
  const [id, mark] = taken;
  return stop(
    `release ${mark} is at image ${id}. Where that one is over for good: \`openstack image unset --property kiln_release ${id}\``,
  );
}

function checkBusy({ fleet }: OctaviaPlan): Finding {
  const pending = fleet.loadBalancers.filter(({ provisioningStatus }) => provisioningStatus.startsWith('PENDING'));
  return pending.length < 10
    ? ok(`${pending.length} PENDING`)
    : warning(`${pending.length} load balancers are PENDING`);
}

async function checkQuota({ room }: CheckDeps, planned: OctaviaPlan): Promise<Finding> {
  const serverId = anyServer(planned);
  if (serverId === null) return warning('no amphora has a server to ask about');
  const projectId = await room.projectOf(serverId);
  const left = await room.quotaOf(projectId);
  if (left === null) return warning('Nova does not tell');
  const need = planned.plan.policy.maxParallel + 1;
  const text = `project ${projectId}: ${inWords(left.instances)} servers, ${inWords(left.cores)} cores, ${inWords(left.ramMiB)} MiB are left`;
  const isShort = [left.instances, left.cores].some((value) => value !== null && value < need);
  return isShort ? stop(`${text}; ${need} amphorae are built at once`) : ok(text);
}

const inWords = (left: number | null) => (left === null ? 'unlimited' : left.toLocaleString('en'));

async function checkHosts({ room }: CheckDeps, { plan }: OctaviaPlan): Promise<Finding> {
  const up = await room.hostsUp();
  const hasPairs = plan.targets.some(({ topology }) => topology === 'ACTIVE_STANDBY');
  if (up === 0) return stop('no host takes servers now');
  if (!hasPairs || up >= 3) return ok(`${up} take servers`);
  return warning(`${up} take servers: with anti-affinity a pair needs a third one while one of it is replaced`);
}

async function checkAddresses({ compute, network }: CheckDeps, planned: OctaviaPlan): Promise<Finding> {
  const serverId = anyServer(planned);
  const [first] = serverId === null ? [] : await compute.listInterfaces(serverId);
  if (!first) return warning('no amphora has a server to ask about');
  const free = [...(await network.freeAddresses(first.networkId)).values()];
  const most = Math.max(0, ...free);
  const text = `${most.toLocaleString('en')} free in the management network ${first.networkId}`;
  return most < planned.plan.policy.maxParallel + 1 ? stop(text) : ok(text);
}

function anyServer({ fleet }: OctaviaPlan): string | null {
  for (const amphorae of fleet.amphoraeOf.values()) {
    const found = amphorae.find(({ serverId }) => serverId !== null);
    if (found) return found.serverId;
  }
  return null;
}
