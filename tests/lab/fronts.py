#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaving fronts of good servers: the behaviours of badserver.py over signed answers.

usage: fronts.py FILE     FILE: JSON, [[address, behaviour, address of the server behind]]

What badserver.py calls the honest answer is here what the server behind says, signatures and all.
"""

import asyncio
import collections
import json
import os
import random
import socket
import sys

import dns.message
import dns.name
import dns.rdatatype

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import badserver  # noqa: E402
from badserver import behaviour  # noqa: E402

PORT = 53
BEHIND_LIMIT_S = 5
DNSSEC = {dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3, dns.rdatatype.DNSKEY,
          dns.rdatatype.DS}


@behaviour
def stripped(s, q, tcp):
    """Takes all DNSSEC records out, as old middle boxes do."""
    reply = s.honest(q)
    for section in (reply.answer, reply.authority):
        section[:] = [r for r in section if r.rdtype not in DNSSEC]
    return reply


@behaviour
def mangled(s, q, tcp):
    """Echoes the question in letters of its own case."""
    reply = s.honest(q)
    text = "".join(random.choice((c.lower(), c.upper())) for c in q.question[0].name.to_text())
    reply.question[0].name = dns.name.from_text(text)
    return reply


class Front(badserver.Server):
    """One address, and the good server behind it."""

    def __init__(self, address, name, behind):
        super().__init__(address, name, [], [])
        self.behind, self.peer, self.tcp = behind, "", False
        self.counts = collections.Counter()

    @property
    def count(self):  # what a behaviour counts, it counts for each resolver
        return self.counts[getattr(self, "peer", "")]

    @count.setter
    def count(self, n):
        if hasattr(self, "counts"):
            self.counts[self.peer] = n

    def honest(self, query):
        wire = query.to_wire()
        kind = socket.SOCK_STREAM if self.tcp else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as s:
            s.settimeout(BEHIND_LIMIT_S)
            s.connect((self.behind, PORT))
            if not self.tcp:
                s.send(wire)
                return dns.message.from_wire(s.recv(65535), ignore_trailing=True)
            s.sendall(len(wire).to_bytes(2, "big") + wire)
            with s.makefile("rb") as f:
                return dns.message.from_wire(f.read(int.from_bytes(f.read(2), "big")))


class Fronts(badserver.Lab):
    async def handle(self, server, wire, peer, tcp, send):
        server.peer, server.tcp = peer[0], tcp
        await super().handle(server, wire, peer, tcp, send)


def main():
    with open(sys.argv[1]) as f:
        servers = [Front(*entry) for entry in json.load(f)]
    try:
        asyncio.run(Fronts(PORT, os.devnull, servers).run())
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
