import type { HaproxyVersion } from './settings.ts';

/** What an HAProxy can do that an older one, in an older amphora, can't. The oldest one served is 1.8. */
export interface Capabilities {
  /** `alpn` towards members. */
  memberAlpn: boolean;
  /** The built-in Prometheus exporter. */
  prometheus: boolean;
  /** External checks need `insecure-fork-wanted`. */
  forksOnlyOnDemand: boolean;
  /** `http-check send`. */
  sendsCheckHeaders: boolean;
}

export function capabilitiesOf(version: HaproxyVersion): Capabilities {
  const isAtLeast = (major: number, minor: number) =>
    version.major > major || (version.major === major && version.minor >= minor);
  return {
    memberAlpn: isAtLeast(1, 9),
    prometheus: isAtLeast(2, 0),
    forksOnlyOnDemand: isAtLeast(2, 2),
    sendsCheckHeaders: isAtLeast(2, 2),
  };
}
