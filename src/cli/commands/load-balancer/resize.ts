import { defineCommand } from '../../command.ts';

export const loadBalancerResize = defineCommand({
  noun: 'loadbalancer',
  verb: 'resize',
  summary: 'Give a load balancer another flavor, or none, by failover',
  description:
    'A new amphora of that flavor (of a pair, two) is built, configured and answering before the old one loses the address; the load ' +
    'balancer has its old flavor until then, and keeps it when the new amphora can not be built. The flavor has to be enabled and of the same ' +
    'provider and topology. Written to the database: a running worker carries it out, and `kiln operation list` shows how far it is.',
  arguments: [
    { name: 'ID', help: 'the load balancer' },
    { name: 'FLAVOR', help: 'ID of the flavor, as `openstack loadbalancer flavor list` prints it; `none`: no flavor' },
  ],
  examples: ['kiln loadbalancer resize 3f0d6f2f-8f3e-4b0a-9a53-6f0f4d1f2f7a 5c7d1a0e-2d0b-4b1c-8f67-0c6f3f7e9a11'],
  exits: [],
  async run({ arguments: [id = '', flavor = ''], context }) {
    const flavorId = flavor === 'none' ? null : flavor;
    await context.resizeLoadBalancer(id, flavorId);
    return {
      document: { loadBalancerId: id, flavorId },
      ids: [id],
      render: () =>
        `Load balancer ${id} gets ${flavorId === null ? 'no flavor any more' : `flavor ${flavorId}`}. How far it is: kiln operation list.`,
    };
  },
});
