import { join } from 'node:path';
import type { Configuration } from '../config/options/index.ts';
import { KilnError } from '../model/errors.ts';
import type { SecretFolder } from '../ports/secret-folder.ts';
import type { StatePaths } from './state-paths.ts';

/** Where local_cert_manager keeps its secrets. */
export function secretsPath({ certificates }: Configuration, paths: StatePaths): string {
  return certificates.storage_path ?? join(paths.folder, 'secrets');
}

/** For those who put secrets there. CONFIGURATION_INVALID when Kiln reads none from there. */
export async function secretFolder(configuration: Configuration, paths: StatePaths): Promise<SecretFolder> {
  const { cert_manager: manager } = configuration.certificates;
  if (manager !== 'local_cert_manager') {
    throw new KilnError('CONFIGURATION_INVALID', `[certificates] cert_manager is ${manager}: Kiln keeps no secrets`, {
      advice: 'Set [certificates] cert_manager = local_cert_manager to keep them in a folder.',
    });
  }
  const { createLocalSecretStore } = await import('../adapters/secrets/local-secret-store.ts');
  return createLocalSecretStore(secretsPath(configuration, paths));
}
