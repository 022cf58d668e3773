import type { Log } from '../../../src/ports/log.ts';

export interface LogLine {
  level: keyof Log;
  fields: object;
  message: string;
}

/** A log that keeps its lines. */
export function createFakeLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write = (level: keyof Log) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
