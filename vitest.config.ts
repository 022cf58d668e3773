import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** `npm test` runs everything but the suites that need a real OpenStack; `npm run test:openstack` runs only those. */
const openstack = process.env.KILN_TEST_SUITE === 'openstack';

export default defineConfig({
  test: {
    include: openstack ? ['test/openstack/**/*.test.ts'] : ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: openstack ? [] : ['test/openstack/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    fileParallelism: !openstack,
    // Most tests wait for processes more than they compute.
    maxWorkers: openstack ? 1 : Math.max(2, availableParallelism()),
  },
});
