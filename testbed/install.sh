#!/bin/bash
# Installs the Debian packages that the test bed runs. Needs root; starts no daemon; asks no question; re-runnable.
# up.sh calls it when a package is missing. `install.sh --missing` prints what is missing and installs nothing.
set -euo pipefail
umask 022
export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# python3-* and *-common hold all the programs. The packages named after the services (keystone, nova-compute, ...) only
# add init scripts, and nova-compute drags in QEMU and libvirt. mariadb-server-core is the server without its daemon.
packages=(
  mariadb-server-core mariadb-client-core rabbitmq-server memcached
  uwsgi-core uwsgi-plugin-python3
  python3-keystone
  python3-glance glance-common
  python3-placement placement-common
  python3-nova nova-common
  python3-neutron neutron-common
  python3-memcache python3-pymysql python3-requests
  # Octavia's amphora agent, in agent/.
  python3-octavia haproxy keepalived ipvsadm nftables iproute2 socat
  curl openssl procps util-linux
)
# Nova's real hypervisor. libvirt-daemon is the program without the service.
if [ "${KILN_TESTBED_HYPERVISOR:-fake}" = libvirt ]; then
  packages+=(libvirt-daemon libvirt-daemon-driver-qemu python3-libvirt qemu-system-x86 qemu-utils genisoimage)
fi

missing() {
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^ii  *//p' || true)
  comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) <(sort -u <<<"$installed")
}

mapfile -t wanted < <(missing)
[ "${#wanted[@]}" -gt 0 ] || exit 0
if [ "${1:-}" = --missing ]; then
  printf '%s\n' "${wanted[@]}"
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "testbed: installing packages needs root. Run: sudo bash $(readlink -f "$0")" >&2
  exit 2
fi

# Daemons that a package would start (memcached, rabbitmq-server) are kept from starting by a policy-rc.d. One that
# is there already is the machine's own and stays; ours carries a mark, so that it is removed even after a killed run.
policy=/usr/sbin/policy-rc.d
mark='# made by the Kiln test bed while it installs packages'
remove_policy() { if grep -qsxF "$mark" "$policy"; then rm -f "$policy"; fi; }
trap remove_policy EXIT
trap 'exit 130' INT TERM
[ -e "$policy" ] || { printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy" && chmod 755 "$policy"; }

export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true NEEDRESTART_MODE=l
apt() { apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }

# The packages' own databases are not ours: no dbconfig.
printf '%s boolean false\n' \
  'dbconfig-common dbconfig-common/dbconfig-install' 'glance-common glance/configure_db' \
  'nova-common nova/configure_db' 'placement-common placement/configure_db' 'neutron-common neutron/configure_db' |
  debconf-set-selections

dpkg --configure -a # ends what a killed run left half done
# Known package lists may be missing or stale: try with what is there, else fetch them and try again.
if ! apt install -y --no-install-recommends "${wanted[@]}"; then
  apt update
  apt install -y --no-install-recommends "${wanted[@]}"
fi
