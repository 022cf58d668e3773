/**
 * What a user and an administrator do with Debian's octaviaclient, one command after another. Run against Octavia and
 * against Kiln, and compared (test/openstack/octaviaclient.test.ts). `$name` is an ID that an earlier step kept.
 */

export type Who = 'demo' | 'admin' | 'observer' | 'operator';

export interface Step {
  who: Who;
  /** A command of `openstack`, as one would type it after that word. */
  command?: string;
  /** A request that the client has no command for. */
  request?: { method: 'GET' | 'POST' | 'PUT' | 'DELETE'; path: string; body?: unknown };
  /** The load balancer to wait for until no change of it is under way. Compared with nothing. */
  settle?: string;
  /** The name under which to keep the `id` of the answer (of the first row, if it is a list). */
  keep?: string;
}

const by =
  (who: Who) =>
  (command: string, keep?: string): Step => ({ who, command, ...(keep ? { keep } : {}) });
const demo = by('demo');
const admin = by('admin');
const observer = by('observer');
const operator = by('operator');
const request = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, who: Who = 'demo'): Step => ({
  who,
  request: { method, path, ...(body === undefined ? {} : { body }) },
});
const settle = (id: string): Step => ({ who: 'demo', settle: id });
const lb = (rest: string) => `loadbalancer ${rest}`;

const providers = [
  demo(lb('provider list')),
  admin(lb('provider capability list amphora')),
  admin(lb('provider capability list amphora --flavor')),
  admin(lb('provider capability list amphora --availability-zone')),
  admin(lb('provider capability list nobody')),
  demo(lb('provider capability list amphora')),
];

const flavors = [
  admin(
    lb(`flavorprofile create --name small --provider amphora --flavor-data '{"loadbalancer_topology": "SINGLE"}'`),
    'flavorProfile',
  ),
  admin(lb(`flavorprofile create --name odd --provider amphora --flavor-data '{"colour": "red"}'`)),
  admin(lb(`flavorprofile create --name odd --provider amphora --flavor-data '{"loadbalancer_topology": "ROUND"}'`)),
  admin(lb('flavorprofile create --name odd --provider amphora --flavor-data red')),
  admin(lb('flavorprofile create --name odd --provider nobody --flavor-data {}')),
  admin(lb('flavorprofile list')),
  admin(lb('flavorprofile show small')),
  admin(lb('flavorprofile set small --name smaller')),
  admin(lb('flavorprofile show $flavorProfile')),
  demo(lb('flavorprofile list')),
  admin(lb('flavor create --name tiny --flavorprofile smaller --description "For tests" --enable'), 'flavor'),
  admin(lb('flavor create --name tiny --flavorprofile smaller')),
  admin(lb('flavor create --name off --flavorprofile smaller --disable')),
  admin(lb('flavor create --name lost --flavorprofile nothing')),
  demo(lb('flavor create --name mine --flavorprofile $flavorProfile')),
  demo(lb('flavor list')),
  demo(lb('flavor list --name tiny')),
  admin(lb('flavor list --disable')),
  demo(lb('flavor show tiny')),
  admin(lb('flavor set tiny --name tinier')),
  admin(lb('flavor set tinier --disable')),
  admin(lb('flavor set tinier --enable')),
  admin(lb('flavor unset --description tinier')),
  admin(lb('flavor show tinier')),
  admin(lb(`flavorprofile set smaller --flavor-data '{"loadbalancer_topology": "ACTIVE_STANDBY"}'`)),
  admin(lb('flavorprofile delete smaller')),
];

const zones = [
  admin(
    lb(
      `availabilityzoneprofile create --name one --provider amphora --availability-zone-data '{"compute_zone": "nova"}'`,
    ),
    'zoneProfile',
  ),
  admin(
    lb(`availabilityzoneprofile create --name odd --provider amphora --availability-zone-data '{"colour": "red"}'`),
  ),
  admin(lb('availabilityzoneprofile list')),
  admin(lb('availabilityzoneprofile show one')),
  admin(lb('availabilityzoneprofile set one --name first')),
  admin(lb('availabilityzone create --name north --availabilityzoneprofile first --description "Up there"')),
  admin(lb('availabilityzone create --name north --availabilityzoneprofile first')),
  demo(lb('availabilityzone list')),
  demo(lb('availabilityzone show north')),
  admin(lb('availabilityzone set north --disable --description cold')),
  admin(lb('availabilityzone show north')),
  admin(lb('availabilityzone set north --enable')),
  admin(lb('availabilityzone unset --description north')),
  demo(lb('availabilityzone delete north')),
  admin(lb('availabilityzoneprofile delete first')),
];

