/** A value as one word of a shell command that is shown to be copied: quoted only where it has to be. */
export function shellWord(value: string): string {
  return /^[\w.,:@%+/=-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
