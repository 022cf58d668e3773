import { exitCodes } from '../../model/errors.ts';
import { type CheckGroup, fail, ok, unlessMissing, warn } from './check.ts';

export const computeChecks: CheckGroup = {
  title: 'Server',
  exitCode: exitCodes.usageOrConfiguration,
  checks: [
    {
      id: 'compute.flavor',
      title: 'flavor',
      needs: ['catalog.compute'],
      async run({ context, signal }) {
        const { flavorId } = await context.settings();
        if (flavorId === null) {
          return fail('[controller_worker] amp_flavor_id is not set', 'Set it to the ID of a Nova flavor.');
        }
        const flavor = await unlessMissing((await context.compute()).getFlavor(flavorId, signal));
        if (!flavor) {
          return fail(
            `Nova has no flavor ${flavorId}, or does not show it to this project`,
            'Correct [controller_worker] amp_flavor_id (an ID, not a name), or give the project access to the flavor.',
          );
        }
        const disk = flavor.diskGiB === 0 ? 'disk as the image' : `${flavor.diskGiB} GiB of disk`;
        return ok(`${flavor.name} (${flavor.id}): ${flavor.vcpus} vCPU, ${flavor.ramMiB} MiB of memory, ${disk}`);
      },
    },
    {
      id: 'compute.fit',
      title: 'the image fits the flavor',
      needs: ['compute.flavor', 'tag.choice'],
      async run({ context, signal }) {
        const { flavorId } = await context.settings();
        const choice = await (await context.resolver()).resolve({ tag: null, flavorId, signal });
        if (choice.image === null) {
          return warn(
            'not checked: amp_image_id is booted as it is',
            'Move to amp_image_tag: then the fit is checked.',
          );
        }
        return ok(`image ${choice.imageId} fits flavor ${flavorId}`);
      },
    },
    {
      id: 'compute.key',
      title: 'key pair',
      needs: ['catalog.compute'],
      async run({ context }) {
        const { keyName } = await context.settings();
        if (keyName === null) return ok('none is configured: nobody can log in to amphorae by SSH');
        if (await (await context.compute()).hasKeypair(keyName)) return ok(keyName);
        return fail(
          `the service user has no key pair "${keyName}"`,
          'Make it as the service user (`openstack keypair create`), or correct [controller_worker] amp_ssh_key_name.',
        );
      },
    },
    {
      id: 'compute.zone',
      title: 'availability zone',
      needs: ['catalog.compute'],
      async run({ context }) {
        const { availabilityZone } = await context.settings();
        if (availabilityZone === null) return ok('none is configured: Nova chooses');
        const zones = await (await context.compute()).listAvailabilityZones();
        if (zones.includes(availabilityZone)) return ok(availabilityZone);
        return fail(
          `Nova has no availability zone "${availabilityZone}" in which servers can be started`,
          `Set [nova] availability_zone to one of: ${zones.join(', ') || 'none there'}.`,
        );
      },
    },
  ],
};
