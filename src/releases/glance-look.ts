import type { ImageNow, Window } from '../core/releases/window.ts';
import { abortable } from '../lib/abortable.ts';
import { mapAtMost } from '../lib/map-at-most.ts';
import { createTtlMap } from '../lib/ttl-map.ts';
import { KilnError } from '../model/errors.ts';
import type { ReleasePhase, ReleaseSpec } from '../model/release.ts';
import type { Clock } from '../ports/clock.ts';
import type { ImageResolver } from '../ports/image-resolver.ts';
import type { ImageService } from '../ports/images.ts';
import type { Log } from '../ports/log.ts';
import type { StoredRelease } from '../ports/release-store.ts';

/** What Glance says of a release's images. Null: it did not answer. */
export type GlanceNow = Pick<Window, 'taggedImageIds' | 'image' | 'unusableFormerImageIds'>;

export interface GlanceLook {
  /** @param isFresh nothing that was seen before will do. Never rejects. */
  look(release: StoredRelease, isFresh: boolean): Promise<GlanceNow>;
  /** Images that carry the release's tag, at this moment. */
  tagged(spec: ReleaseSpec): Promise<string[]>;
}

/** For one question. */
const PATIENCE_MS = 15_000;
/** What was seen so long ago will do where nothing moves by it. */
const FRESH_MS = 5_000;
const FORMER_FRESH_MS = 60_000;
/** Former images are asked for so many at a time. */
const AT_ONCE = 8;

/** Phases in which nothing needs a way back yet. */
const withoutWayBack: readonly ReleasePhase[] = ['planned', 'probing'];

interface Seen<Value> {
  atMs: number;
  value: Value;
}

/** @param deps.images null where no Glance is used: then it never answers. */
export function createGlanceLook(deps: {
  images: Pick<ImageService, 'get'> | null;
  resolver: Pick<ImageResolver, 'resolveAssigned' | 'releasable'>;
  clock: Clock;
  log: Log;
}): GlanceLook {
  const { images, resolver, clock, log } = deps;
  const monotonicMs = () => clock.monotonicMs();
  const now = createTtlMap<Seen<Pick<GlanceNow, 'taggedImageIds' | 'image'>>>(monotonicMs, FRESH_MS);
  const former = createTtlMap<Seen<readonly string[]>>(monotonicMs, FORMER_FRESH_MS);
  const limit = () => AbortSignal.timeout(PATIENCE_MS);
  const isYoung = (seen: Seen<unknown> | undefined, ms: number): seen is Seen<unknown> =>
    seen !== undefined && clock.monotonicMs() - seen.atMs < ms;

  async function tagged({ tag }: ReleaseSpec): Promise<string[]> {
    if (!images) throw new KilnError('SERVICE_UNREACHABLE', 'no Glance is used (image_noop_driver)');
    const signal = limit();
    return (await abortable(resolver.releasable(tag, signal), signal)).map(({ id }) => id);
  }

  async function imageNow({ image: { id: imageId }, tag }: ReleaseSpec): Promise<ImageNow> {
    if (!images) throw new KilnError('SERVICE_UNREACHABLE', 'no Glance is used (image_noop_driver)');
    const signal = limit();
    try {
      const { status, osHidden, owner, hashValue, tags } = await abortable(images.get(imageId, signal), signal);
      return {
        isThere: true,
        status,
        isHidden: osHidden,
        ownerId: owner ?? '',
        hash: hashValue,
        hasTag: tags.includes(tag),
      };
    } catch (error) {
      if (!(error instanceof KilnError) || error.code !== 'SERVICE_NOT_FOUND') throw error;
      return { isThere: false, status: 'deleted', isHidden: false, ownerId: null, hash: null, hasTag: false };
    }
  }

  async function unusable(imageIds: readonly string[]): Promise<string[]> {
    const answers = await mapAtMost(AT_ONCE, imageIds, (id) =>
      resolver.resolveAssigned(id, { flavorId: null, signal: limit() }),
    );
    return imageIds.filter((_id, index) => 'refused' in (answers[index] ?? {}));
  }

  /** @returns null when it fails: said once for each look. */
  async function orNull<Value>(what: string, releaseId: string, ask: () => Promise<Value>): Promise<Value | null> {
    try {
      return await ask();
    } catch (err) {
      log.warn({ release: releaseId, err }, `Glance can't be asked for ${what}: the release begins nothing new`);
      return null;
    }
  }

  async function lookNow({ spec }: StoredRelease, isFresh: boolean) {
    const seen = now.get(spec.id);
    if (!isFresh && isYoung(seen, FRESH_MS)) return seen.value;
    const [taggedImageIds, image] = await Promise.all([
      orNull('the images with its tag', spec.id, () => tagged(spec)),
      orNull('its image', spec.id, () => imageNow(spec)),
    ]);
    const value = { taggedImageIds, image };
    if (taggedImageIds && image) now.set(spec.id, { atMs: clock.monotonicMs(), value });
    else now.delete(spec.id);
    return value;
  }

  async function lookBack({ spec, formerImageIds }: StoredRelease, ms: number): Promise<readonly string[] | null> {
    const seen = former.get(spec.id);
    if (isYoung(seen, ms)) return seen.value;
    const wanted = [...new Set([...formerImageIds, ...spec.baseline.taggedImageIds])];
    const value = await orNull('its former images', spec.id, () => unusable(wanted));
    if (value) former.set(spec.id, { atMs: clock.monotonicMs(), value });
    return value;
  }

  return {
    tagged,
    async look(release, isFresh) {
      const { phase } = release.progress;
      const isBack = phase === 'rolling-back' || release.intent.want === 'rollback';
      const unusableFormerImageIds =
        withoutWayBack.includes(phase) && !isBack ? [] : await lookBack(release, isBack ? FRESH_MS : FORMER_FRESH_MS);
      return { ...(await lookNow(release, isFresh)), unusableFormerImageIds };
    },
  };
}
