import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CliRun, driveCli } from '../../../../test/kit/cli.ts';
import { aServiceError } from '../../../../test/kit/fault-injection.ts';
import { createRecordingImages, makeImage, type RecordingImages } from '../../../../test/kit/recording-images.ts';
import { propertiesFileOf, renderImageProperties } from '../../../core/amphora/image-properties.ts';
import { KilnError } from '../../../model/errors.ts';

let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-push-'));
  file = join(folder, 'amphora-x64.qcow2');
  // More than one chunk, and not a whole number of them.
  await writeFile(file, Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(3_500_000, 'kiln')]));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function push(recording: RecordingImages, more = '--tag amphora', signal?: AbortSignal): Promise<CliRun> {
  const typed = ['image', 'push', file, ...more.split(' ').filter(Boolean)];
  return driveCli(typed, { images: async () => recording }, signal ? { signal } : {});
}

/** What has to hold after every failure. */
async function expectNothingLeft(recording: RecordingImages): Promise<void> {
  expect(await recording.all()).toEqual([]);
  expect(recording.changes.at(-1)).toBe('delete amphora-x64');
}

describe('image push', () => {
  it('makes the record, uploads, checks, and tags last', async () => {
    const recording = createRecordingImages();
    const run = await push(recording, '--tag amphora --min-disk 2 --min-ram 512 --property hw_architecture=aarch64');
    expect(run.exitCode).toBe(0);
    expect(recording.changes).toEqual(['create amphora-x64', 'upload amphora-x64', 'tag amphora-x64 amphora']);
    expect(await recording.all()).toMatchObject([
      {
        name: 'amphora-x64',
        status: 'active',
        tags: ['amphora'],
        sizeBytes: 3_500_004,
        diskFormat: 'qcow2',
        visibility: 'private',
        minDiskGiB: 2,
        minRamMiB: 512,
        architecture: 'aarch64',
      },
    ]);
    expect(run.stdout).toContain('amphora-x64');
  });

  it('takes back a record whose creation was never answered', async () => {
    const recording = createRecordingImages();
    recording.loseNextAnswer('create', aServiceError('SERVICE_TIMEOUT', { service: 'image', outcomeUnknown: true }));
    const run = await push(recording);
    expect(run.exitCode).toBe(5);
    expect(run.stderr).toContain('was removed again');
    expect(await recording.all()).toEqual([]);
  });

  it('tells its progress in plain lines where stderr is no terminal', async () => {
    const run = await push(createRecordingImages());
    const lines = run.stderr.trimEnd().split('\n');
    expect(lines[0]).toBe('  upload: 3.3 MiB');
    // 4 chunks: 3 of them before the end.
    expect(lines.slice(1, 4)).toEqual([
      '  upload: 29 %  1.0 MiB of 3.3 MiB',
      '  upload: 59 %  2.0 MiB of 3.3 MiB',
      '  upload: 89 %  3.0 MiB of 3.3 MiB',
    ]);
    expect(lines.slice(4).map((line) => line.slice(0, 8))).toEqual(['✓ upload', '✓ active', '✓ check ', '✓ tag   ']);
  });

  it('--json prints the image alone; --quiet its ID and no progress', async () => {
    const recording = createRecordingImages();
    expect((await push(recording, '--tag amphora --json')).json()).toMatchObject({
      name: 'amphora-x64',
      tags: ['amphora'],
    });
    for (const { id } of await recording.all()) recording.remove(id);
    const quiet = await push(recording, '--tag amphora --quiet');
    expect(quiet).toMatchObject({ stdout: `${(await recording.all())[0]?.id}\n`, stderr: '' });
  });

  it('wants a tag, or to be asked for none', async () => {
    const recording = createRecordingImages();
    const run = await push(recording, '');
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('--tag is missing');
    expect(recording.changes).toEqual([]);
    expect((await push(recording, '--no-tag')).exitCode).toBe(0);
    expect(recording.changes).toEqual(['create amphora-x64', 'upload amphora-x64']);
  });

  it.each(['sha512', 'sha256', 'md5', 'sha3-256'])(
    'compares with %s when that is what Glance hashes with',
    async (algorithm) => {
      const recording = createRecordingImages();
      recording.hashAlgorithm = algorithm;
      expect((await push(recording)).exitCode).toBe(0);
      recording.tamper = (data) => Buffer.from(data.map((byte, index) => (index === 9 ? byte ^ 1 : byte)));
      const run = await push(recording);
      expect(run.exitCode).toBe(3);
      expect(run.stderr).toContain(`the ${algorithm} of what Glance stored is`);
    },
  );

  it('waits for a store that is slow', async () => {
    const recording = createRecordingImages();
    recording.statusesAfterUpload = ['saving', 'importing', 'importing', 'active'];
    expect((await push(recording)).exitCode).toBe(0);
    expect(await recording.all()).toMatchObject([{ status: 'active', tags: ['amphora'] }]);
  });
});

