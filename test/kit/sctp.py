"""SCTP (RFC 9260) over raw sockets, as far as a question and its answer need it: for machines whose kernel has none.

sctp.py serve ADDRESS PORT NAME    answers each message with NAME, for ever
sctp.py ask ADDRESS PORT           makes an association, asks, prints the answer, and shuts the association down
"""
import os
import socket
import struct
import sys
import time

DATA, INIT, INIT_ACK, SACK, SHUTDOWN, SHUTDOWN_ACK, COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE = 0, 1, 2, 3, 7, 8, 10, 11, 14
STATE_COOKIE = 7
WINDOW_BYTES = 65536


def checksum_table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


TABLE = list(checksum_table())


def checksum(data):
    """CRC32c."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def chunk(kind, body=b"", flags=0):
    return struct.pack("!BBH", kind, flags, 4 + len(body)) + body + b"\0" * (-len(body) % 4)


def data_chunk(sequence_number, text):
    return chunk(DATA, struct.pack("!IHHI", sequence_number, 0, 0, 0) + text, flags=3)


def sack(sequence_number):
    return chunk(SACK, struct.pack("!IIHH", sequence_number, WINDOW_BYTES, 0, 0))


def packet(from_port, to_port, tag, *chunks):
    body = b"".join(chunks)
    start = struct.pack("!HHI", from_port, to_port, tag)
    return start + struct.pack("<I", checksum(start + b"\0" * 4 + body)) + body


def read(datagram, family):
    """@return (from port, to port, tag, [(kind, body)]); None for what is damaged."""
    data = datagram[(datagram[0] & 15) * 4:] if family == socket.AF_INET else datagram
    if len(data) < 16 or struct.unpack_from("<I", data, 8)[0] != checksum(data[:8] + b"\0" * 4 + data[12:]):
        return None
    from_port, to_port, tag = struct.unpack_from("!HHI", data)
    chunks, at = [], 12
    while at + 4 <= len(data):
        kind, _flags, length = struct.unpack_from("!BBH", data, at)
        chunks.append((kind, data[at + 4:at + length]))
        at += max(4, length + -length % 4)
    return from_port, to_port, tag, chunks


def open_socket(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_SCTP), family


def serve(address, port, name):
    """Keeps no state: whatever it has to know of a client is in the cookie, or in the client's own packet."""
    raw, family = open_socket(address)
    raw.bind((address, 0))
    tags = {}
    while True:
        datagram, peer = raw.recvfrom(65535)
        seen = read(datagram, family)
        if seen is None or seen[1] != port:
            continue
        client_port, _port, _tag, chunks = seen
        client = (peer[0], client_port)
        answers = []
        for kind, body in chunks:
            if kind == INIT:
                own_tag, sequence_number = struct.unpack("!II", os.urandom(8))
                tags[client] = struct.unpack_from("!I", body)[0], sequence_number
                cookie = struct.pack("!HH", STATE_COOKIE, 8) + b"kiln"
                answers.append(chunk(INIT_ACK, struct.pack("!IIHHI", own_tag, WINDOW_BYTES, 1, 1, sequence_number) + cookie))
            elif kind == COOKIE_ECHO:
                answers.append(chunk(COOKIE_ACK))
            elif kind == DATA and client in tags:
                answers += [sack(struct.unpack_from("!I", body)[0]), data_chunk(tags[client][1], name)]
            elif kind == SHUTDOWN:
                answers.append(chunk(SHUTDOWN_ACK))
        if answers and client in tags:
            raw.sendto(packet(port, client_port, tags[client][0], *answers), (peer[0], 0))


def ask(address, port):
    raw, family = open_socket(address)
    raw.connect((address, 0))
    own_port = 20000 + int.from_bytes(os.urandom(2), "big") % 20000
    own_tag, own_number = struct.unpack("!II", os.urandom(8))
    tag = 0

    def exchange(kind, *chunks):
        """Sends until a chunk of that kind comes; what else comes is not for us or a repetition."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            raw.send(packet(own_port, port, tag, *chunks))
            raw.settimeout(2)
            try:
                while True:
                    seen = read(raw.recv(65535), family)
                    if seen and seen[:3] == (port, own_port, own_tag):
                        for found, body in seen[3]:
                            if found == kind:
                                return body
            except socket.timeout:
                continue
        sys.exit(f"no chunk {kind} from {address}:{port}")

    init_ack = exchange(INIT_ACK, chunk(INIT, struct.pack("!IIHHI", own_tag, WINDOW_BYTES, 1, 1, own_number)))
    tag, _window, _out, _in, peer_number = struct.unpack_from("!IIHHI", init_ack)
    _type, length = struct.unpack_from("!HH", init_ack, 16)
    exchange(COOKIE_ACK, chunk(COOKIE_ECHO, init_ack[20:16 + length]))
    answer = exchange(DATA, data_chunk(own_number, b"who?"))
    exchange(SHUTDOWN_ACK, sack(peer_number), chunk(SHUTDOWN, struct.pack("!I", peer_number)))
    raw.send(packet(own_port, port, tag, chunk(SHUTDOWN_COMPLETE)))
    print(answer[12:].decode(), end="")


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]), sys.argv[4].encode())
else:
    ask(sys.argv[2], int(sys.argv[3]))
