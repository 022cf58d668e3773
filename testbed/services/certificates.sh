# Not a service: the two CAs that Octavia's guide tells an operator to make, and the controller's own certificate.
#   server CA   signs each amphora's certificate; its key is encrypted, as the guide has it
#   client CA   signs the controller's certificate; amphorae trust only what it signed

make_certificates() {
  rm -rf "$keys"
  mkdir -p "$keys"
  cd "$keys" || return
  local ca=(-x509 -new -sha256 -days 3650 -addext 'basicConstraints=critical,CA:TRUE'
    -addext 'keyUsage=critical,keyCertSign,cRLSign')
  openssl genrsa -aes256 -passout "pass:$password" -out server_ca.key.pem 2048
  openssl req "${ca[@]}" -key server_ca.key.pem -passin "pass:$password" -subj '/CN=Kiln test bed server CA' -out server_ca.cert.pem
  openssl genrsa -out client_ca.key.pem 2048
  openssl req "${ca[@]}" -key client_ca.key.pem -subj '/CN=Kiln test bed client CA' -out client_ca.cert.pem
  openssl genrsa -out client.key.pem 2048
  openssl req -new -sha256 -key client.key.pem -subj '/CN=controller' -out client.csr.pem
  openssl x509 -req -sha256 -days 3650 -in client.csr.pem -CA client_ca.cert.pem -CAkey client_ca.key.pem -CAcreateserial \
    -extfile <(printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n') -out client.cert.pem
  cat client.cert.pem client.key.pem >client.cert-and-key.pem
}
after mariadb # a new database server clears every stamp
once certificates make_certificates
