import { exitCodes } from '../../model/errors.ts';
import type { NetworkService, SecurityGroup } from '../../ports/network.ts';
import { type CheckGroup, type Finding, fail, ok, unlessMissing, warn } from './check.ts';

type Rule = SecurityGroup['rules'][number];

/** Whether the rule lets TCP in on the port. Neutron writes the protocol as a name or a number; null is any. */
function admits(rule: Rule, port: number): boolean {
  if (rule.direction !== 'ingress' || ![null, 'tcp', '6', 'any', '0'].includes(rule.protocol)) return false;
  return (rule.portRangeMin ?? 0) <= port && port <= (rule.portRangeMax ?? 65_535);
}

async function checkNetwork(networks: NetworkService, id: string, role: string): Promise<Finding> {
  const network = await unlessMissing(networks.getNetwork(id));
  if (!network) {
    return fail(
      `${role} ${id} is not there, or not to be seen`,
      'Correct [controller_worker] amp_boot_network_list (IDs, not names).',
    );
  }
  const what = `${role} ${network.name} (${id})`;
  if (!network.adminStateUp) return fail(`${what} is switched off`, `\`openstack network set --enable ${id}\``);
  if (network.subnetIds.length === 0) {
    return fail(`${what} has no subnet: an amphora would get no address`, 'Create a subnet in it.');
  }
  if (network.status !== 'ACTIVE')
    return warn(`${what} is ${network.status}`, 'Look why Neutron does not call it ACTIVE.');
  return ok(`${what} is up`);
}

export const networkChecks: CheckGroup = {
  title: 'Network',
  exitCode: exitCodes.usageOrConfiguration,
  checks: [
    {
      id: 'network.networks',
      title: 'boot networks',
      needs: ['catalog.network'],
      async run({ context }) {
        const { bootNetworkIds } = await context.settings();
        if (bootNetworkIds.length === 0) {
          return fail(
            '[controller_worker] amp_boot_network_list is empty',
            'Set it to the ID of the network on which Kiln reaches its amphorae.',
          );
        }
        const networks = await context.network();
        return Promise.all(
          bootNetworkIds.map((id, index) => checkNetwork(networks, id, index === 0 ? 'management network' : 'network')),
        );
      },
    },
    {
      id: 'network.security-groups',
      title: 'security groups',
      needs: ['catalog.network'],
      async run({ context }) {
        const { securityGroupIds, agentPort } = await context.settings();
        if (securityGroupIds.length === 0) {
          return warn(
            `[controller_worker] amp_secgroup_list is empty: the project's default group has to let tcp/${agentPort} in`,
            'Make a group of the service project with that rule and name its ID.',
          );
        }
        const own = (await (await context.identity()).authenticatedAs()).projectId;
        const networks = await context.network();
        const findings: Finding[] = [];
        for (const id of securityGroupIds) {
          const group = await unlessMissing(networks.getSecurityGroup(id));
          if (!group) {
            findings.push(
              fail(
                `security group ${id} is not there, or not to be seen`,
                'Correct [controller_worker] amp_secgroup_list.',
              ),
            );
          } else if (group.projectId !== own) {
            // Nova takes the request and fails later, with "Exceeded maximum number of retries" and nothing else.
            findings.push(
              fail(
                `security group ${group.name} (${id}) belongs to project ${group.projectId}, not ${own}: Nova would take the server and fail to build it`,
                'Make such a group in the service project and name its ID in [controller_worker] amp_secgroup_list.',
              ),
            );
          } else {
            findings.push(ok(`${group.name} (${id})`));
          }
        }
        return findings;
      },
    },
    {
      id: 'network.agent-port',
      title: 'the agent can be reached',
      needs: ['network.security-groups'],
      async run({ context }) {
        const { securityGroupIds, agentPort } = await context.settings();
        if (securityGroupIds.length === 0) return { verdict: 'skip', finding: 'no security group is configured' };
        const networks = await context.network();
        const groups = await Promise.all(securityGroupIds.map((id) => networks.getSecurityGroup(id)));
        const rule = groups.flatMap((group) => group.rules).find((candidate) => admits(candidate, agentPort));
        if (rule) return ok(`tcp/${agentPort} is let in${rule.remoteIpPrefix ? ` from ${rule.remoteIpPrefix}` : ''}`);
        return fail(
          `no rule lets tcp/${agentPort} in: Kiln could not reach the agents`,
          `\`openstack security group rule create --protocol tcp --dst-port ${agentPort} ${securityGroupIds[0]}\``,
        );
      },
    },
  ],
};
