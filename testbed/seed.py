"""Fills the test bed and hands it over. Whatever exists already is kept, so this can run after every start.

  seed.py identity   projects, users, roles and catalog; needs Keystone
  seed.py cloud      flavors, management network, security group and key pair; then writes testbed.json, clouds.yaml
                     and octavia.conf. Needs all services.

What Octavia's installation guide tells an operator to make is made here in the same way, for a service user `kiln` in
place of `octavia`: Nova looks up security groups and key pairs in the project and user that boot.
"""

import json
import os
import sys

import requests

import handover

PASSWORD = os.environ['TESTBED_PASSWORD']
REGION = os.environ['TESTBED_REGION']
STATE = os.environ['TESTBED_STATE']
ENDPOINTS = {name: os.environ[f'TESTBED_{name.upper()}'] for name in ('identity', 'image', 'compute', 'network', 'placement')}

SERVICES = {'image': 'glance', 'compute': 'nova', 'network': 'neutron', 'placement': 'placement'}
PROJECTS = ('service', 'demo')
USERS = {  # user: (project, roles)
    **{name: ('service', ('admin', 'service')) for name in SERVICES.values()},
    'kiln': ('service', ('admin', 'service')),
    'demo': ('demo', ('member', 'load-balancer_member')),
    'observer': ('demo', ('reader', 'load-balancer_observer')),
    'operator': ('service', ('load-balancer_admin',)),
}
# Octavia's own (octavia/policies/base.py), as its guide has them made.
LOAD_BALANCER_ROLES = tuple(f'load-balancer_{name}' for name in ('observer', 'global_observer', 'member', 'quota_admin', 'admin'))
# libvirt: virtual machines, which need memory, a disk, and a network that leads to them.
VIRTUAL_MACHINES = os.environ['TESTBED_HYPERVISOR'] == 'libvirt'
BRIDGE_IP = os.environ['TESTBED_BRIDGE_IP']
FLAVORS = {  # ids are strings in Nova
    'amphora': {'id': '65', 'name': 'amphora', 'vcpus': 1, **({'ram': 512, 'disk': 2} if VIRTUAL_MACHINES else {'ram': 64, 'disk': 1})},
    'tooSmall': {'id': '66', 'name': 'amphora-too-small', 'vcpus': 1, 'ram': 8, 'disk': 1},
}
KEYPAIR = 'octavia_ssh_key'


class Session:
    """One user's token, and requests to any service with it. A refusal ends the program with the service's words."""

    def __init__(self, user, project):
        self.http = requests.Session()
        self.http.trust_env = False
        login = {'name': user, 'password': PASSWORD, 'domain': {'id': 'default'}}
        answer = self.http.post(
            ENDPOINTS['identity'] + '/auth/tokens',
            json={
                'auth': {
                    'identity': {'methods': ['password'], 'password': {'user': login}},
                    'scope': {'project': {'name': project, 'domain': {'id': 'default'}}},
                }
            },
        )
        if not answer.ok:
            sys.exit(f'no token for {user} in {project}: {answer.status_code} {answer.text}')
        self.http.headers['X-Auth-Token'] = answer.headers['X-Subject-Token']
        self.user_id = answer.json()['token']['user']['id']
        self.project_id = answer.json()['token']['project']['id']

    def call(self, method, service, path, **options):
        answer = self.http.request(method, ENDPOINTS[service] + path, **options)
        if not answer.ok:
            sys.exit(f'{method} {service} {path}: {answer.status_code} {answer.text}')
        return answer.json() if answer.content else None

    def ensure(self, service, path, kind, query, body):
        """The first `kind` in the list at `path` that matches `query`, made from `body` if there is none."""
        found = self.call('GET', service, path, params=query)[path.rsplit('/', 1)[1].replace('-', '_')]
        return found[0] if found else self.call('POST', service, path, json={kind: body})[kind]


def seed_identity():
    admin = Session('admin', 'admin')

    def ensure(path, kind, query, **more):
        return admin.ensure('identity', '/' + path, kind, query, {**query, **more})['id']

    projects = {name: ensure('projects', 'project', {'name': name, 'domain_id': 'default'}) for name in PROJECTS}
    roles = {name: ensure('roles', 'role', {'name': name}) for name in ('admin', 'member', 'reader', 'service', *LOAD_BALANCER_ROLES)}
    for name, (project, user_roles) in USERS.items():
        user = ensure('users', 'user', {'name': name, 'domain_id': 'default'}, password=PASSWORD)
        for role in user_roles:
            admin.call('PUT', 'identity', f'/projects/{projects[project]}/users/{user}/roles/{roles[role]}')
    for service_type, name in SERVICES.items():
        service = ensure('services', 'service', {'type': service_type}, name=name)
        for interface in ('public', 'internal', 'admin'):
            query = {'service_id': service, 'interface': interface, 'region_id': REGION}
            ensure('endpoints', 'endpoint', query, url=ENDPOINTS[service_type])


