/** The manual page and bash's completion, made from the same data as `--help`. */

import { type Command, exitMeanings } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/commands/index.ts';
import { globalOptions, nouns } from '../../src/cli/program.ts';
import { exitCodes } from '../../src/model/errors.ts';

const words = ({ noun, verb }: Command): string => [noun, verb].filter(Boolean).join(' ');

/** Text as roff: no line of it is taken for a request. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(['.])/gm, '\\&$1');
const option = (flags: string, help: string): string => `.TP\n.B ${roff(flags)}\n${roff(help)}\n`;

/** `kiln(1)`, for man. @param date of the build, as `2026-03-20`. */
export function manualPage(version: string, date: string): string {
  const codes = Object.entries(exitMeanings) as [keyof typeof exitCodes, string][];
  const one = (command: Command): string =>
    [
      `.SS kiln ${roff(words(command))}${(command.arguments ?? []).map(({ name, isOptional }) => ` ${roff(isOptional ? `[${name}]` : name)}`).join('')}`,
      `${roff(command.summary)}.`,
      ...(command.description ? [command.description.split('\n\n').map(roff).join('\n.PP\n')] : []),
      ...(command.arguments ?? []).map(({ name, help }) => option(name, help).trimEnd()),
      ...(command.options ?? []).map(({ flags, help }) => option(flags, help).trimEnd()),
      '.PP\n.nf',
      ...command.examples.map((line) => roff(`    $ ${line}`)),
      '.fi',
    ].join('\n');
  return `.TH KILN 1 "${date}" "kiln ${version}" "User Commands"
.SH NAME
kiln \\- load\\-balancer controller for OpenStack, compatible with Octavia
.SH SYNOPSIS
.B kiln
.RI [ option ...]
.I command
.RI [ argument ...]
.SH DESCRIPTION
Kiln serves Octavia's API, reads octavia.conf, and boots amphorae from the Glance image that carries a tag.
.SH OPTIONS
Every command takes:
${globalOptions()
  .map(({ flags, description }) => option(flags, description))
  .join('')}.SH COMMANDS
${commands.map(one).join('\n')}
.SH EXIT STATUS
.TP
.B 1
a fault in Kiln
${codes.map(([name, meaning]) => `.TP\n.B ${exitCodes[name]}\n${roff(meaning)}\n`).join('')}.SH FILES
.TP
.I /etc/octavia/octavia.conf
what \\fBkiln serve\\fR is configured by
.TP
.I /var/lib/kiln
the state of a Kiln without a database server, and the control socket
.SH SEE ALSO
The guides in /usr/share/doc/kiln.
`;
}

/** For bash-completion: nouns, verbs, and the options of each command. */
export function bashCompletion(): string {
  const long = (flags: string): string[] => flags.match(/--[a-z-]+/g) ?? [];
  const common = [...globalOptions().flatMap(({ flags }) => long(flags)), '--help'].join(' ');
  const everyOption = [...globalOptions(), ...commands.flatMap(({ options }) => options ?? [])];
  const taking = (what: string) =>
    [...new Set(everyOption.flatMap(({ flags }) => (flags.endsWith(` <${what}>`) ? long(flags) : [])))].join('|');
  const first = [...new Set(commands.map(({ noun, verb }) => noun ?? verb)), '--version'];
  const verbs = Object.keys(nouns).map(
    (noun) =>
      `    ${noun}) words='${commands
        .filter((command) => command.noun === noun)
        .map(({ verb }) => verb)
        .join(' ')}' ;;`,
  );
  const options = commands.map(
    (command) =>
      `    '${words(command)}') words='${(command.options ?? []).flatMap(({ flags }) => long(flags)).join(' ')}' ;;`,
  );
  return `# bash completion for kiln; made from the commands' help.
_kiln() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} words='' noun='' verb='' word
  COMPREPLY=()
  case $previous in
    ${taking('file')}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${taking('folder')}) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      -*) ;;
      *) if [ -z "$noun" ]; then noun=$word; elif [ -z "$verb" ]; then verb=$word; fi ;;
    esac
  done
  if [ "\${current#-}" != "$current" ]; then
    case "$noun\${verb:+ $verb}" in
${options.join('\n')}
    esac
    words="$words ${common}"
  elif [ -z "$noun" ]; then
    words='${first.join(' ')}'
  elif [ -z "$verb" ]; then
    case $noun in
${verbs.join('\n')}
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _kiln kiln
`;
}
