import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import type { ServerSpec } from '../../src/model/compute.ts';
import type { ComputeService } from '../../src/ports/compute.ts';
import { type AgentProcess, startAgentProcess } from '../../src/testing/agent-process.ts';
import { describeBootByTag } from '../support/boot-by-tag.ts';

const folder = process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed';

/**
 * The test bed's Nova only pretends to boot. So that the agent answers, it is started here from the very image and the
 * very files that Nova was given, on the address that Neutron gave (the management network is a loopback network).
 */
describeBootByTag('test bed', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'kiln-guests-'));
  const built = await buildAmphoraImage({ output: join(scratch, 'amphora.img'), name: 'amphora', version: '1.0' });
  const agents = new Map<string, AgentProcess>();
  const specs = new Map<string, ServerSpec>();

  function withGuests(compute: ComputeService): ComputeService {
    return {
      ...compute,
      async createServer(spec, signal) {
        const server = await compute.createServer(spec, signal);
        specs.set(server.id, spec);
        return server;
      },
      async deleteServer(serverId) {
        await agents.get(serverId)?.stop();
        agents.delete(serverId);
        await compute.deleteServer(serverId);
      },
      async listInterfaces(serverId, signal) {
        const interfaces = await compute.listInterfaces(serverId, signal);
        const address = interfaces[0]?.fixedIps[0]?.ipAddress;
        if (address && !agents.has(serverId)) {
          const root = mkdtempSync(join(scratch, 'guest-'));
          await extract({ file: built.file, cwd: root });
          const files = specs.get(serverId)?.files ?? {};
          const agent = startAgentProcess({ program: join(root, 'agent.mjs'), root, bindHost: address, files });
          agents.set(serverId, agent);
        }
        return interfaces;
      },
    };
  }

  async function endGuests(): Promise<void> {
    const running = [...agents.values()];
    agents.clear();
    await Promise.all(running.map((agent) => agent.stop()));
  }

  return {
    configurationFile: join(folder, 'octavia.conf'),
    cloudsFile: join(folder, 'clouds.yaml'),
    tenantCloud: 'testbed-demo',
    imageData: readFileSync(built.file),
    smallFlavorId: '66',
    withGuests,
    endGuests,
    async close() {
      await endGuests();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
});
