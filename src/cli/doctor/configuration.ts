import { exitCodes } from '../../model/errors.ts';
import type { ConfigurationRemark } from '../context.ts';
import { placedRemark, remarkName } from '../format/remark.ts';
import { type CheckGroup, type Finding, fail, ok, warn } from './check.ts';

function each(
  remarks: readonly ConfigurationRemark[],
  none: string,
  found: (remark: ConfigurationRemark) => Finding,
): readonly Finding[] {
  return remarks.length === 0 ? [ok(none)] : remarks.map(found);
}

export const configurationChecks: CheckGroup = {
  title: 'Configuration',
  exitCode: exitCodes.usageOrConfiguration,
  checks: [
    {
      id: 'configuration.valid',
      title: 'values are allowed',
      async run({ context }) {
        const { files, faults } = await context.configuration();
        if (files.length === 0 && faults.length === 0) {
          return [
            warn(
              'no octavia.conf was found: every option has its default',
              'Name it with --config-file or KILN_CONFIG_FILE, or put it at /etc/octavia/octavia.conf.',
            ),
          ];
        }
        return each(faults, `read ${files.join(', ')}`, (fault) =>
          fail(placedRemark(fault), 'Correct it; most of what follows can’t be checked before.'),
        );
      },
    },
    {
      id: 'configuration.unknown',
      title: 'options are known',
      async run({ context }) {
        const { unknown } = await context.configuration();
        return each(unknown, 'every option is one of Octavia’s or of Kiln’s', (remark) =>
          warn(placedRemark(remark), 'Correct the spelling or remove the line: it has no effect.'),
        );
      },
    },
    {
      id: 'configuration.deprecated',
      title: 'deprecated options',
      async run({ context }) {
        const { deprecated } = await context.configuration();
        return each(deprecated, 'none is set', (remark) => warn(placedRemark(remark), 'Move to what takes its place.'));
      },
    },
    {
      id: 'configuration.cautions',
      title: 'cautions',
      async run({ context }) {
        const { cautions } = await context.configuration();
        return each(cautions, 'none is needed', (remark) =>
          warn(placedRemark(remark), 'If that is not what you want, set another value.'),
        );
      },
    },
    {
      id: 'configuration.unused',
      title: 'options that Kiln does not use',
      async run({ context }) {
        const { unused } = await context.configuration();
        return ok(
          unused.length === 0 ? 'none is set' : `accepted, without effect: ${unused.map(remarkName).join(', ')}`,
        );
      },
    },
  ],
};
