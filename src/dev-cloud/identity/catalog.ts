import type { IdentityTables, ServiceRow } from './rows.ts';

export const regionId = 'RegionOne';

/** An endpoint as tokens and `GET /v3/auth/catalog` show it. */
interface CatalogEndpoint {
  id: string;
  interface: string;
  region_id: string;
  url: string;
  region: string;
}

export interface CatalogService {
  endpoints: CatalogEndpoint[];
  id: string;
  type: string;
  name: string;
}

export function serviceUrl(service: ServiceRow, baseUrl: string): string {
  return service.url ?? baseUrl + service.path;
}

export function catalog(tables: IdentityTables, baseUrl: string): CatalogService[] {
  return tables.services.all().map((service) => ({
    endpoints: service.endpoints.map((endpoint) => ({
      id: endpoint.id,
      interface: endpoint.interface,
      region_id: regionId,
      url: serviceUrl(service, baseUrl),
      region: regionId,
    })),
    id: service.id,
    type: service.type,
    name: service.name,
  }));
}
