import type { GlobalOptions } from '../cli/context.ts';
import { examineConfiguration, type LoadedConfiguration, type LoadOptions, refuseFaults } from '../config/load.ts';
import { contradictions } from './contradictions.ts';

/** Where the configuration of this process comes from: its command line and its environment. */
export interface ConfigurationSource {
  options: Pick<GlobalOptions, 'configFiles' | 'configDirs'>;
  environment: Readonly<Record<string, string | undefined>>;
}

/** `KILN_CONFIG_FILE` names the file where `--config-file` does not: for shells, units and containers. */
export function loadOptionsOf({ options, environment }: ConfigurationSource): LoadOptions {
  const named =
    options.configFiles.length > 0 ? options.configFiles : [environment.KILN_CONFIG_FILE ?? ''].filter(Boolean);
  return {
    ...(named.length > 0 ? { configFiles: named } : {}),
    ...(options.configDirs.length > 0 ? { configDirs: options.configDirs } : {}),
    environment,
  };
}

/** @throws CONFIGURATION_INVALID with every fault. */
export function readConfiguration(source: ConfigurationSource): LoadedConfiguration {
  const { loaded, faults } = viewConfiguration(source);
  refuseFaults(faults);
  return loaded;
}

/** What could be read, and every fault: of single values, and where there is none, of options that contradict each other. */
export function viewConfiguration(source: ConfigurationSource): ReturnType<typeof examineConfiguration> {
  const { loaded, faults } = examineConfiguration(loadOptionsOf(source));
  return { loaded, faults: faults.length > 0 ? faults : contradictions(loaded) };
}
