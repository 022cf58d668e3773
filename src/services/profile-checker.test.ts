import { expect, it } from 'vitest';
import { aServiceError } from '../../test/kit/fault-injection.ts';
import type { ComputeFlavor } from '../model/compute.ts';
import { KilnError } from '../model/errors.ts';
import type { ImageChoice } from '../model/image.ts';
import type { ImageRequest } from '../ports/image-resolver.ts';
import type { Network } from '../ports/network.ts';
import { createProfileChecker } from './profile-checker.ts';

const gone = aServiceError('SERVICE_NOT_FOUND', { status: 404 });

function checker() {
  const asked: unknown[] = [];
  const profileChecker = createProfileChecker({
    compute: {
      getFlavor: async (id) => {
        asked.push(id);
        if (id === 'broken') throw aServiceError('SERVICE_FAILED', { status: 503 });
        if (id !== '65') throw gone;
        return {} as ComputeFlavor;
      },
      hasAvailabilityZone: async (name) => name === 'nova',
    },
    network: {
      getNetwork: async (id) => {
        asked.push(id);
        if (!id.startsWith('net')) throw gone;
        return {} as Network;
      },
    },
    images: {
      resolve: async ({ tag, flavorId }: ImageRequest) => {
        asked.push([tag, flavorId]);
        if (tag?.value !== 'amphora') throw new KilnError('IMAGE_NOT_FOUND', 'no image carries the tag');
        return {} as ImageChoice;
      },
    },
    defaultFlavorId: () => 'default',
  });
  return {
    asked,
    refusal: (data: object) =>
      profileChecker.check(data).then(
        () => null,
        (error: KilnError) => error,
      ),
  };
}

it('lets pass what is there, and asks for each once', async () => {
  const { asked, refusal } = checker();
  expect(await refusal({ compute_flavor: '65', amp_image_tag: 'amphora', loadbalancer_topology: 'SINGLE' })).toBeNull();
  const valid_vip_networks = ['net1', 'net2', 'net1'];
  expect(await refusal({ compute_zone: 'nova', management_network: 'net0', valid_vip_networks })).toBeNull();
  const tag = { value: 'amphora', source: 'flavor' };
  expect(asked).toEqual(['65', [tag, '65'], 'net0', 'net1', 'net2']);
  expect(await refusal({})).toBeNull();
  expect(await refusal({ compute_flavor: '', amp_image_tag: '', compute_zone: '', management_network: '' })).toBeNull();
  expect(asked).toHaveLength(5);
  expect(await refusal({ amp_image_tag: 'amphora' })).toBeNull();
  expect(asked.at(-1)).toEqual([tag, 'default']);
});

it('names what is not there, and its field', async () => {
  const { refusal } = checker();
  for (const [field, value, message] of [
    ['compute_flavor', 'x', 'Nova flavor x not found.'],
    ['amp_image_tag', 'x', 'Failed to find an image with tag x due to: no image carries the tag'],
    ['compute_zone', 'x', 'Nova availability zone x not found.'],
    ['management_network', 'x', 'Network x not found.'],
    ['valid_vip_networks', ['net1', 'x'], 'Network x not found.'],
  ] as const) {
    expect(await refusal({ [field]: value })).toMatchObject({ code: 'REQUEST_INVALID', message, details: { field } });
  }
  expect(await refusal({ compute_flavor: 'broken' })).toMatchObject({ code: 'SERVICE_FAILED' });
});
