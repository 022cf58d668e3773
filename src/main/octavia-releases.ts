import { listReleaseLogs, openReleaseLog } from '../adapters/release-log/file.ts';
import { createTagResolver } from '../octavia-release/find-image.ts';
import { readFleet, surveyOf } from '../octavia-release/read-fleet.ts';
import { createOctaviaReleases } from '../octavia-release/releases.ts';
import type { Clock } from '../ports/clock.ts';
import type { OctaviaReleases } from '../ports/octavia-releases.ts';
import { createFleetView } from '../services/fleet-view.ts';
import type { OpenStack } from './openstack.ts';

/** Releases over the Octavia of a cloud; nothing of octavia.conf counts but where the cloud is. */
export function wireOctaviaReleases(openstack: OpenStack, clock: Clock, operator: string): OctaviaReleases {
  const { octavia, images, marks, room, compute, network } = openstack;
  return {
    fleet(tag, signal) {
      const view = createFleetView({
        fleet: { survey: async () => surveyOf(await readFleet(octavia, signal)) },
        resolver: createTagResolver(images, clock, tag),
        images,
        clock,
        settings: () => ({ heartbeatTimeoutSeconds: 0, imageMaxAgeDays: null }),
      });
      return view(signal);
    },
    ...createOctaviaReleases({
      ...{ octavia, images, marks, room, compute, network, clock },
      openLog: (path, use) => openReleaseLog(path, clock, use),
      listLogs: listReleaseLogs,
      operator,
    }),
  };
}