const quotas = [
  demo(lb('quota defaults show')),
  demo(lb('quota show demo')),
  admin(lb('quota set demo --loadbalancer 2 --listener 20 --pool 20 --member 50 --healthmonitor 20 --l7policy 5')),
  admin(lb('quota list --project $demo')),
  demo(lb('quota show $demo')),
  demo(lb('quota set demo --loadbalancer 1000')),
  admin(lb('quota set demo --loadbalancer -5')),
  admin(lb('quota unset demo --listener --member')),
  admin(lb('quota show demo')),
  admin(lb('quota reset demo')),
  admin(lb('quota show demo')),
  admin(lb('quota set demo --loadbalancer 2')),
];

const loadBalancers = [
  demo(
    lb('create --name web --vip-subnet-id client-subnet --description "The shop" --tag blue --tag red --wait'),
    'web',
  ),
  demo(
    lb('create --name api --vip-network-id client-net --flavor tinier --availability-zone north --disable --wait'),
    'api',
  ),
  demo(lb('create --name third --vip-subnet-id client-subnet')), // more than the quota
  admin(lb('quota reset demo')),
  demo(
    lb('create --name plain --vip-subnet-id client-subnet --vip-address 198.51.100.7 --provider amphora --wait'),
    'plain',
  ),
  demo(lb('create --name bad --vip-subnet-id client-subnet --provider nobody')),
  demo(lb('create --name bad --vip-subnet-id client-subnet --flavor off')),
  demo(lb('create --name bad --vip-subnet-id client-subnet --availability-zone nowhere')),
  demo(lb('create --name bad --vip-subnet-id client-subnet --vip-address nowhere')),
  demo(lb('create --name bad --vip-subnet-id client-subnet --vip-qos-policy-id $nobody')),
  demo(lb('create --name bad')),
  observer(lb('create --name bad --vip-subnet-id $subnet')),
  demo(lb('list')),
  observer(lb('list')),
  demo(lb('list --name web')),
  demo(lb('list --tags blue,red')),
  demo(lb('list --any-tags blue,green')),
  demo(lb('list --not-tags blue')),
  demo(lb('list --disable')),
  demo(lb('list --provisioning-status ACTIVE --provider amphora --vip-subnet-id client-subnet')),
  demo(lb('list --flavor tinier')),
  demo(lb('list --availability-zone north')),
  operator(lb('list --project demo')),
  request('GET', '/v2/lbaas/loadbalancers?sort=name:desc&limit=2&fields=name'),
  request('GET', '/v2/lbaas/loadbalancers?sort=name&limit=2&marker=$api&fields=name'),
  request('GET', '/v2/lbaas/loadbalancers?sort=name&limit=1&marker=$plain&page_reverse=True&fields=name'),
  request('GET', '/v2/lbaas/loadbalancers?sort=colour'),
  request('GET', '/v2/lbaas/loadbalancers?marker=$nobody'),
  request('GET', '/v2/lbaas/loadbalancers?limit=many'),
  request('GET', '/v2/lbaas/loadbalancers?colour=red'),
  request('GET', '/v2/lbaas/loadbalancers?fields=colour'),
  request('GET', '/v2/lbaas/loadbalancers/$web?fields=name&fields=provider'),
  request('GET', '/v2/lbaas/loadbalancers/nonsense'),
  demo(lb('show web')),
  demo(lb('show $plain')),
  demo(lb('show nothing')),
  demo(lb('show $nobody')),
  demo(lb('set web --name shop --description "" --tag green --wait')),
  demo(lb('set shop --disable --wait')),
  demo(lb('set shop --enable --no-tag --tag only --wait')),
  observer(lb('set $web --name theirs')),
  demo(lb('show shop')),
  demo(lb('unset shop --description --all-tag --wait')),
  demo(lb('show shop')),
  demo(lb('stats show shop')),
  observer(lb('stats show $web')),
  request('PUT', '/v2/lbaas/loadbalancers/$web', { loadbalancer: { vip_address: '198.51.100.9' } }),
  request('PUT', '/v2/lbaas/loadbalancers/$web', { loadbalancer: { colour: 'red' } }),
  request('PUT', '/v2/lbaas/loadbalancers/$web', { loadbalancer: { admin_state_up: 'maybe' } }),
  request('POST', '/v2/lbaas/loadbalancers', { loadbalancer: { name: 'bad' } }),
  request('POST', '/v2/lbaas/loadbalancers', { loadbalancer: { name: 7, vip_subnet_id: '$subnet' } }),
  admin(lb('flavor delete tinier')), // in use
  admin(lb('availabilityzone delete north')), // in use
];

