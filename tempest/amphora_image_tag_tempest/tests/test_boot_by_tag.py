"""Which image an amphora boots, as a user of the clouds' APIs sees it."""

from tempest import config
from tempest.lib import decorators
from tempest.lib import exceptions

from amphora_image_tag_tempest import base

CONF = config.CONF


class BootByTagTest(base.AmphoraImageTagTest):
    """In one class, so that no two tests move the tag at once."""

    @decorators.idempotent_id('8b6f2a51-6d0c-4a3e-9a55-0d9d6f6ad001')
    def test_image_with_the_tag_is_booted(self):
        self.tagged.carry(self.older)
        self.assert_booted(self.boot(), self.older)

    @decorators.idempotent_id('8b6f2a51-6d0c-4a3e-9a55-0d9d6f6ad002')
    def test_tag_moved_the_next_one_boots_the_new_image(self):
        self.tagged.carry(self.older)
        first = self.boot()
        before = self.assert_booted(first, self.older)
        self.tagged.carry(self.newer)
        self.assert_booted(self.boot(), self.newer)
        # What runs is left alone.
        self.assertEqual(before, self.assert_booted(first, self.older))

    @decorators.idempotent_id('8b6f2a51-6d0c-4a3e-9a55-0d9d6f6ad003')
    def test_tag_moved_back_the_old_image_is_booted_again(self):
        self.tagged.carry(self.newer)
        self.assert_booted(self.boot(), self.newer)
        self.tagged.carry(self.older)
        self.assert_booted(self.boot(), self.older)

    @decorators.idempotent_id('8b6f2a51-6d0c-4a3e-9a55-0d9d6f6ad004')
    def test_failover_after_the_tag_moved_boots_the_new_image(self):
        self.tagged.carry(self.older)
        load_balancer = self.boot()
        before = self.assert_booted(load_balancer, self.older)
        self.tagged.carry(self.newer)
        self.fail_over(load_balancer)
        after = self.assert_booted(load_balancer, self.newer)
        self.assertEqual(set(), before & after)

    @decorators.idempotent_id('8b6f2a51-6d0c-4a3e-9a55-0d9d6f6ad005')
    def test_old_image_deleted_what_runs_on_it_stays(self):
        doomed = self.make_image()
        self.tagged.carry(doomed)
        load_balancer = self.boot()
        before = self.assert_booted(load_balancer, doomed)
        self.tagged.carry(self.newer)
        try:
            self.images.delete_image(doomed)
        except exceptions.Conflict:
            raise self.skipException('Glance deletes no image that is in use')
        self.assertEqual(before, self.assert_booted(load_balancer, doomed))
        self.fail_over(load_balancer)
        self.assert_booted(load_balancer, self.newer)

    @decorators.idempotent_id('8b6f2a51-6d0c-4a3e-9a55-0d9d6f6ad006')
    def test_two_images_with_the_tag_the_newest_is_booted(self):
        self.tagged.carry(self.newer, self.older)
        self.assert_booted(self.boot(), self.newer)

    @decorators.idempotent_id('8b6f2a51-6d0c-4a3e-9a55-0d9d6f6ad007')
    def test_no_image_with_the_tag_is_an_error_that_failover_ends(self):
        self.tagged.carry()
        load_balancer = self.request()
        self.wait(load_balancer, 'ERROR')
        self.assertEqual({}, self.servers_of(load_balancer))
        self.tagged.carry(self.older)
        self.fail_over(load_balancer)
        self.assert_booted(load_balancer, self.older)

    @decorators.idempotent_id('8b6f2a51-6d0c-4a3e-9a55-0d9d6f6ad008')
    def test_tag_of_the_flavor_comes_before_that_of_the_service(self):
        self.tagged.carry(self.newer)
        tag = '%s-of-a-flavor' % self.tagged.tag
        self.images.add_image_tag(self.older, tag)
        self.addCleanup(self.images.delete_image_tag, self.older, tag)
        self.assert_booted(self.boot(self.make_flavor(amp_image_tag=tag)), self.older)

    @decorators.idempotent_id('8b6f2a51-6d0c-4a3e-9a55-0d9d6f6ad009')
    def test_image_that_a_tenant_tagged_is_not_booted(self):
        if not CONF.amphora_image_tag.owner_checked:
            raise self.skipException('the service under test boots images of any owner')
        self.tagged.carry(self.older)
        planted = self.make_image(self.tenant_images, visibility='shared')
        self.tenant_images.add_image_tag(planted, self.tagged.tag)
        # Seen by the service as an image that was shared with its project.
        members = self.os_primary.image_member_client_v2
        members.create_image_member(planted, member=self.source['owner'])
        self.os_admin.image_member_client_v2.update_image_member(planted, self.source['owner'], status='accepted')
        # The tenant's is the newer of the two.
        self.assertEqual([planted, self.older], [one['id'] for one in self.tagged.carriers()])
        self.assert_booted(self.boot(), self.older)
