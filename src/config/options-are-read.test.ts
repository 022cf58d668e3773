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

function createProgram(): ts.Program {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  // Tests and what they stand on read a lot that Kiln itself does not.
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join(root, 'src', file));
  return ts.createProgram(files, { ...options, noEmit: true });
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

/** The property that a name takes out of an object: `settings.name`, `settings['name']`, `const { name } = settings`. */
function propertyTaken(checker: ts.TypeChecker, name: ts.Identifier | ts.StringLiteral): ts.Symbol | undefined {
  const { parent } = name;
  if (ts.isPropertyAccessExpression(parent) && parent.name === name) return checker.getSymbolAtLocation(name);
  if (ts.isElementAccessExpression(parent)) return checker.getSymbolAtLocation(name);
  if (!ts.isBindingElement(parent) || (parent.propertyName ?? parent.name) !== name) return undefined;
  if (!ts.isObjectBindingPattern(parent.parent)) return undefined;
  return checker.getTypeAtLocation(parent.parent).getProperty(name.text);
}

/**
 * @param declared option → its declarations, as "FILE:POSITION".
 * @returns those that something obeys.
 */
function obeyedDeclarations(
  program: ts.Program,
  checker: ts.TypeChecker,
  declared: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const taken = fieldsTaken(program);
  const obeyed = new Set<string>();
  const isLookedFor = (name: string) => declared.get(name)?.some((place) => !obeyed.has(place)) ?? false;
  const visit = (node: ts.Node): void => {
    if ((ts.isIdentifier(node) || ts.isStringLiteral(node)) && isLookedFor(node.text)) {
      const field = fieldFedBy(node);
      const places = propertyTaken(checker, node)?.declarations ?? [];
      if (field === null || taken.has(field.text)) for (const place of places) obeyed.add(placeOf(place));
    }
    ts.forEachChild(node, visit);
  };
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(join(root, 'src')));
  const outside = own.filter(({ fileName }) => !fileName.startsWith(optionsFolder));
  // Most options are read in main/: what is found there is not looked for where types take long to find out.
  const rank = ({ fileName }: ts.SourceFile) => (fileName.startsWith(join(root, 'src/main')) ? 0 : 1);
  for (const source of outside.toSorted((a, b) => rank(a) - rank(b))) visit(source);
  return obeyed;
}

const placeOf = (declaration: ts.Node) => `${declaration.getSourceFile().fileName}:${declaration.getStart()}`;

/** Whether each declaration of an option is obeyed: there may be one of the same name in several sections. */
function createReader(program: ts.Program): (option: string) => boolean {
  // Binds the nodes of all files: from then on they know their parents.
  const checker = program.getTypeChecker();
  const options = new Set([...eachOption()].map(([, option]) => option));
  const declared = new Map<string, string[]>();
  for (const source of program.getSourceFiles()) {
    if (!source.fileName.startsWith(optionsFolder)) continue;
    const visit = (node: ts.Node): void => {
      const name = ts.isPropertyAssignment(node) ? node.name.getText(source) : '';
      if (options.has(name)) {
        declared.set(name, [...(declared.get(name) ?? []), placeOf(node)]);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  const obeyed = obeyedDeclarations(program, checker, declared);
  return (option) => {
    const places = declared.get(option) ?? [];
    return places.length > 0 && places.every((place) => obeyed.has(place));
  };
}

it('every declared option is obeyed by something, or declared without effect', { timeout: 120_000 }, () => {
  const read = createReader(createProgram());
  const verdicts = [...eachOption()].map(([section, option, { withoutEffect }]) => {
    return { name: `[${section}] ${option}`, isRead: read(option), withoutEffect: withoutEffect !== null };
  });
  const unread = (withoutEffect: boolean) =>
    verdicts.filter((one) => !one.isRead && one.withoutEffect === withoutEffect).map(({ name }) => name);
  expect(unread(false)).toEqual([]);
  expect(unread(true)).toEqual(verdicts.filter(({ withoutEffect }) => withoutEffect).map(({ name }) => name));
});
