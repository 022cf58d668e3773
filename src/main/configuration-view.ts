import type { ConfigurationRemark as CliRemark, ConfigurationView } from '../cli/context.ts';
import { describeConfiguration, formatSource } from '../config/describe.ts';
import type { ConfigurationFault, LoadedConfiguration } from '../config/load.ts';
import type { ConfigurationRemark } from '../config/remarks.ts';
import { remarksOf } from './remarks.ts';

/** The configuration as the command line shows it: secrets are masked already. */
export function configurationView(examined: {
  loaded: LoadedConfiguration;
  faults: readonly ConfigurationFault[];
}): ConfigurationView {
  const { loaded, faults } = examined;
  const { unknown, unused, deprecated, cautions } = remarksOf(loaded);
  return {
    files: loaded.files,
    rows: describeConfiguration(loaded, { all: true }),
    faults: faults.map((fault) => ({
      section: fault.section ?? '',
      option: fault.option ?? '',
      where: fault.variable ?? (fault.line === null ? (fault.file ?? '') : `${fault.file}:${fault.line}`),
      message: fault.value === null ? fault.message : `${fault.message} (it is "${fault.value}")`,
    })),
    unknown: unknown.map(remark),
    unused: unused.map(remark),
    deprecated: deprecated.map(remark),
    cautions: cautions.map(remark),
  };
}

function remark({ section, option, source, message }: ConfigurationRemark): CliRemark {
  return { section, option: option ?? '', where: formatSource(source), message };
}
