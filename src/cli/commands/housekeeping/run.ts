import { KilnError } from '../../../model/errors.ts';
import { defineCommand } from '../../command.ts';
import { countsInWords } from './render.ts';

export const housekeepingRun = defineCommand<{ dryRun?: boolean }>({
  noun: 'housekeeping',
  verb: 'run',
  summary: 'Do a job now, or say what it would do',
  description:
    'Works on the database (`orphans` on the cloud as well), whether a `kiln serve` runs or not. A job that another process ' +
    'is at is refused. What a job ' +
    'only asks for (rotate-certificates) is carried out by the workers; settle-pending looks twice, a minute apart, where it ' +
    'finds something.',
  arguments: [{ name: 'JOB', help: 'its name, as `kiln housekeeping list` shows it' }],
  options: [{ flags: '--dry-run', help: 'say what would be done, and do nothing' }],
  examples: ['kiln housekeeping run orphans --dry-run', 'kiln housekeeping run rotate-certificates'],
  exits: [],
  async run({ arguments: [name = ''], options: { dryRun = false }, context }) {
    const report = await (await context.housekeeping()).run(name, { dryRun });
    if (!report) {
      throw new KilnError('IMMUTABLE', `another process began job ${name} at this moment`, {
        advice: 'See what it does: `kiln housekeeping list`.',
      });
    }
    return {
      document: { job: name, dryRun, ...report },
      ids: report.items,
      render: () =>
        [`${dryRun ? 'Would be done' : 'Done'}: ${countsInWords(report.counts)}.`, ...report.items].join('\n'),
    };
  },
});
