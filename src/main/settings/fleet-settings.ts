import type { Configuration } from '../../config/options/index.ts';

/** What the view of the fleet judges by. */
export function fleetSettings({ health_manager: health, kiln }: Configuration) {
  return {
    heartbeatTimeoutSeconds: health.heartbeat_timeout,
    imageMaxAgeDays: kiln.image_max_age_days || null,
  };
}

/** What a release is planned from where nothing else is said; empty where an option is not set. */
export function plannerSettings({ controller_worker: worker }: Configuration) {
  const { amp_image_tag: tag, amp_image_id: imageId, amp_flavor_id: flavorId } = worker;
  return { tag: tag ?? '', imageId: imageId ?? '', flavorId: flavorId ?? '' };
}
