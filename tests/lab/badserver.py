#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers that misbehave, each on an address of its own, all in one process.

usage: badserver.py PORT LOG V6ADDRESS BINDADDRESS

Every query is written to LOG as one JSON line before it is answered:
{"to": address, "from": address, "name": as sent, "type": ..., "tcp": bool, "edns": bool, ...}.
What a behaviour does is the docstring of its function below.
"""

import asyncio
import base64
import hashlib
import json
import os
import socket
import sys
import time

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import zones as lab_zones  # noqa: E402

JUNK_ADDRESS = "192.0.2.66"  # what no honest server of the lab answers
BEHAVIOURS = {}
A, NS, SOA, CNAME, TXT = (dns.rdatatype.A, dns.rdatatype.NS, dns.rdatatype.SOA,
                          dns.rdatatype.CNAME, dns.rdatatype.TXT)


def behaviour(function):
    BEHAVIOURS[function.__name__] = function
    return function


class Server:
    """One address: its zones and how it behaves."""

    def __init__(self, address, name, zones, all_zones):
        self.address, self.behaviour, self.count = address, BEHAVIOURS[name], 0
        self.zones = {}
        for z in zones:
            origin = dns.name.from_text(z.name + ".")
            self.zones[origin] = dns.zone.from_text(
                lab_zones.zone_text(z, all_zones), origin=origin, relativize=False, check_origin=False)

    def zone_of(self, name):
        while True:
            if name in self.zones:
                return self.zones[name]
            if name == dns.name.root:
                return None
            name = name.parent()

    def honest(self, query):
        """The answer of a well-behaved authoritative server: referrals, CNAMEs, wildcards."""
        reply = dns.message.make_response(query)
        question = query.question[0]
        zone = self.zone_of(question.name)
        if zone is None:
            reply.set_rcode(dns.rcode.REFUSED)
            return reply
        cut = question.name
        found = None
        while cut != zone.origin:
            if zone.get_rdataset(cut, NS) is not None:
                found = cut
            cut = cut.parent()
        if found is not None:
            return self._refer(reply, zone, found)
        reply.flags |= dns.flags.AA
        self._fill(reply, zone, question.name, question.rdtype)
        return reply

    def _refer(self, reply, zone, cut):
        servers = dns.rrset.from_rdata_list(cut, 3600, zone.get_rdataset(cut, NS))
        reply.authority.append(servers)
        for ns in servers:
            for rdtype in (A, dns.rdatatype.AAAA):
                glue = zone.get_rdataset(ns.target, rdtype) if ns.target.is_subdomain(zone.origin) \
                    else None
                if glue is not None:
                    reply.additional.append(dns.rrset.from_rdata_list(ns.target, 3600, glue))
        return reply

    def _fill(self, reply, zone, name, rdtype):
        node = name
        if zone.get_node(name) is None:
            if not any(n.is_subdomain(name) for n in zone.nodes):
                parent = name.parent()
                while zone.get_node(parent) is None and not any(
                        n.is_subdomain(parent) for n in zone.nodes):
                    parent = parent.parent()
                node = dns.name.Name((b"*",) + parent.labels)
                if zone.get_node(node) is None:
                    reply.set_rcode(dns.rcode.NXDOMAIN)
        for wanted in (rdtype, CNAME):
            data = zone.get_rdataset(node, wanted)
            if data is not None:
                reply.answer.append(dns.rrset.from_rdata_list(name, data.ttl, data))
                target = data[0].target if wanted == CNAME and rdtype != CNAME else None
                if target is not None and len(reply.answer) < 20 and self.zone_of(target) is zone:
                    self._fill(reply, zone, target, rdtype)
                return
        soa = zone.get_rdataset(zone.origin, SOA)
        reply.authority.append(dns.rrset.from_rdata_list(zone.origin, 60, soa))


def with_rcode(query, rcode):
    reply = dns.message.make_response(query)
    reply.set_rcode(rcode)
    return reply


def junk_answer(query, name=None):
    """A complete answer that points to JUNK_ADDRESS."""
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    reply.answer.append(dns.rrset.from_text(name or query.question[0].name, 300, "IN", "A", JUNK_ADDRESS))
    return reply


def without_edns(query):
    plain = dns.message.from_wire(query.to_wire())
    plain.use_edns(False)
    return plain


# Each behaviour gets (server, query, is_tcp) and returns what to send: a message, bytes, or a
# list of them; None for nothing.  A ("sleep", seconds), "close" or ("from", address, message)
# may stand in the list.


@behaviour
def good(s, q, tcp):
    """Answers as it should."""
    return s.honest(q)


@behaviour
def victim(s, q, tcp):
    """As good; its log shows how often it was asked (NXNSAttack)."""
    return s.honest(q)


@behaviour
def refused(s, q, tcp):
    """Lame: REFUSED for everything."""
    return with_rcode(q, dns.rcode.REFUSED)


@behaviour
def servfail(s, q, tcp):
    """SERVFAIL for everything."""
    return with_rcode(q, dns.rcode.SERVFAIL)


@behaviour
def notimp(s, q, tcp):
    """NOTIMP for everything."""
    return with_rcode(q, dns.rcode.NOTIMP)


@behaviour
def upward(s, q, tcp):
    """Lame: an upward referral, to the root."""
    reply = dns.message.make_response(q)
    reply.authority.append(dns.rrset.from_text(".", 3600, "IN", "NS", "ns1."))
    return reply


@behaviour
def sideways(s, q, tcp):
    """Lame: a referral to the zone it was asked for."""
    reply = dns.message.make_response(q)
    zone = s.zone_of(q.question[0].name)
    return s._refer(reply, zone, zone.origin)


@behaviour
def noaa(s, q, tcp):
    """Right data without the AA bit."""
    reply = s.honest(q)
    reply.flags &= ~dns.flags.AA
    return reply


@behaviour
def recursive(s, q, tcp):
    """A resolver in place of an authority: RA, no AA."""
    reply = s.honest(q)
    reply.flags = (reply.flags & ~dns.flags.AA) | dns.flags.RA
    return reply


@behaviour
def hole(s, q, tcp):
    """Drops everything; TCP connects and hangs."""
    return None


@behaviour
def ednsdrop(s, q, tcp):
    """Drops queries with EDNS."""
    return None if q.edns >= 0 else s.honest(q)


def _edns_rcode(s, q, rcode):
    return with_rcode(without_edns(q), rcode) if q.edns >= 0 else s.honest(q)


@behaviour
def ednsformerr(s, q, tcp):
    """FORMERR to EDNS, without OPT."""
    return _edns_rcode(s, q, dns.rcode.FORMERR)


@behaviour
def ednsnotimp(s, q, tcp):
    """NOTIMP to EDNS, without OPT."""
    return _edns_rcode(s, q, dns.rcode.NOTIMP)


@behaviour
def ednsservfail(s, q, tcp):
    """SERVFAIL to EDNS, without OPT."""
    return _edns_rcode(s, q, dns.rcode.SERVFAIL)


@behaviour
def ednsecho(s, q, tcp):
    """Ignores EDNS: answers without OPT."""
    return s.honest(without_edns(q))


@behaviour
def tcponly(s, q, tcp):
    """Drops UDP; answers over TCP."""
    return s.honest(q) if tcp else None


def _truncated(q):
    reply = dns.message.make_response(q)
    reply.flags |= dns.flags.AA | dns.flags.TC
    return reply


@behaviour
def alwaystc(s, q, tcp):
    """TC over UDP, always; answers over TCP."""
    return s.honest(q) if tcp else _truncated(q)


@behaviour
def tcnotcp(s, q, tcp):
    """TC over UDP; over TCP the connection is closed without an answer."""
    return ["close"] if tcp else _truncated(q)


@behaviour
def tchang(s, q, tcp):
    """TC over UDP; over TCP nothing ever comes."""
    return None if tcp else _truncated(q)


@behaviour
def tchalf(s, q, tcp):
    """TC over UDP; over TCP half an answer, then the end."""
    if not tcp:
        return _truncated(q)
    wire = s.honest(q).to_wire()
    return [("raw", len(wire).to_bytes(2, "big") + wire[:len(wire) // 2]), "close"]


@behaviour
def cuts(s, q, tcp):
    """UDP answers are cut in the middle of a record, with TC; TCP is whole."""
    if tcp:
        return s.honest(q)
    reply = s.honest(q)
    reply.flags |= dns.flags.TC
    return reply.to_wire()[:-7]


@behaviour
def wrongid(s, q, tcp):
    """First an answer with a wrong id, then the right one."""
    false = junk_answer(q)
    false.id = q.id ^ 0x5555
    return s.honest(q) if tcp else [false, s.honest(q)]


@behaviour
def wrongquestion(s, q, tcp):
    """First an answer to another question under the right id, then the right one."""
    false = junk_answer(q)
    false.question = [dns.rrset.RRset(dns.name.from_text("www.plain.com."), 1, q.question[0].rdtype)]
    return s.honest(q) if tcp else [false, s.honest(q)]


@behaviour
def wrongsource(s, q, tcp):
    """First an answer from another address, then the right one."""
    return s.honest(q) if tcp else [("from", "127.53.8.8", junk_answer(q)), ("sleep", 0.02), s.honest(q)]


@behaviour
def slow(s, q, tcp):
    """Answers after 300 ms."""
    return [("sleep", 0.3), s.honest(q)]


@behaviour
def flapping(s, q, tcp):
    """Loses every other query over UDP."""
    s.count += not tcp
    return s.honest(q) if tcp or s.count % 2 == 0 else None


@behaviour
def lowercase(s, q, tcp):
    """Lower-cases the question it echoes."""
    reply = s.honest(q)
    reply.question[0].name = dns.name.from_text(q.question[0].name.to_text().lower())
    return reply


@behaviour
def junk(s, q, tcp):
    """The right answer, and records of other zones in every section: not to be believed."""
    reply = s.honest(q)
    for section in (reply.answer, reply.authority, reply.additional):
        section.append(dns.rrset.from_text("www.plain.com.", 86400, "IN", "A", JUNK_ADDRESS))
        section.append(dns.rrset.from_text("junked.plain.com.", 86400, "IN", "A", JUNK_ADDRESS))
    reply.authority.append(dns.rrset.from_text("com.", 86400, "IN", "NS", "ns.junk.test."))
    reply.authority.append(dns.rrset.from_text("site00.com.", 86400, "IN", "NS", "ns.junk.test."))
    reply.additional.append(dns.rrset.from_text("ns.junk.test.", 86400, "IN", "A", s.address))
    reply.additional.append(dns.rrset.from_text("ns1.com.", 86400, "IN", "A", s.address))
    return reply


@behaviour
def garbage(s, q, tcp):
    """The right id and then noise."""
    return q.id.to_bytes(2, "big") + b"\x84\x00\x00\x01\x00\x07\x00\x03\x00\x01" + os.urandom(60)


@behaviour
def empty(s, q, tcp):
    """A datagram of no bytes."""
    return b""


@behaviour
def short(s, q, tcp):
    """Half a header."""
    return q.id.to_bytes(2, "big") + b"\x84\x00\x00"


@behaviour
def noquestion(s, q, tcp):
    """The right records, but no question section."""
    reply = s.honest(q)
    reply.question = []
    return reply


@behaviour
def nosoa(s, q, tcp):
    """Negative answers without a SOA."""
    reply = s.honest(q)
    if not reply.answer:
        reply.authority = []
    return reply


@behaviour
def entnx(s, q, tcp):
    """NXDOMAIN for an empty non-terminal."""
    reply = s.honest(q)
    if not reply.answer and q.question[0].rdtype != A or q.question[0].name.labels[0] == b"b":
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply


@behaviour
def nsrefused(s, q, tcp):
    """REFUSED to questions for NS."""
    return with_rcode(q, dns.rcode.REFUSED) if q.question[0].rdtype == NS else s.honest(q)


@behaviour
def manyrecords(s, q, tcp):
    """Two thousand records over TCP."""
    reply = s.honest(q)
    if not tcp:
        return _truncated(q)
    if reply.answer and q.question[0].rdtype == A:
        reply.answer[-1] = dns.rrset.from_text(
            reply.answer[-1].name, 300, "IN", "A",
            *[f"198.18.{i // 250}.{i % 250 + 1}" for i in range(2000)])
    return reply


@behaviour
def loopptr(s, q, tcp):
    """An owner name whose compression pointer points to itself."""
    wire = dns.message.make_response(q).to_wire()
    end = 12 + len(q.question[0].name.to_wire()) + 4
    at = (0xc000 | end).to_bytes(2, "big")
    head = wire[:2] + b"\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00" + wire[12:end]
    return head + at + b"\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x42"


def _anything(s, q, address, text):
    reply = dns.message.make_response(q)
    reply.flags |= dns.flags.AA
    name, rdtype = q.question[0].name, q.question[0].rdtype
    if rdtype == A:
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", address))
    elif rdtype == TXT:
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", f'"{text}"'))
    elif rdtype == dns.rdatatype.NULL:
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "NULL", "\\# 4 01020304"))
    else:
        return s.honest(q)
    return reply


@behaviour
def garden(s, q, tcp):
    """The sink: any name has the address 198.51.100.53."""
    return _anything(s, q, "198.51.100.53", "garden")


def _noise(seed, n):
    return b"".join(hashlib.sha256(f"{seed} {i}".encode()).digest() for i in range(n // 32 + 1))[:n]


def _texts(name, text):
    parts = " ".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255))
    return dns.rrset.from_text(name, 1, "IN", "TXT", parts)


FLIPPED = set()


def _flip(name):
    """An address of its own at first, one of the client's network when asked again."""
    address = "192.168.1.1" if name in FLIPPED else "198.51.100.66"
    FLIPPED.add(name)
    return dns.rrset.from_text(name, 1, "IN", "A", address)