const listeners = [
  demo(
    lb(
      'listener create --name http --protocol HTTP --protocol-port 80 --connection-limit 1000 --allowed-cidr 192.0.2.0/24 ' +
        '--allowed-cidr 198.51.100.0/24 --insert-headers X-Forwarded-For=true,X-Forwarded-Port=true ' +
        '--timeout-client-data 1000 --timeout-member-connect 2000 --timeout-member-data 3000 --timeout-tcp-inspect 4000 ' +
        '--tag front --wait shop',
    ),
    'http',
  ),
  demo(lb('listener create --name tcp --protocol TCP --protocol-port 81 --disable --wait shop'), 'tcp'),
  demo(lb('listener create --name udp --protocol UDP --protocol-port 81 --wait shop')),
  demo(lb('listener create --name again --protocol HTTP --protocol-port 80 shop')),
  demo(lb('listener create --name tls --protocol TERMINATED_HTTPS --protocol-port 443 shop')),
  demo(lb('listener create --name cidr --protocol TCP --protocol-port 82 --allowed-cidr 2001:db8::/32 shop')),
  demo(lb('listener create --name cidr --protocol TCP --protocol-port 82 --allowed-cidr everywhere shop')),
  demo(
    lb('listener create --name headers --protocol TCP --protocol-port 82 --insert-headers X-Forwarded-For=true shop'),
  ),
  demo(lb('listener create --name headers --protocol HTTP --protocol-port 82 --insert-headers X-Colour=red shop')),
  demo(lb('listener create --name far --protocol HTTP --protocol-port 70000 shop')),
  demo(lb('listener create --name slow --protocol HTTP --protocol-port 82 --timeout-client-data -1 shop')),
  demo(lb('listener create --name lost --protocol HTTP --protocol-port 82 nothing')),
  demo(lb('listener list')),
  demo(lb('listener list --loadbalancer shop --enable')),
  demo(lb('listener list --name http --tags front')),
  demo(lb('listener show http')),
  demo(lb('listener show tcp')),
  demo(lb('listener set http --name front --connection-limit -1 --timeout-client-data 5000 --description main --wait')),
  demo(lb('listener set tcp --enable --allowed-cidr 203.0.113.0/24 --wait')),
  demo(lb('listener set udp --insert-headers X-Forwarded-For=true')),
  demo(lb('listener show front')),
  demo(
    lb(
      'listener unset front --description --connection-limit --insert-headers --timeout-client-data ' +
        '--timeout-member-connect --timeout-member-data --timeout-tcp-inspect --allowed-cidrs --all-tag --wait',
    ),
  ),
  demo(lb('listener show front')),
  demo(lb('listener stats show front')),
  demo(lb('listener show nothing')),
  request('PUT', '/v2/lbaas/listeners/$http', { listener: { protocol: 'TCP' } }),
  request('POST', '/v2/lbaas/listeners', {
    listener: { name: 'bad', protocol: 'CARRIER_PIGEON', protocol_port: 82, loadbalancer_id: '$web' },
  }),
  request('POST', '/v2/lbaas/listeners', { listener: { name: 'bad', protocol: 'HTTP', loadbalancer_id: '$web' } }),
  request('POST', '/v2/lbaas/listeners', { listener: { name: 'bad', protocol: 'HTTP', protocol_port: 82 } }),
  request('POST', '/v2/lbaas/listeners', {
    listener: { name: 'bad', protocol: 'HTTP', protocol_port: 82, loadbalancer_id: '$nobody' },
  }),
];

