import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeOptions } from './own-agent.ts';

const file = 'recipe/agents/kiln/files/etc/systemd/system/amphora-agent.service';
const service = readFileSync(join(import.meta.dirname, file), 'utf8');

it("Node is checked with the options of the agent's service, which it knows", () => {
  const options = nodeOptions(service);
  expect(options.length).toBeGreaterThan(0);
  for (const option of options) expect(option).toMatch(/^--[a-z]/);
  expect(spawnSync(process.execPath, [...options, '-e', '0']).status).toBe(0);
  expect(nodeOptions('ExecStart=/usr/bin/node /usr/lib/agent.mjs --system')).toEqual([]);
  expect(() => nodeOptions('ExecStart=/bin/true')).toThrow('starts no Node');
});