describe('image push of an image with a description', () => {
  const describeAs = (sha512: string) => {
    const properties = { hw_architecture: 'x86_64', kiln_version: '1' };
    return writeFile(
      propertiesFileOf(file),
      renderImageProperties({ sha512, minDiskGiB: 2, minRamMiB: 512, properties }),
    );
  };
  const fileHash = async () =>
    createHash('sha512')
      .update(await readFile(file))
      .digest('hex');
  afterEach(() => rm(propertiesFileOf(file)));

  it('sets its properties and sizes, unless options say otherwise', async () => {
    await describeAs(await fileHash());
    const recording = createRecordingImages();
    expect((await push(recording)).exitCode).toBe(0);
    expect(await recording.all()).toMatchObject([{ minDiskGiB: 2, minRamMiB: 512, architecture: 'x86_64' }]);
    const other = createRecordingImages();
    expect((await push(other, '--tag amphora --min-ram 1024 --property hw_architecture=aarch64')).exitCode).toBe(0);
    expect(await other.all()).toMatchObject([{ minDiskGiB: 2, minRamMiB: 1024, architecture: 'aarch64' }]);
  });

  it('refuses the description of another image, and takes the upload back', async () => {
    await describeAs('ab'.repeat(64));
    const recording = createRecordingImages();
    const run = await push(recording);
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toContain('amphora-x64.qcow2.properties.json describes another image');
    await expectNothingLeft(recording);
  });

  it('refuses what is no description before anything is uploaded', async () => {
    await writeFile(propertiesFileOf(file), '{}');
    const recording = createRecordingImages();
    const run = await push(recording);
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('has format none');
    expect(recording.changes).toEqual([]);
  });
});

describe('when image push fails, no tag is set, the record is gone, and the error says so', () => {
  const cases: [what: string, spoil: (recording: RecordingImages) => void, exitCode: number, message: string][] = [
    [
      'data changed on the way',
      (recording) => {
        recording.tamper = (data) => Buffer.from(data).fill(0, 8, 9);
      },
      3,
      'the sha512 of what Glance stored is',
    ],
    [
      'data lost on the way',
      (recording) => {
        recording.tamper = (data) => data.subarray(1);
      },
      3,
      'the file has 3500004 bytes, and Glance stored 3500003',
    ],
    [
      'no hash',
      (recording) => {
        recording.hashAlgorithm = null;
      },
      3,
      'Glance gives no hash',
    ],
    [
      'killed',
      (recording) => {
        recording.statusesAfterUpload = ['saving', 'killed'];
      },
      3,
      'is killed',
    ],
    [
      'never active',
      (recording) => {
        recording.statusesAfterUpload = ['saving'];
      },
      3,
      'is still saving, 5 minutes after the upload',
    ],
    [
      'connection cut',
      (recording) => {
        recording.cutAfterBytes = 2_000_000;
      },
      5,
      'the connection was cut',
    ],
    [
      'upload refused',
      (recording) => {
        recording.failNext('upload', new KilnError('SERVICE_LIMIT', 'quota exceeded'));
      },
      5,
      'quota exceeded',
    ],
    [
      'tag refused',
      (recording) => {
        recording.failNext('addTag', new KilnError('SERVICE_FORBIDDEN', 'not yours'));
      },
      5,
      'not yours',
    ],
  ];
  it.each(cases)('%s', async (_what, spoil, exitCode, message) => {
    const recording = createRecordingImages();
    spoil(recording);
    const run = await push(recording);
    expect(run.exitCode).toBe(exitCode);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain(message);
    expect(run.stderr).toContain('(amphora-x64) was removed again');
    await expectNothingLeft(recording);
  });

  it('only the record it made: other images are not touched', async () => {
    const other = makeImage({ tags: ['amphora'] });
    const recording = createRecordingImages(other);
    recording.cutAfterBytes = 0;
    await push(recording);
    expect(await recording.all()).toEqual([other]);
  });

  it('ctrl-C during the upload', async () => {
    const controller = new AbortController();
    const recording = createRecordingImages();
    const { upload } = recording;
    recording.upload = (imageId, data, size, onProgress) =>
      upload(imageId, data, size, (bytes) => {
        onProgress?.(bytes);
        controller.abort();
      });
    const run = await push(recording, '--tag amphora', controller.signal);
    expect(run.exitCode).toBe(6);
    expect(run.stderr).toContain('error: the upload was interrupted; image');
    await expectNothingLeft(recording);
  });

  it('and when the record can not be removed either, it says what is left and how to remove it', async () => {
    const recording = createRecordingImages();
    recording.cutAfterBytes = 0;
    recording.failNext('delete', new KilnError('SERVICE_UNREACHABLE', 'nobody there'));
    const run = await push(recording, '--tag amphora --json');
    expect(run.exitCode).toBe(5);
    expect(run.json()).toMatchObject({
      error: {
        code: 'SERVICE_UNREACHABLE',
        message: expect.stringMatching(
          /^the connection was cut; image .* \(amphora-x64\) could not be removed \(nobody there\)$/,
        ),
        advice: expect.stringContaining(`openstack image delete ${(await recording.all())[0]?.id}`),
        details: { imageId: (await recording.all())[0]?.id, removed: false },
      },
    });
  });

  it.each([
    ['missing', 'no-such-file', "can't be read"],
    ['a folder', '', 'is not a file'],
  ])('a file that is %s is refused before Glance is asked', async (_what, name, message) => {
    const recording = createRecordingImages();
    const run = await driveCli(['image', 'push', join(folder, name), '--tag', 't'], { images: async () => recording });
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(message);
    expect(recording.changes).toEqual([]);
  });

  it('an empty file is refused before Glance is asked', async () => {
    const empty = join(folder, 'empty');
    await writeFile(empty, '');
    const recording = createRecordingImages();
    const run = await driveCli(['image', 'push', empty, '--tag', 't'], { images: async () => recording });
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('is empty');
    expect(recording.changes).toEqual([]);
  });
});
