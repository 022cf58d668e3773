import { Type } from 'typebox';
import { noneIfGone } from '../../model/errors.ts';
import type { ImageMarks } from '../../ports/image-marks.ts';
import { readerOf } from './answers.ts';
import { createImageClient, imagePatchType, imagePath } from './glance-client.ts';
import type { Http } from './http.ts';
import type { ServiceSession } from './service-client.ts';

const PROPERTY = 'kiln_release';
const readMark = readerOf(Type.Object({ [PROPERTY]: Type.Optional(Type.Union([Type.String(), Type.Null()])) }));

/** Marks of images, in Glance. */
export function createImageMarks(options: { session: ServiceSession; http: Http }): ImageMarks {
  const client = createImageClient(options);
  const patch = (imageId: string, change: object) =>
    client.send({
      method: 'PATCH',
      path: imagePath(imageId),
      headers: imagePatchType,
      json: [{ path: `/${PROPERTY}`, ...change }],
      repeatable: true,
    });
  const read = async (imageId: string) =>
    (await client.call({ method: 'GET', path: imagePath(imageId) }, readMark))[PROPERTY] ?? null;

  return {
    read,
    // Adding a property that is there replaces it.
    write: (imageId, mark) => patch(imageId, { op: 'add', value: mark }),
    async remove(imageId) {
      // Glance answers 409 to the removal of a property that is not there.
      if ((await read(imageId).catch(noneIfGone)) === null) return;
      await patch(imageId, { op: 'remove' }).catch(noneIfGone);
    },
  };
}