# What the attacker's server tells whoever asks for WORD-anything.attacker.test: (type, record of the name).
TOLD = {
    "script": (TXT, lambda n: _texts(n, "powershell -nop -w hidden -enc SQBFAFgA")),
    "stage": (TXT, lambda n: _texts(n, base64.b64encode(
        b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + _noise(n, 500)).decode())),
    "spf": (TXT, lambda n: _texts(n, "v=spf1 include:_spf.big.com -all")),
    "short": (A, lambda n: dns.rrset.from_text(n, 10, "IN", "A", "198.51.100.66")),
    "bulk": (TXT, lambda n: _texts(n, base64.b64encode(_noise(n, 900)).decode())),
    "flip": (A, _flip),
    "nowhere": (dns.rdatatype.AAAA, lambda n: dns.rrset.from_text(n, 1, "IN", "AAAA", "4a47:" + ":".join(
        _noise(n, 14).hex()[i:i + 4] for i in range(0, 28, 4)))),
    "inside": (A, lambda n: dns.rrset.from_text(n, 60, "IN", "A", "192.168.1.1")),
}


@behaviour
def attacker(s, q, tcp):
    """Any name has an answer; what matters is what the log says it received."""
    name, rdtype = q.question[0].name, q.question[0].rdtype
    wanted, make = TOLD.get(name.labels[0].decode().lower().split("-")[0], (None, None))
    if rdtype != wanted:
        return _anything(s, q, "198.51.100.66", "c29tZSBkYXRh" * 8)
    reply = dns.message.make_response(q)
    reply.flags |= dns.flags.AA
    reply.answer.append(make(name))
    return reply


