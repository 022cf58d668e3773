/** A rule of a security group, in Neutron's words. */
export interface SecurityGroupRule {
  id: string;
  direction: 'ingress' | 'egress';
  protocol: string | null;
  portRangeMin: number | null;
  portRangeMax: number | null;
  etherType: string;
  remoteIpPrefix: string | null;
}

export type NewSecurityGroupRule = Omit<SecurityGroupRule, 'id' | 'direction'>;
