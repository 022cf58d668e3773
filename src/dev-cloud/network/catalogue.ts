import type { FastifyInstance } from 'fastify';

/** Extensions whose behaviour is there. Clients ask for them before they use a feature; Octavia asks for the first. */
const extensions: Record<string, string> = {
  'allowed-address-pairs': 'Allowed Address Pairs',
  availability_zone: 'Availability Zone',
  binding: 'Port Binding',
  'empty-string-filtering': 'Empty String Filtering Extension',
  'external-net': 'Neutron external network',
  'filter-validation': 'Filter parameters validation',
  'ip-substring-filtering': 'IP address substring filtering',
  'net-mtu': 'Network MTU',
  'network-ip-availability': 'Network IP Availability',
  pagination: 'Pagination support',
  'port-security': 'Port Security',
  'project-id': 'project_id field enabled',
  provider: 'Provider Network',
  qos: 'Quality of Service',
  quotas: 'Quota management support',
  'security-group': 'security-group',
  'shared-tenant-access': 'Shared Tenant Access',
  sorting: 'Sorting support',
  'standard-attr-description': 'standard-attr-description',
  'standard-attr-revisions': 'Resource revision numbers',
  'standard-attr-timestamp': 'Resource timestamps',
};

/** Kinds that clients list in passing and of which there are none. */
const emptyCollections = [
  ...['agents', 'routers', 'floatingips', 'availability_zones', 'subnetpools', 'address-groups', 'trunks'],
  ...['service-providers', 'rbac-policies'],
];

const unlimited = {
  ...{ network: -1, subnet: -1, subnetpool: -1, port: -1, router: -1, floatingip: -1, rbac_policy: -1 },
  ...{ security_group: -1, security_group_rule: -1 },
};

/** What is the same for everybody: versions, extensions, quotas, and empty lists. */
export function catalogueRoutes(app: FastifyInstance, baseUrl: () => string): void {
  const link = (rel: string, path: string) => ({ rel, href: `${baseUrl()}${path}` });
  const versions = () => ({ versions: [{ id: 'v2.0', status: 'CURRENT', links: [link('self', '/v2.0/')] }] });
  app.get('/', versions);

  const resources = () => ({
    resources: [
      ...['networks', 'subnets', 'ports', 'security-groups', 'security-group-rules'].map((name) => ({
        links: [link('self', `/v2.0/${name}`)],
        name: name.replaceAll('-', '_').slice(0, -1),
        collection: name.replaceAll('-', '_'),
      })),
      { links: [link('self', '/v2.0/qos/policies')], name: 'policy', collection: 'policies' },
    ],
  });
  app.get('/v2.0', resources);
  app.get('/v2.0/', resources);

  const extension = ([alias, name]: [string, string]) => ({
    name,
    alias,
    description: name,
    updated: '2013-07-23T10:00:00-00:00',
    links: [],
  });
  app.get('/v2.0/extensions', () => ({ extensions: Object.entries(extensions).map(extension) }));
  app.get<{ Params: { alias: string } }>('/v2.0/extensions/:alias', (request, reply) => {
    const { alias } = request.params;
    const name = extensions[alias];
    if (name === undefined) return reply.callNotFound();
    return { extension: extension([alias, name]) };
  });

  for (const collection of emptyCollections) {
    app.get(`/v2.0/${collection}`, () => ({ [collection.replaceAll('-', '_')]: [] }));
  }
  app.get('/v2.0/quotas/:projectId', () => ({ quota: unlimited }));
  app.get('/v2.0/quotas/:projectId/default', () => ({ quota: unlimited }));
}
