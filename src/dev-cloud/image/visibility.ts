import type { CloudUser } from '../context.ts';
import type { ImageRow, ImageTables, MemberRow } from './rows.ts';

export type MemberStatusFilter = MemberRow['status'] | 'all';

/** The membership of a project in an image, if it has one. */
export function membership(tables: ImageTables, imageId: string, projectId: string): MemberRow | undefined {
  return tables.members.get(`${imageId}/${projectId}`);
}

/** Whether `GET /v2/images/{id}` shows the image: a member sees it before it has accepted. */
export function isVisible(tables: ImageTables, image: ImageRow, user: CloudUser): boolean {
  return (
    user.isAdmin ||
    image.owner === null ||
    image.owner === user.projectId ||
    image.visibility === 'public' ||
    image.visibility === 'community' ||
    (image.visibility === 'shared' && membership(tables, image.id, user.projectId) !== undefined)
  );
}

/**
 * Whether a listing may hold the image. An administrator gets every project's images; others get public ones, their own,
 * and those shared with them in `memberStatus`. Another project's community image comes only when asked for by
 * `visibility`, and that holds for administrators too.
 */
export function isListed(
  tables: ImageTables,
  image: ImageRow,
  user: CloudUser,
  visibility: string | undefined,
  memberStatus: MemberStatusFilter,
): boolean {
  const own = image.owner === user.projectId;
  if (visibility === undefined) {
    if (image.visibility === 'community' && !own) return false;
  } else if (visibility !== 'all' && image.visibility !== visibility) return false;

  if (user.isAdmin || own || image.visibility === 'public' || image.visibility === 'community') return true;
  if (image.visibility !== 'shared') return false;
  const status = membership(tables, image.id, user.projectId)?.status;
  return status !== undefined && (memberStatus === 'all' || status === memberStatus);
}

/** Whether the user may change or delete the image. */
export function isMutable(image: ImageRow, user: CloudUser): boolean {
  return user.isAdmin || (image.owner !== null && image.owner === user.projectId);
}
