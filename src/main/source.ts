import type { GlobalOptions } from '../cli/context.ts';
import { examineConfiguration, type LoadedConfiguration, type LoadOptions, loadConfiguration } from '../config/load.ts';

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

export function readConfiguration(source: ConfigurationSource): LoadedConfiguration {
  return loadConfiguration(loadOptionsOf(source));
}

export function viewConfiguration(source: ConfigurationSource): ReturnType<typeof examineConfiguration> {
  return examineConfiguration(loadOptionsOf(source));
}
