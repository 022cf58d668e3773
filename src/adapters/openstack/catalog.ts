import { KilnError } from '../../model/errors.ts';
import type { ServiceEndpointSettings } from './settings.ts';

/** The service catalog of a Keystone token. */
export type Catalog = readonly {
  type: string;
  name?: string;
  endpoints: readonly { interface: string; region?: string | null; region_id?: string | null; url?: string | null }[];
}[];

/**
 * URL of a service, without a slash at its end: the override, else the first catalog endpoint of the type (and name and
 * region, where given) in the order in which interfaces are preferred. CONFIGURATION_INVALID says what the catalog has.
 */
export function findEndpoint(catalog: Catalog, wanted: ServiceEndpointSettings): string {
  if (wanted.endpointOverride) return withoutSlash(wanted.endpointOverride);

  const interfaces = (wanted.interfaces?.length ? wanted.interfaces : ['public']).map((one) => one.replace(/URL$/, ''));
  const services = catalog.filter((service) => service.type === wanted.serviceType);
  const named = wanted.serviceName ? services.filter((service) => service.name === wanted.serviceName) : services;
  const endpoints = named.flatMap((service) => service.endpoints);
  const inRegion = wanted.regionName ? endpoints.filter((one) => regionOf(one) === wanted.regionName) : endpoints;
  for (const name of interfaces) {
    const found = inRegion.find((one) => one.interface === name && one.url);
    if (found?.url) return withoutSlash(found.url);
  }

  const name = wanted.serviceName ? ` named ${wanted.serviceName}` : '';
  const region = wanted.regionName ? ` in region ${wanted.regionName}` : '';
  const reason =
    services.length === 0
      ? `it has ${listed(catalog.map((service) => service.type))}`
      : named.length === 0
        ? `${wanted.serviceType} is there as ${listed(services.map((service) => service.name ?? 'unnamed'))}`
        : inRegion.length === 0
          ? `it is in ${listed(endpoints.map((one) => regionOf(one) ?? 'no region'))}`
          : `it has ${listed(inRegion.map((one) => one.interface))} there`;
  throw new KilnError(
    'CONFIGURATION_INVALID',
    `The catalog has no ${interfaces.join(' or ')} endpoint of the ${wanted.serviceType} service${name}${region}: ${reason}`,
    {
      advice:
        'Correct region_name, endpoint_type or service_name, or name the URL itself: [glance] endpoint, ' +
        '[nova] endpoint, [neutron] endpoint_override.',
    },
  );
}

function regionOf(endpoint: { region?: string | null; region_id?: string | null }): string | null {
  return endpoint.region_id ?? endpoint.region ?? null;
}

function listed(values: readonly string[]): string {
  return [...new Set(values)].sort().join(', ') || 'nothing';
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
