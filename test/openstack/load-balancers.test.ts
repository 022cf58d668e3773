import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeLoadBalancers } from '../kit/load-balancer-suite.ts';
import { startTestbedGuests } from '../kit/testbed-guests.ts';

const folder = process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed';

describeLoadBalancers('test bed', async () => {
  const { imageFile, withGuests, close } = await startTestbedGuests();
  return {
    configurationFile: join(folder, 'octavia.conf'),
    imageData: readFileSync(imageFile),
    withGuests,
    close,
  };
});
