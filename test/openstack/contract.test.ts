import { readFileSync } from 'node:fs';
import { createVipAllocator } from '../../src/services/vip-allocator.ts';
import { computeSubject } from '../kit/compute-subject.ts';
import { describeComputeContract } from '../kit/contract/compute.ts';
import { describeIdentityContract } from '../kit/contract/identity.ts';
import { describeImagesContract } from '../kit/contract/images.ts';
import { describeKeystoneContract } from '../kit/contract/keystone.ts';
import { describeNetworkContract } from '../kit/contract/network.ts';
import { describeOrphansContract } from '../kit/contract/orphans.ts';
import { describeVipAllocatorContract } from '../kit/contract/vip-allocator.ts';
import { connectClients, type OpenStackClients } from '../kit/openstack-clients.ts';

/** The suites that the fakes and the embedded cloud pass, against the test bed (`npm run testbed:up`). */

interface TestbedUser {
  name: string;
  password: string;
  domainName: string;
  projectId: string;
  projectName: string;
}
interface Testbed {
  endpoints: { identity: string };
  users: { kiln: TestbedUser; demo: TestbedUser };
  flavors: { amphora: { id: string } };
  network: { id: string };
  securityGroup: { id: string };
  keypair: string;
}

const folder = process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed';
const bed = JSON.parse(readFileSync(`${folder}/testbed.json`, 'utf8')) as Testbed;

function connectAs(user: TestbedUser): OpenStackClients {
  return connectClients({
    authUrl: bed.endpoints.identity,
    authType: 'password',
    username: user.name,
    userDomainName: user.domainName,
    password: user.password,
    projectName: user.projectName,
    projectDomainName: user.domainName,
  });
}
const { kiln, demo } = bed.users;

describeKeystoneContract('test bed', () => ({
  authUrl: bed.endpoints.identity,
  userName: kiln.name,
  password: kiln.password,
  projectName: kiln.projectName,
  domainName: kiln.domainName,
}));

describeIdentityContract('test bed', async () => {
  const { session, close } = connectAs(kiln);
  const { name: userName, projectName, projectId } = kiln;
  return { identity: session, expected: { userName, projectName, projectId, role: 'admin' }, close };
});

describeImagesContract('test bed', async () => {
  const [service, tenant] = [connectAs(kiln), connectAs(demo)];
  return {
    service: { images: service.images, projectId: kiln.projectId },
    tenant: { images: tenant.images, projectId: demo.projectId },
    byPage: service.imagesByPage,
    close: async () => {
      await Promise.all([service.close(), tenant.close()]);
    },
  };
});

describeNetworkContract('test bed', async () => {
  const { network, close } = connectAs(kiln);
  const { network: one, securityGroup } = bed;
  return {
    network,
    networkId: one.id,
    securityGroupId: securityGroup.id,
    projectId: kiln.projectId,
    otherSubnetId: null,
    tenantProjectId: demo.projectId,
    qosPolicyId: null,
    close,
  };
});

describeVipAllocatorContract('test bed', async () => {
  const clients = connectAs(kiln);
  const { network } = clients;
  const neutron = await openNeutron(clients);
  const emptyNetworkId = await neutron.make('networks', 'network', { name: 'contract-empty' });
  const otherId = await neutron.make('networks', 'network', { name: 'contract-other' });
  const other = { network_id: otherId, ip_version: 4, cidr: '198.18.0.0/24' };
  const otherSubnetId = await neutron.make('subnets', 'subnet', other);
  const [subnet] = await network.listSubnetsOfNetwork(bed.network.id);
  return {
    network,
    vips: createVipAllocator({ network }),
    networkId: bed.network.id,
    subnetId: subnet?.id ?? '',
    otherSubnetId,
    emptyNetworkId,
    qosPolicyId: null,
    securityGroupId: bed.securityGroup.id,
    projectId: demo.projectId,
    close: async () => {
      for (const id of [emptyNetworkId, otherId]) await neutron.remove('networks', id);
      await clients.close();
    },
  };
});

/** What Kiln's own client never asks for. */
async function openNeutron({ session }: OpenStackClients) {
  const endpoint = (await session.endpoint('network')).replace(/\/+$/, '');
  const call = async (method: string, path: string, body?: object) =>
    fetch(`${endpoint}/v2.0/${path}`, {
      method,
      headers: { 'X-Auth-Token': await session.token(), 'Content-Type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  return {
    async make(collection: string, kind: string, fields: object): Promise<string> {
      const answer = await call('POST', collection, { [kind]: fields });
      return ((await answer.json()) as Record<string, { id: string }>)[kind]?.id ?? '';
    },
    async remove(collection: string, id: string): Promise<void> {
      await call('DELETE', `${collection}/${id}`);
    },
  };
}

const subjectOfCompute = () =>
  computeSubject(connectAs(kiln), Buffer.from('the fake hypervisor boots anything'), {
    flavorId: bed.flavors.amphora.id,
    networkId: bed.network.id,
    securityGroupId: bed.securityGroup.id,
    keyName: bed.keypair,
    hosts: 2,
  });

describeComputeContract('test bed', subjectOfCompute);

describeOrphansContract('test bed', async () => ({ ...(await subjectOfCompute()), tenantProjectId: demo.projectId }));
