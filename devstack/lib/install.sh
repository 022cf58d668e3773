# shellcheck shell=bash
# Kiln itself, with its Node; what it needs of the distribution; and away with its files again.

# npm and any Node that runs it: scripts/bootstrap.sh brings the Node that Kiln runs on, from the lockfile.
kiln_install_packages() {
  local packages=(openssl curl)
  if ! command -v npm >/dev/null || ! command -v node >/dev/null; then packages+=(nodejs npm); fi
  if ! command -v ssh-keygen >/dev/null; then
    if is_ubuntu; then packages+=(openssh-client); else packages+=(openssh); fi
  fi
  if [[ $KILN_AMP_IMAGE_BUILDER == diskimage && -z $KILN_AMP_IMAGE_FILE ]]; then
    if is_ubuntu; then packages+=(debootstrap qemu-utils kpartx); else packages+=(qemu-img kpartx); fi
  fi
  install_package "${packages[@]}"
}

# A checkout that somebody works in has its packages already; clean leaves those.
kiln_installed_mark() { echo "$KILN_DATA_DIR/packages-installed"; }

kiln_install() {
  kiln_folder 700 "$KILN_DATA_DIR"
  if [[ ! -e $KILN_DIR/node_modules ]]; then touch "$(kiln_installed_mark)"; fi
  sh "$KILN_DIR/scripts/bootstrap.sh" || die $LINENO 'Kiln could not be installed from its lockfile; npm says above why'
  sh "$KILN_DIR/scripts/node24.sh" "$KILN_DIR/scripts/build.ts" --if-needed --quiet || die $LINENO 'Kiln could not be built; the lines above say why'
  "$KILN_DIR/bin/kiln" --version
  if [[ $(trueorfalse True KILN_INSTALL_CLIENT) == True ]]; then
    pip_install_gr python-octaviaclient # `openstack loadbalancer`
  fi
  if [[ -z $KILN_AMP_IMAGE_FILE && $KILN_AMP_IMAGE_BUILDER == diskimage ]]; then
    git_clone "$KILN_OCTAVIA_REPO" "$KILN_OCTAVIA_DIR" "$KILN_OCTAVIA_BRANCH"
    pip_install -r "$KILN_OCTAVIA_DIR/diskimage-create/requirements.txt"
  fi
}

# kiln_folder MODE FOLDER: makes it, and gives it to the user that runs Kiln.
kiln_folder() { sudo install -d -m "$1" -o "$STACK_USER" "$2"; }

# The checkout stays, as DevStack leaves all of them.
kiln_clean() {
  local left
  left=$(cat "$(kiln_made_file)" 2>/dev/null || true)
  if [[ -n $left ]]; then
    warn $LINENO "Kiln: unstack could not take these away. If the cloud outlives this clean, delete them by hand: ${left//$'\n'/, }"
  fi
  if [[ -e $(kiln_installed_mark) ]]; then rm -rf "${KILN_DIR:?}/node_modules" "${KILN_DIR:?}/dist"; fi
  sudo rm -rf "${KILN_CONF_DIR:?}" "${KILN_DATA_DIR:?}"
}
