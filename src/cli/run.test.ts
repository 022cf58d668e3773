import { describe, expect, it } from 'vitest';
import { driveCli } from '../../test/kit/cli.ts';
import { createRecordingImages, makeImage } from '../../test/kit/recording-images.ts';
import { type ErrorCode, errorKinds, exitCodes, KilnError, ServiceError } from '../model/errors.ts';
import { commands } from './commands/index.ts';

const failing = (error: unknown) => ({ images: () => Promise.reject(error) });

describe('errors', () => {
  it.each(Object.keys(errorKinds) as ErrorCode[])('%s: its own exit status, for people and as JSON', async (code) => {
    const error = new KilnError(code, `${code} happened`);
    const spoken = await driveCli('image list', failing(error));
    expect(spoken.exitCode).toBe(errorKinds[code].exitCode);
    expect(spoken.stdout).toBe('');
    expect(spoken.stderr).toBe(
      `error: ${code} happened\nwhat to do: ${errorKinds[code].advice}\ncode: ${code}, exit status ${errorKinds[code].exitCode}\n`,
    );

    const machine = await driveCli('image list --json', failing(error));
    expect(machine.exitCode).toBe(errorKinds[code].exitCode);
    expect(machine.stderr).toBe('');
    expect(machine.json()).toEqual({ error: { ...error.toJSON(), exitCode: errorKinds[code].exitCode } });
  });

  it('what nobody foresaw is status 1', async () => {
    const run = await driveCli('image list', failing(new TypeError('x is not a function')));
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/^error: x is not a function\nwhat to do: This is a fault in Kiln\./);
  });

  it("a service's message can't write to the terminal", async () => {
    const run = await driveCli('image list', failing(new KilnError('SERVICE_FAILED', 'oops\u001b[2Jerased')));
    expect(run.stderr).not.toContain('\u001b');
  });

  it('--debug shows code, details and the whole chain of causes', async () => {
    const call = {
      service: 'image',
      method: 'GET',
      path: '/v2/images',
      status: 503,
      serviceMessage: 'busy',
      requestId: 'req-7',
      retryAfterSeconds: null,
      outcomeUnknown: false,
    };
    const error = new ServiceError('SERVICE_FAILED', 'Glance failed', call, { cause: new Error('the root') });
    const run = await driveCli('image list --debug', failing(error));
    expect(run.stderr).toContain('code: SERVICE_FAILED');
    expect(run.stderr).toContain('req-7');
    expect(run.stderr).toContain('Error: the root');
    expect((await driveCli('image list', failing(error))).stderr).not.toContain('the root');
  });

  it('after ctrl-C, whatever breaks is the interruption', async () => {
    const controller = new AbortController();
    const run = await driveCli(
      'image list',
      {
        images: async () => {
          controller.abort();
          controller.signal.throwIfAborted();
          return createRecordingImages();
        },
      },
      { signal: controller.signal },
    );
    expect(run.exitCode).toBe(exitCodes.bootFailed);
    expect(run.stderr).toMatch(/^error: interrupted\n/);
  });

  it('the context is closed, whatever became of the command', async () => {
    expect((await driveCli('image list', { images: async () => createRecordingImages() })).closed).toBe(true);
    expect((await driveCli('image list')).closed).toBe(true);
  });
});

