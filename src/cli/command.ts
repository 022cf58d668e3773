/** A command as data: what `kiln NOUN VERB` is called, takes, says in its help, and does. */
import type { BuildInfo } from '../model/build.ts';
import type { exitCodes } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { CliContext, OutputStream } from './context.ts';
import type { Progress } from './output/progress.ts';
import type { View } from './output/view.ts';

export interface ArgumentSpec {
  /** "IMAGE": shown as <IMAGE>. */
  name: string;
  help: string;
  isOptional?: boolean;
}

export interface OptionSpec {
  /** commander's notation: "--tag <tag>", "--why", "-o, --output <file>". */
  flags: string;
  help: string;
  /** May be given more than once; the value is then an array. */
  repeatable?: boolean;
  /** Turns the text into the value; throws a KilnError USAGE. */
  parse?: (text: string) => unknown;
}

/** What a command is given. `options` are keyed as commander does: "--min-disk" is `minDisk`. */
export interface Invocation<Options> {
  arguments: readonly string[];
  options: Options;
  context: CliContext;
  clock: Clock;
  build: BuildInfo;
  signal: AbortSignal;
  progress: Progress;
  /** Asks a person for yes or no; null: there is no terminal to ask on. */
  confirm: ((question: string) => Promise<boolean>) | null;
  /** Prints a remark for people on stderr; nothing with --quiet. */
  remark(text: string): void;
  /** For commands that speak before they end (`dev`); others return an Outcome. */
  stdout: OutputStream;
  json: boolean;
  quiet: boolean;
}

/** What a command comes to. Which of the three forms is printed is the caller's wish, not the command's. */
export interface Outcome {
  /** With `--json`: one document. */
  document: unknown;
  /** Else, for people. Ends without a line feed. */
  render(view: View): string;
  /** With `--quiet`: one a line. */
  ids: readonly string[];
  /** 0 if absent. */
  exitCode?: number;
  /** The command has printed everything itself: nothing of this is. */
  isSaid?: boolean;
}

export interface Command<Options = never> {
  noun: string | null;
  verb: string;
  summary: string;
  /** Further paragraphs of the help. */
  description?: string;
  arguments?: readonly ArgumentSpec[];
  options?: readonly OptionSpec[];
  /** Shell lines, without the prompt. */
  examples: readonly string[];
  /** Exit statuses that this command can end with, besides 0 and 2. */
  exits: readonly (keyof typeof exitCodes)[];
  /** Null: the command has said everything itself. */
  run(invocation: Invocation<Options>): Promise<Outcome | null>;
}

/** Keeps the types of a command's options to itself: the parser checks them, the list of commands need not. */
export function defineCommand<Options = Record<string, never>>(command: Command<Options>): Command<never> {
  return command as unknown as Command<never>;
}

export const exitMeanings: Record<keyof typeof exitCodes, string> = {
  done: 'done',
  usageOrConfiguration: 'wrong usage or configuration',
  noUsableImage: 'no usable image',
  severalImages: 'several images where one was demanded',
  cloudUnreachable: 'the cloud is unreachable or refuses',
  bootFailed: 'the boot failed, or was interrupted',
  releaseNotCompleted: 'the release was rolled back, rejected or aborted',
  releaseHeld: 'the release waits for an operator',
};
