import { defineCommand } from '../../command.ts';
import type { JobStatus } from '../../context.ts';
import { formatAgeShort, plural } from '../../format/duration.ts';
import { type Column, renderTable } from '../../output/table.ts';
import { countsInWords } from './render.ts';

export const housekeepingList = defineCommand({
  noun: 'housekeeping',
  verb: 'list',
  summary: 'List the jobs that are done at intervals: who is at them, and how they went',
  examples: ['kiln housekeeping list', 'kiln housekeeping list --json'],
  exits: [],
  async run({ context }) {
    const jobs = await (await context.housekeeping()).list();
    const outcomeOf = ({ last }: JobStatus): string => {
      if (last?.holder) return `running: ${last.holder}`;
      if (last?.failure) return `failed: ${last.failure.message}`;
      return last?.result ? countsInWords(last.result) : 'never done';
    };
    return {
      document: jobs,
      ids: jobs.map(({ name }) => name),
      render: (view) => {
        const columns: Column<JobStatus>[] = [
          { title: 'JOB', value: ({ name }) => name },
          { title: 'EVERY', value: ({ intervalSeconds }) => plural(intervalSeconds, 'second'), align: 'right' },
          {
            title: 'SUCCEEDED',
            value: ({ last }) => (last?.succeededAt ? formatAgeShort(last.succeededAt, view.now) : '-'),
            align: 'right',
          },
          { title: 'LAST RUN', value: outcomeOf },
        ];
        return renderTable(columns, jobs, view);
      },
    };
  },
});
