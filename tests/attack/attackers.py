#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers that attack the resolver that asks them, or use it against somebody else.

All of them live in this process, an address each, on port 53 of a namespace.  A server is a function
from a question to a message; what it receives is counted.
"""

import asyncio
import collections
import os
import struct
import threading
import time
import traceback

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.DNSKEY
import dns.rdtypes.ANY.NSEC3
import dns.rdtypes.ANY.RRSIG
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = "127.66.0.1"
VICTIM = "127.66.0.2"
NET = "127.66.1."
TTL = 3600
ALGORITHM = dns.dnssec.Algorithm.ECDSAP256SHA256
SILENT, LATE = object(), object()
LATE_S = 3.0


def name(text):
    return dns.name.from_text(text)


def rrset(owner, rdtype, *values, ttl=TTL):
    return dns.rrset.from_text(owner, ttl, "IN", rdtype, *values)


class Key:
    """A zone's key, made anew each run."""

    def __init__(self, zone, flags=257, tag=None):
        self.zone = zone
        while True:
            self.private = ec.generate_private_key(ec.SECP256R1())
            self.dnskey = dns.dnssec.make_dnskey(self.private.public_key(), ALGORITHM, flags)
            if tag is None or self._bend(tag):
                return

    def _bend(self, tag):
        """The reserved flag bits count in the tag (RFC 4034 B): use them to make it the one wanted."""
        for delta in (0, 1, 0xffff):
            flags = (257 + tag - dns.dnssec.key_id(self.dnskey) + delta) % 0x10000
            if flags & 0x180 == 0x100:  # ZONE, not REVOKE
                bent = self.dnskey.replace(flags=flags)
                if dns.dnssec.key_id(bent) == tag:
                    self.dnskey = bent
                    return True
        return False

    def tag(self):
        return dns.dnssec.key_id(self.dnskey)

    def ds(self):
        return dns.dnssec.make_ds(self.zone, self.dnskey, "SHA256")

    def sign(self, rrs):
        now = int(time.time())
        sig = dns.dnssec.sign(rrs, self.private, name(self.zone), self.dnskey, inception=now - 3600,
                              expiration=now + 86400)
        return dns.rrset.from_rdata(rrs.name, rrs.ttl, sig)


class Zone:
    """One attack: its delegation, what it answers, which questions set it off."""

    attack = ""
    signed = False
    questions = 20  # that attack
    n_addrs = 1
    packets_max = 100  # of Weir, a question: resolver.max-packets, or what was measured with room
    cpu_max_us = 50000  # ten times what was measured, where it is CPU that is attacked
    rcode = "SERVFAIL"  # what Weir says

    def __init__(self, at):
        self.apex = type(self).__name__.lower() + "."
        self.addrs = [f"{NET}{at + i}" for i in range(self.n_addrs)]
        self.key = Key(self.apex) if self.signed else None

    def servers(self):
        return [(f"ns{i}.{self.apex}", a) for i, a in enumerate(self.addrs)]

    def soa(self):
        return rrset(self.apex, "SOA", f"ns0.{self.apex} root.{self.apex} 1 3600 600 864000 60")

    def apex_answer(self, q, reply):
        """What every zone says at its apex; True if that was asked."""
        if q.name != name(self.apex):
            return False
        if q.rdtype == dns.rdatatype.NS:
            reply.answer.append(rrset(self.apex, "NS", *[s for s, _ in self.servers()]))
        elif q.rdtype == dns.rdatatype.SOA:
            reply.answer.append(self.soa())
        elif q.rdtype == dns.rdatatype.A:
            reply.answer.append(rrset(self.apex, "A", "192.0.2.1"))
        else:
            reply.authority.append(self.soa())
        return True

    def address_answer(self, q, reply):
        for server, addr in self.servers():
            if q.name == name(server):
                if q.rdtype == dns.rdatatype.A:
                    reply.answer.append(rrset(server, "A", addr))
                else:
                    reply.authority.append(self.soa())
                return True
        return False

    def answer(self, q, reply):
        raise NotImplementedError

    def question(self, i):
        return f"q{i}.{self.apex}", "A"