class Lab:
    """The sockets, the log and the sending."""

    def __init__(self, port, log_path, servers):
        self.port, self.servers = port, servers
        self.log = open(log_path, "a", buffering=1)

    def note(self, server, peer, wire, query, tcp):
        q = query.question[0] if query is not None and query.question else None
        self.log.write(json.dumps({
            "at": round(time.time(), 4), "to": server.address, "from": peer[0], "tcp": tcp,
            "behaviour": server.behaviour.__name__,
            "name": q.name.to_text() if q is not None else None,
            "type": dns.rdatatype.to_text(q.rdtype) if q is not None else None,
            "edns": query is not None and query.edns >= 0, "bytes": len(wire)}) + "\n")

    async def handle(self, server, wire, peer, tcp, send):
        try:
            query = dns.message.from_wire(wire)
        except Exception:
            query = None
        self.note(server, peer, wire, query, tcp)
        if query is None or not query.question or query.flags & dns.flags.QR:
            return
        todo = server.behaviour(server, query, tcp)
        for item in todo if isinstance(todo, list) else [todo]:
            if item is None:
                continue
            if isinstance(item, tuple) and item[0] == "sleep":
                await asyncio.sleep(item[1])
            elif isinstance(item, tuple) and item[0] == "from":
                other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                other.bind((item[1], self.port))
                other.sendto(item[2].to_wire(), peer)
                other.close()
            else:
                await send(self.encode(item, query, tcp))

    @staticmethod
    def encode(item, query, tcp):
        if isinstance(item, (bytes, str, tuple)):
            return item
        wire = item.to_wire(max_size=65535)
        limit = 65535 if tcp else max(512, query.payload if query.edns >= 0 else 512)
        if len(wire) > limit:
            cut = dns.message.make_response(query)
            cut.flags |= item.flags | dns.flags.TC
            wire = cut.to_wire()
        return wire

    async def serve_tcp(self, server, reader, writer):
        peer = writer.get_extra_info("peername")
        try:
            while True:
                n = int.from_bytes(await asyncio.wait_for(reader.readexactly(2), 30), "big")
                wire = await asyncio.wait_for(reader.readexactly(n), 30)
                closed = False

                async def send(item):
                    nonlocal closed
                    if item == "close":
                        closed = True
                    elif isinstance(item, tuple):
                        writer.write(item[1])
                    else:
                        writer.write(len(item).to_bytes(2, "big") + item)
                    await writer.drain()

                await self.handle(server, wire, peer, True, send)
                if closed:
                    break
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()

    async def run(self):
        loop = asyncio.get_running_loop()
        for server in self.servers:
            await loop.create_datagram_endpoint(lambda s=server: Datagrams(self, s),
                                                local_addr=(server.address, self.port))
            await asyncio.start_server(lambda r, w, s=server: self.serve_tcp(s, r, w),
                                       server.address, self.port)
        print("ready", flush=True)
        await asyncio.Event().wait()


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, lab, server):
        self.lab, self.server = lab, server

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, wire, peer):
        async def send(item):
            if isinstance(item, bytes):
                if item == b"":  # asyncio would not send a datagram of no bytes
                    self.transport.get_extra_info("socket")._sock.sendto(b"", peer)
                else:
                    self.transport.sendto(item, peer)
        asyncio.ensure_future(self.lab.handle(self.server, wire, peer, False, send))


def main():
    port, log_path, v6 = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    all_zones = lab_zones.build(v6, [sys.argv[4]])
    servers = [Server(a, name, held, all_zones)
               for a, (name, held) in lab_zones.python_servers(all_zones).items()]
    try:
        asyncio.run(Lab(port, log_path, servers).run())
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
