"""What the real Octavia makes of the cases of haproxy-octavia.test.ts, and its agent of Kiln's configurations.

JSON on standard input, JSON on standard output.
"""
import json
import os
import sys
import tempfile

from octavia.amphorae.backends.agent.api_server import util
from octavia.common import config  # noqa: F401 (registers the options)
from octavia.common import data_models
from octavia.common import utils
from octavia.common.jinja.haproxy.combined_listeners import jinja_cfg
from oslo_config import cfg

CONF = cfg.CONF


def override(settings):
    timeouts = settings['defaultTimeouts']
    logging = settings['logging']
    for group, options in {
        'haproxy_amphora': {
            'base_path': settings['basePath'],
            'base_cert_dir': settings['basePath'] + '/certs',
            'default_connection_limit': settings['defaultConnectionLimit'],
            'haproxy_stick_size': settings['stickTableSize'],
            'user_log_format': logging['format'],
            'timeout_client_data': timeouts['clientDataMilliseconds'],
            'timeout_member_connect': timeouts['memberConnectMilliseconds'],
            'timeout_member_data': timeouts['memberDataMilliseconds'],
            'timeout_tcp_inspect': timeouts['tcpInspectMilliseconds'],
        },
        'amphora_agent': {
            'user_log_facility': logging['userFacility'],
            'administrative_log_facility': logging['administrativeFacility'],
        },
        'api_settings': {
            'default_listener_ciphers': settings['defaultListenerCiphers'],
            'default_pool_ciphers': settings['defaultPoolCiphers'],
        },
    }.items():
        for name, value in options.items():
            CONF.set_override(name, value, group=group)


def common(node):
    return {
        'id': node['id'],
        'project_id': node['projectId'],
        'enabled': node['adminStateUp'],
        'provisioning_status': node['provisioningStatus'],
        'operating_status': node['operatingStatus'],
    }


def make_pool(node):
    persistence = node['sessionPersistence']
    monitor = node['healthMonitor']
    return data_models.Pool(
        protocol=node['protocol'],
        lb_algorithm=node['lbAlgorithm'],
        session_persistence=persistence and data_models.SessionPersistence(
            type=persistence['type'], cookie_name=persistence['cookieName']),
        members=[data_models.Member(
            ip_address=member['address'], protocol_port=member['protocolPort'], weight=member['weight'],
            backup=member['backup'], monitor_address=member['monitorAddress'], monitor_port=member['monitorPort'],
            **common(member)) for member in node['members']],
        health_monitor=monitor and data_models.HealthMonitor(
            type=monitor['type'], delay=monitor['delay'], timeout=monitor['timeout'],
            rise_threshold=monitor['maxRetries'], fall_threshold=monitor['maxRetriesDown'],
            http_method=monitor['httpMethod'], url_path=monitor['urlPath'], expected_codes=monitor['expectedCodes'],
            http_version=monitor['httpVersion'] and float(monitor['httpVersion']), domain_name=monitor['domainName'], **common(monitor)),
        tls_enabled=node['tlsEnabled'],
        tls_certificate_id=node['tlsContainerRef'],
        ca_tls_certificate_id=node['caTlsContainerRef'],
        crl_container_id=node['crlContainerRef'],
        tls_ciphers=node['tlsCiphers'],
        tls_versions=node['tlsVersions'] or None,
        alpn_protocols=node['alpnProtocols'] or None,
        **common(node))


def make_policy(node, pools):
    return data_models.L7Policy(
        action=node['action'], redirect_url=node['redirectUrl'], redirect_prefix=node['redirectPrefix'],
        redirect_http_code=node['redirectHttpCode'], position=node['position'],
        redirect_pool=pools.get(node['redirectPoolId']),
        l7rules=[data_models.L7Rule(
            type=rule['type'], compare_type=rule['compareType'], key=rule['key'], value=rule['value'],
            invert=rule['invert'], **common(rule)) for rule in node['rules']],
        **common(node))


