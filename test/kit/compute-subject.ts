import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { describeComputeContract } from './contract/compute.ts';
import type { OpenStackClients } from './openstack-clients.ts';

type Subject = Awaited<ReturnType<Parameters<typeof describeComputeContract>[1]>>;

/** What the compute contract needs of a cloud: one image that boots, and images that must not. */
export async function computeSubject(
  clients: OpenStackClients,
  imageData: Buffer,
  given: Pick<Subject, 'flavorId' | 'networkId' | 'securityGroupId' | 'keyName' | 'hosts'>,
): Promise<Subject & Pick<OpenStackClients, 'inventory'>> {
  const { images, compute, network, inventory, close } = clients;
  const newImage = () =>
    images.create({ name: 'contract', diskFormat: 'raw', containerFormat: 'bare', visibility: 'private' });
  const upload = (imageId: string) => images.upload(imageId, Readable.from([imageData]), imageData.byteLength);

  const [bootable, queued, deactivated] = [await newImage(), await newImage(), await newImage()];
  await upload(bootable.id);
  await upload(deactivated.id);
  await images.deactivate(deactivated.id);
  return {
    ...given,
    compute,
    network,
    inventory,
    imageId: bootable.id,
    deadImageIds: [randomUUID(), queued.id, deactivated.id],
    close: async () => {
      for (const image of [bootable, queued, deactivated]) await images.delete(image.id);
      await close();
    },
  };
}
