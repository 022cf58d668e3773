/** Makes a commander program out of the commands' data. Runs nothing: what was typed comes back as a `Parsed`. */
import { CommanderError, Option, Command as Program } from 'commander';
import { exitCodes, KilnError } from '../model/errors.ts';
import { type Command, exitMeanings } from './command.ts';
import type { CliEnvironment, GlobalOptions } from './context.ts';

export interface Parsed {
  command: Command;
  arguments: readonly string[];
  options: Record<string, unknown>;
  global: GlobalOptions;
}

/** The words before the verbs, with what stands behind them. */
export const nouns: Record<string, string> = {
  image: 'Amphora images in Glance: list, build, upload, tag, and which one is next',
  release: 'Bring an image to all load balancers: probed, in waves, watched, and back again',
  loadbalancer: 'Load balancers: give one another flavor',
  amphora: 'Amphorae: boot, list, show, delete',
  operation: 'What was asked for on load balancers, and what became of it',
  health: 'Amphorae that are silent, and whether they are failed over',
  housekeeping: 'Jobs that are done at intervals: list them, do one now',
  secret: 'Certificates that listeners and pools refer to',
  db: 'The tables in the database',
  config: 'The configuration that is in force',
};

/** What every command takes, before or after its name. */
export const globalOptions = (): Option[] => [
  new Option('--config-file <file>', 'read this octavia.conf; may be repeated, later ones win').argParser(collect),
  new Option('--config-dir <folder>', 'read the *.conf files of this folder, in order; may be repeated').argParser(
    collect,
  ),
  new Option('--os-cloud <name>', 'use the credentials of this cloud in clouds.yaml'),
  new Option('--json', 'print one JSON document on stdout'),
  new Option('--quiet', 'print IDs only, no progress and no remarks'),
  new Option('--debug', 'log what is done, and print where an error comes from'),
];

function collect(value: unknown, before: unknown): unknown[] {
  return [...(Array.isArray(before) ? before : []), value];
}

/**
 * What was typed, or null when help or the version was asked for and has been printed.
 * Throws USAGE, with the nearest name where something is misspelt.
 */
export function parseCommandLine(
  commands: readonly Command[],
  argv: readonly string[],
  environment: CliEnvironment,
): Parsed | null {
  const { stdout } = environment.terminal;
  let parsed: Parsed | null = null;
  let complaint = '';
  /** Where a command's name was to come: commander then prints the help as an error. */
  let incomplete: Program | null = null;

  const configure = (program: Program): Program => {
    program
      .exitOverride()
      .enablePositionalOptions()
      .showSuggestionAfterError()
      .configureOutput({
        writeOut: (text) => stdout.write(text),
        writeErr: () => {
          incomplete = program;
        },
        outputError: (text) => {
          complaint += text;
        },
        getOutHelpWidth: () => stdout.columns ?? 100,
        getErrHelpWidth: () => stdout.columns ?? 100,
        getOutHasColors: () => stdout.colour,
        getErrHasColors: () => false,
      })
      .helpOption('-h, --help', 'show this help')
      .configureHelp({ sortSubcommands: false });
    program.optionsGroup('Options of every command:');
    for (const option of globalOptions()) program.addOption(option);
    program.optionsGroup('Options:');
    return program;
  };

  const root = configure(new Program('kiln'))
    .description('Boots Octavia amphorae from the Glance image that carries a tag.')
    .version(environment.build.version, '--version', 'print the version of Kiln')
    .helpCommand(false)
    .addHelpText('after', rootHelp);
  const groups = new Map<string, Program>();
  const home = (noun: string | null): Program => {
    if (noun === null) return root;
    let group = groups.get(noun);
    if (!group) {
      group = configure(root.command(noun).description(nouns[noun] ?? '')).helpCommand(false);
      groups.set(noun, group);
    }
    return group;
  };

  for (const command of commands) {
    const program = home(command.noun).command(command.verb);
    program.summary(command.summary);
    program.description([`${command.summary}.`, command.description].filter(Boolean).join('\n\n'));
    for (const argument of command.arguments ?? [])
      program.argument(argument.isOptional ? `[${argument.name}]` : `<${argument.name}>`, argument.help);
    program.optionsGroup('Options:');
    for (const spec of command.options ?? []) {
      const option = new Option(spec.flags, spec.help);
      const parse = spec.parse ?? ((text: string): unknown => text);
      option.argParser((text, before) => (spec.repeatable ? collect(parse(text), before) : parse(text)));
      program.addOption(option);
    }
    configure(program).addHelpText('after', commandHelp(command));
    program.action(() => {
      parsed = {
        command,
        arguments: program.args,
        options: program.opts(),
        global: mergeGlobal([root, ...(command.noun === null ? [] : [home(command.noun)]), program]),
      };
    });
  }

  try {
    root.parse([...argv], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return null;
    throw incomplete ? commandMissing(incomplete) : usageError(complaint || thrown.message);
  }
  return parsed;
}

/** commander's complaint: "error: …", then perhaps "(Did you mean …?)". */
function usageError(complaint: string): KilnError {
  const [first = '', ...rest] = complaint.trim().split('\n');
  const suggestion = rest.join(' ').replace(/^\(|\)$/g, '');
  return new KilnError(
    'USAGE',
    first.replace(/^error: /, ''),
    suggestion ? { advice: `${suggestion} Run it with --help for all there is.` } : {},
  );
}

function commandMissing(program: Program): KilnError {
  const path = program.parent ? `kiln ${program.name()}` : 'kiln';
  return new KilnError('USAGE', `a command is missing after \`${path}\``, {
    advice: `Name one of: ${program.commands.map((command) => command.name()).join(', ')}. \`${path} --help\` says more.`,
  });
}

function mergeGlobal(programs: readonly Program[]): GlobalOptions {
  const values = programs.map((program) => program.opts<Record<string, unknown>>());
  const all = (key: string): string[] => values.flatMap((value) => (value[key] as string[] | undefined) ?? []);
  const any = (key: string): boolean => values.some((value) => value[key] === true);
  return {
    configFiles: all('configFile'),
    configDirs: all('configDir'),
    osCloud: (values.findLast((value) => value.osCloud !== undefined)?.osCloud as string | undefined) ?? null,
    json: any('json'),
    quiet: any('quiet'),
    debug: any('debug'),
  };
}

function exitLines(exits: Command['exits']): string {
  const shown: Command['exits'] = ['done', 'usageOrConfiguration', ...exits];
  const lines = [...new Set(shown)].map((exit) => `  ${exitCodes[exit]}  ${exitMeanings[exit]}`);
  // Not in the catalogue of what can be expected; it is the status of an error that nobody foresaw.
  lines.splice(1, 0, '  1  a fault in Kiln');
  return lines.join('\n');
}

function commandHelp(command: Command): string {
  return `\nExamples:\n${command.examples.map((line) => `  $ ${line}`).join('\n')}\n\nExit status:\n${exitLines(command.exits)}`;
}

const rootHelp = `
Examples:
  $ kiln dev                                    # a cloud on this laptop
  $ kiln image push amphora.qcow2 --tag amphora
  $ kiln image resolve --why
  $ kiln amphora boot
  $ kiln doctor

Exit status of all commands:
${exitLines(['noUsableImage', 'severalImages', 'cloudUnreachable', 'bootFailed'])}`;
