import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKilnApi } from '../kit/kiln-api.ts';
import { octaviaEndpoint, type TestbedAccess } from '../kit/testbed-access.ts';
import { addRegion } from './catalog.ts';
import { count } from './report.ts';
import { runTempest, type TestResult } from './run-tempest.ts';
import { writeWorkspace } from './workspace.ts';

/** The package in tempest/, which is how its tests' names begin. */
export const TAG_TESTS = 'amphora_image_tag_tempest';

const root = join(import.meta.dirname, '..', '..');

/** Of its own, so that a run that is killed leaves no image that other suites would boot. */
const TAG = 'amphora-tag-tests';

/** What the real Octavia can't do by design; a failure there counts for nobody. */
const octaviaCant: Readonly<Record<string, string>> = {
  test_image_that_a_tenant_tagged_is_not_booted:
    'without `amp_image_owner_id`, which has no default there, it boots what any tenant shares and tags',
};

interface Subject {
  name: 'Kiln' | 'Octavia';
  endpoint: string;
  close(): Promise<void>;
}

/**
 * The plugin of tempest/ against Kiln and against the test bed's Octavia, with the test bed's real Glance, Nova and Neutron.
 * Writes docs/tag-tests.md after a run of all tests, and closes with the count for Kiln.
 * @returns whether Kiln passed all, and Octavia all that it can.
 */
export async function tagTests(bed: TestbedAccess, regex: string, tell: (text: string) => void): Promise<boolean> {
  const results = new Map<Subject['name'], TestResult[]>();
  for (const start of [startKiln, startOctavia]) {
    const subject = await start(bed);
    try {
      results.set(subject.name, await run(bed, subject, regex, tell));
    } finally {
      await subject.close();
    }
  }
  const [kiln, octavia] = [results.get('Kiln') ?? [], results.get('Octavia') ?? []];
  if (regex === TAG_TESTS) {
    writeFileSync(join(root, 'docs', 'tag-tests.md'), render(kiln, octavia));
    tell('wrote docs/tag-tests.md');
  }
  const unexpected = octavia.filter(({ name, status }) => status === 'fail' && !(shortName(name) in octaviaCant));
  for (const { name } of unexpected) tell(`Octavia: failed, though it should be able to: ${name}`);
  const { passed, failed } = count(kiln);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 && unexpected.length === 0;
}

/** Kiln with the drivers that Octavia has on the test bed: real ones, but for the agent, as Nova's hypervisor only pretends. */
async function startKiln(bed: TestbedAccess): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-tag-tests-'));
  const { network, securityGroup } = bed;
  const kiln = await startKilnApi(bed, folder, {
    sections: {
      controller_worker: {
        compute_driver: 'compute_nova_driver',
        image_driver: 'image_glance_driver',
        network_driver: 'allowed_address_pairs_driver',
        amp_boot_network_list: network.id,
        amp_secgroup_list: securityGroup.id,
        amp_active_wait_sec: '1',
        amp_image_tag: TAG,
      },
    },
  });
  return {
    name: 'Kiln',
    endpoint: kiln.endpoint,
    close: async () => {
      await kiln.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startOctavia(): Promise<Subject> {
  up('real');
  // As other suites know it.
  return { name: 'Octavia', endpoint: octaviaEndpoint(), close: async () => up('noop') };
}

function up(drivers: 'real' | 'noop'): void {
  const own = drivers === 'real' ? { KILN_TESTBED_OCTAVIA_TAG: TAG } : {};
  const env = { ...process.env, KILN_TESTBED_OCTAVIA_DRIVERS: drivers, ...own };
  const { status } = spawnSync('bash', ['testbed/up.sh', 'octavia'], { cwd: root, stdio: ['ignore', 2, 2], env });
  if (status !== 0) throw new Error('the test bed did not bring Octavia up; the log it named above says why');
}

async function run(
  bed: TestbedAccess,
  { name, endpoint }: Subject,
  regex: string,
  tell: (text: string) => void,
): Promise<TestResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kiln-tag-tests-'));
  const region = await addRegion(bed, `kiln-tag-tests-${name.toLowerCase()}`, endpoint);
  try {
    // Nova's hypervisor boots any bytes.
    const image = join(folder, 'amphora.raw');
    writeFileSync(image, 'an amphora');
    const { projectId: image_owner_id } = bed.users.kiln;
    writeWorkspace(folder, bed, region.name, {
      amphora_image_tag: { tag: TAG, image_file: image, image_disk_format: 'raw', image_owner_id },
    });
    // Two tests at once would move one tag.
    const { results, seconds } = await runTempest(
      folder,
      regex,
      1,
      (result) => {
        tell(
          `${name}: ${result.status.padEnd(7)} ${result.seconds.toFixed(1).padStart(5)} s  ${shortName(result.name)}`,
        );
        if (result.status === 'skip') tell(result.reason);
        if (result.status === 'fail' && !(name === 'Octavia' && shortName(result.name) in octaviaCant))
          tell(result.traceback);
      },
      { pythonPath: installPlugin(folder) },
    );
    const { passed, skipped, failed } = count(results);
    tell(`${name}: ${passed} passed, ${skipped} skipped, ${failed} failed in ${Math.round(seconds)} s`);
    return results;
  } finally {
    await region.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What `pip install ./tempest` would do, where there is no pip: the package, and the entry point by which Tempest finds it. */
function installPlugin(folder: string): string {
  const site = join(folder, 'python');
  const about = join(site, 'amphora_image_tag_tempest-1.0.0.dist-info');
  mkdirSync(about, { recursive: true });
  symlinkSync(join(root, 'tempest', TAG_TESTS), join(site, TAG_TESTS));
  writeFileSync(join(about, 'METADATA'), 'Metadata-Version: 2.1\nName: amphora-image-tag-tempest\nVersion: 1.0.0\n');
  const entryPoint = `amphora-image-tag = ${TAG_TESTS}.plugin:AmphoraImageTagPlugin`;
  writeFileSync(join(about, 'entry_points.txt'), `[tempest.test_plugins]\n${entryPoint}\n`);
  return site;
}

/** `…BootByTagTest.test_x[id-…]` is `test_x`. */
function shortName(name: string): string {
  return (name.split('.').at(-1) ?? name).replace(/\[.*/, '');
}

function render(kiln: readonly TestResult[], octavia: readonly TestResult[]): string {
  const word = { success: 'passes', fail: 'fails', skip: 'skipped', xfail: 'fails', uxsuccess: 'passes' } as const;
  const rows = kiln.map(({ name, status }) => {
    const short = shortName(name);
    const other = octavia.find((one) => shortName(one.name) === short);
    const why = other?.status === 'fail' ? (octaviaCant[short] ?? '') : '';
    return `| \`${short}\` | ${word[status]} | ${other ? word[other.status] : 'not run'} | ${why} |`;
  });
  return `${[
    '# Which image is booted: Kiln and Octavia, asked the same',
    '',
    '_Made by `npm run tempest -- --tag-tests`. Do not edit._',
    '',
    'The tests of [`tempest/`](../tempest/README.md) speak the APIs of Glance, Nova and Octavia only. Here they ran on the test bed (real',
    'Keystone, Glance, Nova, Neutron; Nova’s hypervisor pretends) against Kiln and against Debian’s Octavia 11.',
    '',
    '| test | Kiln | Octavia | why |',
    '| --- | --- | --- | --- |',
    ...rows.sort(),
  ].join('\n')}\n`;
}
