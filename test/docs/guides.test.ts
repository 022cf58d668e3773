import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorKinds, exitCodes } from '../../src/model/errors.ts';
import { openstackIsMissing } from '../kit/openstack-client.ts';
import { embeddedPlace, followGuide } from './follow-guide.ts';

/** To remake the outputs in the guides: `KILN_UPDATE_DOCS=1 npm test -- test/docs/guides.test.ts`. */
const documents = join(import.meta.dirname, '..', '..', 'docs');
const guideFile = join(documents, 'operator-guide.md');

/** Each in a cloud of its own, beside each other: most of the time goes into waiting. */
describe.skipIf(openstackIsMissing !== null).concurrent('the guides', () => {
  it.each(['operator-guide.md', 'load-balancers.md', 'quick-start.md', 'when-something-dies.md', 'patch-the-fleet.md'])(
    '%s shows what its commands really say',
    { timeout: 900_000 },
    async (name) => followGuide(join(documents, name), await embeddedPlace()),
  );

  it('octavia-fleet.md shows what its commands really say', { timeout: 900_000 }, async () => {
    const place = await embeddedPlace();
    // What waits for minutes where load balancers have users.
    const quickly =
      '--before-seconds 0 --settle-seconds 0 --watch-seconds 1 --canary-bake-seconds 0 --wave-bake-seconds 0 --poll-seconds 1';
    const typed = [
      ['--os-cloud production', '--os-cloud kiln-dev'],
      // The client of the test has another folder. What is new has another content than what runs.
      ['amphora-2026.3.img', 'amphora-2026.1.img'],
      ['--file amphora', `--file ${place.folder}/amphora`],
      ['release start --octavia', `release start --octavia ${quickly}`],
      ['release resume --octavia', 'release resume --octavia --poll-seconds 1'],
      ['release rollback --octavia', 'release rollback --octavia --poll-seconds 1'],
    ] as const;
    await followGuide(join(documents, 'octavia-fleet.md'), { ...place, typed });
  });
});

describe('docs/operator-guide.md', () => {
  it('explains every error of images and boots, and every exit status', async () => {
    const guide = await readFile(guideFile, 'utf8');
    const explained = [...guide.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    const codes = Object.keys(errorKinds);
    expect(codes).toEqual(expect.arrayContaining(explained));
    expect(explained).toEqual(
      expect.arrayContaining(codes.filter((code) => /^(IMAGE|BOOT|AGENT|SERVICE)_/.test(code))),
    );
    const statuses = [...guide.matchAll(/^\| (\d) \|/gm)].map(([, status]) => Number(status));
    expect(statuses.sort()).toEqual([1, ...Object.values(exitCodes)].sort());
  });
});
