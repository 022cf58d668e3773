/** The contract of AmphoraAgent, against our own agent as it is in a virtual machine: the kernel's interfaces, HAProxy and keepalived. */
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { describeAmphoraAgentContract } from '../kit/contract/amphora-agent.ts';
import { agentIsImpossible } from '../kit/octavia-agent.ts';
import { startSandboxedAgent } from '../kit/sandboxed-agent.ts';

const root = join(import.meta.dirname, '../..');
const programs = join(root, 'src/adapters/vm-image/recipe/agents/kiln/files/usr/lib/kiln/agent/programs');
const command = [process.execPath, join(root, 'src/dev-agent/main.ts'), '--system', '--programs', programs];

if (agentIsImpossible === null) {
  describeAmphoraAgentContract(
    'own agent, of a virtual machine',
    { traffic: true, hardware: true, lvs: true, vrrp: true, reconfigurable: true },
    () => startSandboxedAgent(command),
  );
} else {
  describe('AmphoraAgent: own agent, of a virtual machine', () => {
    it.skip(agentIsImpossible ?? '', () => undefined);
  });
}
