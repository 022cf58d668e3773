/** A pattern that PCRE2, or an older PCRE, would refuse, or that Kiln doesn't offer. */
export class PatternError extends Error {
  /** In bytes of the pattern as UTF-8, from 0. */
  readonly position: number;

  constructor(reason: string, position: number) {
    super(reason);
    this.position = position;
  }
}

/**
 * Reads a pattern byte by byte, as HAProxy has PCRE2 read it (no UTF mode). Each byte is one character of `bytes`.
 */
export class PatternReader {
  position = 0;

  readonly bytes: string;

  constructor(bytes: string) {
    this.bytes = bytes;
  }

  get atEnd(): boolean {
    return this.position >= this.bytes.length;
  }

  /** The next byte, '' at the end. */
  peek(): string {
    return this.bytes[this.position] ?? '';
  }

  next(): string {
    return this.bytes[this.position++] ?? '';
  }

  /** Goes past `text` when it is what comes next. */
  skip(text: string): boolean {
    if (!this.bytes.startsWith(text, this.position)) return false;
    this.position += text.length;
    return true;
  }

  /** What `expression`, which must be sticky (`y`), matches here; the reader goes past it. */
  match(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.position;
    const found = expression.exec(this.bytes);
    if (found) this.position += found[0].length;
    return found;
  }

  fail(reason: string, position = this.position): never {
    throw new PatternError(reason, position);
  }
}
