import type { Registry } from 'prom-client';
import type { SilenceSurvey } from '../../model/silence.ts';
import { type SurveyFigure, surveyGauges } from './survey-gauges.ts';

const figures: readonly SurveyFigure<SilenceSurvey>[] = [
  {
    name: 'kiln_silent_amphorae',
    help: 'Amphorae of load balancers without a heartbeat for [health_manager] heartbeat_timeout.',
    of: ({ silent }) => silent,
  },
  {
    name: 'kiln_heartbeats_lost_amphorae',
    help: 'Of the silent amphorae, those whose agents answer: only their heartbeats do not arrive.',
    of: ({ heartbeatsLost }) => heartbeatsLost,
  },
  {
    name: 'kiln_silence_failovers_running',
    help: 'Failovers of silent amphorae that have not ended.',
    of: ({ runningFailovers }) => runningFailovers,
  },
  {
    name: 'kiln_failover_breaker_open',
    help: '1 while failovers are stopped because too many amphorae are silent at once, else 0.',
    of: ({ breaker }) => (breaker.openSince === null ? 0 : 1),
  },
];

/** Figures of silence, read from the database when metrics are asked for: each process that serves metrics has them. */
export function silenceMetrics(registry: Registry, survey: () => Promise<SilenceSurvey>): void {
  surveyGauges(registry, figures, survey);
}
