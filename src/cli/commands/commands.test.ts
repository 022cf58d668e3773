import { describe, expect, it } from 'vitest';
import { cliNow, driveCli, makeConfiguration } from '../../../test/kit/cli.ts';
import { makeImage } from '../../../test/kit/recording-images.ts';
import type { ServeStatus } from '../../model/control.ts';
import type { DevOptions, DevReady } from '../context.ts';

describe('config show', () => {
  const configuration = makeConfiguration({
    rows: [
      {
        section: 'controller_worker',
        option: 'amp_image_tag',
        value: 'amphora',
        source: '/etc/octavia/octavia.conf:12',
        isDefault: false,
      },
      {
        section: 'controller_worker',
        option: 'amp_flavor_id',
        value: '65',
        source: 'OS_CONTROLLER_WORKER__AMP_FLAVOR_ID',
        isDefault: false,
        note: 'was amp_flavor',
      },
      {
        section: 'service_auth',
        option: 'password',
        value: '***',
        source: '/etc/octavia/octavia.conf:40',
        isDefault: false,
      },
      { section: 'glance', option: 'region_name', value: '', source: 'default', isDefault: true },
    ],
    unknown: [
      {
        section: 'controller_worker',
        option: 'amp_imge_tag',
        where: '/etc/octavia/octavia.conf:13',
        message: 'did you mean amp_image_tag?',
      },
    ],
    unused: [
      { section: 'quotas', option: 'default_load_balancer_quota', where: '/etc/octavia/octavia.conf:50', message: '' },
    ],
  });
  const parts = { configuration: async () => configuration };

  it('prints what is set, in the form of octavia.conf, with where it comes from', async () => {
    const run = await driveCli('config show', parts);
    expect(run.exitCode).toBe(0);
    await expect(run.stdout).toMatchFileSnapshot('../golden/config-show.txt');
    expect(run.stdout).not.toContain('region_name');
  });

  it('--all has the defaults as well; --json is the whole view', async () => {
    expect((await driveCli('config show --all', parts)).stdout).toContain('region_name =   # default');
    expect((await driveCli('config show --all --json', parts)).json()).toEqual(configuration);
  });

  it('prints faults and ends with 2', async () => {
    const fault = { section: 'a', option: 'b', where: 'f:3', message: '"x" is not a number' };
    const run = await driveCli('config show', { configuration: async () => ({ ...configuration, faults: [fault] }) });
    expect(run.exitCode).toBe(2);
    expect(run.stdout).toContain('#   [a] b (f:3): "x" is not a number');
  });
});

describe('status', () => {
  const image = makeImage({ tags: ['amphora'] });
  const status: ServeStatus = {
    pid: 4711,
    version: '0.1.0',
    startedAt: '2026-02-26T12:00:00Z',
    configuration: { loadedAt: '2026-03-01T11:00:00Z', files: ['/etc/octavia/octavia.conf'] },
    amphorae: { total: 3, byStatus: { READY: 2, ERROR: 1 } },
    silence: {
      breaker: {
        openSince: '2026-03-01T11:45:00Z',
        silentCount: 7,
        threshold: 5,
        listenUntil: null,
        resumedAt: null,
      },
      silent: 8,
      heartbeatsLost: 1,
      unexplained: 7,
      untried: 7,
      recentFailovers: 0,
      runningFailovers: 2,
    },
    certificates: [
      {
        option: '[haproxy_amphora] client_cert',
        file: '/etc/octavia/certs/client.pem',
        notAfter: '2026-03-10T12:00:00.000Z',
        problem: null,
      },
      { option: '[haproxy_amphora] server_ca', file: '/etc/ca.pem', notAfter: null, problem: 'permission denied' },
    ],
    imageChoices: [
      {
        tag: 'amphora',
        at: '2026-03-01T11:30:00Z',
        error: null,
        choice: {
          imageId: image.id,
          rule: 'newest-of-several',
          tag: 'amphora',
          tagSource: 'configuration',
          ownerRequired: 'project-service',
          image,
          candidates: [image, makeImage({ id: 'older' })].map(({ id, name, createdAt }) => ({ id, name, createdAt })),
          chosenAt: cliNow.toISOString(),
        },
      },
      {
        tag: 'next',
        at: '2026-03-01T11:45:00Z',
        choice: null,
        error: {
          code: 'IMAGE_NOT_FOUND',
          message: 'none carries `next`',
          advice: 'Tag one.',
          retryable: true,
          details: {},
        },
      },
    ],
  };

  it('shows the choice and its candidates', async () => {
    const run = await driveCli('status', { status: async () => status }, { columns: 100 });
    await expect(run.stdout).toMatchFileSnapshot('../golden/status.100.txt');
    expect((await driveCli('status --json', { status: async () => status })).json()).toEqual(status);
  });

  it('shows what it knows without the database', async () => {
    const unknown: ServeStatus = { ...status, amphorae: null, silence: null, certificates: [], imageChoices: [] };
    const run = await driveCli('status', { status: async () => unknown }, { columns: 100 });
    expect(run.exitCode).toBe(0);
    await expect(run.stdout).toMatchFileSnapshot('../golden/status-database-silent.100.txt');
    const json = (await driveCli('status --json', { status: async () => unknown })).json();
    expect(json).toMatchObject({ amphorae: null, silence: null });
  });

  it('says when none runs', async () => {
    const run = await driveCli('status', { status: async () => null });
    expect(run.exitCode).toBe(5);
    expect(run.stderr).toContain('no `kiln serve` answers here');
    expect(run.stderr).toContain('[kiln] control_socket');
  });
});

describe('serve and dev', () => {
  it('run until they end, and print nothing of their own', async () => {
    let served = 0;
    const run = await driveCli('serve', {
      serve: async () => {
        served++;
      },
    });
    expect(run).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expect(served).toBe(1);
  });

  it('dev says where things are when it is ready', async () => {
    const ready: DevReady = {
      cloudName: 'kiln-dev',
      cloudsFile: '/state/clouds.yaml',
      configurationFile: '/state/octavia.conf',
      stateFolder: '/state',
      endpoints: { identity: 'http://127.0.0.1:5001/identity/v3', image: 'http://127.0.0.1:5001/image' },
    };
    const asked: DevOptions[] = [];
    const dev = async (options: DevOptions, onReady: (ready: DevReady) => void) => {
      asked.push(options);
      onReady(ready);
    };
    const run = await driveCli('dev --state-dir /state --port 5001', { dev });
    await expect(run.stdout).toMatchFileSnapshot('../golden/dev.txt');
    expect((await driveCli('dev --json', { dev })).json()).toEqual(ready);
    expect(asked).toEqual([
      { stateFolder: '/state', port: 5001 },
      { stateFolder: null, port: null },
    ]);
  });
});
