import { describe, expect, it } from 'vitest';
import { type CliRun, cliNow, driveCli, makeConfiguration, makeSettings } from '../../../test/kit/cli.ts';
import { createRecordingImages, makeImage } from '../../../test/kit/recording-images.ts';
import type { CertificateInspection, TroubledCertificate } from '../../model/certificate.ts';
import type { ServeStatus } from '../../model/control.ts';
import { KilnError } from '../../model/errors.ts';
import type { ImageChoice, NearMiss } from '../../model/image.ts';
import { serveRoles } from '../../model/serve-role.ts';
import type { AuthenticatedAs } from '../../ports/identity.ts';
import type { Network, SecurityGroup } from '../../ports/network.ts';
import type { SecretFolder, StoredSecret } from '../../ports/secret-folder.ts';
import type {
  CertificateRole,
  CliContext,
  CliSettings,
  ControllerView,
  DatabaseStatus,
  JobStatus,
} from '../context.ts';
import type { CheckResult } from './run.ts';

const missing = () => new KilnError('SERVICE_NOT_FOUND', 'not there');
const image = makeImage({ tags: ['amphora'] });
const inDays = (days: number) => new Date(cliNow.getTime() + days * 86_400_000 + 3_600_000).toISOString();

/** A cloud in which everything is right; a test spoils what it is about. */
function makeCloud() {
  const group: SecurityGroup = {
    id: 'sg-amphora',
    name: 'lb-mgmt-sec-grp',
    projectId: 'project-service',
    rules: [
      {
        id: 'rule-agent',
        direction: 'ingress',
        protocol: 'tcp',
        portRangeMin: 9443,
        portRangeMax: 9443,
        etherType: 'IPv4',
        remoteIpPrefix: null,
      },
    ],
  };
  const network: Network = {
    id: 'net-mgmt',
    name: 'lb-mgmt-net',
    projectId: 'project-service',
    adminStateUp: true,
    status: 'ACTIVE',
    subnetIds: ['subnet'],
    shared: false,
    mtu: 1450,
  };
  const who: AuthenticatedAs = {
    projectId: 'project-service',
    projectName: 'service',
    userId: 'user',
    userName: 'octavia',
    roles: ['admin'],
    expiresAt: '2026-03-01T13:00:00Z',
  };
  const certificate: CertificateInspection = {
    file: '/etc/octavia/certs/ca.pem',
    problem: null,
    subject: 'CN=authority',
    notBefore: inDays(-10),
    notAfter: inDays(365),
    isCa: true,
    matchesKey: true,
    keyProblem: null,
    trusted: true,
  };
  const choice: ImageChoice = {
    imageId: image.id,
    rule: 'only-candidate',
    tag: 'amphora',
    tagSource: 'configuration',
    ownerRequired: 'project-service',
    image,
    candidates: [{ id: image.id, name: image.name, createdAt: image.createdAt }],
    chosenAt: cliNow.toISOString(),
  };
  const cloud = {
    settings: makeSettings({ keyName: 'octavia', availabilityZone: 'nova' }) as CliSettings,
    configuration: makeConfiguration(),
    who,
    groups: [group],
    networks: [network],
    choice,
    refused: [] as NearMiss[],
    resolverError: null as KilnError | null,
    fitError: null as KilnError | null,
    certificates: {
      authority: certificate,
      'client-ca': certificate,
      client: { ...certificate, isCa: false, subject: 'CN=kiln' },
      'server-ca': certificate,
    } as Record<CertificateRole, CertificateInspection>,
    recording: createRecordingImages(image),
    database: {
      database: 'octavia at db:3306 as octavia',
      migrations: [
        { name: '0001-amphora', executedAt: '2026-01-01T00:00:00Z', newer: null },
        { name: '0002-journal', executedAt: '2026-01-01T00:00:00Z', newer: null },
      ],
    } as DatabaseStatus,
    controller: {
      provider: () => 'amphora',
      lastBeats: async () => new Map(serveRoles.map((role) => [role, cliNow.toISOString()])),
      leaseSeconds: () => 30,
      broker: async () => [{ place: 'rabbit:5672', problem: null }],
      heartbeats: async () => ({ place: 'UDP port 5555 of 0.0.0.0', isTaken: false }),
      ownCertificates: async () => [],
      flavorTags: async () => [],
      agentCertificates: async () => [],
    } as ControllerView,
    secrets: [] as StoredSecret[],
    jobs: [] as JobStatus[],
    serves: null as ServeStatus | null,
    flavors: ['65'],
    keys: ['octavia'],
    zones: ['nova'],
    /** Service type → what the first call of it does. */
    down: {} as Record<string, () => Promise<never>>,
  };
  const up = async (type: string): Promise<void> => cloud.down[type]?.();
  const unused = () => Promise.reject(new Error('doctor must change nothing'));
  const unusedOfNetwork = {
    ...{ getSubnet: unused, listSubnetsOfNetwork: unused, getPort: unused, listPortsOfDevice: unused },
    ...{ freeAddresses: unused, findPortsByDescription: unused },
    ...{ findPortsByName: unused, createPort: unused, updatePort: unused, deletePort: unused },
    ...{ findSecurityGroupsByName: unused, createSecurityGroup: unused, deleteSecurityGroup: unused },
    ...{ createSecurityGroupRule: unused, deleteSecurityGroupRule: unused, getQosPolicy: unused },
  };
  const parts: Partial<CliContext> = {
    databaseStatus: async () => cloud.database,
    controller: async () => cloud.controller,
    secrets: async () => ({ list: async () => cloud.secrets }) as unknown as SecretFolder,
    housekeeping: async () => ({ list: async () => cloud.jobs, run: unused }),
    status: async () => cloud.serves,
    settings: async () => cloud.settings,
    configuration: async () => cloud.configuration,
    images: async () => {
      await up('image');
      return cloud.recording;
    },
    identity: async () => ({
      authenticatedAs: async () => {
        await up('identity');
        return cloud.who;
      },
      endpoint: async (type) => `http://cloud/${type}`,
    }),
    resolver: async () => ({
      resolve: async (request) => {
        if (cloud.resolverError) throw cloud.resolverError;
        if (request.flavorId !== null && cloud.fitError) throw cloud.fitError;
        if (request.tag?.value === 'nowhere') throw new KilnError('IMAGE_NOT_FOUND', 'none carries `nowhere`');
        return cloud.choice;
      },
      resolveAssigned: async () => ({ refused: 'is not asked for' }),
      explain: async () => {
        if (cloud.resolverError) throw cloud.resolverError;
        return { choice: cloud.choice, refused: cloud.refused };
      },
      releasable: async () => [],
      trustedOwner: async () => null,
      status: () => [],
    }),
    compute: async () => ({
      createServer: unused,
      getServer: unused,
      getConsoleOutput: unused,
      findServersByName: unused,
      deleteServer: unused,
      listInterfaces: unused,
      attachPort: unused,
      detachPort: unused,
      createServerGroup: unused,
      findServerGroupsByName: unused,
      deleteServerGroup: unused,
      getFlavor: async (id) => {
        if (!cloud.flavors.includes(id)) throw missing();
        return { id, name: 'm1.amphora', vcpus: 1, ramMiB: 1024, diskGiB: 2, extraSpecs: {} };
      },
      hasKeypair: async (name) => cloud.keys.includes(name),
      listAvailabilityZones: async () => cloud.zones,
      hasAvailabilityZone: async (name) => cloud.zones.includes(name),
      maxMicroversion: async () => {
        await up('compute');
        return '2.93';
      },
    }),
    network: async () => ({
      ...unusedOfNetwork,
      getNetwork: async (id) => {
        await up('network');
        const found = cloud.networks.find((candidate) => candidate.id === id);
        if (!found) throw missing();
        return found;
      },
      getSecurityGroup: async (id) => {
        const found = cloud.groups.find((candidate) => candidate.id === id);
        if (!found) throw missing();
        return found;
      },
    }),
    inspectCertificate: async (role) => cloud.certificates[role],
  };
  return { ...cloud, parts, cloud, group, network };
}

