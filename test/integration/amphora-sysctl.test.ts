/** Settings of the kernel in images with Octavia's agent, tried in network namespaces. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const recipe = join(import.meta.dirname, '../../src/adapters/vm-image/recipe/agents/octavia/files');
const settings = readFileSync(join(recipe, 'etc/sysctl.d/octavia-agent-sysctl.conf'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('net.ipv6.'));
const ip = (...words: string[]) => execFileSync('ip', words, { encoding: 'utf8' });

describe.skipIf(process.getuid?.() !== 0)('the namespace of Octavia’s agent', () => {
  const [before, after] = ['before', 'after'].map((name) => `kiln-${name}-${process.pid}`) as [string, string];
  const vip = 'fd00:77::5';

  /** What a failover comes to: one amphora has the VIP, and another, set up by `lines`, gets it. @returns the address as the kernel shows it. */
  async function takeOver(lines: readonly string[]): Promise<string> {
    for (const namespace of [before, after]) ip('netns', 'add', namespace);
    onTestFinished(() => {
      for (const namespace of [before, after]) ip('netns', 'delete', namespace);
    });
    // systemd-sysctl's form, each on its own: before the agent moves an interface into the namespace.
    for (const line of lines) ip('netns', 'exec', after, 'sysctl', '-q', '-w', line.replace(/\s/g, ''));
    const addressed = ['address', 'add', `${vip}/128`, 'dev', 'eth1'];
    ip('-n', before, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', after);
    ip('-n', before, ...addressed, 'nodad');
    ip('-n', before, 'link', 'set', 'eth1', 'up');
    ip('-n', after, 'link', 'set', 'eth1', 'up');
    ip('-n', after, ...addressed);
    const shown = () => ip('-n', after, '-6', 'address', 'show', 'dev', 'eth1', 'to', vip);
    await expect.poll(() => /dadfailed|tentative/.exec(shown())?.[0], { timeout: 60_000 }).not.toBe('tentative');
    return shown();
  }

  it('takes an IPv6 VIP that the amphora before still has', async () => {
    expect(await takeOver(settings)).not.toContain('dadfailed');
  });

  it('would never use it as the kernel is by itself', async () => {
    expect(await takeOver([])).toContain('dadfailed');
  });
});
