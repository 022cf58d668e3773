import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ParsedFile, parseOsloFile } from './oslo-parser.ts';

export interface FileLocations {
  /** `--config-file`, in order. Absent: the usual places. */
  configFiles?: readonly string[];
  /** `--config-dir`, in order, read after the files. Absent: the usual places. */
  configDirs?: readonly string[];
}

/** Why a file or folder could not be read. */
export interface UnreadableFile {
  readonly file: string;
  readonly message: string;
}

export interface FilesRead {
  /** In order: of two files that set an option, the later one counts. */
  readonly files: readonly ParsedFile[];
  readonly unreadable: readonly UnreadableFile[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the configuration files. The usual places are oslo.config's for the project octavia and the program kiln: in
 * the first of ~/.octavia, ~, /etc/octavia and /etc that has it, octavia.conf and then kiln.conf; and so with
 * the folders octavia.conf.d and kiln.conf.d. As there, naming files does not turn off the usual folders, nor the other
 * way round. Of a folder, `*.conf` are read in order of name.
 */
export function readConfigurationFiles(locations: FileLocations, environment: Environment): FilesRead {
  const home = environment.HOME ?? homedir();
  const files: ParsedFile[] = [];
  const unreadable: UnreadableFile[] = [];
  const note = (file: string, error: unknown): void => {
    unreadable.push({ file, message: explain(error as NodeJS.ErrnoException) });
  };
  const readFile = (file: string, optional: boolean): boolean => {
    try {
      files.push(parseOsloFile(readFileSync(file, 'utf8'), file));
    } catch (error) {
      if (optional && isAbsent(error)) return false;
      note(file, error);
    }
    return true;
  };
  const readDir = (dir: string, optional: boolean): boolean => {
    try {
      const names = readdirSync(dir).filter((name) => name.endsWith('.conf') && !name.startsWith('.'));
      for (const name of names.sort()) readFile(join(dir, name), false);
    } catch (error) {
      if (optional && isAbsent(error)) return false;
      note(dir, error);
    }
    return true;
  };

  const usualFolders = [join(home, '.octavia'), home, '/etc/octavia', '/etc'];
  for (const name of ['octavia.conf', 'kiln.conf']) {
    if (!locations.configFiles) usualFolders.some((folder) => readFile(join(folder, name), true));
  }
  for (const name of ['octavia.conf.d', 'kiln.conf.d']) {
    if (!locations.configDirs) usualFolders.some((folder) => readDir(join(folder, name), true));
  }
  const absolute = (path: string): string => resolve(path.replace(/^~(?=\/|$)/, home));
  for (const file of locations.configFiles ?? []) readFile(absolute(file), false);
  for (const dir of locations.configDirs ?? []) readDir(absolute(dir), false);
  return { files, unreadable };
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function explain(error: NodeJS.ErrnoException): string {
  if (isAbsent(error)) return 'does not exist';
  return error.code === 'EACCES' ? 'may not be read by this user' : `could not be read: ${error.message}`;
}
