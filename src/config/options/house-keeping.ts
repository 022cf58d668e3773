import { integer } from '../option.ts';

/** [house_keeping]: what is done at intervals. Of all worker processes, one does each job (`kiln housekeeping list`). */
export const houseKeepingOptions = {
  cleanup_interval: integer({
    default: 30,
    unit: 'seconds',
    min: 1,
    mutable: true,
    help: 'How often the job `purge` looks for rows that have come of age. They are removed a hundred at a time.',
  }),
  amphora_expiry_age: integer({
    default: 604_800,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'How long the row of a deleted amphora is kept.',
  }),
  load_balancer_expiry_age: integer({
    default: 604_800,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: "How long what tells of a load balancer's past is kept: operations that have ended, with their journals (`kiln operation list`). The rows of a deleted load balancer go with its deletion. What failed on a load balancer that is still in ERROR is kept until it is repaired or deleted.",
  }),
  cert_interval: integer({
    default: 3600,
    unit: 'seconds',
    min: 1,
    mutable: true,
    help: 'How often the job `rotate-certificates` looks for agents whose certificates end soon.',
  }),
  cert_expiry_buffer: integer({
    default: 1_209_600,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'How long before its end the certificate of an agent is renewed. One that is valid for less than twice as long is renewed when half of its time is over.',
  }),
  cert_rotate_threads: integer({
    default: 10,
    min: 1,
    mutable: true,
    help: 'How many certificates of agents are renewed at the same time, by all workers together.',
  }),
};
