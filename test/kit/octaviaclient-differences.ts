import type { Outcome } from './octaviaclient-run.ts';

type Given = Pick<Outcome, 'status' | 'output' | 'message'>;

interface Difference {
  why: string;
  /** Of these steps. */
  steps: RegExp;
  /** Takes away, on both sides, what differs; all else has to be equal. */
  without(given: Given): Given;
}

const message = (change: (text: string) => string) => (given: Given) => ({ ...given, message: change(given.message) });
const output = (change: (output: never) => unknown) => (given: Given) => ({
  ...given,
  output: change(given.output as never),
});

/** A refusal in the format of Octavia's controllers, or in that of what stands before them. */
interface Refusal {
  faultstring?: string;
  description?: string;
}

interface Whole {
  loadbalancer: {
    listeners: Record<string, unknown>[];
    pools: (Record<string, unknown> & { members: Record<string, unknown>[] })[];
  };
}

/** What Kiln doesn't serve, it doesn't advertise. */
const unserved = ['sriov_vip', 'volume_zone'];

/** Everything in which Kiln means to differ from Octavia 11, as far as the script sees it. */
export const differences: readonly Difference[] = [
  {
    why: 'Kiln describes capabilities in its own words, and leaves out what it does not serve',
    steps: /provider capability list/,
    without: output((rows: { type: string; name: string }[] | string) =>
      typeof rows === 'string'
        ? rows
        : rows.filter(({ name }) => !unserved.includes(name)).map(({ type, name }) => ({ type, name })),
    ),
  },
  {
    why: 'a malformed profile is 400 to Kiln, never 501',
    steps: /(flavorprofile|availabilityzoneprofile) create/,
    without: message((text) => text.replace('(HTTP 501)', '(HTTP 400)')),
  },
  {
    why: 'where several L7 policies use a pool, Octavia names any of them',
    steps: /pool delete/,
    without: message((text) => text.replace(/(is in use by L7 policy )\S+/, '$1<any>')),
  },
  {
    why: 'Kiln has one format of refusals; Octavia another one for what it refuses before a controller runs',
    steps: /limit=many|pools\/\$nobody\/members/,
    without: output(({ faultstring, description }: Refusal) => faultstring ?? description),
  },
  {
    why: 'Kiln names the field, Octavia the body around it',
    steps: /"admin_state_up":"maybe"/,
    without: output(({ faultstring = '' }: Refusal) => faultstring.replace(/.*(?=Value not an)/, '')),
  },
  {
    why: 'Kiln has the words of later Octavias',
    steps: /allowed-cidr 2001/,
    without: message((text) => text.replace(/(all VIPs|VIP) \S+/, 'VIP')),
  },
  {
    why: 'Kiln shows the value at fault, Octavia the list that it is in',
    steps: /allowed-cidr everywhere/,
    without: message((text) => text.replace("['everywhere']", 'everywhere')),
  },
  {
    why: 'Octavia tells the type of a Python object',
    steps: /insert-headers X-Colour/,
    without: message((text) => text.replace(/dict_keys\((.*?)\)/, '$1')),
  },
  {
    why: 'Octavia tells how Python reads a regular expression, and HAProxy is none',
    steps: /--compare-type REGEX --value \(/,
    without: message((text) => text.replace(/(regular expression: ).*?(?= \(HTTP)/, '$1')),
  },
  {
    why: 'Octavia 11 leaves the monitors of a whole load balancer out of the answer, has touched its listeners already, and does not always know that its members are monitored',
    steps: /POST .*"name":"whole"/,
    without: output(({ loadbalancer }: Whole) => ({
      loadbalancer: {
        ...loadbalancer,
        listeners: loadbalancer.listeners.map(({ updated_at: _time, ...rest }) => rest),
        pools: loadbalancer.pools.map(({ healthmonitor: _monitor, members, ...rest }) => ({
          ...rest,
          members: members.map(({ operating_status: _status, ...member }) => member),
        })),
      },
    })),
  },
  {
    why: 'without an agent Octavia 11 leaves what is in a whole load balancer PENDING_CREATE',
    steps: /status show whole/,
    without: output((tree: unknown) =>
      JSON.parse(JSON.stringify(tree, (key, value) => (key.endsWith('_status') ? undefined : value))),
    ),
  },
];

export function withoutDifferences(step: string, given: Given): Given {
  return differences.filter(({ steps }) => steps.test(step)).reduce((result, { without }) => without(result), given);
}
