"""Images that are made for a test, and the tag that moves between them."""

import io
import time

from tempest.lib import exceptions
from tempest.lib.common.utils import data_utils
from tempest.lib.common.utils import test_utils

# Glance's times have a resolution of one second.
SECOND = 1.1


class TaggedImages:
    """Whatever carries the tag, of the operator's images and of those made here."""

    def __init__(self, client, tag):
        """:param client: images_client of an administrator."""
        self.client = client
        self.tag = tag
        self.at_start = [one['id'] for one in self.carriers()]

    def carriers(self):
        """Images with the tag, newest first."""
        params = {'tag': self.tag, 'sort': 'created_at:desc'}
        return self.client.list_images(params=params)['images']

    def carry(self, *image_ids):
        """Lets these carry the tag, and no others. The tag is added before it is taken away."""
        for image_id in image_ids:
            self.client.add_image_tag(image_id, self.tag)
        for one in self.carriers():
            if one['id'] not in image_ids:
                test_utils.call_and_ignore_notfound_exc(self.client.delete_image_tag, one['id'], self.tag)

    def restore(self):
        """As it was before the tests; an image that is gone by now is left out."""
        self.carry(*[image_id for image_id in self.at_start if self._exists(image_id)])

    def copy(self, source, data, client=None, **properties):
        """A further image, which carries no tag: one second younger than any made before.

        :param source: body of the image whose formats, limits and (unless `properties` say otherwise) owner it gets.
        :param data: bytes.
        :param client: images_client of whoever makes it; the administrator's unless given.
        """
        time.sleep(SECOND)
        maker = client or self.client
        given = {name: source[name] for name in ('disk_format', 'container_format', 'min_disk', 'min_ram')}
        if client is None:
            given['owner'] = source['owner']
        given.update(properties)
        image = maker.create_image(name=data_utils.rand_name('amphora-image-tag'), **given)
        maker.store_image_file(image['id'], io.BytesIO(data))
        return image

    def remove(self, image_id):
        """Takes the tag away first: an image in use may outlive the attempt."""
        test_utils.call_and_ignore_notfound_exc(self.client.delete_image_tag, image_id, self.tag)
        try:
            test_utils.call_and_ignore_notfound_exc(self.client.delete_image, image_id)
        except exceptions.Conflict:
            pass

    def _exists(self, image_id):
        try:
            return self.client.show_image(image_id)['status'] == 'active'
        except exceptions.NotFound:
            return False
