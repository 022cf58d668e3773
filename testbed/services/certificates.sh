# Not a service: the two CAs that Octavia's guide tells an operator to make, and the controller's own certificate.
# Smaller keys than an operator's: they are made while both processors are busy.
make_certificates() {
  rm -rf "$keys"
  KILN_CA_PASSPHRASE=$password KILN_CERTIFICATE_NAME='Kiln test bed' KILN_KEY_BITS=2048 sh "$here/../scripts/certificates.sh" "$keys"
}
after mariadb # a new database server clears every stamp
once certificates make_certificates
