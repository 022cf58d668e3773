"""What the real Octavia makes of the cases of vrrp-octavia.test.ts.

JSON on standard input, JSON on standard output.
"""
import json
import sys
from types import SimpleNamespace

from octavia.amphorae.drivers.keepalived.jinja import jinja_cfg
from octavia.common import config  # noqa: F401 (registers the options)
from oslo_config import cfg

CONF = cfg.CONF


def subnet(vip):
    return {'cidr': vip['subnetCidr'], 'gateway_ip': vip['gateway'], 'host_routes': vip['hostRoutes']}


def render(case):
    instance, settings = case['instance'], case['settings']
    CONF.set_override('base_path', settings['basePath'], group='haproxy_amphora')
    for option, field in (('vrrp_check_interval', 'checkIntervalSeconds'), ('vrrp_fail_count', 'failCount'),
                          ('vrrp_success_count', 'successCount'), ('vrrp_garp_refresh_count', 'garpRefreshCount'),
                          ('vrrp_garp_refresh_interval', 'garpRefreshIntervalSeconds')):
        CONF.set_override(option, settings[field], group='keepalived_vrrp')
    amphora = SimpleNamespace(
        status='ALLOCATED', role='MASTER' if instance['priority'] == 100 else 'BACKUP', vrrp_ip=instance['vrrpIp'],
        vrrp_interface=instance['interfaceName'], vrrp_id=instance['virtualRouterId'],
        vrrp_priority=instance['priority'])
    peers = [SimpleNamespace(status='ALLOCATED', vrrp_ip=ip) for ip in instance['peerIps']]
    load_balancer = SimpleNamespace(
        amphorae=[amphora, *peers], vip=SimpleNamespace(ip_address=instance['vip']['address']),
        vrrp_group=SimpleNamespace(
            vrrp_group_name=instance['loadBalancerId'].replace('-', ''), vrrp_auth_type='PASS',
            vrrp_auth_pass='a-word', advert_int=settings['advertIntervalSeconds']))
    network = {
        'vip_subnet': subnet(instance['vip']),
        'additional_vip_data': [
            {'ip_address': vip['address'], 'subnet': subnet(vip)} for vip in instance['additionalVips']]}
    return jinja_cfg.KeepalivedJinjaTemplater().build_keepalived_config(load_balancer, amphora, network)


json.dump({name: render(case) for name, case in json.load(sys.stdin).items()}, sys.stdout)
