import { expect, it } from 'vitest';
import { ownMigrations } from './migrate.ts';

it('each change of the tables has a number of its own, in order, and those from 0011 on say whether older versions go on with it', () => {
  let before = 0;
  for (const [name, { compatible }] of Object.entries(ownMigrations)) {
    const number = Number(/^(\d{4})-/.exec(name)?.[1]);
    expect(number, name).toBeGreaterThan(before);
    before = number;
    if (number > 10) expect(compatible, `${name}: export const compatible = true or false`).toBeTypeOf('boolean');
  }
});
