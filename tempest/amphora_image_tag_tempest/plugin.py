"""The plugin that Tempest finds by the entry point `tempest.test_plugins`."""

import os

from tempest import config
from tempest.test_discover import plugins

from amphora_image_tag_tempest import config as own


class AmphoraImageTagPlugin(plugins.TempestPlugin):

    def load_tests(self):
        """Where the tests are, and from where their modules are named."""
        package = os.path.dirname(os.path.abspath(__file__))
        return os.path.join(package, 'tests'), os.path.dirname(package)

    def register_opts(self, conf):
        config.register_opt_group(conf, own.group, own.options)

    def get_opt_lists(self):
        return [(own.group.name, own.options)]
