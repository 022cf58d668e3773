"""Neutron mechanism driver of the test bed: any port binds on any host and is ACTIVE at once, with no agent."""

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api


class BindsAnything(api.MechanismDriver):
    connectivity = portbindings.CONNECTIVITY_L2

    def initialize(self):
        """Nothing to set up; the base class demands the method."""

    def bind_port(self, context):
        segment = next(iter(context.segments_to_bind), None)
        if segment:
            context.set_binding(
                segment[api.ID],
                portbindings.VIF_TYPE_BRIDGE,
                {portbindings.CAP_PORT_FILTER: True},
                status=constants.PORT_STATUS_ACTIVE,
            )
