import { exitCodes } from '../../model/errors.ts';
import type { CliContext } from '../context.ts';
import { type CheckGroup, ok, unlessMissing } from './check.ts';

/** An ID and a tag that nothing has: that the service says so is an answer, and a small one. */
const nowhere = '00000000-0000-0000-0000-000000000000';

const probes: Record<string, { name: string; ask(context: CliContext, signal: AbortSignal): Promise<string> }> = {
  identity: { name: 'Keystone', ask: async () => 'gave the token' },
  image: {
    name: 'Glance',
    async ask(context, signal) {
      await (await context.images()).list({ tags: [nowhere], name: nowhere }, signal);
      return 'answers';
    },
  },
  compute: {
    name: 'Nova',
    async ask(context) {
      return `answers, microversions to ${await (await context.compute()).maxMicroversion()}`;
    },
  },
  network: {
    name: 'Neutron',
    async ask(context) {
      await unlessMissing((await context.network()).getNetwork(nowhere));
      return 'answers';
    },
  },
};

export const catalogChecks: CheckGroup = {
  title: 'Services',
  exitCode: exitCodes.cloudUnreachable,
  checks: Object.entries(probes).map(([type, probe]) => ({
    id: `catalog.${type}`,
    title: `${probe.name} (${type})`,
    needs: ['credentials.token'],
    async run({ context, signal }) {
      const url = await (await context.identity()).endpoint(type);
      return ok(`${await probe.ask(context, signal)} at ${url}`);
    },
  })),
};
