import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderLvsConfiguration } from '../../../src/core/keepalived/lvs/render.ts';
import { cases as lvsCases, settings } from '../../golden/keepalived/cases.ts';
import { SANDBOX_WITHIN_MS } from '../agent-sandbox.ts';
import type { SandboxedAgent } from '../sandboxed-agent.ts';

/**
 * What Kiln renders for UDP and SCTP listeners is taken as it is. Carrying it needs IP_VS in the kernel; where that is
 * missing, keepalived says so and ends, which is all that can be seen here.
 */
export function describeLvsListeners(name: string, makeSubject: () => Promise<SandboxedAgent>): void {
  describe(`UDP and SCTP listeners: ${name}`, () => {
    let subject: SandboxedAgent;
    beforeAll(async () => {
      subject = await makeSubject();
    }, SANDBOX_WITHIN_MS);
    afterAll(() => subject?.close?.());

    it.each(['udp', 'sctp', 'both-families', 'disabled-listener'])(
      'takes the configuration of the case %s',
      async (name) => {
        const { agent, amphora, folder } = subject;
        const { tree, listener } = lvsCases[name] as (typeof lvsCases)[string];
        const configuration = renderLvsConfiguration(tree, listener, settings);
        await agent.uploadLvsConfiguration(amphora, listener.id, configuration);
        const file = join(folder, 'lib/lvs', `octavia-keepalivedlvs-${listener.id}.conf`);
        expect(readFileSync(file, 'utf8')).toBe(configuration);
        expect(await agent.listListeners(amphora)).toEqual([{ id: listener.id, status: 'OFFLINE', type: 'UDP' }]);
        await agent.deleteListener(amphora, listener.id);
        expect(existsSync(file)).toBe(false);
      },
    );

    it('starts keepalived, which ends where the kernel has no IP_VS', async () => {
      const { agent, amphora } = subject;
      const { tree, listener } = lvsCases['monitor-udp-connect'] as (typeof lvsCases)[string];
      await agent.uploadLvsConfiguration(amphora, listener.id, renderLvsConfiguration(tree, listener, settings));
      // Accepted either way: the agent does not wait for what becomes of it.
      await agent.act(amphora, listener.id, 'start');
      const status = existsSync('/proc/net/ip_vs') ? 'ACTIVE' : 'OFFLINE';
      await expect
        .poll(() => agent.listListeners(amphora), { timeout: 60_000 })
        .toEqual([{ id: listener.id, status, type: 'UDP' }]);
      await agent.deleteListener(amphora, listener.id);
      expect(await agent.listListeners(amphora)).toEqual([]);
    });
  });
}
