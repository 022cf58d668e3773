import type { KilnError } from '../../model/errors.ts';
import { printable } from '../format/printable.ts';
import type { View } from './view.ts';

/** The document that `--json` prints on stdout when a command fails. */
export function errorDocument(error: KilnError): { error: object } {
  return { error: { ...error.toJSON(), exitCode: error.exitCode } };
}

/** "error: …" and "what to do: …"; with `debug`, the stack and what caused it as well. Ends with a line feed. */
export function renderError(error: KilnError, view: View, debug: boolean): string {
  const lines = [
    `${view.paint('red', 'error:')} ${printable(error.message)}`,
    `${view.paint('bold', 'what to do:')} ${printable(error.advice)}`,
  ];
  if (debug) {
    lines.push(`code: ${error.code}`, `details: ${JSON.stringify(error.details)}`);
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      lines.push((cause.stack ?? cause.message).split('\n').map(printable).join('\n'));
    }
  }
  return `${lines.join('\n')}\n`;
}
