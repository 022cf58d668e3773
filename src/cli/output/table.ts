import { displayWidth, printable, shorten } from '../format/printable.ts';
import type { View } from './view.ts';

export interface Column<Row> {
  title: string;
  value(row: Row): string;
  /**
   * What may happen when the terminal is too narrow. keep: nothing (IDs: half an ID is no ID). cut: shortened, to
   * `minimum` columns at least. The columns with the highest `drop` go first when cutting is not enough.
   */
  minimum?: number;
  /** Where it is shortened; 'end' if absent. */
  cut?: 'end' | 'middle';
  drop?: number;
  align?: 'right';
  paint?(text: string, row: Row, view: View): string;
}

const gap = 2;
/** Rows under titles, without lines, no wider than the view where that can be had without cutting what may not be cut. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], view: View): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const natural = columns.map((column, index) =>
    Math.max(displayWidth(column.title), ...cells.map((line) => displayWidth(line[index] ?? ''))),
  );
  const widths = fit(columns, natural, view.columns);
  const line = (texts: readonly string[], paint: (text: string, column: Column<Row>) => string): string =>
    columns
      .flatMap((column, index) => {
        const width = widths[index] ?? 0;
        if (width === 0) return [];
        const text = shorten(texts[index] ?? '', width, column.cut);
        const blanks = ' '.repeat(Math.max(0, width - displayWidth(text)));
        return [column.align === 'right' ? blanks + paint(text, column) : paint(text, column) + blanks];
      })
      .join(' '.repeat(gap))
      .trimEnd();
  const titles = columns.map((column) => column.title);
  return [
    line(titles, (text) => view.paint('bold', text)),
    ...rows.map((row, index) => line(cells[index] ?? [], (text, column) => column.paint?.(text, row, view) ?? text)),
  ].join('\n');
}

/** Width of each column; 0 for one that is left out. */
function fit<Row>(columns: readonly Column<Row>[], natural: readonly number[], limit: number | null): number[] {
  const widths = [...natural];
  if (limit === null) return widths;
  const total = (): number => {
    const present = widths.filter((width) => width > 0);
    return present.reduce((sum, width) => sum + width, 0) + gap * Math.max(0, present.length - 1);
  };
  const least = (index: number): number => {
    const minimum = columns[index]?.minimum;
    return minimum === undefined ? (natural[index] ?? 0) : Math.min(minimum, natural[index] ?? 0);
  };
  const shrink = (): void => {
    while (total() > limit) {
      // Always the widest that can still give, so that no column is cut to nothing beside a wide one.
      let widest = -1;
      widths.forEach((width, index) => {
        if (width > least(index) && width > (widths[widest] ?? 0)) widest = index;
      });
      if (widest < 0) return;
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
  };
  shrink();
  const droppable = columns.map((column, index) => ({ index, drop: column.drop ?? 0 })).filter(({ drop }) => drop > 0);
  for (const { index } of droppable.sort((a, b) => b.drop - a.drop)) {
    if (total() <= limit) break;
    widths.forEach((width, other) => {
      if (width > 0) widths[other] = natural[other] ?? 0;
    });
    widths[index] = 0;
    shrink();
  }
  return widths;
}

/** "Name:  value" lines with the values under one another. Null and undefined are left out. */
export function renderFields(
  fields: readonly (readonly [name: string, value: string | null | undefined])[],
  view: View,
): string {
  const present = fields.filter((field): field is readonly [string, string] => field[1] != null);
  const width = Math.max(0, ...present.map(([name]) => displayWidth(name)));
  return present
    .map(([name, value]) => `${view.paint('bold', name)}${' '.repeat(width - displayWidth(name))}  ${printable(value)}`)
    .join('\n');
}
