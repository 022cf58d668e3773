import type { Http } from './http.ts';
import { createServiceClient, type ServiceClient, type ServiceSession, segment } from './service-client.ts';

/** A change of an image is this, of Glance's own, and no other JSON patch. */
export const imagePatchType = { 'content-type': 'application/openstack-images-v2.1-json-patch' };

/** Glance's API v2. Catalogs have its endpoint with a version, or without. */
export const createImageClient = (options: { session: ServiceSession; http: Http }): ServiceClient =>
  createServiceClient({
    serviceType: 'image',
    session: options.session,
    http: options.http,
    base: (endpoint) => `${endpoint.replace(/\/v2(\.\d+)?$/, '')}/v2`,
  });

export const imagePath = (imageId: string): string => `/images/${segment('The image ID', imageId)}`;
