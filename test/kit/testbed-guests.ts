import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar';
import { buildAmphoraImage } from '../../src/adapters/amphora-image/build.ts';
import type { ServerSpec } from '../../src/model/compute.ts';
import type { ComputeService } from '../../src/ports/compute.ts';
import { type AgentProcess, startAgentProcess } from './agent-process.ts';

/**
 * The test bed's Nova only pretends to boot. So that the agent answers, it is started here from the very image and the
 * very files that Nova was given, on the address that Neutron gave (the management network is a loopback network).
 */
export interface TestbedGuests {
  /** Of the amphora image. */
  imageFile: string;
  withGuests(compute: ComputeService): ComputeService;
  endGuests(): Promise<void>;
  close(): Promise<void>;
}

export async function startTestbedGuests(): Promise<TestbedGuests> {
  const scratch = mkdtempSync(join(tmpdir(), 'kiln-guests-'));
  const built = await buildAmphoraImage({ output: join(scratch, 'amphora.img'), name: 'amphora', version: '1.0' });
  const agents = new Map<string, AgentProcess>();
  const specs = new Map<string, ServerSpec>();

  async function endGuests(): Promise<void> {
    const running = [...agents.values()];
    agents.clear();
    await Promise.all(running.map((agent) => agent.stop()));
  }

  return {
    imageFile: built.file,
    endGuests,
    withGuests: (compute) => ({
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
    }),
    async close() {
      await endGuests();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
