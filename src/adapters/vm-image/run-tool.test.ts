import { expect, it } from 'vitest';
import { runTool } from './run-tool.ts';

const { signal } = new AbortController();

it('gives what a tool prints, with its input, in an environment of its own', async () => {
  expect(await runTool('cat', [], { signal, input: 'a\nb' })).toBe('a\nb');
  const environment = await runTool('env', [], { signal, environment: { A: 'b' } });
  expect(environment.trim().split('\n').sort()).toEqual([
    'A=b',
    'LC_ALL=C.UTF-8',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'TZ=UTC',
  ]);
});

it("fails with the tool's last words, and knows a full disk", async () => {
  await expect(runTool('sh', ['-c', 'echo out; echo why >&2; exit 3'], { signal })).rejects.toMatchObject({
    code: 'IMAGE_BUILD_FAILED',
    message: expect.stringMatching(/^sh ended with status 3:\n(out\nwhy|why\nout)$/),
  });
  await expect(
    runTool('sh', ['-c', 'echo "cp: No space left on device" >&2; exit 1'], { signal }),
  ).rejects.toMatchObject({ advice: expect.stringContaining('A disk is full') });
  await expect(runTool('kiln-no-such-tool', [], { signal })).rejects.toMatchObject({
    code: 'IMAGE_BUILD_FAILED',
    message: expect.stringContaining('ENOENT'),
  });
});

it('ends a tool and what it has started when it is interrupted', async () => {
  const controller = new AbortController();
  // The output stays open until the last of them has ended: no end, no answer.
  const running = runTool('sh', ['-c', 'sleep 1000 & echo started; wait'], {
    signal: controller.signal,
    onOutput: () => controller.abort(),
  });
  await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect(runTool('true', [], { signal: controller.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
});
