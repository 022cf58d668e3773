import type { Recorded } from '../../kit/octavia-recordings.ts';

interface Difference {
  why: string;
  of(theirs: Answer, ours: Answer): boolean;
}

interface Answer extends Recorded {
  words: string;
  /** What the case gave the field. */
  value: unknown;
}

const bothRefuse = (theirs: Answer, ours: Answer) => theirs.status === 400 && ours.status === 400;
const onlyOursRefuses = (theirs: Answer, ours: Answer) => theirs.status < 300 && ours.status === 400;
const withoutValue = (words: string) => words.replace(/Value: '.*'\. Value/, '');
const withoutCiphers = ({ status, values = {} }: Answer) =>
  JSON.stringify([status, Object.entries(values).filter(([path]) => !path.endsWith('.tls_ciphers'))]);
const lastName = ({ about }: Recorded) => about.split('.').at(-1) ?? '';

const isAbout = (asked: RegExp) => (theirs: Answer) => asked.test(theirs.about);

/** Of lists: what is asked for is a query. */
const ofLists: readonly Difference[] = [
  {
    why: 'tenant_id, the old name of project_id, finds as it does; what can be found by a column can be sorted by it',
    of: isAbout(/: (tenant_id=|sort=(tenant_id|loadbalancer_id)$)/),
  },
  {
    why: "Octavia's relations between its tables are no filters",
    of: (theirs, ours) =>
      /: (vip|pools|listeners|healthmonitor|health_monitor)=/.test(theirs.about) && ours.status === 400,
  },
  {
    why: 'what has no name or description has an empty one and is found by it',
    of: isAbout(/: (name|description)=$/),
  },
  {
    why: 'the recorded SQLite compares flags as text; Kiln reads them, as Octavia reads enabled',
    of: isAbout(/: (tls_enabled|backup|invert|cert_busy)=/),
  },
  {
    why: 'what is in no column is not sorted by',
    of: isAbout(/: sort=(healthmonitor_id|in_use_\w+)$/),
  },
  {
    why: "a list in Python's spelling",
    of: (theirs, ours) => bothRefuse(theirs, ours) && /sort key '\['/.test(theirs.words),
  },
  {
    why: 'the page before a marker is what stands right before it, Octavia gives the first page; true is True',
    of: isAbout(/&page_reverse=true/i),
  },
  {
    why: 'no use is 0; Octavia has none where nothing was ever used',
    of: isAbout(/: in_use_\w+=0$/),
  },
  {
    why: "the page after one of zones or quotas: Octavia's marker is None, which leads nowhere",
    of: (theirs, ours) =>
      theirs.values?.links?.includes('marker=None') === true &&
      theirs.values.links.replace(/marker=None/g, '') === ours.values?.links?.replace(/marker=\w+/g, '') &&
      theirs.values?.found === ours.values?.found,
  },
  {
    why: "who asks for another project's quotas is refused, as in every other list",
    of: (theirs, ours) =>
      /: (project_id|tenant_id)=/.test(theirs.about) && theirs.status === 200 && ours.status === 403,
  },
];

