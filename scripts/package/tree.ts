/** Folders whose bytes, modes and times are the same in every build. */
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { create } from 'tar';

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

/** A tar file of a tree: sorted, owned by root, with the commit's time. @param prefix stands before every path. */
export async function archive(
  tree: Tree,
  file: string,
  { epochSeconds, gzip, prefix }: { epochSeconds: number; gzip: boolean; prefix?: string },
): Promise<void> {
  const mtime = new Date(epochSeconds * 1000);
  await create(
    {
      file,
      cwd: tree.root,
      gzip: gzip && { level: 9 },
      portable: true,
      mtime,
      noDirRecurse: true,
      ...(prefix ? { prefix } : {}),
    },
    tree.paths(),
  );
}

/** In hex. */
export const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
