"""Members of load balancers: vm-members.py NAME ADDRESS CERTIFICATE KEY. Answers with NAME over HTTP at port 8080, HTTPS at 8443, UDP at 8053."""
import http.server
import socket
import ssl
import sys
import threading

name, address, certificate, key = sys.argv[1].encode(), sys.argv[2], sys.argv[3], sys.argv[4]
family = socket.AF_INET6 if ":" in address else socket.AF_INET


class Answer(http.server.BaseHTTPRequestHandler):
    timeout = 30

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(name)))
        self.end_headers()
        self.wfile.write(name)

    def log_message(self, *words):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = family

    def handle_error(self, request, client_address):
        """Health monitors hang up as they like."""


def datagrams():
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        udp.bind((address, 8053))
        while True:
            udp.sendto(name, udp.recvfrom(2000)[1])


def over_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Server((address, 8443), Answer)
    # The handshake in the thread of the connection: one that says nothing does not hold up the others.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


for work in (datagrams, over_tls):
    threading.Thread(target=work, daemon=True).start()
Server((address, 8080), Answer).serve_forever()
