import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOsloFile, strip } from './oslo-parser.ts';

/** "section.option" → its values, in order. */
function valuesOf(text: string): Record<string, string[]> {
  const { assignments, faults } = parseOsloFile(text, 'octavia.conf');
  expect(faults).toEqual([]);
  const values: Record<string, string[]> = {};
  for (const { section, option, value } of assignments) {
    const key = `${section}.${option}`;
    values[key] = [...(values[key] ?? []), value];
  }
  return values;
}

function faultsOf(text: string): string[] {
  return parseOsloFile(text, 'octavia.conf').faults.map(({ line, message }) => `${line}: ${message}`);
}

describe('the dialect', () => {
  it('keeps # ; = and : inside values', () => {
    expect(valuesOf('[a]\n# no\n; no\nx = 1 # 2 ; 3 = 4 : 5\ny: b=c\nz =a:b\n')).toEqual({
      'a.x': ['1 # 2 ; 3 = 4 : 5'],
      'a.y': ['b=c'],
      'a.z': ['a:b'],
    });
  });

  it('joins continuation lines until a blank line or a comment; an indented comment is a part of the value', () => {
    expect(valuesOf('[a]\nx = 1\n  2\n\t# 3\n\ny =\n  4\n#\nz = 5\n')).toEqual({
      'a.x': ['1\n2\n# 3'],
      'a.y': ['\n4'],
      'a.z': ['5'],
    });
    expect(faultsOf('[a]\nx = 1\n# c\n  2\n')).toHaveLength(1);
  });

  it('keeps all values of a key that is repeated, over all parts of a section', () => {
    expect(valuesOf('[a]\nx=1\n[b]\nx=2\n[A]\nx=3\nx=4\n')).toEqual({ 'a.x': ['1', '3', '4'], 'b.x': ['2'] });
  });

  it('takes equal quotes off the first line alone', () => {
    const text = '[a]\nx = "1"\ny = \'\'\nz = "1" "2"\nv = "1\'\nw = "1\n  2"\nu = "\n';
    expect(valuesOf(text)).toEqual({
      'a.x': ['1'],
      'a.y': [''],
      'a.z': ['1" "2'],
      'a.v': ['"1\''],
      'a.w': ['"1\n2"'],
      'a.u': [''],
    });
  });

  it('names of sections count without case, DEFAULT excepted; names of options with case', () => {
    expect(valuesOf('[DEFAULT]\nX=1\n[default]\nx=2\n[Nova]\nx=3\n')).toEqual({
      'DEFAULT.X': ['1'],
      'default.x': ['2'],
      'nova.x': ['3'],
    });
  });

  it.each(['\n', '\r\n', '\r'])('ends lines with %j', (end) => {
    expect(valuesOf(['[a]', 'x=1', '  2', '', 'y=3'].join(end))).toEqual({ 'a.x': ['1\n2'], 'a.y': ['3'] });
  });

  it('skips a byte order mark', () => {
    expect(valuesOf('\uFEFF[a]\nx=1')).toEqual({ 'a.x': ['1'] });
  });
});

describe('faults', () => {
  it('are all reported, with their lines, and what can be read is read', () => {
    const text = 'early = 1\n[a\n[]\n[a] # no\n[a]\n  stray\nx = 1\nnonsense\n  below\n= 2\ny = \uFFFD\n[b]';
    const { faults, assignments, sections } = parseOsloFile(text, 'f');
    expect(faults.map(({ line }) => line)).toEqual([1, 2, 3, 4, 6, 8, 10, 11]);
    expect(faults.every(({ file }) => file === 'f')).toBe(true);
    expect(assignments.map(({ option, line }) => [option, line])).toEqual([
      ['x', 7],
      ['y', 11],
    ]);
    expect([...sections]).toEqual([
      ['a', 5],
      ['b', 12],
    ]);
  });

  it('never quote a value', () => {
    expect(faultsOf('[a]\npassword hunter2\n  hunter2\n=hunter2\n').join()).not.toContain('hunter2');
  });

  it('never throw, whatever the bytes, and lose no line that is fine', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.string({ unit: 'binary', maxLength: 100 }),
        (bytes, garbage) => {
          const text = `${new TextDecoder().decode(bytes)}${garbage}\n[last]\nsure = 1\n`;
          const { assignments, faults } = parseOsloFile(text, 'f');
          expect(assignments.at(-1)).toMatchObject({ section: 'last', option: 'sure', value: '1' });
          for (const { line } of faults) expect(line).toBeGreaterThan(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('every line that is not blank, a comment or a continuation is read or reported', () => {
    const lines = fc.array(fc.stringMatching(/^[a-z[\]=:#;]{1,6}$/), { maxLength: 20 });
    fc.assert(
      fc.property(lines, (made) => {
        const { assignments, faults } = parseOsloFile(['[s]', ...made].join('\n'), 'f');
        const reported = new Set([...assignments, ...faults].map(({ line }) => line));
        made.forEach((line, index) => {
          const isHeader = /^\[.+\]$/.test(line);
          if (!/^[#;]/.test(line) && !isHeader) expect(reported.has(index + 2)).toBe(true);
        });
      }),
    );
  });
});

describe('round trip', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,12}$/);
  const word = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/[\r\n\uFFFD\uFEFF]/.test(text));
  /** What can be written without quotes: nothing that strip() would take off, no quotes around it. */
  const value = word.map(strip).filter((text) => !/^["']/.test(text));
  const file = fc.array(fc.tuple(name, fc.array(fc.tuple(name, fc.array(value, { minLength: 1, maxLength: 3 })))));

  it('gives back what was written, in order', () => {
    fc.assert(
      fc.property(file, (sections) => {
        const text = sections
          .map(([section, options]) => {
            const lines = options.map(([option, parts]) => `${option} = ${parts.filter(Boolean).join('\n  ')}`);
            return [`[${section}]`, ...lines, ''].join('\n');
          })
          .join('\n');
        const expected = sections.flatMap(([section, options]) =>
          options.map(([option, parts]) => ({ section, option, value: parts.filter(Boolean).join('\n') })),
        );
        const { assignments, faults } = parseOsloFile(text, 'f');
        expect(faults).toEqual([]);
        expect(assignments.map(({ section, option, value: read }) => ({ section, option, value: read }))).toEqual(
          expected,
        );
      }),
    );
  });
});

it('strips as Python does, and quickly', () => {
  expect(strip('\x1c\x85\u00a0\u3000 a b \t\v')).toBe('a b');
  expect(strip('\uFEFFa')).toBe('\uFEFFa');
  const long = `a${' '.repeat(200_000)}b`;
  expect(strip(` ${long} `)).toBe(long);
});
