# A libvirtd for each compute host, for KILN_TESTBED_HYPERVISOR=libvirt, in a mount namespace of its own: what it keeps is in the
# test bed's folder, and nothing of the machine's own libvirt is seen or changed. Each listens on a socket in $run alone.

[ "$hypervisor" = libvirt ] || return 0

virtual_machines_of() { # NAME HOST: a libvirtd that says it runs on HOST
  local name=$1 host=$2 virt=$data/$1 private
  mkdir -p "$etc/$name" "$run/$name" "$virt"/{etc,var,log,cache}
  cat >"$etc/$name/qemu.conf" <<X
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
X
  cat >"$etc/$name/libvirtd.conf" <<X
unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
X
  # libvirtd ends where it does not find the account that Debian's service package makes, though qemu.conf names another one.
  { cat /etc/passwd; grep -q '^libvirt-qemu:' /etc/passwd || echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin'; } >"$etc/$name/passwd"
  { cat /etc/group; for group in libvirt-qemu kvm; do grep -q "^$group:" /etc/group || echo "$group:x:64055:"; done; } >"$etc/$name/group"
  # In a PID namespace of its own: the virtual machines, which libvirtd makes sessions for, end with it, and it with the test bed.
  private=$(
    cat <<X
set -e
hostname '$host'
mount --make-rprivate /
mount --bind '$etc/$name/passwd' /etc/passwd
mount --bind '$etc/$name/group' /etc/group
mkdir -p /etc/libvirt /var/lib/libvirt /run/libvirt /var/log/libvirt /var/cache/libvirt
cp '$etc/$name/qemu.conf' '$etc/$name/libvirtd.conf' '$virt/etc/'
mount --bind '$virt/etc' /etc/libvirt
mount --bind '$virt/var' /var/lib/libvirt
mount --bind '$run/$name' /run/libvirt
mount --bind '$virt/log' /var/log/libvirt
mount --bind '$virt/cache' /var/cache/libvirt
/usr/sbin/libvirtd --pid-file /run/libvirt/libvirtd.pid &
wait # and collects what is orphaned, as the first process has to
X
  )
  start "$name" - "$name" unshare --mount --uts --pid --fork --kill-child --mount-proc bash -c "$private"
  await "$name" test -S "$run/$name/libvirt-sock"
}
virtual_machines_of libvirt testbed
virtual_machines_of libvirt-2 testbed-2
