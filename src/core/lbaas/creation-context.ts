import type { ApiSettings } from './settings.ts';

/** What the rules need to make rows: they have no clock and no dice of their own. */
export interface CreationContext {
  settings: ApiSettings;
  newId(): string;
  /** ISO 8601 UTC. */
  now: string;
}

/** The fields that every new row begins with. */
export function newRow(
  context: CreationContext,
  projectId: string,
  spec: { adminStateUp?: boolean | null | undefined; tags?: readonly string[] | null | undefined },
) {
  return {
    id: context.newId(),
    projectId,
    // Left out means up; null means down, as it does for Octavia.
    adminStateUp: spec.adminStateUp === undefined ? true : (spec.adminStateUp ?? false),
    provisioningStatus: 'PENDING_CREATE',
    operatingStatus: 'OFFLINE',
    tags: [...new Set(spec.tags ?? [])],
    createdAt: context.now,
    updatedAt: null,
  } as const;
}

/** The common fields of a row that is being changed. */
export function changedRow<Row extends { adminStateUp: boolean; tags: readonly string[] }>(
  row: Row,
  patch: { adminStateUp?: boolean | null | undefined; tags?: readonly string[] | null | undefined },
  now: string,
) {
  return {
    ...row,
    adminStateUp: patch.adminStateUp === undefined ? row.adminStateUp : (patch.adminStateUp ?? false),
    tags: patch.tags === undefined ? row.tags : [...new Set(patch.tags ?? [])],
    provisioningStatus: 'PENDING_UPDATE' as const,
    updatedAt: now,
  };
}

/** A field of a patch: as it was when left out, the default when null. */
export function patched<T>(wish: T | null | undefined, before: T, whenNull: T): T {
  return wish === undefined ? before : (wish ?? whenNull);
}