const pools = [
  demo(
    lb(
      'pool create --name main --protocol HTTP --lb-algorithm ROUND_ROBIN --listener front ' +
        '--session-persistence type=APP_COOKIE,cookie_name=shop --description All --tag back --wait',
    ),
    'main',
  ),
  demo(
    lb(
      'pool create --name secure --protocol HTTP --lb-algorithm LEAST_CONNECTIONS --loadbalancer shop --enable-tls ' +
        '--tls-ciphers ECDHE-RSA-AES256-GCM-SHA384 --tls-version TLSv1.2 --alpn-protocol http/1.1 --wait',
    ),
  ),
  demo(lb('pool create --name tcp --protocol TCP --lb-algorithm SOURCE_IP --loadbalancer shop --disable --wait')),
  demo(lb('pool create --name hashed --protocol TCP --lb-algorithm SOURCE_IP_PORT --loadbalancer shop')), // no provider's of ours
  demo(lb('pool set --lb-algorithm SOURCE_IP_PORT tcp')),
  demo(lb('pool create --name second --protocol HTTP --lb-algorithm ROUND_ROBIN --listener front')), // has one already
  demo(lb('pool create --name bad --protocol HTTP --lb-algorithm ROUND_ROBIN --listener udp')),
  demo(
    lb(
      'pool create --name bad --protocol HTTP --lb-algorithm ROUND_ROBIN --loadbalancer shop --session-persistence type=APP_COOKIE',
    ),
  ),
  demo(
    lb(
      'pool create --name bad --protocol HTTP --lb-algorithm ROUND_ROBIN --loadbalancer shop ' +
        '--session-persistence type=SOURCE_IP,cookie_name=c',
    ),
  ),
  demo(
    lb(
      'pool create --name bad --protocol HTTP --lb-algorithm ROUND_ROBIN --loadbalancer shop --enable-tls --tls-version SSLv9',
    ),
  ),
  demo(lb('pool create --name bad --protocol HTTP --lb-algorithm ROUND_ROBIN --loadbalancer nothing')),
  demo(lb('pool list')),
  demo(lb('pool list --loadbalancer shop')),
  demo(lb('pool show main')),
  demo(lb('pool show secure')),
  demo(lb('pool set main --name first --lb-algorithm LEAST_CONNECTIONS --session-persistence type=HTTP_COOKIE --wait')),
  demo(lb('pool set secure --disable-tls --wait')),
  demo(lb('pool show first')),
  demo(lb('pool unset first --name --description --session-persistence --all-tag --wait')),
  demo(lb('pool show $main')),
  demo(lb('pool set $main --name main --wait')),
  demo(lb('listener set tcp --default-pool tcp --wait')),
  demo(lb('listener set tcp --default-pool secure --wait')),
  demo(lb('listener unset tcp --default-pool --wait')),
  request('PUT', '/v2/lbaas/pools/$main', { pool: { protocol: 'TCP' } }),
  request('POST', '/v2/lbaas/pools', { pool: { protocol: 'HTTP', lb_algorithm: 'ROUND_ROBIN' } }),
  request('POST', '/v2/lbaas/pools', { pool: { protocol: 'HTTP', loadbalancer_id: '$web' } }),
];

