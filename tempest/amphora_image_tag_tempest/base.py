"""What the tests share: images, load balancers, and what their amphorae run."""

import json
import time

from octavia_tempest_plugin.tests import waiters
from tempest import config
from tempest import test
from tempest.lib import exceptions
from tempest.lib.common.utils import data_utils

from amphora_image_tag_tempest.images import TaggedImages

CONF = config.CONF

# In-memory copies are made of the image that carries the tag.
LARGEST_IMAGE_BYTES = 2 << 30


class AmphoraImageTagTest(test.BaseTestCase):
    """Speaks the APIs of Glance, Nova, Neutron and Octavia, and nothing else."""

    credentials = ['admin', 'primary']

    @classmethod
    def skip_checks(cls):
        super().skip_checks()
        for service in ('load_balancer', 'glance', 'nova', 'neutron'):
            if not CONF.service_available[service]:
                raise cls.skipException('needs [service_available] %s' % service)

    @classmethod
    def setup_credentials(cls):
        cls.set_network_resources()
        super().setup_credentials()

    @classmethod
    def setup_clients(cls):
        super().setup_clients()
        service = cls.os_admin.load_balancer_v2
        cls.load_balancers = service.LoadbalancerClient()
        cls.amphorae = service.AmphoraClient()
        cls.flavors = service.FlavorClient()
        cls.profiles = service.FlavorProfileClient()
        cls.servers = cls.os_admin.servers_client
        cls.images = cls.os_admin.image_client_v2
        cls.tenant_images = cls.os_primary.image_client_v2

    @classmethod
    def resource_setup(cls):
        super().resource_setup()
        cls.tagged = TaggedImages(cls.images, CONF.amphora_image_tag.tag)
        cls.source, cls.data = cls._find_image()
        cls.addClassResourceCleanup(cls.tagged.restore)
        cls.vip_subnet_id = CONF.amphora_image_tag.vip_subnet_id or cls._make_subnet()
        cls.older = cls.make_image()
        cls.newer = cls.make_image()

    @classmethod
    def _find_image(cls):
        """:returns: properties that the tests' images get, and their bytes."""
        options = CONF.amphora_image_tag
        if options.image_file:
            with open(options.image_file, 'rb') as file:
                data = file.read()
            return {
                'disk_format': options.image_disk_format, 'container_format': 'bare', 'min_disk': 0, 'min_ram': 0,
                'owner': options.image_owner_id}, data
        carriers = cls.tagged.carriers()
        if not carriers:
            raise cls.skipException(
                'no image carries the tag %s: name one by [amphora_image_tag] image_file' % cls.tagged.tag)
        source = carriers[0]
        if source['size'] > LARGEST_IMAGE_BYTES:
            raise cls.skipException('the image with the tag is too large to be copied')
        return source, cls.images.show_image_file(source['id']).data

    @classmethod
    def _make_subnet(cls):
        networks, subnets = cls.os_admin.networks_client, cls.os_admin.subnets_client
        name = data_utils.rand_name('amphora-image-tag')
        network = networks.create_network(name=name)['network']
        cls.addClassResourceCleanup(networks.delete_network, network['id'])
        subnet = subnets.create_subnet(
            network_id=network['id'], name=name, ip_version=4, cidr=CONF.amphora_image_tag.vip_cidr,
            enable_dhcp=False, gateway_ip=None)['subnet']
        return subnet['id']

    @classmethod
    def make_image(cls, client=None, **properties):
        """A copy of the service's image, of the same owner unless `client` is a tenant's. :returns: its ID."""
        image = cls.tagged.copy(cls.source, cls.data, client, **properties)
        cls.addClassResourceCleanup(cls.tagged.remove, image['id'])
        return image['id']

    def request(self, flavor_id=None):
        """Asks for a load balancer, which is removed after the test. :returns: its ID."""
        more = {'flavor_id': flavor_id} if flavor_id else {}
        body = self.load_balancers.create_loadbalancer(
            name=data_utils.rand_name('amphora-image-tag'), vip_subnet_id=self.vip_subnet_id, **more)
        self.addCleanup(self._remove, body['id'])
        return body['id']

    def boot(self, flavor_id=None):
        """A load balancer that is ACTIVE. :returns: its ID."""
        load_balancer_id = self.request(flavor_id)
        self.wait(load_balancer_id)
        return load_balancer_id

    def fail_over(self, load_balancer_id):
        self.load_balancers.failover_loadbalancer(load_balancer_id)
        self.wait(load_balancer_id)

    def wait(self, load_balancer_id, status='ACTIVE'):
        options = CONF.load_balancer
        waiters.wait_for_status(
            self.load_balancers.show_loadbalancer, load_balancer_id, 'provisioning_status', status,
            options.lb_build_interval, options.lb_build_timeout, error_ok=status == 'ERROR')

    def make_flavor(self, **capabilities):
        """A flavor whose profile says that. :returns: its ID."""
        profile = self.profiles.create_flavor_profile(
            name=data_utils.rand_name('amphora-image-tag'), provider_name=CONF.load_balancer.provider,
            flavor_data=json.dumps(capabilities))
        self.addCleanup(self.profiles.cleanup_flavor_profile, profile['id'])
        flavor = self.flavors.create_flavor(
            name=data_utils.rand_name('amphora-image-tag'), flavor_profile_id=profile['id'])
        self.addCleanup(self.flavors.cleanup_a_flavor, flavor['id'])
        return flavor['id']

    def servers_of(self, load_balancer_id):
        """Nova's servers behind a load balancer, by their IDs."""
        listed = self.amphorae.list_amphorae(query_params='loadbalancer_id=%s' % load_balancer_id)
        ids = [one['compute_id'] for one in listed if one.get('compute_id')]
        servers = {}
        for server_id in ids:
            try:
                servers[server_id] = self.servers.show_server(server_id)['server']
            except exceptions.NotFound:
                continue
        return servers

    def assert_booted(self, load_balancer_id, image_id):
        """Each server of the load balancer was booted from that image, as Nova says. :returns: the servers' IDs."""
        servers = self.servers_of(load_balancer_id)
        self.assertNotEqual({}, servers, 'the load balancer has no server')
        booted = {server_id: server['image']['id'] for server_id, server in servers.items()}
        self.assertEqual({server_id: image_id for server_id in servers}, booted)
        return set(servers)

    def _remove(self, load_balancer_id):
        """Waits until the load balancer may be deleted, and until it is."""
        options = CONF.load_balancer
        deadline = time.monotonic() + options.lb_build_timeout
        while True:
            try:
                self.load_balancers.delete_loadbalancer(load_balancer_id, cascade=True)
                break
            except exceptions.NotFound:
                return
            except exceptions.Conflict:
                if time.monotonic() > deadline:
                    raise
                time.sleep(options.lb_build_interval)
        waiters.wait_for_deleted_status_or_not_found(
            self.load_balancers.show_loadbalancer, load_balancer_id, 'provisioning_status',
            options.lb_build_interval, options.lb_build_timeout)
