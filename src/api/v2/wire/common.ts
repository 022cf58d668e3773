/** Times leave as Octavia prints them: UTC, whole seconds, no zone. @param time ISO 8601 in UTC, as the model has them. */
export function wireTime(time: string): string {
  return time.slice(0, 19);
}

export const wireTimeOrNull = (time: string | null): string | null => (time === null ? null : wireTime(time));

export const ids = (list: readonly string[] | undefined): { id: string }[] => (list ?? []).map((id) => ({ id }));

/** A list that Octavia prints as null when nothing was set. */
export const orNull = <T>(list: readonly T[]): T[] | null => (list.length > 0 ? [...list] : null);

/** Kiln makes no SR-IOV ports yet; the field is in Octavia's API since 2.28. */
export const vnicType = 'normal';