const members = [
  demo(
    lb(
      'member create main --name one --address 192.0.2.1 --protocol-port 8080 --weight 5 --subnet-id client-subnet --wait',
    ),
    'one',
  ),
  demo(
    lb(
      'member create main --name two --address 192.0.2.2 --protocol-port 8080 --monitor-port 9090 ' +
        '--monitor-address 192.0.2.3 --enable-backup --disable --tag spare --wait',
    ),
    'two',
  ),
  demo(lb('member create main --name again --address 192.0.2.1 --protocol-port 8080')),
  demo(lb('member create main --name bad --address nowhere --protocol-port 8080')),
  demo(lb('member create main --name bad --address 192.0.2.9 --protocol-port 8080 --weight 1000')),
  demo(lb('member create main --name bad --address 169.254.169.254 --protocol-port 80')),
  demo(lb('member create nothing --address 192.0.2.9 --protocol-port 8080')),
  demo(lb('member list main')),
  demo(lb('member show main one')),
  demo(lb('member show main two')),
  demo(lb('member show main nothing')),
  demo(lb('member set main one --name first --weight 7 --monitor-port 9999 --wait')),
  demo(lb('member show main first')),
  demo(lb('member unset main first --monitor-port --weight --name --wait')),
  demo(lb('member show main $one')),
  demo(lb('member unset main two --backup --monitor-address --monitor-port --all-tag --wait')),
  demo(lb('member show main two')),
  request('PUT', '/v2/lbaas/pools/$main/members/$one', { member: { address: '192.0.2.77' } }),
  request('PUT', '/v2/lbaas/pools/$main/members', {
    members: [
      { address: '192.0.2.2', protocol_port: 8080, name: 'kept', weight: 3 },
      { address: '192.0.2.4', protocol_port: 8080, name: 'new', tags: ['batch'] },
    ],
  }),
  settle('$web'),
  demo(lb('member list main')),
  request('PUT', '/v2/lbaas/pools/$main/members?additive_only=true', {
    members: [{ address: '192.0.2.5', protocol_port: 8080, name: 'more' }],
  }),
  settle('$web'),
  demo(lb('member list main')),
  request('PUT', '/v2/lbaas/pools/$main/members', {
    members: [
      { address: '192.0.2.6', protocol_port: 80 },
      { address: '192.0.2.6', protocol_port: 80 },
    ],
  }),
  request('PUT', '/v2/lbaas/pools/$main/members', { members: [{ address: '192.0.2.6' }] }),
  demo(lb('member delete main new --wait')),
  demo(lb('member delete main new')),
];

const monitors = [
  demo(
    lb(
      'healthmonitor create --name check --type HTTP --delay 10 --timeout 5 --max-retries 3 --max-retries-down 2 ' +
        '--http-method HEAD --url-path /health --expected-codes 200-204 --http-version 1.1 --domain-name shop.example ' +
        '--tag pulse --wait main',
    ),
    'check',
  ),
  demo(lb('healthmonitor create --type HTTP --delay 10 --timeout 5 --max-retries 3 main')), // has one already
  demo(lb('healthmonitor create --name slow --type HTTP --delay 5 --timeout 10 --max-retries 3 --wait secure')),
  demo(lb('healthmonitor create --name bad --type UDP-CONNECT --delay 10 --timeout 5 --max-retries 3 secure')),
  demo(lb('healthmonitor create --name bad --type TCP --delay 10 --timeout 5 --max-retries 11 secure')),
  demo(lb('healthmonitor create --name bad --type TCP --delay 10 --timeout 5 --max-retries 3 --url-path /x secure')),
  demo(lb('healthmonitor create --name bad --type HTTP --delay 10 --timeout 5 --max-retries 3 --url-path x secure')),
  demo(
    lb(
      'healthmonitor create --name bad --type HTTP --delay 10 --timeout 5 --max-retries 3 --expected-codes 2xx secure',
    ),
  ),
  demo(
    lb(
      'healthmonitor create --name bad --type HTTP --delay 10 --timeout 5 --max-retries 3 --http-version 1.0 --domain-name shop.example secure',
    ),
  ),
  demo(lb('healthmonitor create --name tcp --type TCP --delay 10 --timeout 5 --max-retries 3 --disable --wait tcp')),
  demo(lb('healthmonitor list')),
  demo(lb('healthmonitor show check')),
  demo(lb('healthmonitor show tcp')),
  demo(lb('healthmonitor set check --name pulse --delay 20 --timeout 7 --max-retries 4 --url-path / --wait')),
  demo(lb('healthmonitor set pulse --timeout 30 --wait')),
  demo(lb('healthmonitor set tcp --url-path /')),
  demo(lb('healthmonitor show pulse')),
  demo(
    lb(
      'healthmonitor unset pulse --http-method --url-path --expected-codes --max-retries-down --domain-name --http-version --all-tag --wait',
    ),
  ),
  demo(lb('healthmonitor show pulse')),
  demo(lb('pool show main')),
  demo(lb('member list main')),
  request('PUT', '/v2/lbaas/healthmonitors/$check', { healthmonitor: { type: 'TCP' } }),
  request('POST', '/v2/lbaas/healthmonitors', { healthmonitor: { type: 'HTTP', pool_id: '$main' } }),
];

