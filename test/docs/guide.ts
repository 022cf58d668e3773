/**
 * A guide whose commands are run: Markdown with
 * - blocks of ```console: lines with `$ ` are commands, what follows is their output, which is compared;
 * - blocks of ```ini: what octavia.conf holds from here on; a line `#option = …` takes the option out;
 * - lines `<!-- $ command -->`: run as well, and not shown.
 */
export interface GuideActions {
  /** Runs a command and returns what the guide is to show of its output. */
  run(command: string): Promise<string>;
  runUnseen(command: string): Promise<void>;
  configure(settings: readonly Setting[]): Promise<void>;
}

/** Null: the option is taken out. */
export interface Setting {
  section: string;
  option: string;
  value: string | null;
}

const fence = '```';
const prompt = '$ ';

/** Does everything the guide says, in order. Returns the guide with the outputs that were seen. */
export async function follow(guide: string, actions: GuideActions): Promise<string> {
  const made: string[] = [];
  let block: { language: string; lines: string[] } | null = null;
  for (const line of guide.split('\n')) {
    if (block && line === fence) {
      if (block.language === 'console') made.push(...(await runBlock(block.lines, actions)));
      else made.push(...block.lines);
      if (block.language === 'ini') await actions.configure(readSettings(block.lines));
      block = null;
      made.push(line);
    } else if (block) {
      block.lines.push(line);
    } else {
      made.push(line);
      if (line.startsWith(fence)) block = { language: line.slice(fence.length), lines: [] };
      const unseen = /^<!-- \$ (.*) -->$/.exec(line)?.[1];
      if (unseen !== undefined) await actions.runUnseen(unseen);
    }
  }
  return made.join('\n');
}

async function runBlock(lines: readonly string[], actions: GuideActions): Promise<string[]> {
  const made: string[] = [];
  for (const line of lines) {
    if (!line.startsWith(prompt)) continue;
    made.push(line);
    const output = await actions.run(line.slice(prompt.length));
    if (output !== '') made.push(...output.split('\n'));
  }
  return made;
}

function readSettings(lines: readonly string[]): Setting[] {
  let section = 'DEFAULT';
  const settings: Setting[] = [];
  for (const line of lines) {
    const heading = /^\[(.+)\]$/.exec(line)?.[1];
    if (heading) section = heading;
    const [, off, option, value] = /^(#?)(\w+) *= *(.*)$/.exec(line) ?? [];
    if (option) settings.push({ section, option, value: off ? null : (value ?? '') });
  }
  return settings;
}

/** octavia.conf with these settings in place of what it said of the same options. */
export function withSettings(configuration: string, settings: readonly Setting[]): string {
  const isSet = (section: string, option: string) =>
    settings.some((setting) => setting.section === section && setting.option === option);
  let section = 'DEFAULT';
  const kept = configuration.split('\n').filter((line) => {
    section = /^\[(.+)\]$/.exec(line)?.[1] ?? section;
    const option = /^(\w+) *=/.exec(line)?.[1];
    return option === undefined || !isSet(section, option);
  });
  const added = settings.flatMap(({ section, option, value }) =>
    value === null ? [] : [`[${section}]`, `${option} = ${value}`],
  );
  return [...kept, ...added, ''].join('\n');
}
