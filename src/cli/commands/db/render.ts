import type { DatabaseStatus } from '../../context.ts';
import { type Column, renderFields, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';

const newerWords = {
  compatible: ' by a newer Kiln; this one goes on',
  incompatible: ' by a newer Kiln; this one can not go on',
};

export function renderMigrations({ database, migrations }: DatabaseStatus, view: View): string {
  const columns: Column<DatabaseStatus['migrations'][number]>[] = [
    { title: 'CHANGE', value: ({ name }) => name },
    {
      title: 'MADE',
      value: ({ executedAt, newer }) => `${executedAt ?? 'not yet: kiln db upgrade'}${newer ? newerWords[newer] : ''}`,
      paint: (text, { executedAt, newer }, { paint }) =>
        paint(newer === 'incompatible' ? 'red' : executedAt === null || newer ? 'yellow' : 'green', text),
    },
  ];
  return `${renderFields([['Database', database]], view)}\n\n${renderTable(columns, migrations, view)}`;
}
