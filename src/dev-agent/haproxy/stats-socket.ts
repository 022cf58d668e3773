import { createConnection } from 'node:net';
import { relative } from 'node:path';

/** Of sockaddr_un, without the 0 at its end (unix(7)). */
const longestSocketPathBytes = 107;
const answerWithinMs = 5000;
const longestAnswerBytes = 64 * 1024 * 1024;

/** HAProxy listens at its stats socket, and does not answer: it hangs or is too busy. */
export class HaproxySilentError extends Error {}

/**
 * Asks HAProxy through its stats socket (HAProxy's management guide, 9.3).
 * Rejects when nobody listens there, and with HaproxySilentError when nobody answers in time.
 */
export async function queryHaproxy(socketFile: string, command: string, limitMs = answerWithinMs): Promise<string> {
  const socket = createConnection(reachablePath(socketFile));
  return await new Promise<string>((resolve, reject) => {
    let answer = '';
    socket.setEncoding('utf8');
    socket.setTimeout(limitMs, () => socket.destroy(new HaproxySilentError(`no answer to "${command}" in time`)));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The kernel's queue of connections that HAProxy has not accepted is full.
      reject(error.code === 'EAGAIN' ? new HaproxySilentError('HAProxy accepts no connections') : error);
    });
    socket.on('data', (chunk) => {
      answer += chunk;
      if (answer.length > longestAnswerBytes) socket.destroy(new Error(`the answer to "${command}" does not end`));
    });
    socket.on('end', () => resolve(answer.trimEnd()));
    socket.end(`${command}\n`);
  });
}

/** `show info` as names and values. */
export async function readHaproxyInfo(socketFile: string, limitMs?: number): Promise<ReadonlyMap<string, string>> {
  const lines = (await queryHaproxy(socketFile, 'show info', limitMs)).split('\n');
  return new Map(lines.map((line) => [line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1).trim()]));
}

/** Rows of a CSV file whose first line, after "# ", names the columns. Values may be quoted, and hold commas then. */
export function parseCsv(text: string): Array<ReadonlyMap<string, string>> {
  const [header = '', ...lines] = text
    .replace(/^# /, '')
    .split('\n')
    .filter((line) => line !== '');
  const columns = header.split(',');
  return lines.map((line) => {
    const values = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)];
    return new Map(
      columns.map((column, index) => [column, values[index]?.[1]?.replaceAll('""', '"') ?? values[index]?.[2] ?? '']),
    );
  });
}

/** The shorter one of a path's two forms. Throws an Error when that is too long as well. */
export function reachablePath(socketFile: string): string {
  const fromHere = relative(process.cwd(), socketFile);
  const path = fromHere.length < socketFile.length ? fromHere : socketFile;
  if (Buffer.byteLength(path) <= longestSocketPathBytes) return path;
  throw new Error(
    `the path of HAProxy's stats socket is too long for a Unix socket, which takes ${longestSocketPathBytes} bytes: ` +
      `${path}. Run the amphora in a folder with a shorter name.`,
  );
}
