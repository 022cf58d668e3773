import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type Cloud, startCloud } from '../../src/dev-cloud/cloud.ts';
import { describeIdentityContract } from '../kit/contract/identity.ts';
import { describeImagesContract } from '../kit/contract/images.ts';
import { describeKeystoneContract } from '../kit/contract/keystone.ts';
import { connectClients, type OpenStackClients } from '../kit/openstack-clients.ts';

/** The suites that the test bed passes, against the embedded cloud. */

const stateDirectory = mkdtempSync(join(tmpdir(), 'kiln-contract-'));
let cloud: Cloud;

beforeAll(async () => {
  cloud = await startCloud({ stateDirectory });
});
afterAll(async () => {
  await cloud?.close();
  rmSync(stateDirectory, { recursive: true, force: true });
});

function connectAs(account: Cloud['accounts']['kiln']): OpenStackClients {
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

describeKeystoneContract('embedded cloud', () => cloud.accounts.kiln);

describeIdentityContract('embedded cloud', async () => {
  const { userName, projectName, projectId } = cloud.accounts.kiln;
  const { session, close } = connectAs(cloud.accounts.kiln);
  return { identity: session, expected: { userName, projectName, projectId, role: 'admin' }, close };
});

describeImagesContract('embedded cloud', async () => {
  const { kiln, demo } = cloud.accounts;
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
