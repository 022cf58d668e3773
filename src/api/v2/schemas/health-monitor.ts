import { Type } from 'typebox';
import * as limits from '../../../core/lbaas/limits.ts';
import { healthMonitorTypes } from '../../../model/load-balancer.ts';
import {
  body,
  choice,
  closed,
  flag,
  idOnly,
  integer,
  list,
  numberChoice,
  one,
  optional,
  parent,
  pattern,
  tags,
  text,
  urlPath,
} from './fields.ts';
import { plainFields } from './plain-fields.ts';

const retries = () =>
  integer({ minimum: limits.healthMonitorRetries.minimum, maximum: limits.healthMonitorRetries.maximum });
const delay = () => integer(limits.healthMonitorDelaySeconds);
const timeout = () => integer(limits.healthMonitorTimeoutSeconds);
const domainName = '^(?=.{1,253}\\.?$)(?:(?!-|[^.]+_)[A-Za-z0-9-_]{1,63}(?<!-)(?:\\.|$))+$';

const free = {
  name: optional(text()),
  max_retries_down: optional(retries()),
  http_method: optional(choice(limits.httpMethods)),
  url_path: optional(urlPath()),
  expected_codes: optional(pattern('^(\\d{3}(\\s*,\\s*\\d{3})*)$|^(\\d{3}-\\d{3})$', { maxLength: 64 })),
  admin_state_up: optional(flag()),
  tags: optional(tags()),
  http_version: optional(numberChoice(limits.httpVersions)),
  domain_name: optional(pattern(domainName, { minLength: 1, maxLength: 255 })),
};
const needed = {
  type: choice(healthMonitorTypes),
  delay: delay(),
  timeout: timeout(),
  max_retries: retries(),
};

/** Inside a pool that is created with its monitor. */
export const healthMonitorInPool = closed({ ...needed, ...free });

const healthMonitor = closed({
  ...needed,
  ...free,
  project_id: optional(text(36)),
  tenant_id: optional(text(36)),
  pool_id: parent(),
});
export const healthMonitorCreateBody = body('health_monitor_', 'healthmonitor', healthMonitor);

const healthMonitorUpdate = closed({
  ...free,
  delay: optional(delay()),
  timeout: optional(timeout()),
  max_retries: optional(retries()),
});
export const healthMonitorUpdateBody = body('health_monitor_', 'healthmonitor', healthMonitorUpdate);

export const healthMonitorView = Type.Object({ ...plainFields('healthmonitor'), pools: Type.Optional(list(idOnly())) });
export const healthMonitorAnswer = one('healthmonitor', healthMonitorView);
