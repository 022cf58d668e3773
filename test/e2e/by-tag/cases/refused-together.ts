import assert from 'node:assert/strict';
import { assertCode, type Context } from '../context.ts';
import type { RunImage } from '../run-images.ts';

/** An image that may not be booted, though it carries the tag. */
export interface Refused {
  /** Carries no tag yet. */
  make(context: Context): Promise<RunImage>;
  /** Makes it what may not be booted. Rejects with SkipCase where this cloud does not let anybody. */
  spoil(context: Context, image: RunImage): Promise<void>;
}

interface Refusal {
  images: ReadonlyMap<Refused, RunImage>;
  /** Of those that could not be spoilt. */
  failures: ReadonlyMap<Refused, unknown>;
  message: string;
}

/**
 * For cases whose images carry the tag at the same time, once a run: for each load balancer that boots none, Kiln looks for an image
 * for seconds.
 * @returns what resolves with a case's image and the reason that names all; it asks for the load balancer when it is first called.
 */
export function refusedTogether(all: readonly Refused[]) {
  const ofRun = new WeakMap<Context['images'], Promise<Refusal>>();

  async function refuse(context: Context): Promise<Refusal> {
    const images = new Map<Refused, RunImage>();
    const failures = new Map<Refused, unknown>();
    for (const one of all) images.set(one, await one.make(context));
    await context.carry(...images.values());
    for (const [one, image] of images) {
      await one.spoil(context, image).catch((error: unknown) => {
        failures.set(one, error);
        images.delete(one);
      });
    }
    await context.carry(...images.values());
    const { provisioning_reason: reason } = await context.fail();
    assertCode(reason, 'IMAGE_NOT_FOUND');
    return { images, failures, message: reason.message };
  }
  return async (context: Context, one: Refused): Promise<{ image: RunImage; message: string }> => {
    const refusal = ofRun.get(context.images) ?? refuse(context);
    ofRun.set(context.images, refusal);
    const { images, failures, message } = await refusal;
    if (failures.has(one)) throw failures.get(one);
    const image = images.get(one);
    assert.ok(image, 'the case is none of these');
    return { image, message };
  };
}
