/** The contents page of `kiln doctor`: every group of checks, in the order in which they run and are printed. */
import { catalogChecks } from './catalog.ts';
import { certificatesChecks } from './certificates.ts';
import type { CheckGroup } from './check.ts';
import { computeChecks } from './compute.ts';
import { configurationChecks } from './configuration.ts';
import { controllerChecks } from './controller.ts';
import { credentialsChecks } from './credentials.ts';
import { networkChecks } from './network.ts';
import { tagChecks } from './tag.ts';

export const checkGroups: readonly CheckGroup[] = [
  configurationChecks,
  controllerChecks,
  credentialsChecks,
  catalogChecks,
  tagChecks,
  computeChecks,
  networkChecks,
  certificatesChecks,
];
