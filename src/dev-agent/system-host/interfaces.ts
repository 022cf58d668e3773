import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shortestAddress } from '../../core/network/address.ts';
import { createTurn } from '../../lib/in-turn.ts';
import { nullIfAbsent, writeWhole } from '../files.ts';
import { type Interfaces, PlugError } from '../host.ts';
import type { Logger } from '../logger.ts';
import type { NetworkPlug, VipPlug } from '../plug.ts';
import { applyPlan } from './apply-plan.ts';
import { amphoraNamespace, run } from './commands.ts';
import { type InterfacePlan, planNetwork, planVip } from './interface-plan.ts';

/** A link of one namespace, as `ip -json address` shows it. */
interface Link {
  ifname: string;
  address?: string;
  addr_info?: Array<{ local?: string }>;
}

/** The interfaces of a machine, moved into the amphora's namespace by their MAC addresses. */
export interface KernelInterfaces extends Interfaces {
  /** The interface of each address that the namespace has. */
  locate(addresses: readonly string[]): Promise<Array<{ name: string; address: string }>>;
  /**
   * Brings up what was plugged before a reboot, and heals what an agent left half done.
   * @returns the names of interfaces that could not be brought up: the machine has not found them yet.
   */
  restore(): Promise<string[]>;
}

/** @param folder where the plan of each interface is kept. */
export function createKernelInterfaces(options: {
  folder: string;
  isOfPair: boolean;
  logger: Logger;
}): KernelInterfaces {
  const { folder, isOfPair, logger } = options;
  const inTurn = createTurn();

  async function plans(): Promise<InterfacePlan[]> {
    const names = ((await readdir(folder).catch(nullIfAbsent)) ?? []).filter((name) => name.endsWith('.json'));
    return await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))));
  }

  const keep = (plan: InterfacePlan) => writeWhole(join(folder, `${plan.name}.json`), JSON.stringify(plan));

  /** Kept first: an agent that ends in the middle goes on when it starts. */
  async function moveAndApply(plan: InterfacePlan, from: Link): Promise<void> {
    await keep(plan);
    await move(from, plan.name);
    await applyPlan(plan, logger);
  }

  async function plugVip(vip: VipPlug) {
    const wanted = checkVip(vip);
    const there = byMac(await links(amphoraNamespace), vip.macAddress);
    if (there) {
      const plan = (await plans()).find(({ name }) => name === there.ifname);
      if (plan) await applyPlan(plan, logger);
      return 'plugged already' as const;
    }
    const outside = byMac(await links(null), vip.macAddress);
    if (!outside) return await absent();
    const plan = planVip('eth1', wanted, [], isOfPair);
    await moveAndApply(plan, outside);
    return { name: plan.name };
  }

  async function plugNetwork(network: NetworkPlug) {
    const inside = await links(amphoraNamespace);
    const there = byMac(inside, network.macAddress);
    const name = there?.ifname ?? freeName(inside);
    const planned = planOf(name, network);
    if (there) {
      // What may come in is named apart (setFirewall), and stays.
      const former = (await plans()).find((one) => one.name === name);
      const plan = { ...planned, firewall: former?.firewall ?? planned.firewall };
      await keep(plan);
      await applyPlan(plan, logger);
      return { name, isNew: false };
    }
    const outside = byMac(await links(null), network.macAddress);
    if (!outside) return await absent();
    await moveAndApply(planned, outside);
    return { name, isNew: true };
  }

  function planOf(name: string, network: NetworkPlug): InterfacePlan {
    if (network.vip) return planVip(name, checkVip(network.vip), network.addresses, isOfPair);
    if (network.addresses.length === 0) throw new PlugError(noDhcp('fixed_ips'));
    return planNetwork(name, network);
  }

  async function locate(addresses: readonly string[]) {
    const inside = await links(amphoraNamespace);
    return addresses.flatMap((address) => {
      const link = inside.find(({ addr_info: all = [] }) =>
        all.some(({ local }) => local !== undefined && shortestAddress(local) === shortestAddress(address)),
      );
      return link ? [{ name: link.ifname, address }] : [];
    });
  }

  return {
    byAddress: async (address) => (await locate([address]))[0]?.name ?? null,
    plugVip: (vip) => inTurn(() => plugVip(vip)),
    plugNetwork: (network) => inTurn(() => plugNetwork(network)),
    locate,
    setFirewall: (address, firewall) =>
      inTurn(async () => {
        const name = (await locate([address]))[0]?.name;
        const plan = (await plans()).find((one) => one.name === name);
        if (!plan) return false;
        const changed = { ...plan, firewall };
        await keep(changed);
        await applyPlan(changed, logger);
        return true;
      }),
    restore: () =>
      inTurn(async () => {
        const failed: string[] = [];
        for (const plan of await plans()) {
          try {
            const { name, macAddress } = plan;
            if (byMac(await links(amphoraNamespace), macAddress) === null) {
              const outside = byMac(await links(null), macAddress);
              if (!outside) throw new PlugError(`no interface has MAC address ${macAddress}`);
              await move(outside, name);
            }
            await applyPlan(plan, logger);
          } catch (error) {
            const reason = (error as Error).message;
            logger('error', 'an interface can not be brought up again', { interface: plan.name, reason });
            failed.push(plan.name);
          }
        }
        return failed;
      }),
  };
}

const noDhcp = (field: string) =>
  `${field} is missing: the agent takes no addresses from DHCP in networks of load balancers`;

function checkVip(vip: VipPlug): VipPlug & { vrrp: NonNullable<VipPlug['vrrp']> } {
  if (!vip.vrrp) throw new PlugError(noDhcp('vrrp_ip'));
  return { ...vip, vrrp: vip.vrrp };
}

/** @param namespace null for the first one, where the agent itself and the management network are. */
async function links(namespace: string | null): Promise<Link[]> {
  const { status, stdout, stderr } = await run('ip', [
    ...(namespace === null ? [] : ['-n', namespace]),
    ...['-json', 'address', 'show'],
  ]);
  if (status !== 0) throw new PlugError(`ip address show: ${stderr.trim()}`);
  return JSON.parse(stdout || '[]');
}

function byMac(all: readonly Link[], macAddress: string): Link | null {
  return all.find(({ address }) => address?.toLowerCase() === macAddress.toLowerCase()) ?? null;
}

async function move(link: Link, name: string): Promise<void> {
  const words = ['link', 'set', 'dev', link.ifname, 'netns', amphoraNamespace, 'name', name];
  const { status, stderr } = await run('ip', words);
  if (status !== 0) throw new PlugError(`ip ${words.join(' ')}: ${stderr.trim()}`);
}

/** The kernel may not have noticed an interface that Nova has attached: it looks again, and the controller asks again. */
async function absent(): Promise<'absent'> {
  await writeFile('/sys/bus/pci/rescan', '1').catch(() => undefined);
  return 'absent';
}

function freeName(inside: readonly Link[]): string {
  const names = new Set(inside.map(({ ifname }) => ifname));
  let number = 2;
  while (names.has(`eth${number}`)) number++;
  return `eth${number}`;
}
