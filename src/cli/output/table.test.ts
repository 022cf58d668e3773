import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayWidth } from '../format/printable.ts';
import { type Column, renderFields, renderTable } from './table.ts';
import type { View } from './view.ts';

interface Row {
  id: string;
  name: string;
  owner: string;
}

const columns: Column<Row>[] = [
  { title: 'ID', value: (row) => row.id },
  { title: 'NAME', value: (row) => row.name, minimum: 6, drop: 1 },
  { title: 'OWNER', value: (row) => row.owner, drop: 2 },
];
const view = (width: number | null): View => ({ columns: width, paint: (_, text) => text, now: new Date(0) });
const row: Row = { id: '0123456789', name: 'a-rather-long-name', owner: 'project-1' };

describe('renderTable', () => {
  it('takes the width it needs where nothing limits it', () => {
    expect(renderTable(columns, [row], view(null))).toBe(
      'ID          NAME                OWNER\n0123456789  a-rather-long-name  project-1',
    );
  });

  it('cuts first, then leaves columns out, and widens the others again', () => {
    expect(renderTable(columns, [row], view(35))).toBe(
      'ID          NAME          OWNER\n0123456789  a-rather-lo…  project-1',
    );
    expect(renderTable(columns, [row], view(24))).toBe('ID          NAME\n0123456789  a-rather-lo…');
    expect(renderTable(columns, [row], view(15))).toBe('ID\n0123456789');
  });

  it('is never wider than the terminal, unless an ID alone is', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(fc.record({ id: fc.uuid(), name: text, owner: text }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 36, max: 140 }),
        (rows, width) => {
          const lines = renderTable(columns, rows, view(width)).split('\n');
          expect(lines).toHaveLength(rows.length + 1);
          for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
          for (const [index, { id }] of rows.entries()) expect(lines[index + 1]).toContain(id);
        },
      ),
    );
  });

  it('keeps escape sequences of the data out', () => {
    expect(renderTable(columns, [{ ...row, name: 'x\u001b[2J' }], view(null))).not.toContain('\u001b');
  });
});

describe('renderFields', () => {
  it('puts values under one another and leaves out what is not there', () => {
    expect(
      renderFields(
        [
          ['ID', 'x'],
          ['Reason', null],
          ['Address', '10.0.0.1'],
        ],
        view(80),
      ),
    ).toBe('ID       x\nAddress  10.0.0.1');
  });
});
