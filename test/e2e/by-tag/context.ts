import assert from 'node:assert/strict';
import type { CloudUser } from './cloud-user.ts';
import type { KilnSet } from './kiln-set.ts';
import type { LoadBalancer, LoadBalancerApi } from './load-balancer-api.ts';
import type { RunImage, RunImages } from './run-images.ts';

/** Of the configuration, which has nothing to set but this, or of a flavor. */
export interface CaseTag {
  value: string;
  ofFlavor: boolean;
}

/** A load balancer with its amphora, and what that was booted from: Kiln's word and Nova's, which agree. */
export interface Booted {
  id: string;
  api: LoadBalancerApi;
  amphoraId: string;
  imageId: string;
  vipAddress: string;
}

export interface Wanted {
  /** The run's main Kiln unless another is named. */
  kiln?: KilnSet;
  /** Which of its APIs is asked; the first one unless said otherwise. */
  api?: LoadBalancerApi;
  flavorId?: string;
}

/** What a case works with. */
export interface Context {
  /** Begins the names of all that the run makes. */
  readonly runName: string;
  /** The tag that is asked for: the configuration's, or that of the case's own flavor. No image carries it at first. */
  readonly tag: string;
  /** Whom Kiln works as: the owner of the images. */
  readonly operator: CloudUser;
  /** Needs `tenant`. */
  readonly tenant: CloudUser;
  /** Needs `admin`. */
  readonly admin: CloudUser;
  readonly images: Omit<RunImages, 'carry'>;
  /** Lets these carry the tag and no others: first puts it on, then takes it off, as a release does. */
  carry(...images: readonly RunImage[]): Promise<void>;
  /** Started once, and never reconfigured. */
  readonly kiln: KilnSet;
  /** Another Kiln, with these options of [controller_worker] in force: it learns by SIGHUP. */
  reconfigured(changes: Readonly<Record<string, string>>): Promise<KilnSet>;
  /** Makes a load balancer, which has to become ACTIVE. */
  boot(wanted?: Wanted): Promise<Booted>;
  /** Makes one, which has to go to ERROR and say why. */
  fail(wanted?: Wanted): Promise<Required<LoadBalancer> & { api: LoadBalancerApi }>;
  /** Looks again at a load balancer that is ACTIVE. */
  inspect(api: LoadBalancerApi, id: string): Promise<Booted>;
}

export interface ContextDeps {
  runName: string;
  tag: CaseTag;
  operator: CloudUser;
  tenant: CloudUser | null;
  admin: CloudUser | null;
  images: RunImages;
  kiln: KilnSet;
  variant(): Promise<KilnSet>;
  vipSubnetId: string;
  /** Called with each load balancer that was asked for. */
  made(id: string, api: LoadBalancerApi): void;
}

export function createContext(deps: ContextDeps): Context {
  const { runName, operator, kiln, images, tag } = deps;
  let ownFlavor: Promise<string> | null = null;

  async function create({ kiln: chosen = kiln, api = chosen.apis[0], flavorId: wanted }: Wanted) {
    const fields = { name: `${runName}-lb`, vip_subnet_id: deps.vipSubnetId };
    if (tag.ofFlavor) ownFlavor ??= api.makeFlavor(tag.value, { amp_image_tag: tag.value });
    const flavorId = wanted ?? (await ownFlavor);
    const id = await api.create({ ...fields, ...(flavorId ? { flavor_id: flavorId } : {}) });
    deps.made(id, api);
    return { api, loadBalancer: await api.settled(id) };
  }
  const context: Context = {
    ...{ runName, tag: tag.value, operator, images, kiln },
    carry: (...carriers) => images.carry(tag.value, ...carriers),
    get tenant() {
      return there(deps.tenant, 'tenant');
    },
    get admin() {
      return there(deps.admin, 'admin');
    },
    async reconfigured(changes) {
      const variant = await deps.variant();
      await variant.reconfigure(changes);
      return variant;
    },
    async boot(wanted = {}) {
      const { api, loadBalancer } = await create(wanted);
      assert.equal(loadBalancer.provisioning_status, 'ACTIVE', loadBalancer.provisioning_reason?.message);
      return await context.inspect(api, loadBalancer.id);
    },
    async fail(wanted = {}) {
      const { api, loadBalancer } = await create(wanted);
      const { provisioning_status: status, provisioning_reason: reason } = loadBalancer;
      assert.equal(status, 'ERROR', 'the load balancer was built all the same');
      assert.ok(reason, 'the load balancer is in ERROR and does not say why');
      const amphorae = await api.amphorae(loadBalancer.id);
      assert.deepEqual(amphorae, [], 'a load balancer in ERROR has an amphora');
      const groups = await operator.network.findSecurityGroupsByName(`lb-${loadBalancer.id}`);
      assert.deepEqual(groups, [], 'a load balancer in ERROR has a security group');
      return { ...loadBalancer, provisioning_reason: reason, api };
    },
    async inspect(api, id) {
      const shown = await api.show(id);
      assert.equal(shown?.provisioning_status, 'ACTIVE', shown?.provisioning_reason?.message);
      assert.equal(shown?.provisioning_reason, undefined, 'its last change was undone');
      const [amphora, ...others] = await api.amphorae(id);
      assert.ok(amphora && others.length === 0, `${id} has ${others.length + (amphora ? 1 : 0)} amphorae, not one`);
      assert.equal(amphora.status, 'ALLOCATED');
      const server = await operator.compute.getServer(amphora.compute_id);
      assert.equal(server.status, 'ACTIVE');
      assert.equal(server.imageId, amphora.image_id, 'Nova booted another image than Kiln says');
      const vipAddress = shown?.vip_address ?? '';
      return { id, api, amphoraId: amphora.id, imageId: amphora.image_id, vipAddress };
    },
  };
  return context;
}

function there(user: CloudUser | null, need: string): CloudUser {
  if (!user) throw new Error(`the case does not say that it needs ${need}`);
  return user;
}

/** The message is what Kiln said instead. */
export function assertCode(reason: { code: string; message: string }, code: string): void {
  assert.equal(reason.code, code, `it says ${reason.code}, not ${code}: ${reason.message}`);
}

/** The image is compared by name: an ID alone tells nobody which one it was. */
export function assertBootedFrom(booted: Booted, expected: RunImage, ...others: readonly RunImage[]): void {
  const name = [expected, ...others].find(({ id }) => id === booted.imageId)?.name ?? booted.imageId;
  assert.ok(name === expected.name, `load balancer ${booted.id} was booted from ${name}, not from ${expected.name}`);
}
