# The rest of Octavia: health manager, housekeeping and driver agent. Nobody needs them with drivers that touch no cloud;
# they are here to be measured.

after octavia
start octavia-health-manager - octavia /usr/bin/octavia-health-manager --config-file "$etc/octavia/octavia.conf"
start octavia-housekeeping - octavia /usr/bin/octavia-housekeeping --config-file "$etc/octavia/octavia.conf"
start octavia-driver-agent - octavia /usr/bin/octavia-driver-agent --config-file "$etc/octavia/octavia.conf"
await octavia-health-manager grep -q 'Health Manager' "$logs/octavia-health-manager.log"
await octavia-driver-agent test -S "$run/octavia-get.sock"