class Benign(Zone):
    """Nothing bad: what a question costs at least."""

    attack = "none: an ordinary name"
    packets_max = 3
    rcode = "NOERROR"

    def answer(self, q, reply):
        reply.answer.append(rrset(q.name.to_text(), "A", "192.0.2.1"))


class Nxns(Zone):
    attack = "NXNSAttack: a referral to 100 names of a victim"
    packets_max = 20

    def answer(self, q, reply):
        reply.flags &= ~dns.flags.AA
        reply.authority.append(rrset(q.name.to_text(), "NS",
                                     *[f"v{i}-{q.name.labels[0].decode()}.victim." for i in range(100)]))


class Fan(Zone):
    attack = "NXNSAttack that fans out: each server's name is a referral to 20 more"
    packets_max = 40

    def answer(self, q, reply):
        reply.flags &= ~dns.flags.AA
        first = q.name.relativize(name(self.apex)).labels[-1].decode()
        cut = f"{first}.{self.apex}"
        reply.authority.append(rrset(cut, "NS", *[f"x.{first[:20]}{i}.{self.apex}" for i in range(20)]))


class Chain(Zone):
    attack = "CNAME chain without end, a link a response"
    packets_max = 16

    def answer(self, q, reply):
        reply.answer.append(rrset(q.name.to_text(), "CNAME", f"n-{time.monotonic_ns()}.{self.apex}"))


class Bulk(Zone):
    attack = "CNAME chains of 16 links in each response, a new one at each end (CacheFlush)"
    packets_max = 3

    def answer(self, q, reply):
        at = q.name.to_text()
        for i in range(16):
            to = f"b{i}-{time.monotonic_ns()}.{self.apex}"
            reply.answer.append(rrset(at, "CNAME", to))
            at = to


class Dnames(Zone):
    attack = "DNAMEs that make longer names without end"

    def answer(self, q, reply):
        labels = q.name.relativize(name(self.apex)).labels
        cut = labels[-1].decode() + "." + self.apex
        if len(labels) < 2:
            reply.authority.append(self.soa())
            return
        to = f"d.d{time.monotonic_ns()}.{self.apex}"
        reply.answer.append(rrset(cut, "DNAME", to))
        made = dns.name.Name(labels[:-1]).concatenate(name(to)).to_text()
        reply.answer.append(rrset(q.name.to_text(), "CNAME", made))

    def question(self, i):
        return f"a.q{i}.{self.apex}", "A"


class CycleA(Zone):
    attack = "TsuNAME: two zones whose servers are named in each other"
    packets_max = 2
    other = "cycleb."

    def servers(self):
        return [("ns0." + self.other, None), ("ns1." + self.other, None)]

    def answer(self, q, reply):
        reply.set_rcode(dns.rcode.SERVFAIL)


class CycleB(CycleA):
    attack = ""
    other = "cyclea."


class Silent(Zone):
    attack = "water torture: random names below 4 servers that do not answer"
    packets_max = 5
    n_addrs = 4
    questions = 200

    def answer(self, q, reply):
        return SILENT


class Crowd(Zone):
    attack = "phantom domains: 26 servers that do not answer"
    packets_max = 15
    n_addrs = 26

    def answer(self, q, reply):
        return SILENT


class Late(Zone):
    attack = "phantom domains: servers that answer after 3 s"
    packets_max = 5
    n_addrs = 4

    def answer(self, q, reply):
        reply.answer.append(rrset(q.name.to_text(), "A", "192.0.2.1"))
        return LATE


class Refusing(Zone):
    attack = "26 lame servers: REFUSED"
    packets_max = 6
    n_addrs = 26

    def answer(self, q, reply):
        reply.set_rcode(dns.rcode.REFUSED)


class Garbage(Zone):
    attack = "TuDoor: right id and question, then nonsense"
    packets_max = 8
    n_addrs = 4

    def answer(self, q, reply):
        return b"\xc0\xff\x00\x01\xff\xff" * 20


class Truncating(Zone):
    attack = "always truncated, over TCP too"
    packets_max = 14
    n_addrs = 4

    def answer(self, q, reply):
        reply.flags |= dns.flags.TC


