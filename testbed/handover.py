"""The files by which clients find the test bed: clouds.yaml and octavia.conf, made from what seed.py puts in testbed.json."""

import os


def write(path, text):
    """Replaces the file in one step, and only if it changes: a reader never sees half of it."""
    if os.path.exists(path):
        with open(path, encoding='utf-8') as file:
            if file.read() == text:
                return
    with open(path + '.new', 'w', encoding='utf-8') as file:
        file.write(text)
    os.replace(path + '.new', path)


def clouds_yaml(bed):
    clouds = {'testbed' if name == 'kiln' else f'testbed-{name}': name for name in bed['users']}
    return 'clouds:\n' + ''.join(
        f"""  {cloud}:
    region_name: {bed['region']}
    auth:
      auth_url: {bed['endpoints']['identity']}
      username: {user['name']}
      password: {user['password']}
      project_name: {user['projectName']}
      user_domain_name: {user['domainName']}
      project_domain_name: {user['domainName']}
"""
        for cloud, user in ((cloud, bed['users'][name]) for cloud, name in clouds.items())
    )


def octavia_conf(bed, ca_passphrase):
    kiln = bed['users']['kiln']
    certs = bed['files']['certificates']
    return f"""# Written by testbed/up.sh: the controller's configuration for this bed.
[service_auth]
auth_type = password
auth_url = {bed['endpoints']['identity']}
username = {kiln['name']}
password = {kiln['password']}
project_name = {kiln['projectName']}
user_domain_name = {kiln['domainName']}
project_domain_name = {kiln['domainName']}

[controller_worker]
compute_driver = compute_nova_driver
image_driver = image_glance_driver
network_driver = allowed_address_pairs_driver
amp_image_tag = amphora
amp_image_owner_id =
amp_flavor_id = {bed['flavors']['amphora']['id']}
amp_boot_network_list = {bed['network']['id']}
amp_secgroup_list = {bed['securityGroup']['id']}
amp_ssh_key_name = {bed['keypair']}
amp_active_retries = 60
amp_active_wait_sec = 1
client_ca = {certs}/client_ca.cert.pem

[certificates]
cert_generator = local_cert_generator
ca_certificate = {certs}/server_ca.cert.pem
ca_private_key = {certs}/server_ca.key.pem
ca_private_key_passphrase = {ca_passphrase}
server_certs_key_passphrase = insecure-key-do-not-use-this-key

[haproxy_amphora]
client_cert = {certs}/client.cert-and-key.pem
server_ca = {certs}/server_ca.cert.pem

[health_manager]
bind_ip = {bed['controllerIp']}
bind_port = 5555
controller_ip_port_list = {bed['controllerIp']}:5555
heartbeat_key = {ca_passphrase}
"""
