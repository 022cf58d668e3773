import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDevCloud } from '../kit/dev-cloud.ts';
import { describeLoadBalancers } from '../kit/load-balancer-suite.ts';

describeLoadBalancers('embedded cloud', async () => {
  const dev = await startDevCloud();
  return {
    configurationFile: dev.cloud.configurationFile,
    imageData: readFileSync(join(dev.folder, 'amphora-1.img')),
    close: () => dev.close(),
  };
});
