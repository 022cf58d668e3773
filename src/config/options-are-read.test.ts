import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { eachOption } from './describe.ts';

/**
 * Every option that is declared is read by something that obeys it, or is declared without effect. TypeScript's own
 * references decide. A reference that only hands the value on into a field of some settings
 * (`portDetachSeconds: networking.port_detach_timeout`) counts when somebody reads that field.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
const optionsFolder = join(root, 'src/config/options');

function createService(): ts.LanguageService {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  // Tests and what they stand on read a lot that Kiln itself does not.
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('testing/'))
    .map((file) => join(root, 'src', file));
  return ts.createLanguageService({
    getCompilationSettings: () => options,
    getScriptFileNames: () => files,
    getScriptVersion: () => '1',
    getScriptSnapshot(file) {
      const text = ts.sys.readFile(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  });
}

/** The innermost node at a position. */
function nodeAt(file: ts.SourceFile, position: number): ts.Node {
  let found: ts.Node = file;
  const descend = (node: ts.Node): void => {
    if (node.getStart(file) <= position && position < node.getEnd()) {
      found = node;
      ts.forEachChild(node, descend);
    }
  };
  descend(file);
  return found;
}

/** The field of an object literal that an expression is handed on into, as it stands or through `??` and `||`. */
function fieldFedBy(node: ts.Node): ts.Identifier | null {
  let value = node.parent;
  while (
    ts.isPropertyAccessExpression(value) ||
    ts.isParenthesizedExpression(value) ||
    ts.isAsExpression(value) ||
    (ts.isBinaryExpression(value) && ['??', '||'].includes(value.operatorToken.getText()))
  ) {
    value = value.parent;
  }
  return ts.isPropertyAssignment(value) && ts.isIdentifier(value.name) ? value.name : null;
}

/** Names of fields that something takes out of an object: `settings.name`, `const { name } = settings`. */
function fieldsTaken(program: ts.Program): ReadonlySet<string> {
  const taken = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) taken.add(node.name.text);
    if (ts.isBindingElement(node)) taken.add((node.propertyName ?? node.name).getText());
    ts.forEachChild(node, visit);
  };
  for (const source of program.getSourceFiles()) {
    if (source.fileName.startsWith(join(root, 'src'))) visit(source);
  }
  return taken;
}

function createReader(service: ts.LanguageService) {
  const program = service.getProgram();
  if (!program) throw new Error('TypeScript has no program');
  const taken = fieldsTaken(program);
  const declared = new Map<string, { file: string; position: number }[]>();
  for (const source of program.getSourceFiles()) {
    if (!source.fileName.startsWith(optionsFolder)) continue;
    const visit = (node: ts.Node): void => {
      if (ts.isPropertyAssignment(node)) {
        const name = node.name.getText(source);
        declared.set(name, [
          ...(declared.get(name) ?? []),
          { file: source.fileName, position: node.name.getStart(source) },
        ]);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }

  function isObeyed(file: string, position: number): boolean {
    const places = service.findReferences(file, position)?.flatMap(({ references }) => references) ?? [];
    return places.some((place) => {
      const source = program?.getSourceFile(place.fileName);
      if (!source || place.fileName.startsWith(optionsFolder)) return false;
      const field = fieldFedBy(nodeAt(source, place.textSpan.start));
      return field === null || taken.has(field.text);
    });
  }

  /** An option of the same name in several sections: each of its declarations. */
  return (option: string): boolean => {
    const places = declared.get(option) ?? [];
    return places.length > 0 && places.every(({ file, position }) => isObeyed(file, position));
  };
}

it('every declared option is obeyed by something, or declared without effect', { timeout: 300_000 }, () => {
  const read = createReader(createService());
  const verdicts = [...eachOption()].map(([section, option, { withoutEffect }]) => {
    return { name: `[${section}] ${option}`, isRead: read(option), withoutEffect: withoutEffect !== null };
  });
  const unread = (withoutEffect: boolean) =>
    verdicts.filter((one) => !one.isRead && one.withoutEffect === withoutEffect).map(({ name }) => name);
  expect(unread(false)).toEqual([]);
  expect(unread(true)).toEqual(verdicts.filter(({ withoutEffect }) => withoutEffect).map(({ name }) => name));
});
