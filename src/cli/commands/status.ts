import { alarmOf } from '../../core/tls/certificate-end.ts';
import type { ServeStatus } from '../../model/control.ts';
import { KilnError } from '../../model/errors.ts';
import { defineCommand } from '../command.ts';
import { formatAge, formatSpan } from '../format/duration.ts';
import { printable } from '../format/printable.ts';
import { renderFields } from '../output/table.ts';
import type { View } from '../output/view.ts';
import { silenceFields } from './health/render.ts';
import { renderCandidates, renderChoice } from './image/choice.ts';

export const status = defineCommand({
  noun: null,
  verb: 'status',
  summary: 'Ask the running `kiln serve` how it is and which image it chose last',
  examples: ['kiln status', 'kiln status --json'],
  exits: ['cloudUnreachable'],
  async run({ context }) {
    const answer = await context.status();
    if (answer === null) {
      throw new KilnError('SERVICE_UNREACHABLE', 'no `kiln serve` answers here', {
        advice:
          'Start one with `kiln serve`, with the same octavia.conf as this command: both meet at [kiln] control_socket. ' +
          'A process that was started with --role has none.',
      });
    }
    return { document: answer, ids: [String(answer.pid)], render: (view) => render(answer, view) };
  },
});

/** Nothing where all is well. */
function certificateFields({ certificates }: ServeStatus, view: View): [string, string][] {
  return certificates.map((one, index): [string, string] => {
    const alarm = alarmOf(one, view.now);
    const text =
      alarm === 'unreadable'
        ? `${one.file}: ${one.problem}`
        : `${alarm === 'ended' ? 'ended' : 'ends'} on ${one.notAfter}: issue a new one`;
    return [index === 0 ? 'Certificates' : '', view.paint('red', printable(`${one.option} ${text}`))];
  });
}

/** A row of what only the database knows. */
function unknown(title: string, view: View): [string, string] {
  return [title, view.paint('red', 'unknown: the database has not answered')];
}

function amphoraeField({ amphorae }: ServeStatus, view: View): [string, string] {
  if (amphorae === null) return unknown('Amphorae', view);
  const byStatus = Object.entries(amphorae.byStatus).map(([name, count]) => `${count} ${name}`);
  return ['Amphorae', amphorae.total === 0 ? 'none' : `${amphorae.total}: ${byStatus.join(', ')}`];
}

function render(answer: ServeStatus, view: View): string {
  const { configuration, silence, imageChoices } = answer;
  const upMs = view.now.getTime() - Date.parse(answer.startedAt);
  const parts = [
    renderFields(
      [
        ['kiln serve', `pid ${answer.pid}, version ${answer.version}, up for ${formatSpan(upMs)}`],
        ['Configuration', configuration.files.join(', ') || 'defaults only'],
        ['Read', `${configuration.loadedAt} (${formatAge(configuration.loadedAt, view.now)})`],
        amphoraeField(answer, view),
        ...(silence ? silenceFields(silence, view) : [unknown('Silent', view)]),
        ...certificateFields(answer, view),
      ],
      view,
    ),
  ];
  for (const { tag, at, choice, error } of imageChoices) {
    const title = `Tag \`${tag}\`, last asked for ${formatAge(at, view.now)}`;
    parts.push(
      [
        view.paint('bold', printable(title)),
        ...(choice ? [renderChoice(choice, view)] : []),
        ...(error
          ? [
              renderFields(
                [
                  ['No image', error.message],
                  ['What to do', error.advice],
                ],
                view,
              ),
            ]
          : []),
      ].join('\n'),
    );
    if (choice && choice.candidates.length > 1) parts.push(renderCandidates(choice.candidates, view));
  }
  if (imageChoices.length === 0) parts.push('No image has been chosen by tag yet; `kiln image resolve` asks now.');
  return parts.join('\n\n');
}