const l7 = [
  demo(lb('l7policy create --name reject --action REJECT --description No --tag gate --wait front'), 'reject'),
  demo(
    lb(
      'l7policy create --name away --action REDIRECT_TO_URL --redirect-url https://shop.example/ --position 1 --wait front',
    ),
  ),
  demo(lb('l7policy create --name pooled --action REDIRECT_TO_POOL --redirect-pool secure --disable --wait front')),
  demo(
    lb(
      'l7policy create --name prefix --action REDIRECT_PREFIX --redirect-prefix https://m.example --redirect-http-code 303 --wait front',
    ),
  ),
  demo(lb('l7policy create --name bad --action REDIRECT_TO_URL --redirect-url nowhere front')),
  demo(lb('l7policy create --name bad --action REDIRECT_TO_POOL --redirect-pool tcp front')),
  demo(lb('l7policy create --name bad --action REJECT tcp')),
  demo(lb('l7policy create --name bad --action REJECT --position 0 front')),
  demo(lb('l7policy create --name bad --action REDIRECT_TO_URL front')),
  demo(lb('l7policy list')),
  demo(lb('l7policy list --listener front')),
  demo(lb('l7policy show away')),
  demo(lb('l7policy show reject')),
  demo(lb('l7policy set reject --name refuse --position 1 --description Stop --wait')),
  demo(lb('l7policy set away --action REDIRECT_TO_POOL --redirect-pool secure --wait')),
  demo(lb('l7policy list')),
  demo(lb('l7policy unset refuse --description --all-tag --wait')),
  demo(lb('l7policy unset prefix --redirect-http-code --wait')),
  demo(lb('l7policy show prefix')),
  demo(lb('l7policy show refuse')),
  demo(lb('l7rule create --type PATH --compare-type STARTS_WITH --value /admin --invert --tag path refuse'), 'rule'),
  settle('$web'), // --wait here makes the client ask for the wrong ID and fail
  demo(lb('l7rule create --type HEADER --key X-Shop --compare-type EQUAL_TO --value yes --disable refuse'), 'header'),
  settle('$web'),
  demo(lb('l7rule create --type FILE_TYPE --compare-type REGEX --value jpg refuse')),
  settle('$web'),
  demo(lb('l7rule create --type FILE_TYPE --compare-type STARTS_WITH --value jpg refuse')),
  demo(lb('l7rule create --type PATH --compare-type REGEX --value ( refuse')),
  demo(lb('l7rule create --type COOKIE --compare-type EQUAL_TO --value yes refuse')),
  demo(lb('l7rule create --type HOST_NAME --compare-type EQUAL_TO --value "two words" refuse')),
  demo(lb('l7rule list refuse')),
  demo(lb('l7rule show refuse $rule')),
  demo(lb('l7rule show refuse $header')),
  demo(lb('l7rule show refuse $nobody')),
  demo(lb('l7rule set refuse $rule --compare-type ENDS_WITH --value .php --wait')),
  settle('$web'), // it waits for the rule alone
  demo(lb('l7rule set refuse $header --enable --key X-Store --wait')),
  demo(lb('l7rule show refuse $header')),
  demo(lb('l7rule unset refuse $rule --invert --all-tag --wait')),
  demo(lb('l7rule show refuse $rule')),
  demo(lb('l7policy show refuse')),
  request('GET', '/v2/lbaas/l7policies/$reject/rules?fields=id&fields=type'),
];

