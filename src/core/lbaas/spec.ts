import type {
  foreignLbAlgorithm,
  HealthMonitor,
  L7Policy,
  L7Rule,
  Listener,
  LoadBalancer,
  Member,
  Pool,
  SessionPersistence,
} from '../../model/load-balancer.ts';

/** A field that a request may leave out, or set to null: on creation as if left out, on a change "back to the default". */
type Wish<T> = { [Field in keyof T]?: T[Field] | null | undefined };
/** Lists of names that the rules check themselves, so that a refusal is theirs. */
type Texts = readonly string[] | null | undefined;

type Common = 'name' | 'adminStateUp' | 'tags';
/** Of what is inside a listener or a pool, what no request gives: everything else that it may leave out is a wish. */
type NotAsked =
  | 'id'
  | 'projectId'
  | 'provisioningStatus'
  | 'operatingStatus'
  | 'createdAt'
  | 'updatedAt'
  | 'poolId'
  | 'listenerId'
  | 'l7PolicyId';
type WishOf<Resource, Needed extends keyof Resource> = Wish<Omit<Resource, NotAsked | Needed>>;

export type AskedAlgorithm = Pool['lbAlgorithm'] | typeof foreignLbAlgorithm;

export type SessionPersistenceSpec = Wish<SessionPersistence>;

type PoolFields = Wish<
  Pick<
    Pool,
    | Common
    | 'description'
    | 'tlsEnabled'
    | 'tlsContainerRef'
    | 'caTlsContainerRef'
    | 'crlContainerRef'
    | 'tlsCiphers'
    | 'alpnProtocols'
  >
> & {
  lbAlgorithm?: AskedAlgorithm | null | undefined;
  tlsVersions?: Texts;
  sessionPersistence?: SessionPersistenceSpec | null | undefined;
};

export interface PoolSpec extends PoolFields {
  protocol?: Pool['protocol'] | null | undefined;
  healthmonitor?: HealthMonitorSpec | null | undefined;
  members?: readonly MemberSpec[] | null | undefined;
}
export type PoolPatch = PoolFields;

type MemberFields = WishOf<Member, 'address' | 'protocolPort' | 'subnetId'>;
export interface MemberSpec extends MemberFields {
  address: string;
  protocolPort: number;
  subnetId?: string | null | undefined;
  requestSriov?: boolean | null | undefined;
}
export type MemberPatch = MemberFields;

type HealthMonitorFields = WishOf<HealthMonitor, 'type' | 'delay' | 'timeout' | 'maxRetries'>;
export interface HealthMonitorSpec
  extends HealthMonitorFields,
    Pick<HealthMonitor, 'type' | 'delay' | 'timeout' | 'maxRetries'> {}
export type HealthMonitorPatch = HealthMonitorFields & Wish<Pick<HealthMonitor, 'delay' | 'timeout' | 'maxRetries'>>;

type L7RuleFields = WishOf<L7Rule, 'type' | 'compareType' | 'value'>;
/** Null stands where a request has it for what has to have a value: the rules refuse it in their words. */
export interface L7RuleSpec extends L7RuleFields {
  type: L7Rule['type'] | null;
  compareType: L7Rule['compareType'] | null;
  value: string | null;
}
export type L7RulePatch = L7RuleFields & Wish<Pick<L7Rule, 'type' | 'compareType' | 'value'>>;

type L7PolicyFields = WishOf<L7Policy, 'action' | 'redirectPoolId'>;
export interface L7PolicySpec extends L7PolicyFields {
  action: L7Policy['action'] | null;
  redirectPoolId?: string | null | undefined;
  /** Inside a load balancer that is made whole: the pool, or the name of one. */
  redirectPool?: PoolSpec | null | undefined;
  rules?: readonly L7RuleSpec[] | null | undefined;
}
export type L7PolicyPatch = L7PolicyFields & Wish<Pick<L7Policy, 'action' | 'redirectPoolId'>>;

type ListenerFields = Wish<
  Pick<
    Listener,
    | Common
    | 'description'
    | 'connectionLimit'
    | 'defaultTlsContainerRef'
    | 'sniContainerRefs'
    | 'defaultPoolId'
    | 'insertHeaders'
    | 'timeoutClientData'
    | 'timeoutMemberConnect'
    | 'timeoutMemberData'
    | 'timeoutTcpInspect'
    | 'clientCaTlsContainerRef'
    | 'clientAuthentication'
    | 'clientCrlContainerRef'
    | 'allowedCidrs'
    | 'tlsCiphers'
    | 'alpnProtocols'
    | 'hstsMaxAge'
    | 'hstsIncludeSubdomains'
    | 'hstsPreload'
  >
> & { tlsVersions?: Texts };
export interface ListenerSpec extends ListenerFields, Pick<Listener, 'protocol' | 'protocolPort'> {
  /** Inside a load balancer that is made whole: the pool, or the name of one. */
  defaultPool?: PoolSpec | null | undefined;
  l7policies?: readonly L7PolicySpec[] | null | undefined;
}
export type ListenerPatch = ListenerFields;

export interface LoadBalancerSpec extends Wish<Pick<LoadBalancer, Common | 'description' | 'flavorId'>> {
  vipAddress?: string | null | undefined;
  vipPortId?: string | null | undefined;
  vipSubnetId?: string | null | undefined;
  vipNetworkId?: string | null | undefined;
  vipQosPolicyId?: string | null | undefined;
  vipSgIds?: Texts;
  additionalVips?:
    | readonly { subnetId: string; ipAddress?: string | null | undefined; portId?: string | null | undefined }[]
    | null
    | undefined;
  provider?: string | null | undefined;
  availabilityZone?: string | null | undefined;
  listeners?: readonly ListenerSpec[] | null | undefined;
  pools?: readonly PoolSpec[] | null | undefined;
}
export type LoadBalancerPatch = Wish<Pick<LoadBalancer, Common | 'description' | 'vipQosPolicyId' | 'vipSgIds'>>;