describe('usage', () => {
  it.each([
    ['imagee list', "unknown command 'imagee'", 'Did you mean image?'],
    ['image lst', "unknown command 'lst'", 'Did you mean list?'],
    ['image list --tga x', "unknown option '--tga'", 'Did you mean --tag?'],
    ['image show', "missing required argument 'IMAGE'", '--help'],
    ['image show a b', "too many arguments for 'show'", '--help'],
    ['image list --tag', "option '--tag <tag>' argument missing", '--help'],
    ['', 'a command is missing after `kiln`', 'Name one of: image, amphora'],
    ['image', 'a command is missing after `kiln image`', 'Name one of: list, show'],
    ['image push f --min-disk some --tag t', '--min-disk is "some"; allowed is a whole number from 0', '--help'],
    ['image push f --visibility open --tag t', 'allowed is public, private, shared, community', '--help'],
    ['image push f --tag t --property novalue', 'the property "novalue" has no key and value', '--property key=value'],
    ['dev --port 70000', '--port is "70000"; allowed is a whole number from 1 to 65535', '--help'],
  ])('kiln %s', async (typed, message, advice) => {
    const run = await driveCli(typed);
    expect(run.exitCode).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(/^error: .*\nwhat to do: .*\ncode: .*\n$/);
    expect(run.stderr).toContain(message);
    expect(run.stderr).toContain(advice);
    // Nothing was begun.
    expect(run.global).toBe(null);

    const machine = await driveCli(`${typed} --json`);
    if (typed.endsWith('--tag')) return; // There, --json is taken for the tag.
    expect(machine.exitCode).toBe(2);
    expect(machine.json()).toMatchObject({ error: { code: 'USAGE', exitCode: 2 } });
  });

  it.each(['', 'a'.repeat(256), ' amphora', 'amphora '])(
    'refuses the tag "%s", which Glance could not hold or find',
    async (tag) => {
      const run = await driveCli(['image', 'list', '--tag', tag]);
      expect(run.exitCode).toBe(2);
      expect(run.stderr).toContain('the tag');
    },
  );

  it.each(['a'.repeat(255), '負荷分散', 'a,b', 'with blank inside'])('takes the tag "%s"', async (tag) => {
    const image = makeImage({ tags: [tag] });
    const recording = createRecordingImages(image, makeImage({ id: 'other', tags: [tag.slice(1)] }));
    const run = await driveCli(['image', 'list', '--json', '--tag', tag], { images: async () => recording });
    expect(run.json()).toEqual([image]);
  });

  it('takes the options of every command before and after its name', async () => {
    const run = await driveCli(
      '--config-file a --os-cloud one image --config-file b --quiet list --config-file c --config-dir d --os-cloud two --debug',
      { images: async () => createRecordingImages() },
    );
    expect(run.global).toEqual({
      configFiles: ['a', 'b', 'c'],
      configDirs: ['d'],
      osCloud: 'two',
      json: false,
      quiet: true,
      debug: true,
    });
  });

  it('prints its version, and takes --version of `image build` for what it is', async () => {
    expect(await driveCli('--version')).toMatchObject({ exitCode: 0, stdout: '0.1.0-test\n' });
    let asked: unknown;
    await driveCli('image build --version 7 --quiet', {
      buildImage: async (options) => {
        asked = options;
        return { file: 'f', sizeBytes: 1, sha512: 'x', name: 'n', version: '7' };
      },
    });
    expect(asked).toEqual({ outputFile: null, name: null, version: '7' });
  });
});

describe('help', () => {
  it('of kiln lists every noun', async () => {
    const run = await driveCli('--help', {}, { columns: 80 });
    expect(run.exitCode).toBe(0);
    await expect(run.stdout).toMatchFileSnapshot('golden/help.80.txt');
  });

  it.each(commands.map((command) => [[command.noun, command.verb].filter(Boolean).join(' '), command] as const))(
    'of kiln %s has examples that can be typed, and the exit statuses',
    async (name, command) => {
      const run = await driveCli(`${name} --help`, {}, { columns: 80 });
      expect(run.exitCode).toBe(0);
      expect(run.stderr).toBe('');
      expect(run.stdout).toContain(`Usage: kiln ${name}`);
      expect(run.stdout).toContain(command.summary.slice(0, 30));
      expect(run.stdout).toMatch(/Exit status:\n {2}0 {2}done\n {2}1 .*\n {2}2 /);
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) {
        expect(run.stdout).toContain(`$ ${example}`);
        const [kiln, ...typed] = [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(
          ([, quoted, word]) => quoted ?? word ?? '',
        );
        expect(kiln).toBe('kiln');
        // It is parsed; what the stand-in then lacks is another matter.
        expect((await driveCli(typed)).global, example).not.toBe(null);
      }
    },
  );
});

describe('forms of output', () => {
  const images = async () =>
    createRecordingImages(makeImage(), makeImage({ id: 'second', createdAt: '2026-01-01T00:00:00Z' }));

  it('--json is one document and nothing else', async () => {
    const run = await driveCli('image list --json', { images });
    expect(run.json()).toHaveLength(2);
    expect(run.stderr).toBe('');
  });

  it('--quiet prints IDs, one a line', async () => {
    const run = await driveCli('image list --quiet', { images });
    expect(run.stdout).toBe('00000000-0000-4000-8000-000000000001\nsecond\n');
  });

  it('writes colours only where they are wanted', async () => {
    expect((await driveCli('image list', { images }, { columns: 80, colour: true })).stdout).toContain('\u001b[');
    expect((await driveCli('image list', { images }, { columns: 80 })).stdout).not.toContain('\u001b[');
  });
});
