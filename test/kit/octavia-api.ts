import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** One request of those that Octavia and Kiln are asked alike; `$name` stands for the ID of what was made before. */
export interface ApiCase {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  /** The name under which to keep the ID of what was made. */
  keep?: string;
}

export interface RawAnswer {
  status: number;
  body: string;
}

/** An API to be compared. */
export interface Side {
  ask(request: {
    method: string;
    path: string;
    headers: Record<string, string>;
    body: string | null;
  }): Promise<RawAnswer>;
  /** Everything that is on its way arrives, as when flows end. */
  settle(): Promise<void>;
  /** Whether what is stored may differ after this request. */
  isChangedBy(one: ApiCase, answer: RawAnswer): boolean;
  /** Keeps what is there, for `restore`. */
  remember(): Promise<void>;
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** Octavia's own API (Debian: python3-octavia) in a process of its own, over a database in a file. */
export function startOctaviaApi(): Side {
  const child: ChildProcessWithoutNullStreams = spawn('/usr/bin/python3', ['test/golden/octavia-api/octavia-api.py'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...(process.env.TMPDIR && { TMPDIR: process.env.TMPDIR }),
      PATH: '/usr/bin:/bin',
      LC_ALL: 'C.UTF-8',
      PYTHONWARNINGS: 'ignore',
    },
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function exchange(asked: object): Promise<unknown> {
    child.stdin.write(`${JSON.stringify(asked)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`Octavia's API ended: ${complaint}`);
    return JSON.parse(value) as unknown;
  }
  return {
    ask: async (request) => (await exchange(request)) as RawAnswer,
    // It leaves some of what it refuses on its way.
    isChangedBy: ({ method }) => method !== 'GET',
    settle: async () => void (await exchange({ settle: true })),
    remember: async () => void (await exchange({ remember: true })),
    restore: async () => void (await exchange({ restore: true })),
    close: async () => {
      child.stdin.end();
      await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}
