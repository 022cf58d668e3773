import { spawnSync } from 'node:child_process';
import { expect } from 'vitest';

/** Brings up what else of Octavia the test bed is to have. @param settings variables of `testbed/extra/octavia.sh`. @param services files of `testbed/extra`. */
export function bringUpOctavia(settings: Record<string, string>, ...services: string[]): void {
  const env = { ...process.env, ...settings };
  // On a busy machine Octavia takes longer than up.sh waits; it goes on with what runs.
  const isUp = () => spawnSync('bash', ['testbed/up.sh', ...services], { stdio: 'inherit', env }).status === 0;
  expect(isUp() || isUp(), `testbed/up.sh ${services.join(' ')}`).toBe(true);
}

/** Ends what runs of Octavia; the test bed stays. */
export const takeDownOctavia = () => void spawnSync('bash', ['testbed/down.sh', 'octavia'], { stdio: 'inherit' });
