import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Cloud, startCloud } from '../../src/dev-cloud/cloud.ts';
import { createReferenceChecker, networkSeenBy } from '../../src/services/reference-checker.ts';
import { createVipAllocator } from '../../src/services/vip-allocator.ts';
import { openCloudSession } from '../kit/cloud-session.ts';
import { computeSubject } from '../kit/compute-subject.ts';
import { describeComputeContract } from '../kit/contract/compute.ts';
import { describeNetworkContract } from '../kit/contract/network.ts';
import { describeOrphansContract } from '../kit/contract/orphans.ts';
import { describeVipAllocatorContract } from '../kit/contract/vip-allocator.ts';
import { connectClients, type OpenStackClients } from '../kit/openstack-clients.ts';

/** The suites of Nova and Neutron that the test bed passes, against the embedded cloud. */

const folder = mkdtempSync(join(tmpdir(), 'kiln-contract-servers-'));
const imageFile = join(folder, 'image.tgz');
let cloud: Cloud;

beforeAll(async () => {
  cloud = await startCloud({ stateDirectory: join(folder, 'cloud') });
  const createdAt = '2026-01-01T00:00:00Z';
  const manifest = { format: 'kiln-amphora-1', name: 'contract', version: '1', entry: 'agent.mjs', createdAt };
  writeFileSync(join(folder, 'amphora.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'agent.mjs'), 'setInterval(() => {}, 1000);');
  await create({ gzip: true, file: imageFile, cwd: folder }, ['amphora.json', 'agent.mjs']);
});
afterAll(async () => {
  await cloud?.close();
  rmSync(folder, { recursive: true, force: true });
});

function connect(): OpenStackClients {
  const account = cloud.accounts.kiln;
  return connectClients({
    authUrl: account.authUrl,
    authType: 'password',
    username: account.userName,
    userDomainName: account.domainName,
    password: account.password,
    projectName: account.projectName,
    projectDomainName: account.domainName,
  });
}

/** What a new cloud has, by its name, as any client would find it. */
async function findId(clients: OpenStackClients, path: string, collection: string, name: string): Promise<string> {
  const token = await clients.session.token();
  const answer = await fetch(`${cloud.url}${path}?name=${name}`, { headers: { 'X-Auth-Token': token } });
  const body = (await answer.json()) as Record<string, { id: string }[]>;
  return body[collection]?.[0]?.id ?? '';
}

async function make({ session }: OpenStackClients, path: string, kind: string, fields: object): Promise<string> {
  const answer = await fetch(`${cloud.url}${path}`, {
    method: 'POST',
    headers: { 'X-Auth-Token': await session.token(), 'Content-Type': 'application/json' },
    body: JSON.stringify({ [kind]: fields }),
  });
  return ((await answer.json()) as Record<string, { id: string }>)[kind]?.id ?? '';
}

describeNetworkContract('embedded cloud', async () => {
  const clients = connect();
  return {
    network: clients.network,
    networkId: await findId(clients, '/network/v2.0/networks', 'networks', 'lb-mgmt-net'),
    securityGroupId: await findId(clients, '/network/v2.0/security-groups', 'security_groups', 'lb-mgmt-sec-grp'),
    projectId: cloud.accounts.kiln.projectId,
    otherSubnetId: await findId(clients, '/network/v2.0/subnets', 'subnets', 'lb-vip-subnet'),
    tenantProjectId: cloud.accounts.demo.projectId,
    qosPolicyId: await make(clients, '/network/v2.0/qos/policies', 'policy', { name: 'gold' }),
    close: clients.close,
  };
});

describeVipAllocatorContract('embedded cloud', async () => {
  const clients = connect();
  const { network } = clients;
  const idOf = (path: string, collection: string, name: string) =>
    findId(clients, `/network/v2.0/${path}`, collection, name);
  return {
    network,
    vips: createVipAllocator({ network }),
    networkId: await idOf('networks', 'networks', 'lb-vip-net'),
    subnetId: await idOf('subnets', 'subnets', 'lb-vip-subnet'),
    otherSubnetId: await idOf('subnets', 'subnets', 'lb-mgmt-subnet'),
    emptyNetworkId: await make(clients, '/network/v2.0/networks', 'network', { name: 'empty' }),
    qosPolicyId: await make(clients, '/network/v2.0/qos/policies', 'policy', { name: 'silver' }),
    securityGroupId: await idOf('security-groups', 'security_groups', 'lb-mgmt-sec-grp'),
    projectId: cloud.accounts.demo.projectId,
    close: clients.close,
  };
});

it('a tenant gets VIPs from networks that they see, and from no others', async () => {
  const clients = connect();
  onTestFinished(clients.close);
  const { network, networkAs } = clients;
  const references = createReferenceChecker(networkSeenBy({ network, networkAs }));
  const demo = await openCloudSession(cloud.url, cloud.accounts.demo);
  const subnetOf = (name: string) => findId(clients, '/network/v2.0/subnets', 'subnets', name);
  const hidden = await subnetOf('lb-mgmt-subnet');
  await references.check({ subnetIds: [hidden] });
  const foreign = { subnetIds: [hidden] };
  await expect(references.check(foreign, demo.token)).rejects.toThrow(`Subnet ${hidden} not found.`);
  await references.check({ subnetIds: [await subnetOf('lb-vip-subnet')] }, demo.token);
  await expect(references.check(foreign, 'no-such-token')).rejects.toMatchObject({ code: 'SERVICE_UNAUTHORIZED' });
});

const subjectOfCompute = async () => {
  const clients = connect();
  return computeSubject(clients, readFileSync(imageFile), {
    flavorId: '65',
    networkId: await findId(clients, '/network/v2.0/networks', 'networks', 'lb-mgmt-net'),
    securityGroupId: await findId(clients, '/network/v2.0/security-groups', 'security_groups', 'lb-mgmt-sec-grp'),
    keyName: 'octavia_ssh_key',
    hosts: 1,
  });
};

describeComputeContract('embedded cloud', subjectOfCompute);

describeOrphansContract('embedded cloud', async () => ({
  ...(await subjectOfCompute()),
  tenantProjectId: cloud.accounts.demo.projectId,
}));
