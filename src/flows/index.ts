/** The contents page: what one can ask Kiln to do with amphorae, and the flow that does it. */
import { KilnError } from '../model/errors.ts';
import type { AmphoraOperations } from '../ports/amphora-operations.ts';
import { bootAmphora } from './boot-amphora.ts';
import { deleteAmphora } from './delete-amphora.ts';
import type { AmphoraDeps } from './deps.ts';

export { recoverAmphorae } from './recover-amphorae.ts';

export function createAmphoraOperations(deps: AmphoraDeps): AmphoraOperations {
  return {
    boot: (request, onEvent, signal) => bootAmphora(deps, request, onEvent, signal),
    delete: (amphoraId) => deleteAmphora(deps, amphoraId),
    list: (options) => deps.store.list(options),
    async get(amphoraId) {
      const amphora = await deps.store.get(amphoraId);
      if (!amphora) throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId}`);
      return amphora;
    },
  };
}
