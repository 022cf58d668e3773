# shellcheck shell=bash
# PID 1 of the sandbox: gives an amphora agent the machine that it expects, and runs it. Mounts are this namespace's own.
# init.sh FOLDER HERE PACKAGE [COMMAND [ARGUMENT]...]; without a command Octavia's own agent, of Debian's package.
folder=$1 here=$2 package=$3
shift 3
mount --make-rprivate /
ip link set lo up

mkdir -p "$folder"/{lib/certs,etc/interfaces,units,log}
mount --bind "$folder/lib" /var/lib/octavia
mount --bind "$folder/etc" /etc/octavia
mount --bind "$folder/units" /usr/lib/systemd/system
mount --bind "$folder/log" /var/log
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/rsyslog/octavia /run/services /run/sysctl.d
# As images have it: HAProxy of one of a pair is ready at a VIP that is not there yet.
printf 'net.ipv4.ip_nonlocal_bind = 1\nnet.ipv6.ip_nonlocal_bind = 1\n' >/run/sysctl.d/octavia.conf
# Where systemd is; a container has none, and there the first of the path is found.
ln -sf "$here/service-manager.py" "$folder/bin/systemctl"
[ ! -e /usr/bin/systemctl ] || mount --bind "$here/service-manager.py" /usr/bin/systemctl
mount --bind "$here/service-manager.py" /usr/sbin/service

# What the image's build puts there. A container's limit of open files is lower than HAProxy would like.
printf 'global\n    group haproxy\n    no strict-limits\n' >/var/lib/octavia/haproxy-default-user-group.conf
: >>/var/lib/octavia/plugged_interfaces

# gunicorn logs to this socket, by a path relative to its working directory.
socat -u UNIX-RECV:/run/rsyslog/octavia/log,mode=666 OPEN:/var/log/syslog,creat,append &
until [ -S /run/rsyslog/octavia/log ]; do sleep 0.05; done
cd /
[ $# -gt 0 ] || set -- /usr/bin/amphora-agent --config-file /etc/octavia/amphora-agent.conf
PATH=$folder/bin:$package/usr/bin:$PATH "$@" >>/var/log/agent.out 2>&1 &
echo $! >/run/agent.pid
# Orphans are ours to wait for.
while :; do wait -n || sleep 0.5; done
