import { defineCommand } from '../../command.ts';
import { renderMigrations } from './render.ts';

export const dbUpgrade = defineCommand({
  noun: 'db',
  verb: 'upgrade',
  summary: 'Bring the tables in the database up to date',
  description:
    'Every process of Kiln does so when it starts; this does it beforehand, once. Two at once do no harm, and neither does doing it again.',
  examples: ['kiln db upgrade', 'kiln db upgrade --config-file /etc/octavia/octavia.conf'],
  exits: [],
  async run({ context }) {
    const before = await context.databaseStatus();
    const after = await context.upgradeDatabase();
    const done = after.migrations.filter(
      ({ name }) => before.migrations.find((one) => one.name === name)?.executedAt === null,
    );
    return {
      document: { ...after, upgraded: done.map(({ name }) => name) },
      ids: done.map(({ name }) => name),
      render: (view) =>
        done.length === 0
          ? `The tables are up to date.\n\n${renderMigrations(after, view)}`
          : `Upgraded: ${done.map(({ name }) => name).join(', ')}.\n\n${renderMigrations(after, view)}`,
    };
  },
});
