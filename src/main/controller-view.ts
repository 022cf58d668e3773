import { probeBroker } from '../adapters/queue/rabbit-link.ts';
import { createCertificateRotations } from '../adapters/storage/certificate-rotations.ts';
import { lastBeats } from '../adapters/storage/worker-registry.ts';
import { createUdpReceiver } from '../adapters/udp/receiver.ts';
import type { ControllerView } from '../cli/context.ts';
import type { Configuration } from '../config/options/index.ts';
import { KilnError } from '../model/errors.ts';
import type { FlavorCapabilities } from '../model/flavor.ts';
import type { Clock } from '../ports/clock.ts';
import { readOwnCertificates } from './own-certificates.ts';
import { refuseUnsafe } from './refuse-unsafe.ts';
import { rabbitLinkSettings } from './settings/rabbit-settings.ts';
import type { State } from './state.ts';

/** More profiles than any cloud has. */
const PROFILES = 1000;

/** What `kiln doctor` looks at, of the host and in the database. */
export function controllerView({
  clock,
  current,
  state,
}: {
  clock: Clock;
  current: () => Configuration;
  state: () => Promise<State>;
}): ControllerView {
  return {
    provider() {
      refuseUnsafe(current(), ['api']);
      return current().api_settings.default_provider_driver;
    },

    lastBeats: async () => lastBeats((await state()).database),
    leaseSeconds: () => current().kiln.worker_lease_seconds,

    async broker() {
      const { DEFAULT, oslo_messaging_rabbit: rabbit } = current();
      if (!DEFAULT.transport_url) return null;
      return await probeBroker(rabbitLinkSettings(DEFAULT.transport_url, rabbit), clock);
    },

    async heartbeats() {
      refuseUnsafe(current(), ['health-manager']);
      const { bind_ip: address, bind_port: port } = current().health_manager;
      const place = `UDP port ${port} of ${address}`;
      const receiver = createUdpReceiver({ address, port });
      try {
        await receiver.open({ packet: () => {}, fault: () => {} });
        await receiver.close();
        return { place, isTaken: false };
      } catch (error) {
        if (isTaken(error)) return { place, isTaken: true };
        throw error;
      }
    },

    ownCertificates: () => readOwnCertificates(current()),

    async flavorTags() {
      const { flavors } = await state();
      const profiles = await flavors.list('flavorProfile', { filters: {}, sort: [], limit: PROFILES });
      return profiles.flatMap(({ name, flavorData }) => {
        const { amp_image_tag: tag, compute_flavor } = JSON.parse(flavorData) as FlavorCapabilities;
        const computeFlavorId = compute_flavor ?? (current().controller_worker.amp_flavor_id || null);
        return tag ? [{ profile: name, tag, computeFlavorId }] : [];
      });
    },

    async agentCertificates(limit) {
      const rotations = createCertificateRotations((await state()).database, clock);
      return await rotations.troubled(clock.now().toISOString(), limit);
    },
  };
}

function isTaken(error: unknown): boolean {
  const cause = error instanceof KilnError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === 'EADDRINUSE';
}
