#!/bin/bash
# Runs phases of Kiln's DevStack plugin as stack.sh, unstack.sh and clean.sh do:
#
#   run-phases.sh LOCALRC PHASE...      such as: run-phases.sh localrc 'stack install' 'stack post-config' unstack
#
# LOCALRC sets what a local.conf and DevStack's stackrc set. With DEVSTACK_DIR, a checkout of DevStack, its own functions are
# used, and only run_process and stop_process are ours (they need systemd); else our stand-in for all of them.
set -o nounset
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
localrc=$1
shift

if [[ -n ${DEVSTACK_DIR:-} ]]; then
  set +o nounset # DevStack's functions were not written for it
  TOP_DIR=$DEVSTACK_DIR
  # shellcheck disable=SC2034 # its functions read it
  FILES=$TOP_DIR/files
  # shellcheck source=/dev/null
  . "$TOP_DIR/functions"
else
  # shellcheck source=stand-in/functions
  . "$here/stand-in/functions"
  if [[ $(id -u) -eq 0 ]] && ! command -v sudo >/dev/null; then sudo() { "$@"; }; fi
fi
# shellcheck source=stand-in/processes
. "$here/stand-in/processes"
echo_summary() { echo "== $*"; } # stack.sh has this one itself
# shellcheck source=/dev/null
. "$localrc"
# shellcheck source=../../devstack/settings
. "${GITDIR[kiln]}/devstack/settings"

for phase in "$@"; do
  echo "==== $phase"
  set +o errexit
  if [[ $phase == stack* ]]; then set -o errexit; fi # as stack.sh does, and unstack.sh does not
  # shellcheck source=../../devstack/plugin.sh disable=SC2086 # mode and phase
  . "${GITDIR[kiln]}/devstack/plugin.sh" $phase
  # [[post-config|$KILN_CONF]] of a local.conf comes right after that phase.
  if [[ $phase == 'stack post-config' && -n ${LOCAL_POST_CONFIG:-} ]]; then
    while read -r section option value; do iniset "$KILN_CONF" "$section" "$option" "$value"; done <<<"$LOCAL_POST_CONFIG"
  fi
done
