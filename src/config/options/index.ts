import type { Option } from '../option.ts';
import { amphoraAgentOptions, haproxyAmphoraOptions, healthManagerOptions } from './amphora.ts';
import {
  apiSettingsOptions,
  computeOptions,
  healthcheckOptions,
  networkingOptions,
  osloMiddlewareOptions,
  osloPolicyOptions,
  quotasOptions,
  taskFlowOptions,
} from './api-settings.ts';
import { certificatesOptions } from './certificates.ts';
import { controllerWorkerOptions } from './controller-worker.ts';
import { databaseOptions } from './database.ts';
import { defaultOptions } from './default.ts';
import { houseKeepingOptions } from './house-keeping.ts';
import { keepalivedVrrpOptions } from './keepalived-vrrp.ts';
import { kilnOptions } from './kiln.ts';
import { osloMessagingRabbitOptions } from './messaging.ts';
import {
  glanceOptions,
  keystoneAuthtokenOptions,
  neutronOptions,
  novaOptions,
  serviceAuthOptions,
} from './services.ts';

/** Every option that Kiln reads, by section, in the order in which they are documented and shown. */
export const declarations = {
  DEFAULT: defaultOptions,
  api_settings: apiSettingsOptions,
  healthcheck: healthcheckOptions,
  controller_worker: controllerWorkerOptions,
  task_flow: taskFlowOptions,
  networking: networkingOptions,
  compute: computeOptions,
  quotas: quotasOptions,
  service_auth: serviceAuthOptions,
  glance: glanceOptions,
  nova: novaOptions,
  neutron: neutronOptions,
  keystone_authtoken: keystoneAuthtokenOptions,
  haproxy_amphora: haproxyAmphoraOptions,
  keepalived_vrrp: keepalivedVrrpOptions,
  certificates: certificatesOptions,
  amphora_agent: amphoraAgentOptions,
  health_manager: healthManagerOptions,
  house_keeping: houseKeepingOptions,
  database: databaseOptions,
  oslo_messaging_rabbit: osloMessagingRabbitOptions,
  oslo_policy: osloPolicyOptions,
  oslo_middleware: osloMiddlewareOptions,
  kiln: kilnOptions,
};

/** Options by section. */
export type Declarations = Readonly<Record<string, Readonly<Record<string, Option<unknown>>>>>;

/** The configuration that declarations describe: section → option → value. */
export type ConfigurationOf<D extends Declarations> = {
  readonly [S in keyof D]: { readonly [O in keyof D[S]]: D[S][O] extends Option<infer T> ? T : never };
};

/** What is in force, in Octavia's own names: `configuration.controller_worker.amp_image_tag`. */
export type Configuration = ConfigurationOf<typeof declarations>;
