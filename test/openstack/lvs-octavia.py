"""What the real Octavia makes of the cases of lvs-octavia.test.ts, and what its agent reads out of both texts.

JSON on standard input, JSON on standard output.
"""
import json
import os
import sys
import tempfile

from octavia.amphorae.backends.agent.api_server import util
from octavia.amphorae.backends.utils import keepalivedlvs_query
from octavia.common import config  # noqa: F401 (registers the options)
from octavia.common import data_models
from octavia.common.jinja.lvs import jinja_cfg
from oslo_config import cfg

CONF = cfg.CONF


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
            type=persistence['type'], persistence_timeout=persistence['persistenceTimeout'],
            persistence_granularity=persistence['persistenceGranularity']),
        members=[data_models.Member(
            ip_address=member['address'], protocol_port=member['protocolPort'], weight=member['weight'],
            backup=member['backup'], monitor_address=member['monitorAddress'], monitor_port=member['monitorPort'],
            **common(member)) for member in node['members']],
        health_monitor=monitor and data_models.HealthMonitor(
            type=monitor['type'], delay=monitor['delay'], timeout=monitor['timeout'],
            rise_threshold=monitor['maxRetries'], fall_threshold=monitor['maxRetriesDown'],
            http_method=monitor['httpMethod'], url_path=monitor['urlPath'], expected_codes=monitor['expectedCodes'],
            **common(monitor)),
        **common(node))


def render(case):
    tree, node = case['tree'], case['listener']
    owner = tree['loadBalancer']
    load_balancer = data_models.LoadBalancer(
        topology=owner['topology'], vip=data_models.Vip(ip_address=owner['vip']['address']),
        additional_vips=[data_models.AdditionalVip(ip_address=vip['address']) for vip in owner['additionalVips']],
        **common(owner))
    pools = {pool['id']: make_pool(pool) for pool in tree['pools']}
    listener = data_models.Listener(
        load_balancer=load_balancer, protocol=node['protocol'], protocol_port=node['protocolPort'],
        connection_limit=node['connectionLimit'], default_pool=pools.get(node['defaultPoolId']), **common(node))
    return jinja_cfg.LvsJinjaTemplater().build_config(listener=listener)


def read_as_agent(text):
    with open(util.keepalived_lvs_cfg_path('it'), 'w', encoding='utf-8') as stream:
        stream.write(text)
    try:
        mapping, namespace = keepalivedlvs_query.get_lvs_listener_resource_ipports_nsname('it')
    except Exception as e:
        return {'error': type(e).__name__}
    return {'mapping': mapping, 'namespace': namespace,
            'checked': bool(keepalivedlvs_query.CHECKER_REGEX.findall(text))}


def main():
    task = json.load(sys.stdin)
    rendered = {name: render(case) for name, case in task['cases'].items()}
    with tempfile.TemporaryDirectory() as folder:
        CONF.set_override('base_path', folder, group='haproxy_amphora')
        os.makedirs(util.keepalived_lvs_dir())
        read = {name: {'octavia': read_as_agent(rendered[name]), 'kiln': read_as_agent(text)}
                for name, text in task['texts'].items()}
    json.dump({'rendered': rendered, 'read': read}, sys.stdout)


main()
