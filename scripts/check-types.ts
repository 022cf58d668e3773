/**
 * Types, and ESLint's rules that need them (eslint.config.js), over the same programs: what TypeScript has found out about a file, the
 * rules need not find out again. A file is checked again when it has changed, or what it imports, however far away; faults are kept in
 * no cache. Prints the faults; exit status 1 where there are any.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ESLint } from 'eslint';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');
const cache = join(root, 'node_modules', '.cache', 'kiln-check');
const lintedFile = join(cache, 'linted.json');
const lintedFolders = /^(src|test|scripts)\//;
mkdirSync(cache, { recursive: true });

const programs = ['tsconfig.json', 'src/ui/tsconfig.json'].map(createProgram);
const faults = programs.flatMap(checkTypes);
if (faults.length > 0) {
  const host = {
    getCanonicalFileName: (name: string) => name,
    getCurrentDirectory: () => root,
    getNewLine: () => '\n',
  };
  console.log(ts.formatDiagnostics(faults, host));
}
const lintFaults = await lint();
if (lintFaults) console.log(lintFaults);
process.exit(faults.length > 0 || lintFaults ? 1 : 0);

function createProgram(configFile: string): ts.SemanticDiagnosticsBuilderProgram {
  const options = { incremental: true, tsBuildInfoFile: join(cache, `${configFile.replaceAll('/', '-')}.tsbuildinfo`) };
  const host = {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic(fault: ts.Diagnostic): never {
      throw new Error(ts.flattenDiagnosticMessageText(fault.messageText, '\n'));
    },
  };
  const parsed = ts.getParsedCommandLineOfConfigFile(join(root, configFile), options, host);
  if (!parsed) throw new Error(`${configFile} can't be read`);
  return ts.createIncrementalProgram({
    rootNames: parsed.fileNames,
    options: parsed.options,
    configFileParsingDiagnostics: parsed.errors,
    createProgram: ts.createSemanticDiagnosticsBuilderProgram,
  });
}

function checkTypes(program: ts.SemanticDiagnosticsBuilderProgram): ts.Diagnostic[] {
  const found = [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getSyntacticDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program.getSemanticDiagnostics(),
  ];
  program.emit();
  return found;
}

async function lint(): Promise<string> {
  const keys = lintKeys();
  const linted = readLinted();
  const files = [...keys].filter(([file, key]) => linted[file] !== key).map(([file]) => file);
  if (files.length === 0) return '';
  const parserOptions = { projectService: false, programs: programs.map((program) => program.getProgram()) };
  const eslint = new ESLint({ cwd: root, overrideConfig: { languageOptions: { parserOptions } } });
  const results = await eslint.lintFiles(files);
  const clean = results.filter(({ messages }) => messages.length === 0).map(({ filePath }) => relative(root, filePath));
  const kept = [...keys].filter(([file, key]) => linted[file] === key || clean.includes(file));
  writeFileSync(lintedFile, JSON.stringify(Object.fromEntries(kept)));
  const formatter = await eslint.loadFormatter('stylish');
  return await formatter.format(results);
}

function readLinted(): Readonly<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(lintedFile, 'utf8')) as Record<string, string>;
  } catch {
    return {};
  }
}

/** Of each file that is linted: a hash of all that the rules' verdict on it can follow from. */
function lintKeys(): Map<string, string> {
  const sources = new Map<string, { hash: string; imports: string[] }>();
  for (const source of programs.flatMap((program) => program.getSourceFiles())) {
    if (source.fileName.includes('/node_modules/')) continue;
    const imports = ts
      .preProcessFile(source.text)
      .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
      .map(({ fileName }) => relative(root, join(dirname(source.fileName), fileName)));
    sources.set(relative(root, source.fileName), { hash: hashOf(source.text), imports });
  }
  const settings = ['package-lock.json', 'eslint.config.js', 'tsconfig.json', 'src/ui/tsconfig.json'];
  const common = settings.map((file) => hashOf(readFileSync(join(root, file), 'utf8')));
  const keyOf = (file: string) => {
    const reached = new Set([file]);
    for (const one of reached) for (const next of sources.get(one)?.imports ?? []) reached.add(next);
    return hashOf([...common, ...[...reached].sort().map((one) => `${one} ${sources.get(one)?.hash}`)].join('\n'));
  };
  return new Map([...sources.keys()].filter((file) => lintedFolders.test(file)).map((file) => [file, keyOf(file)]));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