class SignedZone(Zone):
    signed = True

    def keys(self):
        return dns.rrset.from_rdata(self.apex, TTL, self.key.dnskey)

    def apex_answer(self, q, reply):
        if q.name == name(self.apex) and q.rdtype == dns.rdatatype.DNSKEY:
            keys = self.keys()
            reply.answer += [keys, self.key.sign(keys)]
            return True
        if super().apex_answer(q, reply):
            if not reply.answer:
                self.deny(reply, q.name, "NS SOA A DNSKEY")
            return True
        return False

    def address_answer(self, q, reply):
        found = super().address_answer(q, reply)
        if found and not reply.answer:
            self.deny(reply, q.name, "A")
        return found

    def deny(self, reply, owner, types):
        """NODATA, with an NSEC record that ends right behind the name."""
        text = owner.to_text()
        soa, nsec = self.soa(), rrset(text, "NSEC", f"\\000.{text} {types} RRSIG NSEC", ttl=60)
        reply.authority = [soa, self.key.sign(soa), nsec, self.key.sign(nsec)]


class Signed(SignedZone):
    attack = "none: an ordinary signed name"
    packets_max = 3
    rcode = "NOERROR"

    def answer(self, q, reply):
        data = rrset(q.name.to_text(), "A", "192.0.2.1")
        reply.answer += [data, self.key.sign(data)]


class KeyTrap(SignedZone):
    attack = "KeyTrap (CVE-2023-50387): 60 keys of one tag, 60 signatures on the data"
    packets_max = 6
    cpu_max_us = 6000
    questions = 10
    n_keys = 60

    def __init__(self, at):
        super().__init__(at)
        tag = self.key.tag()
        self.others = [Key(self.apex, tag=tag).dnskey for _ in range(self.n_keys - 1)]

    def keys(self):
        keys = dns.rrset.from_rdata(self.apex, TTL, *(self.others + [self.key.dnskey]))
        return keys

    def answer(self, q, reply):
        data = rrset(q.name.to_text(), "A", "192.0.2.1")
        good = self.key.sign(data)[0]
        reply.answer.append(data)
        sigs = []
        for i in range(self.n_keys):
            sigs.append(good.replace(signature=struct.pack("!Q", i + 1) + good.signature[8:]))
        reply.answer.append(dns.rrset.from_rdata(q.name, TTL, *sigs))


class KeySigTrap(KeyTrap):
    attack = "KeySigTrap: 60 keys of one tag, 60 bad signatures on the keys"
    packets_max = 6
    cpu_max_us = 7000

    def apex_answer(self, q, reply):
        if q.name == name(self.apex) and q.rdtype == dns.rdatatype.DNSKEY:
            keys = self.keys()
            good = self.key.sign(keys)[0]
            sigs = [good.replace(signature=struct.pack("!Q", i + 1) + good.signature[8:])
                    for i in range(self.n_keys)]
            reply.answer += [keys, dns.rrset.from_rdata(name(self.apex), TTL, *sigs)]
            return True
        return super().apex_answer(q, reply)


class HashBomb(SignedZone):
    attack = "NSEC3 (CVE-2023-50868): 100 labels to hash, 50 iterations"
    packets_max = 5
    cpu_max_us = 11000
    iterations = 50

    def __init__(self, at):
        super().__init__(at)
        names = [name(t + self.apex) for t in ("", "ns0.", "b.", "c.")]
        self.chain = sorted(self.hash(n) for n in names)

    def hash(self, n):
        return dns.dnssec.nsec3_hash(n, "aabbccdd" * 8, self.iterations, "SHA1")

    def nsec3(self, i, types="NS SOA RRSIG DNSKEY"):
        nxt = self.chain[(i + 1) % len(self.chain)]
        return rrset(f"{self.chain[i]}.{self.apex}", "NSEC3",
                     f"1 0 {self.iterations} {'aabbccdd' * 8} {nxt} {types}", ttl=60)

    def deny(self, reply, owner, types):
        record = self.nsec3(self.chain.index(self.hash(owner)), types + " RRSIG")
        soa = self.soa()
        reply.authority = [soa, self.key.sign(soa), record, self.key.sign(record)]

    def answer(self, q, reply):
        reply.set_rcode(dns.rcode.NXDOMAIN)
        soa = self.soa()
        reply.authority += [soa, self.key.sign(soa)]
        apex = self.hash(name(self.apex))
        proofs = {self.chain.index(apex)}
        closer = q.name.split(len(name(self.apex).labels) + 1)[1]
        for n in (closer, name("*." + self.apex)):
            h = self.hash(n)
            before = [i for i, c in enumerate(self.chain) if c < h]
            proofs.add(before[-1] if before else len(self.chain) - 1)
        for i in sorted(proofs):
            record = self.nsec3(i)
            reply.authority += [record, self.key.sign(record)]

    def question(self, i):
        return "l." * 100 + f"q{i}.{self.apex}", "A"


