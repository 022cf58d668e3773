import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

it('docs/devstack.md has every setting of the plugin, and its default where that is a plain word', () => {
  const settings = new Map<string, string>();
  for (const [, name = '', value = ''] of readFileSync(join(root, 'devstack/settings'), 'utf8').matchAll(
    /^ *(KILN_[A-Z_]+)=\$\{\1:-(.*)\}$/gm,
  ))
    settings.set(name, value);
  expect(settings.size).toBeGreaterThan(35);

  const documented = new Map<string, string | undefined>();
  for (const [, names = '', defaults = ''] of readFileSync(join(root, 'docs/devstack.md'), 'utf8').matchAll(
    /^\| (`KILN_[^|]*) \| ([^|]*) ?\|/gm,
  )) {
    const words = [...defaults.matchAll(/`([^`]+)`|([^`,\s][^`,]*)/g)].map(([, quoted]) => quoted);
    for (const [index, [, name = '']] of [...names.matchAll(/`(\w+)`/g)].entries()) documented.set(name, words[index]);
  }
  expect([...documented.keys()].sort()).toEqual([...settings.keys()].sort());
  for (const [name, value] of settings) if (/^[\w./:-]+$/.test(value)) expect(documented.get(name), name).toBe(value);
});
