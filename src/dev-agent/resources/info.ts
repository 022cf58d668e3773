import { hostname } from 'node:os';
import type { ImageManifest } from '../image-manifest.ts';
import type { InstalledVersions } from '../installed-versions.ts';
import type { Route } from '../router.ts';
import { apiVersion } from './discovery.ts';

/**
 * `GET /1.0/info`: who the agent is. The fields of Octavia's agent, and Kiln's own: `agent_version`, and the image that
 * the agent came in (`image_name`, `image_version`; null when it runs from its sources).
 */
export function infoRoutes(options: {
  installed: InstalledVersions;
  agentVersion: string;
  image: ImageManifest | null;
}): Route[] {
  const { installed, agentVersion, image } = options;
  return [
    {
      method: 'GET',
      path: `/${apiVersion}/info`,
      handle: async () => ({
        status: 200,
        body: {
          hostname: hostname(),
          haproxy_version: installed.haproxy,
          api_version: apiVersion,
          keepalived_version: installed.keepalived,
          ipvsadm_version: installed.ipvsadm,
          agent_version: agentVersion,
          image_name: image?.name ?? null,
          image_version: image?.version ?? null,
        },
      }),
    },
  ];
}