async function examine(
  spoil: (stand: ReturnType<typeof makeCloud>) => void,
  typed = '--json',
): Promise<CliRun & { of(id: string): CheckResult[] }> {
  const stand = makeCloud();
  spoil(stand);
  const run = await driveCli(`doctor ${typed}`, stand.parts);
  const of = (id: string): CheckResult[] =>
    (run.json() as { results: CheckResult[] }).results.filter((result) => result.id === id);
  return Object.assign(run, { of });
}

const troubled = (certExpiration: string): TroubledCertificate => ({
  amphoraId: 'a',
  loadBalancerId: 'lb',
  certExpiration,
  attempts: 3,
  reason: { code: 'AGENT_UNREACHABLE', message: 'no answer', advice: 'See to its network.' },
});

type Stand = ReturnType<typeof makeCloud>;
/** Check, what is wrong, how it came to be, verdict, exit status, part of what is said. */
// biome-ignore format: one line a fault.
const faults: [id: string, what: string, spoil: (stand: Stand) => void, verdict: 'warn' | 'fail', exitCode: number, finding: string][] = [
  ['configuration.valid', 'a value that is not allowed', ({ cloud }) => { cloud.configuration = makeConfiguration({ faults: [{ section: 'a', option: 'b', where: 'f:3', message: '"x" is not a number' }] }); }, 'fail', 2, '[a] b (f:3): "x" is not a number'],
  ['configuration.unknown', 'a misspelt option', ({ cloud }) => { cloud.configuration = makeConfiguration({ unknown: [{ section: 'a', option: 'amp_imge_tag', where: 'f:3', message: 'did you mean amp_image_tag?' }] }); }, 'warn', 0, 'did you mean amp_image_tag?'],
  ['configuration.deprecated', 'a deprecated option', ({ cloud }) => { cloud.configuration = makeConfiguration({ deprecated: [{ section: 'a', option: 'b', where: 'f:3', message: 'use c' }] }); }, 'warn', 0, 'use c'],
  ['controller.database', 'cannot be reached', ({ cloud, parts }) => { parts.databaseStatus = () => Promise.reject(new KilnError('STATE_UNUSABLE', 'connect ECONNREFUSED')); void cloud; }, 'fail', 2, 'connect ECONNREFUSED'],
  ['controller.database', 'no tables', ({ cloud }) => { cloud.database = { ...cloud.database, migrations: cloud.database.migrations.map((one) => ({ ...one, executedAt: null })) }; }, 'warn', 0, 'has no tables yet'],
  ['controller.database', 'an older table', ({ cloud }) => { cloud.database = { ...cloud.database, migrations: [...cloud.database.migrations, { name: '0003', executedAt: null, newer: null }] }; }, 'warn', 0, 'lacks 1 change of its tables'],
  ['controller.database', 'a newer table', ({ cloud }) => { cloud.database = { ...cloud.database, migrations: [...cloud.database.migrations, { name: '0099-new', executedAt: 'x', newer: 'compatible' }] }; }, 'warn', 0, '0099-new'],
  ['controller.database', 'a newer table that does not fit', ({ cloud }) => { cloud.database = { ...cloud.database, migrations: [...cloud.database.migrations, { name: '0099-new', executedAt: 'x', newer: 'incompatible' }] }; }, 'fail', 2, "can't go on"],
  ['controller.broker', 'down', ({ cloud }) => { cloud.controller.broker = async () => [{ place: 'rabbit:5672', problem: 'connect ECONNREFUSED' }]; }, 'fail', 2, "rabbit:5672 can't be used: connect ECONNREFUSED"],
  ['controller.broker', 'one of two down', ({ cloud }) => { cloud.controller.broker = async () => [{ place: 'a:5672', problem: null }, { place: 'b:5672', problem: 'ACCESS_REFUSED' }]; }, 'warn', 0, "b:5672 can't be used: ACCESS_REFUSED"],
  ['controller.heartbeats', 'no key', ({ cloud }) => { cloud.controller.heartbeats = () => Promise.reject(new KilnError('CONFIGURATION_INVALID', 'heartbeat_key is not set')); }, 'fail', 2, 'heartbeat_key is not set'],
  ['controller.heartbeats', 'port taken by nobody knows whom', ({ cloud }) => { cloud.controller.heartbeats = async () => ({ place: 'UDP port 5555 of 0.0.0.0', isTaken: true }); }, 'warn', 0, 'is taken'],
  ['controller.provider', 'not served', ({ cloud }) => { cloud.controller.provider = () => { throw new KilnError('CONFIGURATION_INVALID', 'default_provider_driver = ovn is not served'); }; }, 'fail', 2, 'ovn is not served'],
  ['controller.processes', 'no housekeeping', ({ cloud }) => { cloud.controller.lastBeats = async () => new Map([['api', inDays(0)], ['worker', inDays(0)], ['health-manager', inDays(0)]]); }, 'warn', 0, 'none with the role housekeeping runs; it was stopped, or never started: certificates'],
  ['controller.processes', 'no worker any more', ({ cloud }) => { cloud.controller.lastBeats = async () => new Map([['api', inDays(0)], ['worker', inDays(-1)], ['health-manager', inDays(0)], ['housekeeping', inDays(0)]]); }, 'warn', 0, 'none with the role worker runs; the last one was heard of on 2026-02-28'],
  ['controller.processes', 'all stopped', ({ cloud }) => { cloud.controller.lastBeats = async () => new Map(); cloud.jobs = [{ name: 'purge', summary: '', intervalSeconds: 1, last: { name: 'purge', fence: 1, holder: null, more: false, startedAt: null, endedAt: null, succeededAt: null, result: null, failure: null } }]; }, 'warn', 0, 'none with the role health-manager runs'],
  ['controller.jobs', 'a failed one', ({ cloud }) => { cloud.jobs = [{ name: 'purge', summary: '', intervalSeconds: 1, last: { name: 'purge', fence: 1, holder: null, more: false, startedAt: null, endedAt: null, succeededAt: '2026-02-01T00:00:00Z', result: null, failure: { code: 'STATE_UNUSABLE', message: 'disk full', advice: 'Make room.' } } }]; }, 'warn', 0, 'purge failed: disk full; it last succeeded on 2026-02-01'],
  ['controller.agent-certificates', 'ended', ({ cloud }) => { cloud.controller.agentCertificates = async () => [troubled(inDays(-1))]; }, 'fail', 2, 'amphora a of load balancer lb: ended on'],
  ['controller.agent-certificates', 'not renewed', ({ cloud }) => { cloud.controller.agentCertificates = async () => [troubled(inDays(5))]; }, 'warn', 0, 'the last renewal failed: no answer'],
  ['controller.agent-certificates', 'many', ({ cloud }) => { cloud.controller.agentCertificates = async (limit) => Array.from({ length: limit }, () => troubled(inDays(5))); }, 'warn', 0, 'there are more'],
  ['controller.secrets', 'no owner', ({ cloud }) => { cloud.secrets = [{ projectId: null }, { projectId: 'p' }] as StoredSecret[]; }, 'warn', 0, '1 of 2 have no owner'],
  ['tag.flavors', 'a tag that no image carries', ({ cloud }) => { cloud.controller.flavorTags = async () => [{ profile: 'fast', tag: 'nowhere', computeFlavorId: null }]; }, 'fail', 3, 'profile fast: none carries `nowhere`'],
  ['certificates.connections', 'ends soon', ({ cloud }) => { cloud.controller.ownCertificates = async () => [{ option: '[keystone_authtoken] cafile', file: '/ca', notAfter: inDays(29), problem: null }]; }, 'warn', 0, '[keystone_authtoken] cafile = /ca ends on'],
  ['certificates.connections', 'ended', ({ cloud }) => { cloud.controller.ownCertificates = async () => [{ option: '[database] connection ssl_ca', file: '/ca', notAfter: inDays(-1), problem: null }]; }, 'fail', 2, 'ended on'],
  ['certificates.connections', 'unreadable', ({ cloud }) => { cloud.controller.ownCertificates = async () => [{ option: '[glance] cafile', file: '/ca', notAfter: null, problem: 'permission denied' }]; }, 'fail', 2, '[glance] cafile = /ca: permission denied'],
  ['credentials.token', 'no token', ({ cloud }) => { cloud.down.identity = () => Promise.reject(new KilnError('SERVICE_UNAUTHORIZED', 'wrong password')); }, 'fail', 5, 'wrong password'],
  ['credentials.token', 'no credentials', ({ cloud }) => { cloud.down.identity = () => Promise.reject(new KilnError('CREDENTIALS_MISSING', 'none given')); }, 'fail', 2, 'none given'],
  ['credentials.token', 'a token for no project', ({ cloud }) => { cloud.who = { ...cloud.who, projectId: '' }; }, 'fail', 5, 'for no project'],
  ['catalog.image', 'Glance down', ({ cloud }) => { cloud.down.image = () => Promise.reject(new KilnError('SERVICE_UNREACHABLE', 'no Glance')); }, 'fail', 5, 'no Glance'],
  ['catalog.network', 'Neutron forbids', ({ cloud }) => { cloud.down.network = () => Promise.reject(new KilnError('SERVICE_FORBIDDEN', 'no role')); }, 'fail', 5, 'no role'],
  ['tag.configured', 'neither tag nor ID', ({ cloud }) => { cloud.settings = makeSettings({ imageTag: null }); }, 'fail', 3, 'neither amp_image_tag nor amp_image_id'],
  ['tag.configured', 'the deprecated ID', ({ cloud }) => { cloud.settings = makeSettings({ imageId: image.id }); }, 'warn', 0, 'amp_image_tag = amphora is ignored'],
  ['tag.owner', 'any owner', ({ cloud }) => { cloud.settings = makeSettings({ imageOwnerId: 'any' }); }, 'warn', 0, 'any project that sets the tag'],
  ['tag.choice', 'no image', ({ cloud }) => { cloud.resolverError = new KilnError('IMAGE_NOT_FOUND', 'none carries it'); }, 'fail', 3, 'none carries it'],
  ['tag.choice', 'several where one is demanded', ({ cloud }) => { cloud.resolverError = new KilnError('IMAGE_AMBIGUOUS', 'two carry it'); }, 'fail', 4, 'two carry it'],
  ['tag.choice', 'several', ({ cloud }) => { cloud.choice = { ...cloud.choice, rule: 'newest-of-several', candidates: [...cloud.choice.candidates, { id: 'older', name: null, createdAt: '2025' }], }; }, 'warn', 0, '2 images are candidates; the others: older of 2025'],
  ['tag.choice', 'an old image', ({ cloud }) => { cloud.choice = { ...cloud.choice, image: { ...image, createdAt: '2025-11-01T12:00:00Z' } }; }, 'warn', 0, 'the image is 120 days old; more than 90 count as old'],
  ['tag.choice', "a tenant's image with the tag", ({ cloud }) => { cloud.refused.push({ imageId: 'evil', name: null, reason: 'belongs to project f3, not 77' }); }, 'warn', 0, 'image evil (no name) carries the tag and is refused: it belongs to project f3, not 77'],
  ['tag.choice', 'a configured ID that is not there', ({ cloud }) => { cloud.choice = { ...cloud.choice, imageId: 'gone', image: null, candidates: [] }; }, 'fail', 3, 'image gone is not there'],
  ['compute.flavor', 'no flavor set', ({ cloud }) => { cloud.settings = makeSettings({ flavorId: null }); }, 'fail', 2, 'amp_flavor_id is not set'],
  ['compute.flavor', 'no such flavor', ({ cloud }) => { cloud.flavors = []; }, 'fail', 2, 'Nova has no flavor 65'],
  ['compute.fit', 'too small', ({ cloud }) => { cloud.fitError = new KilnError('IMAGE_DOES_NOT_FIT', 'too large'); }, 'fail', 3, 'too large'],
  ['compute.key', 'no key', ({ cloud }) => { cloud.keys = []; }, 'fail', 2, 'no key pair "octavia"'],
  ['compute.zone', 'no such zone', ({ cloud }) => { cloud.zones = ['a', 'b']; }, 'fail', 2, 'no availability zone "nova"'],
  ['network.networks', 'none set', ({ cloud }) => { cloud.settings = makeSettings({ bootNetworkIds: [] }); }, 'fail', 2, 'amp_boot_network_list is empty'],
  ['network.networks', 'no such network', ({ cloud }) => { cloud.networks = []; }, 'fail', 2, 'management network net-mgmt is not there'],
  ['network.networks', 'switched off', ({ cloud, network }) => { cloud.networks = [{ ...network, adminStateUp: false }]; }, 'fail', 2, 'is switched off'],
  ['network.networks', 'no subnet', ({ cloud, network }) => { cloud.networks = [{ ...network, subnetIds: [] }]; }, 'fail', 2, 'has no subnet'],
  ['network.networks', 'not active', ({ cloud, network }) => { cloud.networks = [{ ...network, status: 'DOWN' }]; }, 'warn', 0, 'is DOWN'],
  ['network.security-groups', 'none set', ({ cloud }) => { cloud.settings = makeSettings({ securityGroupIds: [] }); }, 'warn', 0, 'amp_secgroup_list is empty'],
  ['network.security-groups', 'no such group', ({ cloud }) => { cloud.groups = []; }, 'fail', 2, 'sg-amphora is not there'],
  ['network.security-groups', "another project's group", ({ cloud, group }) => { cloud.groups = [{ ...group, projectId: 'other' }]; }, 'fail', 2, 'belongs to project other, not project-service'],
  ['network.agent-port', 'no rule', ({ cloud, group }) => { cloud.groups = [{ ...group, rules: group.rules.map((rule) => ({ ...rule, portRangeMin: 80, portRangeMax: 443 })) }]; }, 'fail', 2, 'no rule lets tcp/9443 in'],
  ['network.agent-port', 'egress only', ({ cloud, group }) => { cloud.groups = [{ ...group, rules: group.rules.map((rule) => ({ ...rule, direction: 'egress' as const })) }]; }, 'fail', 2, 'no rule lets tcp/9443 in'],
  ['certificates.authority', 'not set', ({ cloud }) => { cloud.certificates.authority = { ...cloud.certificates.authority, file: null }; }, 'fail', 2, '[certificates] ca_certificate is not set'],
  ['certificates.authority', 'unreadable', ({ cloud }) => { cloud.certificates.authority = { ...cloud.certificates.authority, problem: 'permission denied' }; }, 'fail', 2, 'permission denied'],
  ['certificates.authority', 'no authority', ({ cloud }) => { cloud.certificates.authority = { ...cloud.certificates.authority, isCa: false }; }, 'fail', 2, 'is not the certificate of an authority'],
  ['certificates.authority', 'wrong key', ({ cloud }) => { cloud.certificates.authority = { ...cloud.certificates.authority, matchesKey: false }; }, 'fail', 2, 'belongs to another certificate'],
  ['certificates.authority', 'wrong passphrase', ({ cloud }) => { cloud.certificates.authority = { ...cloud.certificates.authority, keyProblem: 'bad passphrase' }; }, 'fail', 2, 'bad passphrase'],
  ['certificates.client', 'foreign', ({ cloud }) => { cloud.certificates.client = { ...cloud.certificates.client, trusted: false }; }, 'fail', 2, 'was not issued by [controller_worker] client_ca'],
  ['certificates.server-ca', 'foreign', ({ cloud }) => { cloud.certificates['server-ca'] = { ...cloud.certificates['server-ca'], trusted: false }; }, 'fail', 2, 'Kiln would refuse every agent'],
  ['certificates.client', 'ended', ({ cloud }) => { cloud.certificates.client = { ...cloud.certificates.client, notAfter: inDays(-1) }; }, 'fail', 2, 'it ended on'],
  ['certificates.client', 'ends soon', ({ cloud }) => { cloud.certificates.client = { ...cloud.certificates.client, notAfter: inDays(29) }; }, 'warn', 0, 'ends in 29 days'],
  ['certificates.client', 'begins later', ({ cloud }) => { cloud.certificates.client = { ...cloud.certificates.client, notBefore: inDays(1) }; }, 'fail', 2, 'it begins only on'],
];