class HashBombMore(HashBomb):
    attack = "the same with 150 iterations"
    packets_max = 5
    cpu_max_us = 11000
    rcode = "NXDOMAIN"
    iterations = 150


class SigStorm(SignedZone):
    attack = "answers of 40 RRsets, each with a bad signature"
    packets_max = 8
    cpu_max_us = 13000
    questions = 10

    def answer(self, q, reply):
        for i in range(40):
            data = rrset(q.name.to_text(), "TYPE%d" % (65400 + i), "\\# 1 00")
            if not reply.answer:
                data = rrset(q.name.to_text(), "A", "192.0.2.1")
            good = self.key.sign(data)[0]
            reply.answer += [data, dns.rrset.from_rdata(
                q.name, TTL, good.replace(signature=struct.pack("!Q", i + 1) + good.signature[8:]))]

    def question(self, i):
        return f"q{i}.{self.apex}", "ANY"


ATTACKS = (Benign, Nxns, Fan, Chain, Bulk, Dnames, CycleA, CycleB, Silent, Crowd, Late, Refusing,
           Garbage, Truncating, Signed, KeyTrap, KeySigTrap, HashBomb, HashBombMore, SigStorm)


class Victim(Zone):
    """Whom the attacks are aimed at: it denies what it is asked."""

    def __init__(self):
        super().__init__(0)
        self.addrs = [VICTIM]

    def answer(self, q, reply):
        reply.set_rcode(dns.rcode.NXDOMAIN)
        reply.authority.append(self.soa())


class Root:
    """The root, signed, which delegates all the others."""

    apex = "."

    def __init__(self, zones):
        self.zones = {z.apex: z for z in zones}
        self.key = Key(".")
        self.signed = {}

    def sign(self, rrs):
        k = (rrs.name, rrs.rdtype)
        if k not in self.signed:
            self.signed[k] = self.key.sign(rrs)
        return self.signed[k]

    def add(self, section, rrs):
        section += [rrs, self.sign(rrs)]

    def soa(self):
        return rrset(".", "SOA", "ns. root. 1 3600 600 864000 60")

    def deny(self, reply, owner, types):
        """An NSEC record at the name that ends right behind it."""
        self.add(reply.authority, self.soa())
        nxt = "\\000." + (owner if owner != "." else "")
        self.add(reply.authority, rrset(owner, "NSEC", f"{nxt} {types} RRSIG NSEC", ttl=60))

    def answer(self, q, reply):
        if q.name == dns.name.root:
            if q.rdtype == dns.rdatatype.NS:
                self.add(reply.answer, rrset(".", "NS", "ns."))
                reply.additional.append(rrset("ns.", "A", ROOT))
            elif q.rdtype == dns.rdatatype.DNSKEY:
                self.add(reply.answer, dns.rrset.from_rdata(".", TTL, self.key.dnskey))
            elif q.rdtype == dns.rdatatype.SOA:
                self.add(reply.answer, self.soa())
            else:
                self.deny(reply, ".", "NS SOA DNSKEY")
            return
        if q.name == name("ns."):
            if q.rdtype == dns.rdatatype.A:
                self.add(reply.answer, rrset("ns.", "A", ROOT))
            else:
                self.deny(reply, "ns.", "A")
            return
        zone = self.zones.get(q.name.split(2)[1].to_text().lower())
        if zone is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
            self.add(reply.authority, self.soa())
            self.add(reply.authority, rrset(".", "NSEC", "aaa. NS SOA RRSIG NSEC DNSKEY", ttl=60))
            self.add(reply.authority, rrset("zzz.", "NSEC", ". A RRSIG NSEC", ttl=60))
            return
        if q.rdtype == dns.rdatatype.DS and q.name == name(zone.apex):
            if zone.key is not None:
                self.add(reply.answer, dns.rrset.from_rdata(zone.apex, TTL, zone.key.ds()))
            else:
                self.deny(reply, zone.apex, "NS")
            return
        reply.flags &= ~dns.flags.AA
        reply.authority.append(rrset(zone.apex, "NS", *[s for s, _ in zone.servers()]))
        if zone.key is not None:
            self.add(reply.authority, dns.rrset.from_rdata(zone.apex, TTL, zone.key.ds()))
        else:
            self.add(reply.authority, rrset(zone.apex, "NSEC", f"\\000.{zone.apex} NS RRSIG NSEC", ttl=60))
        for server, addr in zone.servers():
            if addr is not None:
                reply.additional.append(rrset(server, "A", addr))


