/** The contract of AmphoraAgent, against Octavia's own agent in a network namespace (testbed/agent). */
import { describe, it } from 'vitest';
import { describeAmphoraAgentContract } from '../kit/contract/amphora-agent.ts';
import { describeLvsListeners } from '../kit/contract/lvs-listeners.ts';
import { agentIsImpossible } from '../kit/octavia-agent.ts';
import { startSandboxedAgent } from '../kit/sandboxed-agent.ts';

if (agentIsImpossible === null) {
  describeAmphoraAgentContract(
    "Octavia's agent",
    { traffic: true, hardware: true, lvs: true, vrrp: true, reconfigurable: false },
    () => startSandboxedAgent(),
  );
  describeLvsListeners("Octavia's agent", () => startSandboxedAgent());
} else {
  describe("AmphoraAgent: Octavia's agent", () => {
    it.skip(agentIsImpossible ?? '', () => undefined);
  });
}