describe('kiln doctor', () => {
  it('finds nothing wrong where nothing is', async () => {
    const stand = makeCloud();
    const run = await driveCli('doctor', stand.parts, { columns: 120 });
    expect(run.exitCode).toBe(0);
    await expect(run.stdout).toMatchFileSnapshot('../golden/doctor-healthy.120.txt');
    expect(stand.recording.changes).toEqual([]);
  });

  it('says for each fault what is wrong and what to do', async () => {
    const stand = makeCloud();
    stand.cloud.settings = makeSettings({ imageOwnerId: 'any', keyName: 'lost' });
    stand.cloud.refused = [{ imageId: 'evil', name: 'amphora', reason: 'belongs to project f3, not project-service' }];
    stand.cloud.groups = [{ ...stand.group, projectId: 'project-other' }];
    stand.cloud.down.compute = () => Promise.reject(new KilnError('SERVICE_UNREACHABLE', 'Nova does not answer'));
    const run = await driveCli('doctor', stand.parts, { columns: 120 });
    expect(run.exitCode).toBe(5);
    await expect(run.stdout).toMatchFileSnapshot('../golden/doctor-faults.120.txt');
  });

  it.each(faults)('%s: %s', async (id, _what, spoil, verdict, exitCode, finding) => {
    const run = await examine(spoil);
    expect(run.of(id)).toContainEqual(
      expect.objectContaining({
        verdict,
        finding: expect.stringContaining(finding),
        advice: expect.stringMatching(/\S/),
      }),
    );
    expect(run.exitCode).toBe(exitCode);
  });

  it('a port for heartbeats that the running kiln serve has is right', async () => {
    const run = await examine(({ cloud }) => {
      cloud.controller.heartbeats = async () => ({ place: 'UDP port 5555 of 0.0.0.0', isTaken: true });
      cloud.serves = { pid: 4711 } as ServeStatus;
    });
    expect(run.of('controller.heartbeats')).toMatchObject([
      { verdict: 'ok', finding: expect.stringContaining('pid 4711') },
    ]);
  });

  it('before anything has run, that nothing runs is right', async () => {
    const run = await examine(({ cloud }) => {
      cloud.controller.lastBeats = async () => new Map();
    });
    expect(run.of('controller.processes')).toMatchObject([
      { verdict: 'ok', finding: 'none has run with this database yet' },
    ]);
  });

  it('what needs the tables is skipped while they are not there, and makes none', async () => {
    const run = await examine(({ cloud }) => {
      cloud.database = { ...cloud.database, migrations: [{ name: '0001', executedAt: null, newer: null }] };
      cloud.jobs = null as never;
    });
    expect(run.of('controller.jobs')[0]?.verdict).toBe('skip');
    expect(run.of('controller.agent-certificates')[0]?.verdict).toBe('skip');
    expect(run.exitCode).toBe(0);
  });

  it('names the commands that lead from the ID to the tag', async () => {
    const run = await examine(({ cloud }) => {
      cloud.settings = makeSettings({ imageId: 'id-7', imageTag: null });
    });
    expect(run.of('tag.configured')[0]?.advice).toBe(
      'Move to the tag: `kiln image tag id-7 amphora`, set amp_image_tag = amphora, remove amp_image_id.',
    );
  });

  it.each([
    [null, null, null],
    ['tcp', null, null],
    ['6', 9000, 9999],
  ])(
    'a rule for protocol %s, ports %s to %s lets the agent be reached',
    async (protocol, portRangeMin, portRangeMax) => {
      const run = await examine(({ cloud, group }) => {
        cloud.groups = [
          { ...group, rules: group.rules.map((rule) => ({ ...rule, protocol, portRangeMin, portRangeMax })) },
        ];
      });
      expect(run.of('network.agent-port')[0]?.verdict).toBe('ok');
    },
  );

  it('runs every check that can say something, and skips those that can not', async () => {
    const run = await examine(({ cloud }) => {
      cloud.down.compute = () => Promise.reject(new KilnError('SERVICE_FAILED', 'Nova fell over'));
    });
    expect(run.of('compute.flavor')[0]).toMatchObject({
      verdict: 'skip',
      finding: 'not checked: it needs "Nova (compute)"',
    });
    expect(run.of('compute.fit')[0]?.verdict).toBe('skip');
    expect(run.of('network.networks')[0]?.verdict).toBe('ok');
    expect(run.of('certificates.client')[0]?.verdict).toBe('ok');
    expect(run.json()).toMatchObject({ counts: { fail: 1, skip: 5 }, exitCode: 5 });
  });

  it('a check that never ends is a fail, and the others run', async () => {
    const run = await examine(({ cloud }) => {
      cloud.down.image = () => new Promise(() => undefined);
    }, '--json --limit 1');
    expect(run.of('catalog.image')[0]).toMatchObject({ verdict: 'fail', finding: 'no answer within 1 s', exitCode: 5 });
    expect(run.of('certificates.client')[0]?.verdict).toBe('ok');
  });

  it('--quiet prints what failed', async () => {
    const run = await examine(({ cloud }) => {
      cloud.keys = [];
      cloud.zones = [];
    }, '--quiet');
    expect(run.stdout).toBe('compute.key\ncompute.zone\n');
  });

  it('ctrl-C ends it', async () => {
    const controller = new AbortController();
    const stand = makeCloud();
    stand.cloud.down.image = () => {
      controller.abort();
      return new Promise(() => undefined);
    };
    const run = await driveCli('doctor', stand.parts, { signal: controller.signal });
    expect(run.exitCode).toBe(6);
    expect(run.stderr).toContain('error: interrupted');
  });
});