class Internet:
    """All servers, in a thread of their own."""

    def __init__(self):
        at = 1
        zones = []
        for cls in ATTACKS:
            zones.append(cls(at))
            at += cls.n_addrs
        self.zones = zones
        self.root = Root(zones + [Victim()])
        self.counts = collections.Counter()  # (apex, "udp" or "tcp") -> packets received
        self.at = {ROOT: self.root}
        for z in self.root.zones.values():
            for a in z.addrs:
                self.at[a] = z
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()
        self.ready.wait(30)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._listen())
        self.ready.set()
        self.loop.run_forever()

    async def _listen(self):
        for addr, zone in self.at.items():
            await self.loop.create_datagram_endpoint(lambda z=zone: Udp(self, z), local_addr=(addr, 53))
            await asyncio.start_server(lambda r, w, z=zone: self.serve_tcp(z, r, w), addr, 53)

    def packets(self):
        return sum(self.counts.values())

    def make(self, zone, wire, is_tcp):
        """The bytes to send, and after how many seconds; None: nothing."""
        self.counts[zone.apex, "tcp" if is_tcp else "udp"] += 1
        try:
            query = dns.message.from_wire(wire)
            q = query.question[0]
        except (dns.exception.DNSException, IndexError):
            return None
        reply = dns.message.make_response(query, recursion_available=False)
        reply.flags |= dns.flags.AA
        try:
            how = self.fill(zone, q, reply)
        except Exception:  # a mistake of ours must not look like a defence of theirs
            traceback.print_exc()
            os._exit(70)
        if how is SILENT:
            return None
        if isinstance(how, bytes):
            head = bytearray(reply.to_wire()[:12])
            head[6:8] = b"\x00\x05"
            return bytes(head) + wire[12:12 + len(q.name.to_wire()) + 4] + how, 0
        limit = 65535 if is_tcp else query.payload if query.edns >= 0 else 512
        try:
            out = reply.to_wire(max_size=limit)
        except dns.exception.TooBig:
            reply.flags |= dns.flags.TC
            reply.answer, reply.authority, reply.additional = [], [], []
            out = reply.to_wire()
        return out, LATE_S if how is LATE else 0

    def fill(self, zone, q, reply):
        if zone is self.root:
            return zone.answer(q, reply)
        if zone.apex_answer(q, reply) or zone.address_answer(q, reply):
            if zone.key is not None and not any(r.rdtype == dns.rdatatype.RRSIG for r in reply.answer):
                reply.answer += [zone.key.sign(r) for r in reply.answer]
            return None
        return zone.answer(q, reply)

    async def serve_tcp(self, zone, reader, writer):
        try:
            while True:
                n = int.from_bytes(await reader.readexactly(2), "big")
                made = self.make(zone, await reader.readexactly(n), True)
                if made is not None:
                    await asyncio.sleep(made[1])
                    writer.write(len(made[0]).to_bytes(2, "big") + made[0])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Udp(asyncio.DatagramProtocol):
    def __init__(self, internet, zone):
        self.internet, self.zone, self.transport = internet, zone, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        made = self.internet.make(self.zone, data, False)
        if made is None:
            return
        if made[1]:
            self.internet.loop.call_later(made[1], self.transport.sendto, made[0], addr)
        else:
            self.transport.sendto(made[0], addr)
