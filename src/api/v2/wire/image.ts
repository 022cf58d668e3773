import type { Image } from '../../../model/image.ts';
import type { TaggedImage } from '../../../model/tagged-image.ts';
import { wireTime, wireTimeOrNull } from './common.ts';

export function imageToWire({ id, name, tags, owner, hashAlgorithm, hashValue, createdAt }: Image) {
  return {
    id,
    name,
    tags,
    owner_id: owner,
    hash_algo: hashAlgorithm,
    hash: hashValue,
    created_at: wireTime(createdAt),
  };
}

export function taggedImageToWire({ tag, imageId, imageName, seenAt, wasThere, goneAt }: TaggedImage) {
  return {
    tag,
    image_id: imageId,
    image_name: imageName,
    seen_at: wireTime(seenAt),
    was_there: wasThere,
    gone_at: wireTimeOrNull(goneAt),
  };
}
