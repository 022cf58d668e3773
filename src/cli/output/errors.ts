import type { KilnError } from '../../model/errors.ts';
import { printable } from '../format/printable.ts';
import type { View } from './view.ts';

/** The document that `--json` prints on stdout when a command fails. */
export function errorDocument(error: KilnError): { error: object } {
  return { error: { ...error.toJSON(), exitCode: error.exitCode } };
}

/** "error: …", "what to do: …" and "code: …", by which the documents list errors; with `debug`, the stack and what caused it as well. Ends with a line feed. */
export function renderError(error: KilnError, view: View, debug: boolean): string {
  // Faults of a configuration are the operator's own lines, one each; anybody else's text can't begin a new line.
  const message = error.code === 'CONFIGURATION_INVALID' ? error.message.split('\n') : [error.message];
  const lines = [
    `${view.paint('red', 'error:')} ${message.map(printable).join('\n')}`,
    `${view.paint('bold', 'what to do:')} ${printable(error.advice)}`,
    `${view.paint('bold', 'code:')} ${error.code}, exit status ${error.exitCode}`,
  ];
  if (debug) {
    lines.push(`details: ${JSON.stringify(error.details)}`);
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      lines.push((cause.stack ?? cause.message).split('\n').map(printable).join('\n'));
    }
  }
  return `${lines.join('\n')}\n`;
}