const whole = [
  demo(lb('status show shop')),
  observer(lb('status show $web')),
  demo(lb('show shop')),
  demo(lb('stats show shop')),
  request('GET', '/v2/lbaas/loadbalancers/$nobody/status'),
  {
    keep: 'whole',
    ...request('POST', '/v2/lbaas/loadbalancers', {
      loadbalancer: {
        name: 'whole',
        vip_subnet_id: '$subnet',
        listeners: [
          {
            name: 'whole-http',
            protocol: 'HTTP',
            protocol_port: 80,
            default_pool: {
              name: 'whole-pool',
              protocol: 'HTTP',
              lb_algorithm: 'ROUND_ROBIN',
              members: [{ address: '192.0.2.1', protocol_port: 80 }],
              healthmonitor: { type: 'HTTP', delay: 5, timeout: 3, max_retries: 2 },
            },
            l7policies: [
              {
                action: 'REDIRECT_TO_URL',
                redirect_url: 'https://shop.example',
                rules: [{ type: 'PATH', compare_type: 'EQUAL_TO', value: '/old' }],
              },
            ],
          },
        ],
      },
    }),
  },
  settle('$whole'),
  demo(lb('status show whole')),
  demo(lb('delete whole')), // has children
  demo(lb('delete whole --cascade --wait')),
];

const amphorae = [
  admin(lb('amphora list --loadbalancer shop'), 'amphora'),
  admin(lb('amphora list --loadbalancer shop --role STANDALONE --long')),
  admin(lb('amphora list --status ERROR')),
  admin(lb('amphora show $amphora')),
  admin(lb('amphora show $nobody')),
  admin(lb('amphora stats show $amphora')),
  demo(lb('amphora list')),
  demo(lb('amphora show $amphora')),
  admin(lb('amphora configure $amphora --wait')),
  demo(lb('failover shop')),
  admin(lb('failover shop --wait')),
  admin(lb('amphora list --loadbalancer shop'), 'next'),
  admin(lb('amphora failover $next --wait')),
  admin(lb('amphora failover $nobody')),
  admin(lb('amphora delete $nobody')),
  demo(lb('show shop')),
];

const deletions = [
  demo(lb('delete shop')), // has children
  demo(lb('l7rule delete refuse $rule --wait')),
  demo(lb('l7rule delete refuse $rule')),
  demo(lb('l7policy delete refuse --wait')),
  demo(lb('l7policy list')),
  demo(lb('l7policy delete refuse')),
  demo(lb('healthmonitor delete pulse --wait')),
  demo(lb('healthmonitor delete pulse')),
  observer(lb('pool delete $main')),
  demo(lb('pool delete secure')), // L7 policies name it
  demo(lb('pool delete main --wait')),
  demo(lb('listener delete tcp --wait')),
  demo(lb('listener delete tcp')),
  demo(lb('listener list')),
  demo(lb('delete shop --cascade --wait')),
  demo(lb('delete api --wait')),
  demo(lb('delete plain --wait')),
  demo(lb('delete $web')),
  request('DELETE', '/v2/lbaas/loadbalancers/$web'),
  demo(lb('list')),
  demo(lb('pool list')),
  demo(lb('quota show demo')),
  admin(lb('amphora list')),
  admin(lb('availabilityzone delete north')),
  admin(lb('availabilityzoneprofile delete first')),
  admin(lb('flavor delete tinier')),
  admin(lb('flavor delete off')),
  admin(lb('flavorprofile delete smaller')),
  admin(lb('flavorprofile list')),
];

const strangers = [
  request('GET', '/v2/lbaas/nonsense'),
  request('GET', '/v2/lbaas/loadbalancers/$nobody'),
  request('GET', '/v2/lbaas/listeners/$nobody'),
  request('GET', '/v2/lbaas/pools/$nobody'),
  request('GET', '/v2/lbaas/pools/$nobody/members'),
  request('GET', '/v2/lbaas/healthmonitors/$nobody'),
  request('GET', '/v2/lbaas/l7policies/$nobody'),
  request('DELETE', '/v2/lbaas/listeners/$nobody'),
];

export const script: readonly Step[] = [
  ...[providers, flavors, zones, quotas, loadBalancers, listeners, pools, members, monitors, l7, whole, amphorae],
  ...[deletions, strangers],
].flat();

/** Splits a command as a shell would that knows quotes and nothing else. */
export function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}