def ensure_flavors(kiln):
    existing = {flavor['id'] for flavor in kiln.call('GET', 'compute', '/flavors')['flavors']}
    for flavor in FLAVORS.values():
        if flavor['id'] not in existing:
            kiln.call('POST', 'compute', '/flavors', json={'flavor': flavor})


def ensure_keypair(kiln):
    """Below microversion 2.92 Nova makes the pair itself and shows the private key, once."""
    pairs = kiln.call('GET', 'compute', '/os-keypairs')['keypairs']
    if not any(pair['keypair']['name'] == KEYPAIR for pair in pairs):
        pair = kiln.call('POST', 'compute', '/os-keypairs', json={'keypair': {'name': KEYPAIR}})['keypair']
        handover.write(os.path.join(STATE, KEYPAIR), pair['private_key'])


def ensure_network(kiln):
    def ensure(path, kind, **body):
        query = {name: body[name] for name in ('name', 'network_id') if name in body}
        return kiln.ensure('network', '/v2.0/' + path, kind, {**query, 'project_id': kiln.project_id}, body)

    network = ensure('networks', 'network', name='lb-mgmt-net')
    # Without virtual machines, loopback addresses: nothing listens there, and no packet meant for an amphora ever leaves this machine.
    # Neutron takes such a subnet only without DHCP and without a gateway. With them, a bridge of this machine, which keeps
    # the first ten addresses.
    base = BRIDGE_IP.rsplit('.', 1)[0]
    pools = {'allocation_pools': [{'start': f'{base}.10', 'end': f'{base}.250'}]} if VIRTUAL_MACHINES else {}
    subnet = ensure(
        'subnets', 'subnet', name='lb-mgmt-subnet', network_id=network['id'], ip_version=4,
        cidr=f'{base}.0/24' if VIRTUAL_MACHINES else '127.79.0.0/16', enable_dhcp=False, gateway_ip=None, **pools,
    )
    bridge = {'managementBridge': f"brq{network['id'][:11]}"} if VIRTUAL_MACHINES else {}
    return {'id': network['id'], 'name': network['name'], 'subnetId': subnet['id'], 'cidr': subnet['cidr'], **bridge}


def ensure_security_group(kiln):
    group = kiln.ensure(
        'network',
        '/v2.0/security-groups',
        'security_group',
        {'name': 'lb-mgmt-sec-grp', 'project_id': kiln.project_id},
        {'name': 'lb-mgmt-sec-grp', 'description': 'amphorae: their agent, and ping'},
    )
    existing = {(rule['protocol'], rule['port_range_min']) for rule in group['security_group_rules']}
    for protocol, port in (('tcp', 9443), ('icmp', None)):
        if (protocol, port) not in existing:
            rule = {'security_group_id': group['id'], 'direction': 'ingress', 'ethertype': 'IPv4', 'protocol': protocol}
            ports = {'port_range_min': port, 'port_range_max': port} if port else {}
            kiln.call('POST', 'network', '/v2.0/security-group-rules', json={'security_group_rule': {**rule, **ports}})
    return {'id': group['id'], 'name': group['name']}


def seed_cloud():
    kiln = Session('kiln', 'service')
    people = {'demo': 'demo', 'admin': 'admin', 'observer': 'demo', 'operator': 'service'}
    sessions = {'kiln': (kiln, 'service'), **{name: (Session(name, project), project) for name, project in people.items()}}
    ensure_flavors(kiln)
    ensure_keypair(kiln)
    bed = {
        'region': REGION,
        'endpoints': ENDPOINTS,
        'users': {
            name: {
                'id': session.user_id,
                'name': name,
                'password': PASSWORD,
                'domainId': 'default',
                'domainName': 'Default',
                'projectId': session.project_id,
                'projectName': project,
            }
            for name, (session, project) in sessions.items()
        },
        'projects': {project: session.project_id for session, project in sessions.values()},
        'flavors': FLAVORS,
        'network': ensure_network(kiln),
        'securityGroup': ensure_security_group(kiln),
        'keypair': KEYPAIR,
        # Where a controller takes heartbeats: the amphorae must reach it.
        'controllerIp': BRIDGE_IP if VIRTUAL_MACHINES else '127.0.0.1',
        # The services' own account: it may make databases. What is made must be dropped again.
        'database': {
            'host': os.environ['TESTBED_DATABASE_HOST'],
            'port': int(os.environ['TESTBED_DATABASE_PORT']),
            'user': 'openstack',
            'password': PASSWORD,
        },
        'files': {
            'cloudsYaml': os.path.join(STATE, 'clouds.yaml'),
            'octaviaConf': os.path.join(STATE, 'octavia.conf'),
            'sshPrivateKey': os.path.join(STATE, KEYPAIR),
            'certificates': os.environ['TESTBED_CERTS'],
        },
    }
    handover.write(os.path.join(STATE, 'testbed.json'), json.dumps(bed, indent=2) + '\n')
    handover.write(bed['files']['cloudsYaml'], handover.clouds_yaml(bed))
    handover.write(bed['files']['octaviaConf'], handover.octavia_conf(bed, PASSWORD))


{'identity': seed_identity, 'cloud': seed_cloud}[sys.argv[1]]()
