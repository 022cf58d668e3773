# shellcheck shell=bash disable=SC2034 # for who sources this
# What the agent's sandbox is called on this machine. Nothing of another name is touched.
# KILN_AGENT_BESIDE=SUFFIX: one more amphora, on the bridge of one that runs.
beside=${KILN_AGENT_BESIDE:-}
namespace=kiln-amphora$beside
bridge=kiln-br0
host_address=169.254.77.1
lock=/run/lock/kiln-testbed-agent
# Where the package octavia-agent is unpacked. Kept from run to run.
package=$(realpath -m "${KILN_TESTBED_DIR:-/var/tmp/kiln-testbed}")/octavia-agent

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
