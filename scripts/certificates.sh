#!/bin/sh
# Makes the certificates that a controller and its amphorae know each other by. See --help.
set -eu

usage() {
  cat <<'HELP'
Usage: KILN_CA_PASSPHRASE=... sh scripts/certificates.sh FOLDER

Makes, in FOLDER, what octavia.conf names for the TLS between the controller and its amphorae:

  server_ca.cert.pem, server_ca.key.pem   the authority that signs the certificate of each amphora
  client_ca.cert.pem, client_ca.key.pem   the authority that signs the certificate of the controller
  client.cert-and-key.pem                 the controller's own certificate, with its key

and prints the lines for octavia.conf. The keys of both authorities are encrypted with the passphrase; the controller needs
all files but client_ca.key.pem, which you may keep elsewhere. Every controller gets the same files.

Can be run again at any time: what is there is kept, what a killed run left half done is made anew, and the controller's
certificate is renewed when it ends within 30 days. An authority is never replaced: running amphorae trust it.

Environment:
  KILN_CA_PASSPHRASE      passphrase of the authorities' keys (required)
  KILN_CERTIFICATE_NAME   begins the subject of each certificate (default: Kiln)
  KILN_CERTIFICATE_DAYS   how long the certificates are valid (default: 3650)
  KILN_KEY_BITS           size of the RSA keys (default: 4096)

Exit status: 0 all is there, 1 something can't be made or used, 2 wrong usage.
HELP
}

case ${1:-} in -h | --help)
  usage
  exit 0
  ;;
esac
if [ $# -ne 1 ] || [ -z "$1" ]; then
  usage >&2
  exit 2
fi
complain() {
  echo "certificates.sh: $*" >&2
  exit 1
}
[ -n "${KILN_CA_PASSPHRASE:-}" ] || complain 'KILN_CA_PASSPHRASE is empty. Set it in the environment, not on a command line.'
command -v openssl >/dev/null 2>&1 || complain 'openssl is missing. On Debian: apt-get install -y openssl'
# openssl reads it from the environment (env:): `ps` shows command lines to everybody.
export KILN_CA_PASSPHRASE
name=${KILN_CERTIFICATE_NAME:-Kiln}
days=${KILN_CERTIFICATE_DAYS:-3650}
bits=${KILN_KEY_BITS:-4096}
renew_before_seconds=$((30 * 24 * 3600))

umask 077
mkdir -p "$1"
cd "$1"
# One at a time, and what a killed run left in the folder below is cleared away.
if command -v flock >/dev/null 2>&1; then
  exec 9>.lock
  flock -w 120 9 || complain "another run has held $1/.lock for two minutes"
fi
rm -rf .half-done
mkdir .half-done
trap 'rm -rf .half-done' EXIT
trap 'exit 130' INT TERM HUP

# say_why COMMAND...: runs openssl, quiet unless it fails. Its chatter shows no secret, but nobody reads it.
say_why() {
  "$@" >.half-done/log 2>&1 || {
    cat .half-done/log >&2
    complain "failed: $1 $2"
  }
}

# authority FILE SUBJECT: the certificate comes last, so where it is, the authority was whole. Its key may have been taken
# elsewhere since. A key without a certificate is what a killed run left.
authority() {
  if [ -s "$1.cert.pem" ]; then
    openssl x509 -in "$1.cert.pem" -checkend 0 -noout >/dev/null ||
      complain "$1.cert.pem has ended. Move the folder away to begin anew; then fail all load balancers over."
    if [ -s "$1.key.pem" ]; then
      openssl pkey -in "$1.key.pem" -passin env:KILN_CA_PASSPHRASE -noout 2>/dev/null ||
        complain "KILN_CA_PASSPHRASE does not open $1.key.pem. Give the one it was made with, or move the folder away to begin anew."
    fi
    return 0
  fi
  say_why openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$bits" -aes-256-cbc -pass env:KILN_CA_PASSPHRASE \
    -out .half-done/key.pem
  say_why openssl req -x509 -new -sha256 -days "$days" -key .half-done/key.pem -passin env:KILN_CA_PASSPHRASE \
    -subj "/CN=$name $2" -config .half-done/openssl.cnf -extensions authority -out .half-done/cert.pem
  mv .half-done/key.pem "$1.key.pem"
  mv .half-done/cert.pem "$1.cert.pem"
}

# OpenSSL's own configuration file may be missing or full of other things.
cat >.half-done/openssl.cnf <<'CONFIGURATION'
[req]
distinguished_name = subject
[subject]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[controller]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = clientAuth
CONFIGURATION

authority server_ca 'server CA'
[ -s server_ca.key.pem ] || complain 'server_ca.key.pem is gone: no amphora can get a certificate. Bring it back.'
authority client_ca 'client CA'

controller_is_good() {
  [ -s client.cert-and-key.pem ] &&
    openssl verify -CAfile client_ca.cert.pem client.cert-and-key.pem >/dev/null 2>&1 &&
    openssl x509 -in client.cert-and-key.pem -checkend "$renew_before_seconds" -noout >/dev/null &&
    openssl pkey -in client.cert-and-key.pem -noout 2>/dev/null
}
if ! controller_is_good; then
  [ -s client_ca.key.pem ] ||
    complain "client_ca.key.pem is not here, and the controller's certificate has to be made. Bring it back for that."
  say_why openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$bits" -out .half-done/key.pem
  say_why openssl req -new -sha256 -key .half-done/key.pem -subj "/CN=$name controller" -config .half-done/openssl.cnf \
    -out .half-done/request.pem
  say_why openssl x509 -req -sha256 -days "$days" -in .half-done/request.pem -CA client_ca.cert.pem -CAkey client_ca.key.pem \
    -passin env:KILN_CA_PASSPHRASE -set_serial "0x$(openssl rand -hex 16)" -extfile .half-done/openssl.cnf \
    -extensions controller -out .half-done/cert.pem
  cat .half-done/cert.pem .half-done/key.pem >.half-done/both.pem
  mv .half-done/both.pem client.cert-and-key.pem
fi

folder=$(pwd)
cat <<LINES
[controller_worker]
client_ca = $folder/client_ca.cert.pem

[certificates]
ca_certificate = $folder/server_ca.cert.pem
ca_private_key = $folder/server_ca.key.pem
ca_private_key_passphrase = (KILN_CA_PASSPHRASE)

[haproxy_amphora]
client_cert = $folder/client.cert-and-key.pem
server_ca = $folder/server_ca.cert.pem
LINES
