# shellcheck shell=sh disable=SC2154 # sourced by ../../prepare.sh, which sets root and units
# Needed by octavia-agent-netns.service, made by the agent only when it plugs the first interface.
: >"$root/var/lib/octavia/plugged_interfaces"
# HAProxy, which runs as nobody, starts the program of PING monitors in there. As shipped only the user octavia may enter.
chmod 0711 "$root/var/lib/octavia"
# The name by which Octavia's user data restarts the agent.
ln -sf /lib/systemd/system/octavia-agent.service "$units/amphora-agent.service"
# Interfaces get the first free name, as since Octavia 11.0.2. As shipped their number makes the name: one that is plugged after another was
# unplugged, or before the VIP, gets a name that is taken, and the agent fails.
plug=$root/usr/lib/python3/dist-packages/octavia/amphorae/backends/agent/api_server/plug.py
counted="eth{0}'.format(len("
if grep -qF "$counted" "$plug"; then
  sed -E -i "s/^( *)netns_interface = 'eth\{0\}'\.format\(len\(netns\.get_links\(\)\)\)$/\
\1taken = [dict(link['attrs']).get(consts.IFLA_IFNAME) for link in netns.get_links()]\n\
\1netns_interface = next(name for name in map('eth{0}'.format, range(2, 1000)) if name not in taken)/" "$plug"
  if grep -qF "$counted" "$plug"; then
    echo "plug.py of octavia-agent is not as expected" >&2
    exit 1
  fi
  rm -f "${plug%/*}/__pycache__/plug."*.pyc
fi
# What the agent has taken is on the disk before it says so. As shipped a certificate or a configuration was the one before, after a power
# cut seconds later, and the controller was not told.
server=$root/usr/lib/python3/dist-packages/octavia/amphorae/backends/agent/api_server/server.py
if ! grep -qF 'os.sync()' "$server"; then
  sed -i "s/^        register_app_error_handler(self\.app)$/&\n\n        @self.app.after_request\n\
        def keep(answer):\n            if flask.request.method != 'GET':\n                os.sync()\n            return answer/" "$server"
  if ! grep -qF 'os.sync()' "$server"; then
    echo "server.py of octavia-agent is not as expected" >&2
    exit 1
  fi
  rm -f "${server%/*}/__pycache__/server."*.pyc
fi
