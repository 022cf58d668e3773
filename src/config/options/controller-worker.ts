import { boolean, choice, integer, list, string } from '../option.ts';

const id = { test: /^[^\s,]+$/, description: 'an ID' };

/** [controller_worker]: how amphorae are built. */
export const controllerWorkerOptions = {
  amp_image_tag: string({
    default: null,
    mutable: true,
    pattern: { regex: /^.{1,255}$/su, description: 'a tag of at most 255 characters, as Glance has them' },
    help: 'Tag in Glance of the image that new amphorae boot. Glance is asked before each boot, so moving the tag to another image is all that a new image takes.',
  }),
  amp_image_owner_id: string({
    default: null,
    mutable: true,
    help: 'Project that must own the tagged image. Not set: the project that Kiln authenticates as. "any": no matter who owns it, as Octavia has it; then a tenant can plant an image.',
  }),
  amp_image_tag_policy: choice(['newest', 'unique'], {
    default: 'newest',
    mutable: true,
    help: 'What to do when several images carry the tag: boot the newest, or refuse to boot. Not an option of Octavia.',
  }),
  amp_image_id: string({
    default: null,
    mutable: true,
    deprecated: 'set amp_image_tag, and move the tag from image to image',
    help: 'Image that new amphorae boot, by ID. It wins over amp_image_tag, and Glance is not asked.',
  }),
  amp_flavor_id: string({ default: null, mutable: true, help: 'Nova flavor of amphorae, by ID.' }),
  amp_boot_network_list: list({
    default: [],
    mutable: true,
    item: id,
    help: 'Networks that each amphora is attached to at boot, by ID. The first is the management network.',
  }),
  amp_secgroup_list: list({ default: [], mutable: true, item: id, help: 'Security groups of amphorae, by ID.' }),
  amp_ssh_key_name: string({
    default: null,
    mutable: true,
    help: 'Key pair in Nova for logging in to amphorae. Not set: none.',
  }),
  amp_timezone: string({
    default: 'UTC',
    mutable: true,
    help: 'Time zone of amphorae, a name under /usr/share/zoneinfo.',
  }),
  amp_active_retries: integer({
    default: 30,
    min: 0,
    mutable: true,
    help: 'How often to ask Nova again whether the server is active, before the boot has failed.',
  }),
  amp_active_wait_sec: integer({
    default: 10,
    unit: 'seconds',
    min: 0,
    mutable: true,
    help: 'Pause before Nova is asked again.',
  }),
  client_ca: string({
    default: '/etc/octavia/certs/ca_01.pem',
    mutable: true,
    help: 'PEM file with the authority that signed the certificate of the controllers; amphorae get it and let nobody else in.',
  }),
  loadbalancer_topology: choice(['ACTIVE_STANDBY', 'SINGLE'], {
    default: 'SINGLE',
    mutable: true,
    help: 'One amphora for each load balancer, or two, of which one serves and the other takes over. A flavor may say otherwise. Load balancers that are there keep what they have.',
  }),
  user_data_config_drive: boolean({
    default: false,
    mutable: true,
    deprecated: 'user data is too small for the files of an amphora; leave it out',
    help: 'Send the files of an amphora as cloud-init user data instead of personality files.',
  }),
  amphora_driver: choice(['amphora_haproxy_rest_driver', 'amphora_noop_driver'], {
    default: 'amphora_haproxy_rest_driver',
    help: 'Driver that speaks with amphorae. amphora_noop_driver speaks with nobody: for conformance tests and measurements.',
  }),
  compute_driver: choice(['compute_nova_driver', 'compute_noop_driver'], {
    default: 'compute_nova_driver',
    help: 'Driver that builds servers. compute_noop_driver builds none.',
  }),
  network_driver: choice(['allowed_address_pairs_driver', 'network_noop_driver'], {
    default: 'allowed_address_pairs_driver',
    help: 'Driver that makes ports and plugs them. network_noop_driver makes none.',
  }),
  image_driver: choice(['image_glance_driver', 'image_noop_driver'], {
    default: 'image_glance_driver',
    help: 'Driver that finds images. image_noop_driver asks nobody.',
  }),
  volume_driver: choice(['volume_noop_driver', 'volume_cinder_driver'], {
    default: 'volume_noop_driver',
    withoutEffect: 'Kiln boots amphorae from images alone, on the disk of their flavor',
    help: 'Driver for root volumes.',
    remark: (driver) =>
      driver === 'volume_cinder_driver'
        ? 'Kiln makes no root volumes: amphorae boot from their image, on the disk of their flavor'
        : null,
  }),
};
