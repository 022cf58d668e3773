import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDevCloud } from '../support/dev-cloud.ts';
import { describeLoadBalancers } from '../support/load-balancer-suite.ts';

describeLoadBalancers('embedded cloud', async () => {
  const dev = await startDevCloud();
  return {
    configurationFile: dev.cloud.configurationFile,
    imageData: readFileSync(join(dev.folder, 'amphora-1.img')),
    close: () => dev.close(),
  };
});
