import { expect, it } from 'vitest';
import { ownMigrations } from './migrate.ts';

it('each change of the tables is numbered in turn, and those from 0011 on say whether older versions go on with it', () => {
  for (const [index, [name, { compatible }]] of Object.entries(ownMigrations).entries()) {
    expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(4, '0')}-`));
    if (index + 1 > 10) expect(compatible, `${name}: export const compatible = true or false`).toBeTypeOf('boolean');
  }
});
