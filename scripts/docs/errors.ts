import { exitMeanings } from '../../src/cli/command.ts';
import { errorKinds, exitCodes } from '../../src/model/errors.ts';

const introduction = `# Errors and exit statuses

Made from \`src/model/errors.ts\` by \`npm run docs:generate\`. Don't edit.

An error has a code, a message that says what happened, and an advice that says what to do. The command line prints both
and ends with the exit status of the code; with \`--json\` it prints \`{"error": {"code", "message", "advice",
"retryable", "details", "exitCode"}}\` on stdout. Where Kiln knows more, it gives a better advice than the one below.
`;

/** docs/generated/errors.md. */
export function renderErrors(): string {
  const exits = [
    ...(Object.keys(exitCodes) as (keyof typeof exitCodes)[]).map(
      (key) => [exitCodes[key], exitMeanings[key]] as const,
    ),
    [errorKinds.INTERNAL.exitCode, 'a fault in Kiln: please report it'] as const,
  ].sort(([a], [b]) => a - b);
  return [
    introduction,
    '## Exit statuses of `kiln`',
    '',
    '`kiln doctor` ends with the status of the first check that failed; warnings leave it at 0.',
    '',
    '| Status | Meaning |',
    '| --- | --- |',
    ...exits.map(([status, meaning]) => `| ${status} | ${meaning} |`),
    '',
    '## Errors',
    '',
    '| Code | Exit | HTTP | Try again | What to do |',
    '| --- | --- | --- | --- | --- |',
    ...Object.entries(errorKinds).map(
      ([code, { exitCode, httpStatus, retryable, advice }]) =>
        `| \`${code}\` | ${exitCode} | ${httpStatus} | ${retryable ? 'may help' : 'no use'} | ${advice.replaceAll('|', '\\|')} |`,
    ),
    '',
  ].join('\n');
}
