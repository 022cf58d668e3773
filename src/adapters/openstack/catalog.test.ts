import { describe, expect, it } from 'vitest';
import { type Catalog, findEndpoint } from './catalog.ts';
import type { ServiceEndpointSettings } from './settings.ts';

const catalog: Catalog = [
  {
    type: 'image',
    name: 'glance',
    endpoints: [
      { interface: 'admin', region_id: 'One', url: 'http://admin.one/' },
      { interface: 'public', region_id: 'One', url: 'http://public.one/' },
      { interface: 'public', region: 'Two', url: 'http://public.two' },
      { interface: 'internal', region: 'Two', url: 'http://internal.two' },
      { interface: 'internal', region: 'Three', url: null },
    ],
  },
  { type: 'compute', name: 'nova-old', endpoints: [{ interface: 'public', region: 'One', url: 'http://old' }] },
  { type: 'compute', name: 'nova', endpoints: [{ interface: 'public', region: 'One', url: 'http://new' }] },
];
const find = (wanted: Partial<ServiceEndpointSettings>) => findEndpoint(catalog, { serviceType: 'image', ...wanted });

describe('an endpoint', () => {
  it.each<[Partial<ServiceEndpointSettings>, string]>([
    [{}, 'http://public.one'],
    [{ regionName: 'Two' }, 'http://public.two'],
    [{ interfaces: ['internal'] }, 'http://internal.two'],
    [{ interfaces: ['internalURL', 'publicURL'], regionName: 'One' }, 'http://public.one'],
    [{ interfaces: ['admin', 'public'] }, 'http://admin.one'],
    [{ interfaces: [] }, 'http://public.one'],
    [{ serviceType: 'compute' }, 'http://old'],
    [{ serviceType: 'compute', serviceName: 'nova' }, 'http://new'],
    [{ endpointOverride: 'http://mine:1/x/' }, 'http://mine:1/x'],
    [{ serviceType: 'nothing', endpointOverride: 'http://mine' }, 'http://mine'],
  ])('is found for %j', (wanted, url) => {
    expect(find(wanted)).toBe(url);
  });

  it.each<[Partial<ServiceEndpointSettings>, string]>([
    [{ serviceType: 'network' }, 'no public endpoint of the network service: it has compute, image'],
    [{ serviceType: 'compute', serviceName: 'nva' }, 'named nva: compute is there as nova, nova-old'],
    [{ regionName: 'Four' }, 'in region Four: it is in One, Three, Two'],
    [
      { regionName: 'One', interfaces: ['internal'] },
      'no internal endpoint of the image service in region One: it has admin, public there',
    ],
    [{ regionName: 'Three', interfaces: ['internal'] }, 'it has internal there'],
  ])('that is not there is reported with what is: %j', (wanted, message) => {
    expect(() => find(wanted)).toThrow(message);
  });
});
