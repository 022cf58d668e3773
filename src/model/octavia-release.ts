import type { ReleasePlan } from './release-plan.ts';

/** Something that was looked at before a release over an Octavia. */
export interface OctaviaCheck {
  name: string;
  /** stop: the release is not begun. */
  outcome: 'ok' | 'warning' | 'stop';
  message: string;
}

export interface OctaviaPlanView {
  plan: ReleasePlan;
  checks: readonly OctaviaCheck[];
  /** What Kiln as the controller would do, and Octavia does not let anybody do. */
  cantBeHad: readonly string[];
}