def make_listener(node, load_balancer, pools, files, tls_certs):
    policies = sorted((make_policy(policy, pools) for policy in node['l7Policies']), key=lambda p: p.position)
    default_pool = pools.get(node['defaultPoolId'])
    # As octavia.db.models has it: the default pool, and those of enabled policies that have rules.
    own = [default_pool] + [p.redirect_pool for p in policies if p.enabled and p.l7rules]
    named = {pool.id: pool for pool in own if pool}
    ca_ref = crl_ref = None
    if files:
        if files['clientCa']:
            ca_ref = node['id'] + '-ca'
            tls_certs[ca_ref] = os.path.basename(files['clientCa'])
        if files['clientRevocationList']:
            crl_ref = node['id'] + '-crl'
            tls_certs[crl_ref] = os.path.basename(files['clientRevocationList'])
    return data_models.Listener(
        load_balancer=load_balancer, protocol=node['protocol'], protocol_port=node['protocolPort'],
        connection_limit=node['connectionLimit'], default_pool=default_pool, pools=list(named.values()),
        l7policies=policies, insert_headers=node['insertHeaders'], tls_certificate_id=files and 'tls-ref',
        client_ca_tls_certificate_id=ca_ref, client_crl_container_id=crl_ref,
        client_authentication=node['clientAuthentication'],
        timeout_client_data=node['timeoutClientData'], timeout_member_connect=node['timeoutMemberConnect'],
        timeout_member_data=node['timeoutMemberData'], timeout_tcp_inspect=node['timeoutTcpInspect'],
        tls_ciphers=node['tlsCiphers'], tls_versions=node['tlsVersions'] or None,
        alpn_protocols=node['alpnProtocols'] or None, **common(node))


def render(case):
    tree, files, settings = case['tree'], case['files'], case['settings']
    override(settings)
    node = tree['loadBalancer']
    amphorae = [data_models.Amphora(id=peer['amphoraId'], vrrp_ip=peer['address'], status='ALLOCATED')
                for peer in settings['peers']]
    load_balancer = data_models.LoadBalancer(
        topology=node['topology'], vip=data_models.Vip(ip_address=node['vip']['address']),
        additional_vips=[data_models.AdditionalVip(ip_address=vip['address']) for vip in node['additionalVips']],
        amphorae=amphorae, **common(node))
    pools = {pool['id']: make_pool(pool) for pool in tree['pools']}
    tls_certs = {id: {'client_cert': paths['clientCertificate'], 'ca_cert': paths['ca'], 'crl': paths['revocationList']}
                 for id, paths in files['pools'].items()}
    listeners = [make_listener(listener, load_balancer, pools, files['listeners'].get(listener['id']), tls_certs)
                 for listener in tree['listeners'] if listener['provisioningStatus'] != 'PENDING_DELETE']
    logging = settings['logging']
    templater = jinja_cfg.JinjaTemplater(
        base_amp_path=settings['basePath'], base_crt_dir=settings['basePath'] + '/certs',
        log_http=logging['address'], log_server=logging['address'], connection_logging=logging['logsConnections'])
    version = settings['version']
    return templater.build_config(
        host_amphora=(amphorae or [data_models.Amphora(id=node['id'])])[0], listeners=listeners, tls_certs=tls_certs,
        haproxy_versions=[str(version['major']), str(version['minor'])])


def read_as_agent(text):
    with open(util.config_path('lb'), 'w', encoding='utf-8') as stream:
        stream.write(text)
    socket, listeners = util.parse_haproxy_file('lb')
    return {'socket': socket, 'listeners': listeners, 'vips': util.get_haproxy_vip_addresses('lb')}


def main():
    task = json.load(sys.stdin)
    rendered = {name: render(case) for name, case in task['cases'].items()}
    with tempfile.TemporaryDirectory() as folder:
        CONF.set_override('base_path', folder, group='haproxy_amphora')
        os.mkdir(os.path.join(folder, 'lb'))
        read = {name: read_as_agent(text) for name, text in task['texts'].items()}
    peers = {id: utils.base64_sha1_string(id).rstrip('=') for id in task['amphoraIds']}
    json.dump({'rendered': rendered, 'read': read, 'peers': peers}, sys.stdout)


main()
