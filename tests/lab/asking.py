# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks one resolver many questions, some at a time, and keeps of each reply what is compared."""

import asyncio
import dataclasses
import time

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rdtypes.dsbase

from internet import CLIENT

AT_ONCE = 48  # questions on their way to one resolver
LIMIT_S = 25
DENIALS = (dns.rdatatype.NSEC, dns.rdatatype.NSEC3)


class AnyLength(dict):
    """dnspython refuses DS records with digests of a wrong length; the internet has some."""

    def __missing__(self, key):
        return self

    def __ne__(self, other):
        return False


dns.rdtypes.dsbase.DSBase._digest_length_by_type = AnyLength()


@dataclasses.dataclass(slots=True)
class Reply:
    rcode: str  # or "timeout", "broken"
    ad: bool = False
    answer: frozenset = frozenset()  # (owner, type, covers, data): RRSIGs too
    soa: frozenset = frozenset()  # the owners of SOA records in the authority section
    denial: frozenset = frozenset()  # NSEC, NSEC3 and their RRSIGs there
    ttls: dict = None  # {(owner, type, covers): TTL} of the answer
    seconds: float = 0.0
    flaw: str = ""  # what no reply may be
    ede: tuple = ()


def _records(sections, wanted):
    out = set()
    for rrset in sections:
        if wanted(rrset):
            owner = rrset.name.canonicalize().to_text()
            for rdata in rrset:
                out.add((owner, rrset.rdtype, rrset.covers, rdata.to_digestable()))
    return frozenset(out)


def _is_denial(rrset):
    return rrset.rdtype in DENIALS or rrset.rdtype == dns.rdatatype.RRSIG and rrset.covers in DENIALS


def digest(question, message, seconds):
    """What is compared of a message."""
    flaw = ""
    asked = message.question[0] if message.question else None
    if asked is None or asked.name.labels != dns.name.from_text(question.name).labels:
        flaw = "another question section"
    elif not message.flags & dns.flags.RA:
        flaw = "no RA"
    elif bool(message.flags & dns.flags.CD) != question.cd:
        flaw = "CD not as asked"
    elif message.flags & dns.flags.TC:
        flaw = "TC over TCP"
    elif not question.do and question.rdtype != "ANY" and any(
            r.rdtype in DENIALS + (dns.rdatatype.RRSIG,) and dns.rdatatype.to_text(r.rdtype) != question.rdtype
            for r in message.answer + message.authority):
        flaw = "DNSSEC records without DO"
    return Reply(
        dns.rcode.to_text(message.rcode()), bool(message.flags & dns.flags.AD),
        _records(message.answer, lambda r: True),
        frozenset(r.name.canonicalize().to_text() for r in message.authority
                  if r.rdtype == dns.rdatatype.SOA),
        _records(message.authority, _is_denial),
        {(r.name.canonicalize().to_text(), r.rdtype, r.covers): r.ttl for r in message.answer},
        seconds, flaw, tuple(int(o.code) for o in message.options if int(o.otype) == 15))


class Client(asyncio.DatagramProtocol):
    """A socket with questions on their way."""

    def __init__(self):
        self.waiting, self.next_id = {}, 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, wire, peer):
        future = self.waiting.pop(int.from_bytes(wire[:2], "big"), None)
        if future is not None and not future.done():
            future.set_result(wire)

    async def ask(self, address, wire):
        loop = asyncio.get_running_loop()
        self.next_id = (self.next_id + 1) % 65536
        future = self.waiting[self.next_id] = loop.create_future()
        n = self.next_id
        self.transport.sendto(n.to_bytes(2, "big") + wire[2:])
        try:
            return await asyncio.wait_for(future, LIMIT_S)
        finally:
            self.waiting.pop(n, None)


async def _over_tcp(address, wire):
    reader, writer = await asyncio.open_connection(address, 53, local_addr=(CLIENT, 0))
    try:
        writer.write(len(wire).to_bytes(2, "big") + wire)
        n = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(n)
    finally:
        writer.close()


def _query(q):
    m = dns.message.make_query(q.name, q.rdtype, use_edns=0 if q.edns else False, want_dnssec=q.do, payload=4096)
    if q.cd:
        m.flags |= dns.flags.CD
    if q.ad:
        m.flags |= dns.flags.AD
    else:
        m.flags &= ~dns.flags.AD
    return m.to_wire()


async def ask_all(address, questions, progress=lambda n: None):
    """[Reply], in the order of the questions."""
    loop = asyncio.get_running_loop()
    _, client = await loop.create_datagram_endpoint(Client, local_addr=(CLIENT, 0), remote_addr=(address, 53))
    replies, todo = [None] * len(questions), iter(range(len(questions)))

    async def one(q):
        begin, wire = time.monotonic(), _query(q)
        try:
            got = await client.ask(address, wire)
            if got[2] & 2:
                got = await asyncio.wait_for(_over_tcp(address, wire), LIMIT_S)
            return digest(q, dns.message.from_wire(got), time.monotonic() - begin)
        except asyncio.TimeoutError:
            return Reply("timeout", seconds=LIMIT_S)
        except (dns.exception.DNSException, OSError, EOFError) as e:
            return Reply("broken", flaw=f"{type(e).__name__}: {e}", seconds=time.monotonic() - begin)

    async def work():
        for i in todo:
            replies[i] = await one(questions[i])
            progress(i)

    await asyncio.gather(*[work() for _ in range(AT_ONCE)])
    client.transport.close()
    return replies
