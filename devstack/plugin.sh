# shellcheck shell=bash
# Kiln in DevStack. `enable_plugin kiln URL` has stack.sh, unstack.sh and clean.sh source this file for each of their phases,
# with the phase as arguments. Each phase may be run again at any time, also after one that was killed.
# What it is made of is in lib/; what a local.conf may set, in settings.

KILN_PLUGIN_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for kiln_part in made install configure cloud image mgmt-interface services verify; do
  # shellcheck source=/dev/null
  . "$KILN_PLUGIN_DIR/lib/$kiln_part.sh"
done
unset kiln_part

# shellcheck disable=SC2086 # one word a service
if is_service_enabled kiln $KILN_ROLE_SERVICES; then
  case "$1 ${2:-}" in
    'stack pre-install')
      echo_summary 'Kiln: installing packages'
      kiln_install_packages
      ;;
    'stack install')
      echo_summary 'Kiln: installing Kiln'
      kiln_install
      ;;
    'stack post-config')
      echo_summary 'Kiln: writing its configuration'
      kiln_configure
      ;;
    'stack extra')
      echo_summary 'Kiln: making what it needs in the cloud'
      kiln_make_cloud
      kiln_plug_management_interface
      kiln_provide_image
      echo_summary 'Kiln: starting'
      kiln_start
      ;;
    'stack test-config')
      if [[ $(trueorfalse True KILN_VERIFY) == True ]]; then
        echo_summary 'Kiln: seeing that an amphora boots from the tag'
        kiln_verify
      fi
      ;;
    'unstack ')
      echo_summary 'Kiln: stopping, and taking away what was made in the cloud'
      kiln_delete_load_balancers
      kiln_stop
      kiln_unplug_management_interface
      kiln_unmake_cloud
      kiln_forget_state
      ;;
    'clean ')
      echo_summary 'Kiln: removing its files'
      kiln_clean
      ;;
  esac
fi
