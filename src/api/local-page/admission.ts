import { createHash, randomBytes } from 'node:crypto';

/** An address that was printed is good for so long. */
const CODE_LIFE_MS = 600_000;
const SESSION_LIFE_MS = 12 * 3_600_000;
const MOST_SESSIONS = 16;
/** To say of a code that it was used already, or is too old. */
const MOST_FORMER_CODES = 100;

/** Who is let in: a code is handed over once, for the token of a session. */
export interface Admission {
  /** The code of the next session. The one before it, if it is not used yet, stays good. */
  newCode(): string;
  /** `used` and `expired` are said of codes that were real. */
  redeem(code: string): { token: string; livesMs: number } | 'used' | 'expired' | 'unknown';
  admits(token: string): boolean;
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('base64url');
/** 256 bits: nobody guesses it. */
const newSecret = () => randomBytes(32).toString('base64url');

/** Kept in memory, as hashes: looking one up tells by its time nothing of the secret. @param nowMs monotonic. */
export function createAdmission(nowMs: () => number): Admission {
  const codes = new Map<string, { untilMs: number; isUsed: boolean }>();
  /** By hash of the token, oldest first: when they end. */
  const sessions = new Map<string, number>();

  return {
    newCode() {
      const code = newSecret();
      codes.set(hashOf(code), { untilMs: nowMs() + CODE_LIFE_MS, isUsed: false });
      dropOldest(codes, MOST_FORMER_CODES);
      return code;
    },
    redeem(code) {
      const known = codes.get(hashOf(code));
      if (!known) return 'unknown';
      if (known.isUsed) return 'used';
      known.isUsed = true;
      if (nowMs() >= known.untilMs) return 'expired';
      const token = newSecret();
      sessions.set(hashOf(token), nowMs() + SESSION_LIFE_MS);
      dropOldest(sessions, MOST_SESSIONS);
      return { token, livesMs: SESSION_LIFE_MS };
    },
    admits: (token) => nowMs() < (sessions.get(hashOf(token)) ?? Number.NEGATIVE_INFINITY),
  };
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  for (const key of [...map.keys()].slice(0, Math.max(0, map.size - most))) map.delete(key);
}
