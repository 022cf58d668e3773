import { integer } from '../option.ts';

/** [house_keeping]: what is removed from the database when it is old. Worker processes do it. */
export const houseKeepingOptions = {
  cleanup_interval: integer({
    default: 30,
    unit: 'seconds',
    min: 1,
    mutable: true,
    help: 'How often each worker process looks for rows that have come of age. They are removed a hundred at a time.',
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
};
