import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nullIfAbsent, writeWhole } from './files.ts';

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
export interface Interfaces {
  byAddress(address: string): Promise<PluggedInterface | null>;
  /** Plugs the VIP, on eth1. False, and nothing is done, when an interface of this MAC address is plugged already. */
  plugVip(macAddress: string, addresses: readonly string[]): Promise<boolean>;
  /** Plugs a network, on the first free name from eth2 on; an interface that is plugged gets the new addresses. */
  plugNetwork(macAddress: string, addresses: readonly string[]): Promise<{ name: string; isNew: boolean }>;
}

export function createInterfaces(base: string): Interfaces {
  const file = join(base, 'interfaces.json');
  const read = async (): Promise<PluggedInterface[]> =>
    JSON.parse((await readFile(file, 'utf8').catch(nullIfAbsent)) ?? '[]');
  let last: Promise<unknown> = Promise.resolve();

  /** One change after the other. `change` gives the interface as it shall be, or null to leave all as it is. */
  async function update(
    macAddress: string,
    change: (known: PluggedInterface | null, all: readonly PluggedInterface[]) => PluggedInterface | null,
  ): Promise<{ known: PluggedInterface | null; plugged: PluggedInterface | null }> {
    const mine = last.then(async () => {
      const all = await read();
      const isIt = (one: PluggedInterface) => one.macAddress.toLowerCase() === macAddress.toLowerCase();
      const known = all.find(isIt) ?? null;
      const plugged = change(known, all);
      if (plugged) await writeWhole(file, JSON.stringify([...all.filter((one) => !isIt(one)), plugged]));
      return { known, plugged };
    });
    last = mine.catch(() => undefined);
    return await mine;
  }

  return {
    byAddress: async (address) => (await read()).find((one) => one.addresses.includes(address)) ?? null,
    async plugVip(macAddress, addresses) {
      const { known } = await update(macAddress, (there) => (there ? null : { name: 'eth1', macAddress, addresses }));
      return known === null;
    },
    async plugNetwork(macAddress, addresses) {
      const { known, plugged } = await update(macAddress, (there, all) => ({
        name: there?.name ?? freeName(all),
        macAddress,
        addresses,
      }));
      return { name: plugged?.name ?? '', isNew: known === null };
    },
  };
}

function freeName(all: readonly PluggedInterface[]): string {
  const names = new Set(all.map((one) => one.name));
  let number = 2;
  while (names.has(`eth${number}`)) number++;
  return `eth${number}`;
}
