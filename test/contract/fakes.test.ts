import { randomUUID } from 'node:crypto';
import { describeComputeContract } from '../kit/contract/compute.ts';
import { describeIdentityContract } from '../kit/contract/identity.ts';
import { describeImagesContract } from '../kit/contract/images.ts';
import { describeNetworkContract } from '../kit/contract/network.ts';
import { createFakeCompute } from '../kit/fakes/fake-compute.ts';
import { createFakeIdentity } from '../kit/fakes/fake-identity.ts';
import { createFakeImages } from '../kit/fakes/fake-images.ts';
import { createFakeNetwork } from '../kit/fakes/fake-network.ts';

describeImagesContract('fake', async () => {
  const images = createFakeImages({ projectId: 'service-project', isAdmin: true });
  const tenant = images.as({ projectId: 'tenant-project', isAdmin: false });
  return {
    service: { images, projectId: 'service-project' },
    tenant: { images: tenant, projectId: 'tenant-project' },
    byPage: () => images,
  };
});

describeComputeContract('fake', async () => {
  const network = createFakeNetwork();
  const compute = createFakeCompute({ network });
  const imageId = randomUUID();
  compute.allowImages((id) => id === imageId);
  return {
    compute,
    network,
    imageId,
    deadImageIds: [randomUUID()],
    flavorId: '65',
    networkId: 'lb-mgmt-net',
    securityGroupId: 'lb-mgmt-sec-grp',
    keyName: 'octavia_ssh_key',
    hosts: 2,
  };
});

describeNetworkContract('fake', async () => ({
  network: createFakeNetwork({ qosPolicyIds: ['gold'] }),
  qosPolicyId: 'gold',
  otherSubnetId: 'lb-vip-subnet',
  tenantProjectId: 'demo-project',
  networkId: 'lb-mgmt-net',
  securityGroupId: 'lb-mgmt-sec-grp',
  projectId: 'service-project',
}));

describeIdentityContract('fake', async () => ({
  identity: createFakeIdentity(),
  expected: { userName: 'octavia', projectName: 'service', projectId: 'service-project', role: 'admin' },
}));
