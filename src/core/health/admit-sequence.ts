/** What is known of one agent's heartbeats. */
export interface SequenceState {
  /** Of the newest that was admitted. */
  sequence: number;
  admittedAtMs: number;
  /** Of the newest since then whose number was not higher; null: none. */
  heldSequence: number | null;
}

/**
 * - admit: it is the newest.
 * - restarted: the agent counts from 0 again. It counts like the newest, with all that was held.
 * - hold: its number is too low, or the agent has started again. What it says is not believed yet.
 * - drop: it was seen before.
 */
export type Admission = 'admit' | 'restarted' | 'hold' | 'drop';

/**
 * Tells what to do with a heartbeat by its number. Agents count from 0 when they start, and nothing in a packet says that
 * they have started: a low number may as well be an old packet, sent again by somebody who has overheard it. While the
 * agent lives, its next one shows which it was; where no next one comes in time, the agent has started again.
 * @param patienceMs longer than an agent waits between two heartbeats to the same controller.
 */
export function admitSequence(
  state: SequenceState | undefined,
  sequence: number,
  nowMs: number,
  patienceMs: number,
): { admission: Admission; state: SequenceState } {
  const newest: SequenceState = { sequence, admittedAtMs: nowMs, heldSequence: null };
  if (!state || sequence > state.sequence) return { admission: 'admit', state: newest };
  if (sequence === state.sequence || sequence <= (state.heldSequence ?? -1)) return { admission: 'drop', state };
  if (nowMs - state.admittedAtMs >= patienceMs) return { admission: 'restarted', state: newest };
  return { admission: 'hold', state: { ...state, heldSequence: sequence } };
}