/** Of requests as a whole: `about` is the method, the path, and the body. */
const ofRequests: readonly Difference[] = [
  {
    why: 'a path that leads nowhere is 404: Octavia leaves out what it does not know of it, or knows no method there',
    of: (theirs, ours) =>
      /^(GET|POST) \S+\/(bogus|failover|status|statuses|octavia|amphora)( |$)/.test(theirs.about) &&
      [404, 405].includes(ours.status),
  },
  {
    why: "Octavia's words tell of its Python",
    of: (theirs, ours) =>
      bothRefuse(theirs, ours) &&
      /Base\.__init__|'UnsetType' object/.test(theirs.words) &&
      /takes no ID in its path|Mandatory field missing/.test(ours.words),
  },
  {
    why: 'what is no JSON is said first',
    of: (theirs, ours) => /^POST \S+ [x{]$/.test(theirs.about) && ours.status === 400 && theirs.status === 405,
  },
  {
    why: 'what a project uses makes no quota of its own that could be deleted',
    of: isAbout(/^DELETE \S+quotas\/\$project$/),
  },
  {
    why: 'a pool of UDP cannot be that of a listener of HTTP, also where its load balancer is named',
    of: (theirs, ours) => /"protocol":"UDP".*"listener_id"/.test(theirs.about) && ours.status === 400,
  },
];

/** What of Kiln's answers is meant to differ from those of Octavia 11. */
const differences: readonly Difference[] = [
  {
    why: 'Octavia breaks: Kiln says what is wrong, or does what was asked for',
    of: (theirs, ours) => theirs.status === 500 && ours.status < 500,
  },
  {
    why: 'Octavia names no field and repeats the body; Kiln names the field',
    of: (theirs, ours) =>
      bothRefuse(theirs, ours) && /^Invalid input for field\/attribute \w+. Value: '\{'/.test(theirs.words),
  },
  {
    why: 'Octavia tells about its own Python; Kiln about the field',
    of: (theirs, ours) =>
      bothRefuse(theirs, ours) && /unhashable type|argument must be|must be a mapping/.test(theirs.words),
  },
  {
    why: 'what is no whole number is none to Kiln: 1.5 and true become no other number, 0 and true no address',
    of: (theirs, ours) =>
      onlyOursRefuses(theirs, ours) &&
      [0, 1.5, true].includes([theirs.value].flat()[0] as number) &&
      /Value should be (an integer|one of: 1.0|IPv4 or IPv6)/.test(ours.words),
  },
  {
    why: "a number that HAProxy or the database can't hold is refused at once; Octavia finds out later",
    of: (theirs, ours) =>
      (onlyOursRefuses(theirs, ours) || bothRefuse(theirs, ours)) &&
      /Value should be (lower|greater) or equal/.test(ours.words),
  },
  {
    why: "Octavia's refusal of a text that is too long is long: Kiln's shows the start of it",
    of: (theirs, ours) => bothRefuse(theirs, ours) && /\.\.\.'?\. Value|\.\.\. is not a valid/.test(ours.words),
  },
  {
    why: 'a text that is longer than the column of a real database is refused; Octavia breaks there',
    of: (theirs, ours) =>
      (onlyOursRefuses(theirs, ours) || bothRefuse(theirs, ours)) && /maximum character requirement/.test(ours.words),
  },
  {
    why: 'an empty text unsets what is referred to, as null does',
    of: (theirs, ours) =>
      theirs.value === '' &&
      /_(id|ref)$/.test(theirs.about) &&
      (theirs.status < 300 || /UUID format/.test(theirs.words)) &&
      !/UUID format/.test(ours.words),
  },
  {
    why: 'Octavia shows what it made of a value (true is 1), Kiln what was sent',
    of: (theirs, ours) =>
      bothRefuse(theirs, ours) &&
      typeof [theirs.value].flat()[0] !== 'string' &&
      withoutValue(theirs.words) === withoutValue(ours.words),
  },
  {
    why: 'what a value is is judged before what it means beside others',
    of: (theirs, ours) =>
      bothRefuse(theirs, ours) &&
      /is only for UDP|Duplicate VIP subnet|None is not a valid option for None/.test(theirs.words) &&
      /Value should be/.test(ours.words),
  },
  {
    why: 'a tag that is named twice is one tag; Octavia calls it a conflict',
    of: (theirs, ours) =>
      /tags$/.test(theirs.about) && [theirs.value].flat().length === 2 && theirs.status === 409 && ours.status < 300,
  },
  {
    why: 'null is no element of a list',
    of: ({ value }, ours) =>
      Array.isArray(value) && value[0] === null && /^None is not a valid option for/.test(ours.words),
  },
  {
    why: 'flavors and profiles have a name',
    of: (theirs, ours) => theirs.value === null && lastName(theirs) === 'name' && onlyOursRefuses(theirs, ours),
  },
  {
    why: 'a profile whose provider is not there is refused whichever way it is written; Octavia looks when data come along',
    of: (theirs, ours) =>
      lastName(theirs) === 'provider_name' && onlyOursRefuses(theirs, ours) && /is not enabled/.test(ours.words),
  },
  {
    why: 'Kiln names the field as the request does: Octavia calls tenant_id project_id, and data of zones data of flavors',
    of: (theirs, ours) =>
      bothRefuse(theirs, ours) &&
      theirs.words.replace('project_id', 'tenant_id').replace('flavor_data', 'availability_zone_data') === ours.words,
  },
  {
    why: "ciphers and TLS versions that HAProxy can't take are refused where TLS is off as well: it may be turned on",
    of: (theirs, ours) => /tls_(ciphers|versions)/.test(theirs.about) && onlyOursRefuses(theirs, ours),
  },
  {
    why: 'a client authority on a listener without TLS is refused before it is looked for',
    of: (theirs, ours) => lastName(theirs) === 'client_ca_tls_container_ref' && bothRefuse(theirs, ours),
  },
  {
    why: 'as newer releases, which know additional VIPs, say it',
    of: (theirs, ours) =>
      lastName(theirs) === 'allowed_cidrs' && /with all VIPs/.test(ours.words) && bothRefuse(theirs, ours),
  },
  {
    why: "networks: Octavia's noop driver knows every subnet and policy, each in a network of its own, and no port; this harness one of each in one network, and every port",
    of: (theirs, ours) =>
      /^(vip_)?(subnet|port|qos_policy)_id$/.test(lastName(theirs)) &&
      (theirs.status < 300 ? /not found/.test(ours.words) : ours.status < 300),
  },
  {
    why: 'no limit of connections has one spelling, -1, and no TLS versions and ALPN protocols one, null',
    of: ({ about, value, status }, ours) =>
      /(connection_limit|tls_versions|alpn_protocols)$/.test(about) &&
      (value === null || (Array.isArray(value) && value.length === 0)) &&
      status === ours.status,
  },
  {
    why: "Octavia's words tell of its Python, or name the protocol where the port is wrong",
    of: (theirs, ours) =>
      bothRefuse(theirs, ours) && /dict_keys\(|^HTTP is not a valid option for protocol$/.test(theirs.words),
  },
  {
    why: 'the default ciphers are those of newer releases',
    of: (theirs, ours) =>
      /tls_(ciphers|enabled)$/.test(theirs.about) && withoutCiphers(theirs) === withoutCiphers(ours),
  },
  {
    why: 'a member without a weight has weight 1',
    of: (theirs, ours) =>
      lastName(theirs) === 'weight' && theirs.value === null && theirs.status < 300 && ours.status < 300,
  },
  {
    why: 'the answer to a change of quotas has both spellings of load balancers and health monitors, as newer releases have',
    of: (theirs, ours) =>
      theirs.about.startsWith('quota.') &&
      Object.entries(theirs.values ?? { '': null }).every(([path, value]) => ours.values?.[path] === value),
  },
  ...ofLists,
  ...ofRequests,
];

/** Why an answer of Kiln's may differ from Octavia's; undefined where it must not. */
export function reasonFor(theirs: Recorded, ours: Recorded): string | undefined {
  const value = valueAt(theirs.body, theirs.about.split('.'));
  const full = (one: Recorded): Answer => ({ ...one, words: one.words ?? '', value });
  return differences.find((one) => one.of(full(theirs), full(ours)))?.why;
}

function valueAt(body: unknown, path: readonly string[]): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof body !== 'object' || body === null) return body;
  const inner = (body as Record<string, unknown>)[first.replace('[]', '')];
  return valueAt(first.endsWith('[]') && Array.isArray(inner) ? inner[0] : inner, rest);
}
