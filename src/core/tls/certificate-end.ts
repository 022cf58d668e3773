import type { OwnCertificate } from '../../model/certificate.ts';

/** From then on a certificate's end is an alarm: time enough for an authority that people have to ask. */
export const END_ALARM_DAYS = 30;

const DAY_MS = 24 * 3_600_000;

/** How near its end a certificate is. */
export function judgeEnd(notAfter: string, now: Date): 'ended' | 'soon' | 'fine' {
  const leftMs = Date.parse(notAfter) - now.getTime();
  if (leftMs <= 0) return 'ended';
  return leftMs < END_ALARM_DAYS * DAY_MS ? 'soon' : 'fine';
}

/** What is wrong with one of the controller's files; null when nothing is. */
export function alarmOf({ notAfter, problem }: OwnCertificate, now: Date): 'unreadable' | 'ended' | 'soon' | null {
  if (problem !== null || notAfter === null) return 'unreadable';
  const end = judgeEnd(notAfter, now);
  return end === 'fine' ? null : end;
}
