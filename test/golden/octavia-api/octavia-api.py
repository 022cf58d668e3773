"""The real Octavia API, without a network: requests as lines of JSON on standard input, answers on standard output.

A line with "settle" has everything that is on its way arrive, as when Octavia's workers end; one with "remember" keeps what is
there, and one with "restore" brings it back.
"""
import json
import os
import sqlite3
import sys
import tempfile

import sqlalchemy
import webob

folder = tempfile.mkdtemp(prefix='kiln-octavia-api-')
database = os.path.join(folder, 'octavia.sqlite')
configuration = os.path.join(folder, 'octavia.conf')
with open(configuration, 'w') as file:
    file.write('''[DEFAULT]
transport_url = fake://
[database]
connection = sqlite:///%s
[api_settings]
auth_strategy = testing
enabled_provider_drivers = amphora:The Octavia Amphora driver.,octavia:Deprecated alias of the Octavia Amphora driver.
default_provider_driver = amphora
pagination_max_limit = 1000
healthcheck_enabled = true
[oslo_messaging]
topic = octavia_prov
[controller_worker]
network_driver = network_noop_driver
compute_driver = compute_noop_driver
image_driver = image_noop_driver
[certificates]
cert_manager = local_cert_manager
''' % database)
answers = os.fdopen(os.dup(1), 'w')
os.dup2(2, 1)

from octavia.api import app as octavia_app  # noqa: E402
from octavia.common import constants  # noqa: E402
from octavia.db import api as db_api  # noqa: E402
from octavia.db import base_models  # noqa: E402
from octavia.db import models  # noqa: E402
from oslo_db.sqlalchemy import engines  # noqa: E402

# There is one thread: it yields to nobody.
engines._thread_yield = lambda *_: None

application = octavia_app.setup_app(
    argv=['octavia-api', '--config-file', configuration])


@sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, 'connect')
def forget_disk(connection, _record):
    # Nothing has to outlive this process.
    connection.execute('PRAGMA synchronous=OFF')
    connection.execute('PRAGMA journal_mode=MEMORY')


base_models.BASE.metadata.create_all(db_api.get_engine())
session = db_api.get_session(autocommit=True)
for model, names in (
        (models.ProvisioningStatus, constants.SUPPORTED_PROVISIONING_STATUSES),
        (models.OperatingStatus, constants.SUPPORTED_OPERATING_STATUSES),
        (models.HealthMonitorType, constants.SUPPORTED_HEALTH_MONITOR_TYPES),
        (models.Algorithm, constants.SUPPORTED_LB_ALGORITHMS),
        (models.Protocol, constants.SUPPORTED_PROTOCOLS),
        (models.L7RuleType, constants.SUPPORTED_L7RULE_TYPES),
        (models.L7RuleCompareType, constants.SUPPORTED_L7RULE_COMPARE_TYPES),
        (models.L7PolicyAction, constants.SUPPORTED_L7POLICY_ACTIONS),
        (models.AmphoraRoles, constants.SUPPORTED_AMPHORA_ROLES),
        (models.SessionPersistenceType, constants.SUPPORTED_SP_TYPES),
        (models.LBTopology, constants.SUPPORTED_LB_TOPOLOGIES),
        (models.VRRPAuthMethod, constants.SUPPORTED_VRRP_AUTH),
        (models.ClientAuthenticationMode, constants.SUPPORTED_CLIENT_AUTH_MODES)):
    with session.begin():
        for name in names:
            session.add(model(name=name))
with session.begin():
    # What stands in for "no flavor" and "no zone".
    for table, profile in ((models.Flavor, models.FlavorProfile),
                           (models.AvailabilityZone, models.AvailabilityZoneProfile)):
        nil = constants.NIL_UUID
        if table is models.Flavor:
            session.add(profile(id=nil, name='DELETED-PLACEHOLDER', provider_name='DELETED', flavor_data='{}'))
            session.flush()
            session.add(table(id=nil, name='DELETED-PLACEHOLDER', description='', enabled=False, flavor_profile_id=nil))
        else:
            session.add(profile(id=nil, name='DELETED-PLACEHOLDER', provider_name='DELETED',
                                availability_zone_data='{}'))
            session.flush()
            session.add(table(name=nil, description='', enabled=False, availability_zone_profile_id=nil))

RESOURCES = (models.L7Rule, models.L7Policy, models.HealthMonitor, models.Member, models.Listener, models.Pool,
             models.LoadBalancer)


def settle():
    with session.begin():
        for model in RESOURCES:
            table = model.__tablename__
            if model is models.LoadBalancer:
                session.execute(sqlalchemy.text(
                    "UPDATE %s SET provisioning_status='DELETED' WHERE provisioning_status='PENDING_DELETE'" % table))
            else:
                session.execute(sqlalchemy.text("DELETE FROM %s WHERE provisioning_status='PENDING_DELETE'" % table))
            session.execute(sqlalchemy.text(
                "UPDATE %s SET provisioning_status='ACTIVE' WHERE provisioning_status LIKE 'PENDING%%'" % table))


def copy(source, target):
    source.backup(target)
    target.commit()


def answer(asked):
    if asked.get('settle'):
        settle()
    elif asked.get('remember'):
        copy(file_connection, remembered)
    elif asked.get('restore'):
        copy(remembered, file_connection)
    else:
        return ask(asked)
    return {}


def ask(asked):
    request = webob.Request.blank(asked['path'], method=asked['method'], headers=asked['headers'])
    if asked.get('body') is not None:
        request.body = asked['body'].encode()
    try:
        response = request.get_response(application)
    except Exception as error:  # A server answers 500 then.
        return {'status': 500, 'body': json.dumps({'faultstring': str(error)})}
    return {'status': response.status_int, 'body': response.text}


file_connection = sqlite3.connect(database)
remembered = sqlite3.connect(':memory:')
for line in sys.stdin:
    answers.write(json.dumps(answer(json.loads(line))) + '\n')
    answers.flush()
