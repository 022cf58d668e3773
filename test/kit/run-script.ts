import { spawn } from 'node:child_process';

/** Runs a module in a process of its own, and gives the JSON that it printed. */
export function runScript<Printed>(source: string): Promise<Printed> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as Printed);
      else reject(new Error(`a script ended with ${code}`));
    });
  });
}
