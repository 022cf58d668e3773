import { defineCommand } from '../../command.ts';

export const healthResume = defineCommand({
  noun: 'health',
  verb: 'resume',
  summary: 'Let silent amphorae be failed over again after too many fell silent at once',
  description:
    'The amphorae that are silent now are examined, and failed over where nothing shows that they live, ' +
    '`[health_manager] failover_threads` at a time; they no longer count towards `failover_threshold`. Written to the ' +
    'database; every health manager obeys with its next look.',
  examples: ['kiln health resume'],
  exits: [],
  async run({ context }) {
    const silence = await context.silence();
    const wasStopped = await silence.resume();
    const { silent } = await silence.survey();
    return {
      document: { wasStopped, silent },
      ids: [],
      render: () =>
        wasStopped
          ? `Failovers go on. Silent now: ${silent}.`
          : `Failovers were not stopped. Silent now: ${silent}; these no longer count towards the threshold.`,
    };
  },
});
