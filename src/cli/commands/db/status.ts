import { defineCommand } from '../../command.ts';
import { renderMigrations } from './render.ts';

export const dbStatus = defineCommand({
  noun: 'db',
  verb: 'status',
  summary: 'Tell which database is used, and which changes of its tables have been made',
  description: 'Changes nothing.',
  examples: ['kiln db status', 'kiln db status --json'],
  exits: [],
  async run({ context }) {
    const status = await context.databaseStatus();
    return {
      document: status,
      ids: status.migrations.filter(({ executedAt }) => executedAt === null).map(({ name }) => name),
      render: (view) => renderMigrations(status, view),
    };
  },
});
