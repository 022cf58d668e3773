import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeBootByTag } from '../kit/boot-by-tag.ts';
import { startTestbedGuests } from '../kit/testbed-guests.ts';

const folder = process.env.KILN_TESTBED_DIR || '/var/tmp/kiln-testbed';

describeBootByTag('test bed', async () => {
  const { imageFile, withGuests, endGuests, close } = await startTestbedGuests();
  return {
    configurationFile: join(folder, 'octavia.conf'),
    imageData: readFileSync(imageFile),
    smallFlavorId: '66',
    withGuests,
    endGuests,
    close,
  };
});
