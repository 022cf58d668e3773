import { isDeepStrictEqual } from 'node:util';
import { eachOption, readValue, showValue } from './describe.ts';
import type { LoadedConfiguration, Origin } from './load.ts';
import type { Configuration } from './options/index.ts';

/** An option that has another value in the files than in force. Values are as they may be shown: secrets masked. */
export interface ConfigurationChange {
  readonly section: string;
  readonly option: string;
  readonly from: string;
  readonly to: string;
}

export interface ReloadResult {
  /** In force from now on. */
  readonly changed: readonly ConfigurationChange[];
  /** Not in force until Kiln is started again; listed at each reload until then. */
  readonly needRestart: readonly ConfigurationChange[];
}

/** The configuration of a process that runs on while its files change. */
export interface ReloadableConfiguration {
  /** What is in force. Ask for it when it is needed; don't keep it. */
  current(): LoadedConfiguration;
  /**
   * Reads everything again. Options declared `mutable` take effect, the others keep the value they had at start.
   * @throws CONFIGURATION_INVALID as `load` does; then nothing has changed.
   */
  reload(): ReloadResult;
}

/**
 * Loads at once, so that faults at start are thrown here.
 * @param load reads files and environment; called anew for each reload.
 */
export function createReloadableConfiguration(load: () => LoadedConfiguration): ReloadableConfiguration {
  let inForce = load();
  return {
    current: () => inForce,
    reload() {
      const { loaded, result } = mergeMutable(inForce, load());
      inForce = loaded;
      return result;
    },
  };
}

function mergeMutable(old: LoadedConfiguration, fresh: LoadedConfiguration) {
  const config: Record<string, Record<string, unknown>> = {};
  const origins = new Map<string, Origin>();
  const changed: ConfigurationChange[] = [];
  const needRestart: ConfigurationChange[] = [];
  for (const [section, option, declared] of eachOption()) {
    const key = `${section}.${option}`;
    const [from, to] = [readValue(old, section, option), readValue(fresh, section, option)];
    const same = isDeepStrictEqual(from, to);
    const winner = same || declared.mutable ? fresh : old;
    config[section] = { ...config[section], [option]: readValue(winner, section, option) };
    const origin = winner.origins.get(key);
    if (origin) origins.set(key, origin);
    if (same) continue;
    (declared.mutable ? changed : needRestart).push({
      section,
      option,
      from: showValue(from, old.origins.get(key)),
      to: showValue(to, fresh.origins.get(key)),
    });
  }
  const loaded: LoadedConfiguration = { ...fresh, config: config as Configuration, origins };
  return { loaded, result: { changed, needRestart } };
}
