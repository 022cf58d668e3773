#!/bin/sh
# node24.sh FILE [ARGUMENT...]: runs FILE on the Node 24 of the lockfile, installing it first where it is missing.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
sh "$root/scripts/bootstrap.sh"
PATH="$root/node_modules/.bin:$PATH"
# What Node compiles is kept for the next run, and shared by all processes that are started here.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$root/node_modules/.cache/node}
export PATH NODE_COMPILE_CACHE
exec "$root/node_modules/.bin/node" "$@"
