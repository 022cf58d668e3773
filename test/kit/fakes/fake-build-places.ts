import type { BuildPlaces } from '../../../src/ports/build-places.ts';

/** In memory; the order is that of the entries, and no operation ends by itself. */
export function createFakeBuildPlaces(): BuildPlaces {
  const amphorae = new Map<string, { operationId: string; admitted: boolean }>();
  return {
    async enter(wanted, limit) {
      for (const { operationId, amphoraIds } of wanted) {
        for (const id of amphoraIds) if (!amphorae.has(id)) amphorae.set(id, { operationId, admitted: false });
      }
      const of = (operationId: string) => [...amphorae.values()].filter((one) => one.operationId === operationId);
      let free = limit - [...amphorae.values()].filter(({ admitted }) => admitted).length;
      for (const operationId of new Set([...amphorae.values()].map((one) => one.operationId))) {
        const waiting = of(operationId).filter(({ admitted }) => !admitted);
        const needed = Math.min(waiting.length, limit);
        if (waiting.length === 0) continue;
        if (limit === 0 || needed > free) break;
        free -= needed;
        for (const one of waiting) one.admitted = true;
      }
      const isIn = (id: string) => of(id).length > 0 && of(id).every(({ admitted }) => admitted);
      return new Set(wanted.map(({ operationId }) => operationId).filter(isIn));
    },
    async leave(operationId, amphoraId) {
      for (const [id, one] of amphorae) {
        if (one.operationId === operationId && (amphoraId ?? id) === id) amphorae.delete(id);
      }
    },
  };
}
