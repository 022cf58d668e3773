import { showValue } from '../config/describe.ts';
import type { ConfigurationFault, LoadedConfiguration } from '../config/load.ts';
import type { Configuration } from '../config/options/index.ts';
import { checkCiphers, checkTlsVersions } from '../core/lbaas/tls.ts';
import { toKilnError } from '../model/errors.ts';
import { apiSettings } from './settings/api-settings.ts';

/** A thing that is wrong with the options together, each of which is allowed. */
interface Contradiction {
  section: keyof Configuration;
  /** The one that gives way. */
  option: string;
  message: string;
}

/**
 * Options that can't hold together: what a listener or pool that says nothing would get is what nobody may ask for
 * (octavia/common/config.py, init), or what HAProxy refuses.
 */
export function contradictions(loaded: LoadedConfiguration): ConfigurationFault[] {
  return findContradictions(loaded.config).map(({ section, option, message }) => {
    const origin = loaded.origins.get(`${section}.${option}`);
    const source = origin?.source ?? { kind: 'default' };
    const options: Readonly<Record<string, unknown>> = loaded.config[section];
    return {
      section,
      option,
      value: showValue(options[option], origin),
      allowed: null,
      file: source.kind === 'file' ? source.file : null,
      line: source.kind === 'file' ? source.line : null,
      variable: source.kind === 'environment' ? source.variable : null,
      message,
    };
  });
}

function findContradictions(config: Configuration): Contradiction[] {
  const found: Contradiction[] = [];
  const settings = apiSettings(config);
  const { minimum_tls_version: minimum } = config.api_settings;
  for (const owner of ['listener', 'pool'] as const) {
    const ciphers = `default_${owner}_ciphers` as const;
    const versions = `default_${owner}_tls_versions` as const;
    const protocols = `default_${owner}_alpn_protocols` as const;
    const add = (option: string, message: string) => found.push({ section: 'api_settings', option, message });
    attempt(
      () => checkCiphers(config.api_settings[ciphers], settings),
      (message) => add(ciphers, `${message} Correct this option or tls_cipher_prohibit_list.`),
    );
    attempt(
      () => checkTlsVersions(config.api_settings[versions], settings, owner),
      (message) =>
        add(versions, `${message} Correct this option${minimum ? ` or minimum_tls_version (${minimum})` : ''}.`),
    );
    if (config.api_settings[protocols].length === 0)
      add(protocols, 'must name a protocol; leave it out for the default');
  }
  return found;
}

/** @param refused called with the reason, without the words that the API puts before it. */
function attempt(check: () => unknown, refused: (message: string) => void): void {
  try {
    check();
  } catch (error) {
    refused(
      toKilnError(error)
        .message.replace(/^Validation failure: /, '')
        .replace(/\.?$/, '.'),
    );
  }
}
