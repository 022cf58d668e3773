// The arrows of ARCHITECTURE.md, checked by `npm run check`. Each layer names what it may import from src/.
const layers = {
  lib: [],
  model: ['lib'],
  config: ['lib', 'model'],
  ports: ['lib', 'model'],
  core: ['lib', 'model'],
  services: ['lib', 'model', 'core', 'ports'],
  flows: ['lib', 'model', 'core', 'ports'],
  http: ['lib'],
  api: ['lib', 'model', 'core', 'ports', 'services', 'http'],
  health: ['lib', 'model', 'core', 'ports'],
  housekeeping: ['lib', 'model', 'core', 'ports'],
  releases: ['lib', 'model', 'core', 'ports', 'services', 'housekeeping'],
  'octavia-release': ['lib', 'model', 'core', 'ports'],
  adapters: ['lib', 'model', 'ports'],
  cli: ['lib', 'model', 'core', 'ports'],
  'dev-agent': ['lib', 'model', 'core', 'http'],
  'dev-cloud': ['lib', 'model', 'http'],
  ui: ['lib', 'model'],
};

const arrows = Object.entries(layers).map(([layer, allowed]) => ({
  name: `${layer}-imports-only-${allowed.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: `^src/${layer}/`, pathNot: '\\.test\\.ts$' },
  to: { path: '^(src|test)/', pathNot: `^src/(${[layer, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...arrows,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'nobody-imports-main',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/main/' },
      to: { path: '^src/main/' },
    },
    {
      name: 'the-test-kit-is-for-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^test/' },
    },
    {
      name: 'model-and-core-are-pure',
      comment:
        'No I/O, no clock: node:crypto for hashing, node:net for address checks, node:tls for cipher lists and node:zlib are the exceptions.',
      severity: 'error',
      from: { path: '^src/(model|core)/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|net|tls|zlib)$' },
    },
    {
      name: 'commands-start-quickly',
      comment: 'The command line loads what is large by import() when a command asks for it; types cost nothing.',
      severity: 'error',
      from: { path: '^src/main/(kiln|cli-context)\\.ts$' },
      to: {
        path: '^src/(adapters/(?!clock/)|dev-cloud/|flows/|services/|main/(cli-context|cloud-access|dev|inspect-certificate|openstack|serve|wire)\\.ts)',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.cjs', '.json'],
    },
  },
};
