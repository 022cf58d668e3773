import { styleText } from 'node:util';
import type { OutputStream } from '../context.ts';

type Colour = 'green' | 'yellow' | 'red' | 'bold' | 'dim' | 'cyan';

/** How text is to look on one stream. */
export interface View {
  /** Null: no limit. */
  columns: number | null;
  /** The text in a colour, or as it is where no colour may be written. */
  paint(colour: Colour, text: string): string;
  /** For ages. */
  now: Date;
}

export function createView(stream: OutputStream, now: Date): View {
  return {
    columns: stream.columns,
    now,
    paint: (colour, text) => (stream.colour ? styleText(colour, text, { validateStream: false }) : text),
  };
}
