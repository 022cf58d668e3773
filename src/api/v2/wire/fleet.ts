import type { Fleet } from '../../../model/fleet.ts';
import { wireTime } from './common.ts';

export function fleetToWire(fleet: Fleet) {
  const { totals } = fleet;
  return {
    at: wireTime(fleet.at),
    tags: fleet.tags.map((tag) => ({
      tag: tag.tag,
      image_id: tag.imageId,
      image_name: tag.imageName,
      image_created_at: tag.imageCreatedAt && wireTime(tag.imageCreatedAt),
      candidates: tag.candidates,
      load_balancers: tag.loadBalancers,
      error: tag.error,
    })),
    images: fleet.images.map((image) => ({
      image_id: image.imageId,
      name: image.name,
      created_at: image.createdAt && wireTime(image.createdAt),
      presence: image.presence,
      current_for_tags: image.currentForTags,
      load_balancers: image.loadBalancers,
      assigned: image.assigned,
      amphorae: image.amphorae,
      in_error: image.inError,
      silent: image.silent,
      behind: image.behind,
      behind_seconds: image.behindSeconds,
    })),
    totals: {
      load_balancers: totals.loadBalancers,
      pairs: totals.pairs,
      mixed_pairs: totals.mixedPairs,
      amphorae: totals.amphorae,
      behind: totals.behind,
      in_error: totals.inError,
      silent: totals.silent,
      image_gone: totals.imageGone,
    },
    warnings: fleet.warnings,
  };
}
