/** Parsers for what is typed, shared by the commands. Each throws USAGE, naming the value and what is allowed. */
import { KilnError } from '../model/errors.ts';

const tagLength = 255;

/** A tag that Glance can hold and find again. */
export function parseTag(text: string): string {
  const characters = [...text].length;
  if (characters === 0)
    throw new KilnError('USAGE', 'the tag is empty', { advice: 'Name a tag of 1 to 255 characters.' });
  if (characters > tagLength) {
    throw new KilnError('USAGE', `the tag has ${characters} characters; Glance takes ${tagLength} at most`, {
      advice: 'Use a shorter tag.',
    });
  }
  // Glance strips blanks from the tag of a query, so that such a tag could be set and never be found.
  if (text.trim() !== text) {
    throw new KilnError('USAGE', `the tag "${text}" begins or ends with a blank, and Glance would never find it`, {
      advice: `Use "${text.trim()}".`,
    });
  }
  return text;
}

/** A whole number within bounds; `what` names it: "--min-disk". */
export function parseWhole(what: string, minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
      throw new KilnError('USAGE', `${what} is "${text}"; allowed is a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  };
}

/** One of several words; `what` names the option. */
export function parseChoice<Choice extends string>(what: string, choices: readonly Choice[]): (text: string) => Choice {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) throw new KilnError('USAGE', `${what} is "${text}"; allowed is ${choices.join(', ')}`);
    return choice;
  };
}

/** "key=value"; the value may hold further "=". */
export function parseProperty(text: string): readonly [key: string, value: string] {
  const equals = text.indexOf('=');
  if (equals < 1) {
    throw new KilnError('USAGE', `the property "${text}" has no key and value`, {
      advice: 'Write it as --property key=value, such as --property hw_architecture=x86_64.',
    });
  }
  return [text.slice(0, equals), text.slice(equals + 1)];
}
