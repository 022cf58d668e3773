/** Folders whose bytes, modes and times are the same in every build. */
import { chmodSync, cpSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export class Tree {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
    mkdirSync(root, { recursive: true });
  }

  /** Copies a file or a folder to `path`. */
  copy(source: string, path: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    cpSync(source, join(this.root, path), { recursive: true, dereference: true });
  }

  write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  /** Every folder and file in it, by path, sorted. */
  paths(): string[] {
    return readdirSync(this.root, { recursive: true, encoding: 'utf8' }).sort();
  }

  files(): string[] {
    return this.paths().filter((path) => statSync(join(this.root, path)).isFile());
  }

  /** Modes by what is a program, times by the commit: what a copy took from this machine is gone. */
  seal(programs: readonly string[], epochSeconds: number): void {
    for (const path of this.paths().reverse()) {
      const full = join(this.root, path);
      chmodSync(full, statSync(full).isDirectory() || programs.includes(path) ? 0o755 : 0o644);
      utimesSync(full, epochSeconds, epochSeconds);
    }
    chmodSync(this.root, 0o755);
    utimesSync(this.root, epochSeconds, epochSeconds);
  }
}
