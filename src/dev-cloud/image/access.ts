import type { FastifyRequest } from 'fastify';
import type { CloudContext, CloudUser } from '../context.ts';
import { ImageFault, noSuchImage } from './fault.ts';
import type { ImageRow, ImageTables } from './rows.ts';
import { timestamp } from './rows.ts';
import { isMutable, isVisible } from './visibility.ts';

/** What every route of the image service works with. */
export interface ImageService {
  context: CloudContext;
  tables: ImageTables;
  /** The caller; a hook has refused those without a valid token. */
  userOf(request: FastifyRequest): CloudUser;
}

export type OfImage = { Params: { id: string } };

/** 404 for an image that the caller may not see, exactly as for one that does not exist. */
export function visibleImage(service: ImageService, request: FastifyRequest<OfImage>): ImageRow {
  const image = service.tables.images.get(request.params.id);
  if (!image || !isVisible(service.tables, image, service.userOf(request))) throw noSuchImage(request.params.id);
  return image;
}

/** 404 as above; 403 for an image that the caller sees but that belongs to another project. */
export function mutableImage(service: ImageService, request: FastifyRequest<OfImage>, refusal: string): ImageRow {
  const image = visibleImage(service, request);
  if (!isMutable(image, service.userOf(request))) throw new ImageFault(403, refusal);
  return image;
}

/** Writes the changes, with the time of the change. */
export function saveImage(tables: ImageTables, image: ImageRow, changes: Partial<ImageRow>): ImageRow {
  const changed = { ...image, ...changes, updated_at: timestamp() };
  tables.images.put(changed);
  return changed;
}
