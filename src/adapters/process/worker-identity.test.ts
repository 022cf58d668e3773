import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { createWorkerIdentity } from './worker-identity.ts';

it('knows itself, a dead process, a reused pid, an earlier boot and another host', async () => {
  const identity = createWorkerIdentity();
  expect(identity.isAlive(identity.self)).toBe(true);

  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const [host] = identity.self.split('/') as [string];
  const reused = `${host}/${child.pid}/1`;
  expect(identity.isAlive(reused)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(identity.isAlive(`${host}/${child.pid}/1`)).toBe(false);

  const withoutNamespace = identity.self.replace(host, host.split(':').slice(0, 2).join(':'));
  expect(identity.isAlive(withoutNamespace)).toBe(true);
  expect(identity.isAlive(`${withoutNamespace}1`)).toBe(false);

  const name = host.split(':')[0];
  expect(identity.isAlive(`${name}:00000000/${process.pid}/1`)).toBe(false);
  expect(identity.isAlive(`${name}:00000000:1/${process.pid}/1`)).toBe(false);
  expect(identity.isAlive(`${host.split(':').slice(0, 2).join(':')}:1/${child.pid}/1`)).toBe(true); // Another container.
  expect(identity.isAlive('elsewhere:00000000:1/1/1')).toBe(true);
});
