"""What the real Octavia's health manager decides in the cases of health-octavia.test.ts.

JSON on standard input, JSON on standard output.
"""
import json
import sys
import types
from unittest import mock

from octavia.amphorae.drivers.health import heartbeat_udp
from octavia.common import config  # noqa: F401 (registers the options)


class Recorder:
    """A repository that writes down what it would have changed."""

    def __init__(self, changes):
        self.changes = changes

    def update(self, session, entity_id, operating_status):
        self.changes[entity_id] = operating_status


def decide(case):
    changes = {}
    heard = []
    updater = heartbeat_udp.UpdateHealthDb.__new__(heartbeat_udp.UpdateHealthDb)
    for name in ('loadbalancer_repo', 'member_repo', 'pool_repo'):
        setattr(updater, name, Recorder(changes))
    updater.listener_repo = Recorder(changes)
    updater.listener_repo.get = lambda session, id: to_object(case['udpListeners'][id])
    updater.amphora_repo = types.SimpleNamespace(
        get_lb_for_health_update=lambda session, amphora_id: case['loadBalancer'])
    updater.amphora_health_repo = types.SimpleNamespace(
        replace=lambda session, amphora_id, last_update: heard.append(amphora_id))
    health = dict(case['health'], recv_time=heartbeat_udp.time.time())
    updater._update_health(health, '192.0.2.1')
    return {'changes': changes, 'healthy': bool(heard)}


def to_object(value):
    return json.loads(json.dumps(value), object_hook=lambda fields: types.SimpleNamespace(**fields))


with mock.patch.object(heartbeat_udp, 'db_api'), mock.patch.object(heartbeat_udp, 'LOG'):
    json.dump([decide(case) for case in json.load(sys.stdin)], sys.stdout)
