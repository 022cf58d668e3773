import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTurn } from '../../lib/in-turn.ts';
import { nullIfAbsent, writeWhole } from '../files.ts';
import type { Interfaces } from '../host.ts';
import type { VipPlug } from '../plug.ts';

/** An interface that a controller had plugged. */
interface PluggedInterface {
  name: string;
  macAddress: string;
  addresses: readonly string[];
}

/**
 * The interfaces of this amphora, remembered and no more: it is a process on someone's machine, its addresses are
 * loopback addresses, and they are there already. Kept in a file, for the agent that is started next.
 */
export function createRememberedInterfaces(base: string): Interfaces {
  const file = join(base, 'interfaces.json');
  const read = async (): Promise<PluggedInterface[]> =>
    JSON.parse((await readFile(file, 'utf8').catch(nullIfAbsent)) ?? '[]');
  const inTurn = createTurn();

  /** One change after the other. `change` gives the interface as it shall be, or null to leave all as it is. */
  async function update(
    macAddress: string,
    change: (known: PluggedInterface | null, all: readonly PluggedInterface[]) => PluggedInterface | null,
  ): Promise<{ known: PluggedInterface | null; plugged: PluggedInterface | null }> {
    return await inTurn(async () => {
      const all = await read();
      const isIt = (one: PluggedInterface) => one.macAddress.toLowerCase() === macAddress.toLowerCase();
      const known = all.find(isIt) ?? null;
      const plugged = change(known, all);
      if (plugged) await writeWhole(file, JSON.stringify([...all.filter((one) => !isIt(one)), plugged]));
      return { known, plugged };
    });
  }

  const byAddress = async (address: string) =>
    (await read()).find((one) => one.addresses.includes(address))?.name ?? null;

  return {
    byAddress,
    setFirewall: async (address) => (await byAddress(address)) !== null,
    async plugVip(vip) {
      const { macAddress } = vip;
      const addresses = addressesOfVip(vip);
      const { known } = await update(macAddress, (there) => (there ? null : { name: 'eth1', macAddress, addresses }));
      return known === null ? { name: 'eth1' } : 'plugged already';
    },
    async plugNetwork({ macAddress, vip, addresses }) {
      const { known, plugged } = await update(macAddress, (there, all) => ({
        name: there?.name ?? freeName(all),
        macAddress,
        addresses: [...(vip ? addressesOfVip(vip) : []), ...addresses.map(({ address }) => address)],
      }));
      return { name: plugged?.name ?? '', isNew: known === null };
    },
  };
}

function addressesOfVip({ vips, vrrp }: VipPlug): string[] {
  return [...vips, ...(vrrp ? [vrrp] : [])].map(({ address }) => address);
}

function freeName(all: readonly PluggedInterface[]): string {
  const names = new Set(all.map((one) => one.name));
  let number = 2;
  while (names.has(`eth${number}`)) number++;
  return `eth${number}`;
}
