import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kiln-folder-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('making a folder', () => {
  it('makes those above it, for its owner alone, and is content with what is there', () => {
    const path = join(root, 'a', 'b', 'c');
    makeFolder(path);
    makeFolder(path);
    expect(statSync(join(root, 'a')).mode & 0o777).toBe(0o700);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  it('tells of a file in the way, and of a place where nothing can be made', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => makeFolder(join(root, 'file'))).toThrow('EEXIST');
    expect(() => makeFolder(join(root, 'file', 'below'))).toThrow(/EEXIST|ENOTDIR/);
    expect(() => makeFolder('/proc/kiln/state')).toThrow('ENOENT');
  });
});
