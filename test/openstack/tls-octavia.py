"""How the real Octavia names and composes the files of certificates of tls-octavia.test.ts.

JSON on standard input (PKCS#12 in base64), JSON on standard output.
"""
import base64
import json
import sys

from octavia.certificates.common import local
from octavia.certificates.common import pkcs12
from octavia.common.tls_utils import cert_parser


def compose(cert):
    container = cert_parser._map_cert_tls_container(cert)
    return {'name': container.id + '.pem', 'pem': cert_parser.build_pem(container).decode()}


def main():
    task = json.load(sys.stdin)
    answer = {name: compose(pkcs12.PKCS12Cert(base64.b64decode(der))) for name, der in task['pkcs12'].items()}
    for name, parts in task['pem'].items():
        answer[name] = compose(local.LocalCert(parts['certificate'], parts['key'], parts['intermediates']))
    json.dump(answer, sys.stdout)


main()
