# shellcheck shell=bash
# The end of stack: seen, not believed, that the tag resolves and that an amphora boots from it.

kiln_verify() {
  kiln_delete_probe # of a run that was killed
  kiln_show 'doctor finds something amiss' doctor
  kiln_show "no image that carries the tag $KILN_AMP_IMAGE_TAG can be booted" image resolve
  kiln_show 'no amphora boots from the tag' amphora boot
  kiln_delete_probe
  echo "Kiln: the tag $KILN_AMP_IMAGE_TAG resolves, and an amphora booted from it. It is deleted again."
}

# What the commands said; it goes with Kiln's state.
kiln_verify_log() { echo "$KILN_DATA_DIR/state/verify.log"; }

# kiln_show FAULT COMMAND...: runs a kiln command for all to see, and ends stack if it fails; kiln itself says what to do.
kiln_show() {
  local fault=$1 status=0
  shift
  echo "\$ kiln $*"
  (set -o pipefail && kiln_cli "$@" 2>&1 | tee -a "$(kiln_verify_log)") || status=$?
  if [[ $status -ne 0 ]]; then
    die $LINENO "Kiln: $fault (exit status $status); what to do is said above. Then see for yourself:" \
      "$KILN_DIR/bin/kiln $* --config-file $KILN_CONF. KILN_VERIFY=False leaves this check out."
  fi
}

# The amphora that was booted, by what was said of it.
kiln_delete_probe() {
  local id
  id=$(sed -nE 's/^amphora ([0-9a-f-]{36}), server .*/\1/p' "$(kiln_verify_log)" 2>/dev/null | tail -n 1)
  if [[ -n $id ]]; then kiln_cli amphora delete "$id"; fi
  rm -f "$(kiln_verify_log)"
}
