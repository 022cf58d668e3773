# libvirtd for KILN_TESTBED_HYPERVISOR=libvirt, in a mount namespace of its own: what it keeps is in the test bed's folder, and
# nothing of the machine's own libvirt is seen or changed. It listens on a socket in $run alone.

[ "$hypervisor" = libvirt ] || return 0

virt=$data/libvirt
mkdir -p "$etc/libvirt" "$run/libvirt" "$virt"/{etc,var,log,cache}
cat >"$etc/libvirt/qemu.conf" <<X
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
X
cat >"$etc/libvirt/libvirtd.conf" <<X
unix_sock_group = "root"
auth_unix_ro = "none"
auth_unix_rw = "none"
X
# libvirtd ends where it does not find the account that Debian's service package makes, though qemu.conf names another one.
{ cat /etc/passwd; grep -q '^libvirt-qemu:' /etc/passwd || echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin'; } >"$etc/libvirt/passwd"
{ cat /etc/group; for name in libvirt-qemu kvm; do grep -q "^$name:" /etc/group || echo "$name:x:64055:"; done; } >"$etc/libvirt/group"
# The virtual machines belong to libvirtd's session, which ends with the test bed: they are not to outlive it.
private=$(
  cat <<X
set -e
mount --make-rprivate /
mount --bind '$etc/libvirt/passwd' /etc/passwd
mount --bind '$etc/libvirt/group' /etc/group
mkdir -p /etc/libvirt /var/lib/libvirt /run/libvirt /var/log/libvirt /var/cache/libvirt
cp '$etc/libvirt/qemu.conf' '$etc/libvirt/libvirtd.conf' '$virt/etc/'
mount --bind '$virt/etc' /etc/libvirt
mount --bind '$virt/var' /var/lib/libvirt
mount --bind '$run/libvirt' /run/libvirt
mount --bind '$virt/log' /var/log/libvirt
mount --bind '$virt/cache' /var/cache/libvirt
exec /usr/sbin/libvirtd
X
)
start libvirt - libvirt unshare --mount bash -c "$private"
await libvirt test -S "$run/libvirt/libvirt-sock"
