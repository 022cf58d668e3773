import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * `npm test` runs everything but the suites that need a real OpenStack; `npm run test:openstack`, `test:octavia` and `test:vm` run only
 * those, `test:ui` what needs a browser.
 */
const suite = ['openstack', 'octavia', 'vm', 'ui'].find((name) => name === process.env.KILN_TEST_SUITE);

/** Parts that are, or bundle, programs of their own: their tests start servers and processes, or change this process. */
const programs = ['src/dev-agent', 'src/dev-cloud', 'src/adapters/amphora-image', 'src/adapters/vm-image'].map(
  (folder) => `${folder}/**/*.test.ts`,
);
/** Suites of `test/` that run the API in this process, as units are run. */
const inProcess = ['test/contract/**/*.test.ts', 'test/fuzz/**/*.test.ts'];

/** Files share a thread and what it has loaded: no file changes what others see (the environment, globals, modules). */
const shared = { pool: 'threads' as const, isolate: false };
/**
 * `kiln` processes that the tests start run what is built, made once. What starts them shares a process of its own, and what it has loaded;
 * a file closes what it has opened, and changes nothing that the next one sees.
 */
const processes = { pool: 'forks' as const, isolate: false, globalSetup: 'test/kit/build-once.ts' };

/** What takes longest begins first, so that nothing long is left for the end, when it would run alone. */
const longest = ['test/docs/', 'test/crash/', 'test/e2e/', 'test/integration/', 'src/flows/load-balancer/gone'];
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = longest.findIndex((part) => moduleId.startsWith(`${import.meta.dirname}/${part}`));
      return found < 0 ? longest.length : found;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/**
 * Of the suites on the test bed these have it, or this machine's namespaces and addresses, to themselves: they count what there is in Nova and
 * Neutron, move the image tag, reach their whole quota, make networks with fixed names, want each of their processes to have its turn, or look
 * at how MariaDB plans queries, which depends on what else it has to forget. The others change nothing on it but databases, virtual hosts and
 * processes of their own, and run side by side before them.
 */
const alone = [
  ...['boot-by-tag', 'by-tag', 'contract', 'devstack', 'health-octavia-agent', 'install-guide', 'load-balancers'],
  ...['many-controllers', 'octavia-agent', 'octaviaclient', 'package', 'pair-in-namespaces', 'pair-octavia-agent'],
  ...['release', 'storage-cost', 'testbed', 'vrrp-switchover', 'workers'],
].map((name) => `test/openstack/${name}.test.ts`);

const oneByOne = { maxWorkers: 1, fileParallelism: false, globalSetup: processes.globalSetup };
const projects =
  suite === 'openstack'
    ? [
        {
          name: 'openstack-beside',
          include: ['test/openstack/**/*.test.ts'],
          exclude: alone,
          maxWorkers: 2,
          globalSetup: processes.globalSetup,
        },
        { name: 'openstack', include: alone, ...oneByOne },
      ]
    : suite
      ? [{ name: suite, include: [`test/${suite}/**/*.test.ts`], ...oneByOne }]
      : [
          { name: 'unit', include: ['src/**/*.test.ts'], exclude: programs, ...shared },
          { name: 'api', include: inProcess, ...shared },
          {
            name: 'process',
            include: [...programs, 'test/**/*.test.ts'],
            exclude: [...inProcess, 'test/openstack/**', 'test/octavia/**', 'test/vm/**', 'test/ui/**'],
            ...processes,
          },
        ];

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What is waited for comes late where the machine does much else.
    expect: { poll: { timeout: 60_000 } },
    sequence: { sequencer: LongestFirst },
    // Files with processes wait more than they compute: while some wait, others go on.
    maxWorkers: 3 * availableParallelism(),
    projects: projects.map((test) => ({ extends: true as const, test })),
  },
});
