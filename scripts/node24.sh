#!/bin/sh
# node24.sh FILE [ARGUMENT...]: runs FILE on the Node 24 of the lockfile, installing it first where it is missing.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
sh "$root/scripts/bootstrap.sh"
PATH="$root/node_modules/.bin:$PATH"
export PATH
exec "$root/node_modules/.bin/node" "$@"
