/** The contents page: what one can ask Kiln to do with amphorae, and the flow that does it. */
import { KilnError } from '../model/errors.ts';
import type { AmphoraOperations } from '../ports/amphora-operations.ts';
import { bootAmphora } from './boot-amphora.ts';
import { deleteAmphora } from './delete-amphora.ts';
import type { AmphoraParts } from './parts.ts';

export { recoverAmphorae } from './recover-amphorae.ts';

export function createAmphoraOperations(parts: AmphoraParts): AmphoraOperations {
  return {
    boot: (request, onEvent, signal) => bootAmphora(parts, request, onEvent, signal),
    delete: (amphoraId) => deleteAmphora(parts, amphoraId),
    list: (options) => parts.store.list(options),
    async get(amphoraId) {
      const amphora = await parts.store.get(amphoraId);
      if (!amphora) throw new KilnError('AMPHORA_NOT_FOUND', `there is no amphora ${amphoraId}`);
      return amphora;
    },
  };
}
