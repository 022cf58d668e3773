import { KilnError } from '../../model/errors.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** Shorter random names repeat within one large cloud, and a server is found again by its name alone. */
export const shortestRandomName = 8;
/** Nova's limit on names. */
const longestName = 255;

/**
 * Name of an amphora's server in Nova: `amphora-<id>`, or, with `[nova] random_amphora_name_length`, "a" followed by
 * random capitals and digits up to that length (Octavia's compute/drivers/nova_driver.py).
 * @param randomNameLength 0 for the plain name; else 8 to 255, anything else is CONFIGURATION_INVALID.
 * @param randomInteger gives an unpredictable integer from 0 to `exclusiveMax - 1`.
 */
export function nameServer(
  amphoraId: string,
  randomNameLength: number,
  randomInteger: (exclusiveMax: number) => number,
): string {
  if (randomNameLength === 0) return `amphora-${amphoraId}`;
  if (randomNameLength < shortestRandomName || randomNameLength > longestName) {
    throw new KilnError(
      'CONFIGURATION_INVALID',
      `[nova] random_amphora_name_length is ${randomNameLength}; allowed are 0 (names like amphora-ID) and ` +
        `${shortestRandomName} to ${longestName}: shorter names would soon meet, and servers are distinguished by name.`,
    );
  }
  return `a${Array.from({ length: randomNameLength - 1 }, () => letters[randomInteger(letters.length)]).join('')}`;
}
