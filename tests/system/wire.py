# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages made byte by byte, and sockets: for what no DNS library would send."""

import socket
import struct

NAME = b"\x03www\x05plain\x03com\x00"
OPT = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
RD = 0x0100
QR, TC, RA, AD, CD = 0x8000, 0x0200, 0x0080, 0x0020, 0x0010
A, AAAA, TXT, ANY = 1, 28, 16, 255


def question(name=NAME, rdtype=A, rdclass=1):
    return name + struct.pack(">HH", rdtype, rdclass)


def message(ident=0x1234, flags=RD, questions=None, additional=b"", counts=None, tail=b"", body=None):
    """A query; counts overrides the four counts, body everything behind the header."""
    questions = [question()] if questions is None else questions
    if body is None:
        body = b"".join(questions) + additional
    counts = counts or (len(questions), 0, 0, 1 if additional else 0)
    return struct.pack(">HHHHHH", ident, flags, *counts) + body + tail


def opt(size=1232, version=0, flags=0, options=b"", extended=0):
    return b"\x00" + struct.pack(">HHBBHH", 41, size, extended, version, flags, len(options)) + options


def option(code, data):
    return struct.pack(">HH", code, len(data)) + data


def udp(address, port, wire, timeout_s=2.0, source=None):
    """The reply's bytes, or None. The socket is connected: a reply from elsewhere is not seen."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout_s)
        if source:
            s.bind((source, 0))
        s.connect((address, port))
        s.send(wire)
        try:
            return s.recv(65535)
        except socket.timeout:
            return None


def connect(address, port, timeout_s=5.0, source=None):
    s = socket.create_connection((address, port), timeout=timeout_s, source_address=source and (source, 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def framed(wire):
    return struct.pack(">H", len(wire)) + wire


def read_exactly(s, n):
    """n bytes; fewer if the peer closes before."""
    out = b""
    while len(out) < n:
        piece = s.recv(n - len(out))
        if not piece:
            return out
        out += piece
    return out


def read_reply(s):
    """One reply from a TCP connection; None at its end."""
    head = read_exactly(s, 2)
    if len(head) < 2:
        return None
    return read_exactly(s, struct.unpack(">H", head)[0])


class Reply:
    def __init__(self, wire):
        self.wire = wire
        self.id, self.flags, self.qd, self.an, self.ns, self.ar = struct.unpack(">HHHHHH", wire[:12])
        self.rcode = self.flags & 15
        self.opcode = self.flags >> 11 & 15
