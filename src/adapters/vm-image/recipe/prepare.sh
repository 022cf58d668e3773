#!/bin/sh
# prepare.sh ROOT AGENT: makes Debian's tree an amphora with the agent of that name (agents/AGENT). Run by mmdebstrap when the
# packages are there; changes nothing outside ROOT.
set -eu
root=$1 agent=$2
here=$(dirname "$(readlink -f "$0")")
units=$root/etc/systemd/system

# add_files FOLDER: its files into the tree, readable for all, writable for root.
add_files() {
  cp -R "$1/." "$root/"
  find "$1" -mindepth 1 -printf '%P\0' | xargs -0 -I {} chmod go-w,a+rX "$root/{}"
}
add_files "$here/files"
add_files "$here/agents/$agent/files"
find "$root/usr/lib/kiln" -maxdepth 1 -type f -exec chmod 0755 {} +
# shellcheck disable=SC1090 # one of two, checked by themselves
. "$here/agents/$agent/prepare.sh"

# Debian's own rule for HAProxy, whose file grows without end.
rm -f "$root/etc/rsyslog.d/49-haproxy.conf"

mkdir -p "$units/multi-user.target.wants" "$units/sysinit.target.wants" "$units/network-online.target.wants"
for unit in kiln-config-drive kiln-user-commands kiln-grow-root; do
  ln -sf "/etc/systemd/system/$unit.service" "$units/multi-user.target.wants/$unit.service"
done
ln -sf /lib/systemd/system/nftables.service "$units/sysinit.target.wants/nftables.service"
ln -sf /lib/systemd/system/systemd-networkd.service "$units/multi-user.target.wants/systemd-networkd.service"
ln -sf /lib/systemd/system/systemd-networkd-wait-online.service "$units/network-online.target.wants/systemd-networkd-wait-online.service"

# What an amphora has no use for: updates that would change a tested image, logins that nobody can use, jobs of a desktop, and
# services that the agent runs by units of its own.
for unit in \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
  anacron.service anacron.timer atd.service cron.service pollinate.service haveged.service \
  networking.service ifupdown-pre.service ifupdown-wait-online.service \
  haproxy.service keepalived.service ipvsadm.service \
  getty@tty1.service serial-getty@ttyS0.service getty.target \
  dm-event.socket dm-event.service systemd-pstore.service systemd-rfkill.service systemd-rfkill.socket uuidd.socket uuidd.service \
  systemd-binfmt.service systemd-firstboot.service; do
  ln -sf /dev/null "$units/$unit"
done

# No password opens anything: each account that could log in is locked.
sed -i -E 's/^([^:]+):[^:]*:/\1:*:/' "$root/etc/shadow"
rm -f "$root"/etc/ssh/ssh_host_*

printf 'LABEL=amphora-root / ext4 errors=remount-ro 0 1\n' >"$root/etc/fstab"
printf 'amphora\n' >"$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
: >"$root/etc/resolv.conf"
: >"$root/etc/machine-id"

# What differs between two builds of the same packages, tells of the machine that built, or is of no use in the image.
rm -rf "$root"/tmp/* "$root"/var/tmp/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
  "$root"/var/cache/ldconfig/aux-cache "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old "$root"/var/lib/systemd/random-seed \
  "$root"/var/lib/dbus/machine-id "$root"/etc/apt/sources.list.d/* "$root"/etc/apt/apt.conf.d/99mmdebstrap \
  "$root"/etc/*- "$root"/run/*
# Only while the image is built nothing is lost with the machine.
sed -i '/force-unsafe-io/d' "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
find "$root/var/log" -type f -delete
find "$root" -xdev -name __pycache__ -type d -path '*/usr/lib/kiln/*' -exec rm -rf {} +
