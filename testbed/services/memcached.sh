# memcached: Keystone's cache, and the services' cache of checked tokens.

user=()
if [ "$(id -u)" -eq 0 ]; then user=(-u nobody); fi
start memcached "$memcached_port" - memcached "${user[@]}" -l "$ip" -p "$memcached_port" -U 0 -m 64 -t 1
await memcached port_open "$memcached_port"
