import type { CloudObject, OrphanSighting, OwnerClaim, Ownership } from '../model/cloud-object.ts';

/** Which objects in the cloud have lost their owner: see docs/decisions/0029-orphans-in-the-cloud.md. Times are ISO 8601 UTC. */
export interface CloudOrphans {
  /** One answer for each claim, in order. To be asked after the cloud was listed, never before. */
  judge(claims: readonly OwnerClaim[]): Promise<Ownership[]>;
  /** Notes what a complete look has found: each is seen once more, and what is not among them is forgotten. */
  noteLook(found: readonly Pick<CloudObject, 'kind' | 'id' | 'name'>[], at: string): Promise<OrphanSighting[]>;
  sightings(): Promise<OrphanSighting[]>;
  /** After its removal. */
  forget(orphan: Pick<CloudObject, 'kind' | 'id'>): Promise<void>;
  /** IDs of what has been gone for so long that nothing of it can turn up any more. @returns how many: fewer than `limit` when no more are left. */
  forgetIdsGoneBefore(before: string, limit: number): Promise<number>;
}
