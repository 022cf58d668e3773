import type { HaproxySettings } from '../../core/haproxy/settings.ts';
import type { VrrpSettings } from '../../core/keepalived/vrrp/settings.ts';
import type { AmphoraAgent } from '../../ports/amphora-agent.ts';
import type { AmphoraStore } from '../../ports/amphora-store.ts';
import type { CertificateIssuer } from '../../ports/certificates.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ComputeService } from '../../ports/compute.ts';
import type { FlavorStore } from '../../ports/flavor-store.ts';
import type { HealthStore } from '../../ports/health-store.ts';
import type { ImageResolver } from '../../ports/image-resolver.ts';
import type { LoadBalancerStore } from '../../ports/load-balancer-store.ts';
import type { Log } from '../../ports/log.ts';
import type { NetworkService } from '../../ports/network.ts';
import type { SecretStore } from '../../ports/secret-store.ts';
import type { AmphoraSettings } from '../deps.ts';
import type { BuildSlots } from '../lib/build-slots.ts';

/** What of octavia.conf the flows of load balancers obey, besides what those of amphorae do. */
export interface LoadBalancerSettings extends AmphoraSettings {
  /** Everything that HAProxy's configuration is rendered with but what the amphora itself tells. */
  haproxy: Omit<HaproxySettings, 'version' | 'machine' | 'peers'>;
  /** What keepalived's VRRP configuration is rendered with. */
  vrrp: Omit<VrrpSettings, 'basePath'>;
  /** [haproxy_amphora] base_cert_dir. */
  baseCertDir: string;
}

/** What flows act through. */
export interface LoadBalancerDeps {
  resolver: ImageResolver;
  compute: ComputeService;
  certificates: CertificateIssuer;
  agent: AmphoraAgent;
  clock: Clock;
  log: Log;
  randomInteger: (exclusiveMax: number) => number;
  loadBalancers: LoadBalancerStore;
  amphorae: AmphoraStore;
  network: NetworkService;
  secrets: SecretStore;
  flavors: FlavorStore;
  health: HealthStore;
  builds: BuildSlots;
  settings: () => LoadBalancerSettings;
}
