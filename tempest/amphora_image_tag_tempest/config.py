"""Options of the tests, group [amphora_image_tag] of tempest.conf."""

from oslo_config import cfg

group = cfg.OptGroup(name='amphora_image_tag', title='Boots of amphorae by the tag of a Glance image')

options = [
    cfg.StrOpt(
        'tag',
        default='amphora',
        help='[controller_worker] amp_image_tag of the service under test. The tests take this tag from the images '
        'that carry it, and give it back at the end: nobody else may create load balancers meanwhile.',
    ),
    cfg.StrOpt(
        'image_file',
        help='An amphora image, to upload for the tests. Unset: the image that carries the tag is copied.',
    ),
    cfg.StrOpt('image_disk_format', default='qcow2', help='Of image_file.'),
    cfg.StrOpt(
        'image_owner_id',
        help='The project whose images the service boots; needed with image_file. Unset: the owner of the image that '
        'carries the tag.',
    ),
    cfg.StrOpt(
        'vip_subnet_id',
        help='Where VIPs are taken from. Unset: a network of the tests\' own, with vip_cidr.',
    ),
    cfg.StrOpt('vip_cidr', default='192.168.213.0/24', help='Of the subnet that the tests make.'),
    cfg.BoolOpt(
        'owner_checked',
        default=True,
        help='Whether the service under test boots images of one project only ([controller_worker] '
        'amp_image_owner_id; Kiln does so unless configured otherwise).',
    ),
]
