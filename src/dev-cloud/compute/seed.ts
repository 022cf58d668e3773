import type { CloudContext } from '../context.ts';
import { fingerprintOf, generateKey } from './keypairs.ts';
import { computeTables, type FlavorRow, timestamp } from './rows.ts';

const flavors: Pick<FlavorRow, 'id' | 'name' | 'vcpus' | 'ramMiB' | 'diskGiB' | 'description'>[] = [
  // Small enough for a laptop, large enough for an image that asks for what Octavia's own images do.
  { id: '65', name: 'amphora', vcpus: 1, ramMiB: 1024, diskGiB: 2, description: 'For amphorae' },
  {
    id: '1',
    name: 'm1.tiny',
    vcpus: 1,
    ramMiB: 32,
    diskGiB: 1,
    description: 'Too small for an image that asks for more',
  },
];

/** Name of the key pair in Octavia's own guides. */
const keyName = 'octavia_ssh_key';

/**
 * Gives a new cloud the flavors `amphora` (ID 65) and `m1.tiny`, and a user the key pair `octavia_ssh_key`. Leaves what
 * is there alone.
 * @param userId whose key pair it is: the user that amphorae are booted by.
 * @returns the name of the key pair.
 */
export function seedCompute(context: CloudContext, userId: string): { keyName: string } {
  const tables = computeTables(context.state);
  if (tables.flavors.all().length === 0) {
    const rest = { ephemeralGiB: 0, swapMiB: 0, rxtxFactor: 1, isPublic: true, extraSpecs: {} };
    for (const flavor of flavors) tables.flavors.put({ ...flavor, ...rest });
  }
  const id = `${userId}/${keyName}`;
  if (!tables.keypairs.get(id)) {
    // Nobody keeps the private half: there is nothing in these servers to log in to.
    const { publicKey } = generateKey();
    const fingerprint = fingerprintOf(publicKey);
    tables.keypairs.put({ id, userId, name: keyName, type: 'ssh', publicKey, fingerprint, createdAt: timestamp() });
  }
  return { keyName };
}
