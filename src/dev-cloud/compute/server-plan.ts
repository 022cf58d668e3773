import type { BootableImage } from '../context.ts';
import type { Call, Compute } from './compute.ts';
import { badRequest, ComputeFault, conflict } from './fault.ts';
import type { ServerPlan } from './lifecycle.ts';
import type { FlavorRow } from './rows.ts';
import type { RequestedNic, ServerRequest } from './server-request.ts';

/** The one zone of the embedded cloud. */
export const zoneName = 'nova';

const gibibyte = 1024 ** 3;

/**
 * Holds a request against the cloud, in Nova's order (nova/compute/api.py), so that a request with several faults gets
 * the same one named. Group and network names are looked up as the user sees them.
 * @throws ComputeFault 400, or 409 for what is ambiguous or in use.
 */
export function planServer(compute: Compute, request: ServerRequest, { user }: Call): ServerPlan {
  const flavor = compute.tables.flavors.get(request.flavorId);
  if (!flavor) throw badRequest(`Flavor ${request.flavorId} could not be found.`);
  const image = compute.context.findImage(request.imageId, user);
  if (!image) throw badRequest('Can not find requested image');
  if (request.availabilityZone !== null && request.availabilityZone.split(':')[0] !== zoneName) {
    throw badRequest('The requested availability zone is not available');
  }

  const securityGroupIds = (request.securityGroups ?? []).filter((name) => name !== 'default').map(findGroup);
  if (securityGroupIds.length > 0 && request.securityGroups?.includes('default'))
    securityGroupIds.push(findGroup('default'));
  const nics = planNics();
  if (request.keyName !== null && !compute.tables.keypairs.get(`${user.userId}/${request.keyName}`)) {
    throw badRequest('Invalid key_name provided.');
  }
  if (request.serverGroupId !== null && !compute.tables.serverGroups.get(request.serverGroupId)) {
    throw badRequest(`Instance group ${request.serverGroupId} could not be found.`);
  }
  checkFit(image, flavor);
  return { flavor, image, nics, securityGroupIds };

  function findGroup(name: string): string {
    const [found, another] = compute.network.findSecurityGroups(name, user);
    if (another)
      throw conflict(`Multiple security_group matches found for name '${name}', use an ID to be more specific.`);
    if (!found) throw badRequest(`Unable to find security_group with name or id '${name}'`);
    return found.id;
  }

  function planNics(): readonly RequestedNic[] {
    if (request.nics === 'none') return [];
    if (request.nics !== null && request.nics !== 'auto' && request.nics.length > 0) {
      request.nics.forEach(checkNic);
      return request.nics;
    }
    const available = compute.network.availableNetworkIds(user);
    const [networkId, another] = available;
    if (another) throw conflict('Multiple possible networks found, use a Network ID to be more specific.');
    return networkId === undefined ? [] : [{ networkId, fixedIp: null }];
  }

  function checkNic(nic: RequestedNic): void {
    if ('networkId' in nic) {
      const network = compute.network.findNetwork(nic.networkId, user);
      if (!network) throw badRequest(`Network ${nic.networkId} could not be found.`);
      if (!network.hasSubnets) {
        throw badRequest(`Network ${nic.networkId} requires a subnet in order to boot instances on.`);
      }
      return;
    }
    const port = compute.network.findPort(nic.portId, user);
    if (!port) throw badRequest(`Port id ${nic.portId} could not be found.`);
    if (port.deviceId !== '') throw conflict(`Port ${nic.portId} is still in use.`);
    if (!port.hasFixedIp) throw badRequest(`Port ${nic.portId} requires a FixedIP in order to be used.`);
    if (request.maxCount > 1) {
      throw badRequest(
        'Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.',
      );
    }
  }
}

/** A disk of 0 is as large as the image and never too small. */
function checkFit(image: BootableImage, flavor: FlavorRow): void {
  if (image.status !== 'active') throw badRequest(`Image ${image.id} is not active.`);
  if (flavor.ramMiB < image.minRamMiB) throw new ComputeFault(400, "Flavor's memory is too small for requested image.");
  if (flavor.diskGiB === 0) return;
  const diskBytes = flavor.diskGiB * gibibyte;
  if (image.sizeBytes > diskBytes) {
    throw badRequest(
      `Flavor's disk is too small for requested image. Flavor disk is ${diskBytes} bytes, image is ${image.sizeBytes} bytes.`,
    );
  }
  const minBytes = image.minDiskGiB * gibibyte;
  if (minBytes > diskBytes) {
    throw badRequest(
      `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${diskBytes} bytes, minimum size is ${minBytes} bytes.`,
    );
  }
}
