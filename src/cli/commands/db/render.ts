import type { DatabaseStatus } from '../../context.ts';
import { type Column, renderFields, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';

export function renderMigrations({ database, migrations }: DatabaseStatus, view: View): string {
  const columns: Column<DatabaseStatus['migrations'][number]>[] = [
    { title: 'CHANGE', value: ({ name }) => name },
    {
      title: 'MADE',
      value: ({ executedAt }) => executedAt ?? 'not yet: kiln db upgrade',
      paint: (text, { executedAt }, { paint }) => paint(executedAt === null ? 'yellow' : 'green', text),
    },
  ];
  return `${renderFields([['Database', database]], view)}\n\n${renderTable(columns, migrations, view)}`;
}
