# SPDX-License-Identifier: GPL-3.0-or-later
"""Poisoning, mounted: forged floods, servers that speak for others, half messages, ghosts.

Each attack goes for a zone of its own, which Weir has not asked about yet: nothing in the cache protects it.
Afterwards the zone's names are asked for, and must be what its own server says.
"""

import concurrent.futures
import json
import os
import random
import struct
import time

import dns.edns
import dns.flags
import dns.rcode
import pytest

from hostile import (Forger, Servers, cookie_of, give_cookie, records, respond, soa, text_of)
from replies import addresses, ede_codes, rcode

pytestmark = pytest.mark.skipif("WEIR_LAB_NAMESPACE" not in os.environ,
                                reason="needs a namespace: root, or user namespaces")
ROOT, GOOD, EVIL, FORWARDER, GHOST, WEIR = [f"127.88.0.{i}" for i in range(1, 7)]
TRUE, FORGED = "192.0.2.1", "192.0.2.66"


class World:
    """What the servers say. good: any zone the root knows nothing else of."""

    def __init__(self):
        self.has_ghost = True
        self.delay_s = 0
        self.at = {ROOT: self.root, GOOD: self.good, EVIL: self.evil, FORWARDER: self.forwarder,
                   GHOST: self.ghost}

    def root(self, q, is_tcp):
        name, rdtype = text_of(q)
        tld = name.split(".")[-2] + "." if name != "." else "."
        if tld == ".":
            return [respond(q, records(".", "NS", "ns.root-servers.good."))]
        if tld == "ghost." and not self.has_ghost:
            return [respond(q, authority=[soa(".", 5)], rcode=dns.rcode.NXDOMAIN)]
        at, ttl = {"evil.": (EVIL, 300), "ghost.": (GHOST, 2)}.get(tld, (GOOD, 300))
        return [respond(q, authority=[records(tld, "NS", f"ns.{tld}", ttl=ttl)],
                        additional=[records(f"ns.{tld}", "A", at, ttl=ttl)], aa=False)]

    def good(self, q, is_tcp):
        name, rdtype = text_of(q)
        tld = name.split(".")[-2] + "."
        reply = respond(q, authority=[soa(tld)])
        if rdtype == "A":
            reply = respond(q, records(name, "A", GOOD if name.startswith("ns.") else TRUE))
        elif rdtype == "NS" and name == tld:
            reply = respond(q, records(tld, "NS", f"ns.{tld}"))
        give_cookie(q, reply)
        how = name.split(".")[0].split("-")[0]
        return HALVES[how](q, reply) if how in HALVES and not is_tcp else [reply]

    def evil(self, q, is_tcp):
        name, _ = text_of(q)
        labels = name.split(".")
        how, victim = labels[0], (labels[1] if len(labels) > 3 else "none") + "."
        if how in POISONS:
            return [POISONS[how](q, victim, "evil.", EVIL)]
        return [respond(q, authority=[soa("evil.")])]

    def forwarder(self, q, is_tcp):
        """Is asked for fwd., and for that only; says more."""
        name, _ = text_of(q)
        labels = name.split(".")
        if not name.endswith("fwd."):
            reply = respond(q, records(name, "A", FORGED))
        elif labels[0] in POISONS and len(labels) > 3:
            reply = POISONS[labels[0]](q, labels[1] + ".", "fwd.", FORWARDER)
        else:
            reply = respond(q, records(name, "A", TRUE), aa=False)
        reply.flags |= dns.flags.RA
        return [reply]

    def ghost(self, q, is_tcp):
        """Prolongs its life with each answer, and has delegations of its own."""
        name, rdtype = text_of(q)
        ns = records("ghost.", "NS", "ns.ghost.", ttl=86400)
        glue = records("ns.ghost.", "A", GHOST, ttl=86400)
        if name.endswith("deep.ghost."):
            deep = records("deep.ghost.", "NS", "ns.deep.ghost.", ttl=86400)
            if rdtype == "A" and name not in ("deep.ghost.", "ns.deep.ghost.") and self.is_below(q):
                return [respond(q, records(name, "A", FORGED, ttl=1), authority=[deep])]
            self.told_deep.add(name)
            return [respond(q, authority=[deep], aa=False,
                            additional=[records("ns.deep.ghost.", "A", GHOST, ttl=86400)])]
        if name == "ghost." and rdtype == "NS":
            return [respond(q, ns, additional=[glue])]
        return [respond(q, records(name, "A", GHOST if name.startswith("ns.") else FORGED, ttl=1),
                        authority=[ns], additional=[glue])]

    told_deep = set()

    def is_below(self, q):
        """Both zones are on one server: the first time a name is asked it is the upper one."""
        return bool(self.told_deep)


# ---- what a server says of others: (query, victim zone, the server's own zone, its address) ----

def own(q):
    return records(text_of(q)[0], "A", TRUE)


def forged_of(victim):
    return [records(f"www.{victim}", "A", FORGED, ttl=86400), records(f"ns.{victim}", "A", EVIL, ttl=86400)]


def taken(victim, zone):
    return records(victim, "NS", f"ns.{zone}", ttl=86400)


POISONS = {
    "inanswer": lambda q, v, z, a: respond(q, own(q), *forged_of(v), taken(v, z)),
    "inauthority": lambda q, v, z, a: respond(q, own(q), authority=[taken(v, z), *forged_of(v)],
                                              additional=[records(f"ns.{z}", "A", a)]),
    "inadditional": lambda q, v, z, a: respond(q, own(q), additional=forged_of(v)),
    "insteadofmine": lambda q, v, z, a: respond(q, *forged_of(v)),
    "alias": lambda q, v, z, a: respond(q, records(text_of(q)[0], "CNAME", f"www.{v}"), *forged_of(v)),
    "dname": lambda q, v, z, a: respond(q, own(q), records(v, "DNAME", f"www.{z}", ttl=86400)),
    "asns": lambda q, v, z, a: respond(q, own(q), authority=[records(z, "NS", f"ns.{v}")],
                                       additional=forged_of(v)),
    "sibling": lambda q, v, z, a: respond(q, authority=[taken(v, z)], aa=False,
                                          additional=[records(f"ns.{z}", "A", a), *forged_of(v)]),
    "upward": lambda q, v, z, a: respond(q, authority=[taken(".", z)], aa=False,
                                         additional=[records(f"ns.{z}", "A", a)]),
    "upandmine": lambda q, v, z, a: respond(q, own(q), taken(".", z), authority=[taken(".", z)],
                                            additional=[records(f"ns.{z}", "A", a)]),
    "denied": lambda q, v, z, a: respond(q, authority=[soa(v), soa(".")], rcode=dns.rcode.NXDOMAIN),
    "deniedalias": lambda q, v, z, a: respond(q, records(text_of(q)[0], "CNAME", f"www.{v}"),
                                              authority=[soa(v)], rcode=dns.rcode.NXDOMAIN),
}


# ---- half messages: what comes over UDP before, or in place of, the true answer ----

def forged_reply(q, reply, tc=False):
    fake = respond(q, records(text_of(q)[0], "A", FORGED))
    give_cookie(q, fake)
    fake.flags |= dns.flags.TC if tc else 0
    return fake.to_wire()


def with_head(wire, flags=None, counts=None, ident=None):
    head = list(struct.unpack(">HHHHHH", wire[:12]))
    head[0] = head[0] if ident is None else ident
    head[1] = head[1] if flags is None else flags
    head[2:] = head[2:] if counts is None else counts
    return struct.pack(">HHHHHH", *head) + wire[12:]


def question_only(q, reply):
    """Where the question of the true answer ends."""
    return 12 + len(q.question[0].name.to_wire()) + 4


HALVES = {
    # Truncated, with forged records: the rest, and the truth, come over TCP.
    "tc": lambda q, r: [forged_reply(q, r, tc=True)],
    # The datagram ends in the middle of the forged record's data.
    "cut": lambda q, r: [forged_reply(q, r)[:question_only(q, r) + 14]],
    # A whole record, and counts that promise more.
    "short": lambda q, r: [with_head(forged_reply(q, r), counts=(1, 9, 0, 1))],
    # Data longer than it may be; behind it a true record.
    "long": lambda q, r: [forged_reply(q, r)[:question_only(q, r) + 10] + b"\xff\xff\x01\x02\x03\x04"],
    # TuDoor: each of these must neither be used nor end the wait for the true answer.
    "isquery": lambda q, r: [with_head(forged_reply(q, r), flags=0x0000), r],
    "opcode": lambda q, r: [with_head(forged_reply(q, r), flags=0xa400), r],
    "twoquestions": lambda q, r: [with_head(forged_reply(q, r), counts=(2, 1, 0, 1)), r],
    "noquestion": lambda q, r: [with_head(forged_reply(q, r)[:12], counts=(0, 0, 0, 0)), r],
    "servfail": lambda q, r: [with_head(forged_reply(q, r)[:12], flags=0x8402, counts=(0, 0, 0, 0)), r],
    "formerr": lambda q, r: [with_head(forged_reply(q, r)[:12], flags=0x8401, counts=(0, 0, 0, 0)), r],
    "otherid": lambda q, r: [with_head(forged_reply(q, r), ident=q.id ^ 1), r],
    "empty": lambda q, r: [b"", r],
    "stub": lambda q, r: [forged_reply(q, r)[:11], r],
    "loop": lambda q, r: [forged_reply(q, r)[:12] + b"\xc0\x0c\x00\x01\x00\x01", r],
}

BROKEN = ("cut", "short", "long")  # nothing else comes over UDP: it may be SERVFAIL; never half of it


@pytest.fixture(scope="module")
def world():
    w = World()
    with Servers(w.at) as servers:
        w.servers = servers
        yield w


@pytest.fixture
def resolver(world, start_weir):
    def prepare(w):
        path = os.path.join(w.directory, "hints")
        with open(path, "w") as f:
            f.write(f". 3600000 NS ns.\nns. 3600000 A {ROOT}\n")
        w.config["resolver"].update({"root-hints": path, "source-addresses": [WEIR], "forward": [
            {"zone": "fwd", "to": [f"{FORWARDER}@53"]}]})
    return start_weir(prepare=prepare)


def counts_of(weir):
    return json.loads(weir.cli("status", "--json").stdout)["status"]["upstream"]


def check_victim(weir, victim):
    """Everything of the victim's comes from its own server."""
    for name in ("www", "ns", "other"):
        reply = weir.ask(f"{name}.{victim}")
        assert rcode(reply) == "NOERROR", (name, victim, reply)
        assert addresses(reply) == [GOOD if name == "ns" else TRUE], (name, victim, reply)


# ---- servers that speak for others ----

@pytest.mark.parametrize("zone", ["evil", "fwd"])
def test_records_of_other_zones(world, resolver, zone):
    """Bailiwick; with fwd the forwarder speaks for what is resolved from the root (MaginotDNS)."""
    for i, how in enumerate(POISONS):
        reply = resolver.ask(f"{how}.victim{i}.{zone}")
        assert FORGED not in addresses(reply), (how, reply)
        world.servers.asked.clear()
        check_victim(resolver, f"victim{i}")
        to = {a for a, name, *_ in world.servers.asked if name.endswith(f"victim{i}.")}
        assert to <= {ROOT, GOOD}, (how, to)


def test_iterated_zones_do_not_speak_for_forwarded_ones(world, resolver):
    for how in POISONS:
        resolver.ask(f"{how}.fwd.evil")
        world.servers.asked.clear()
        for name in (f"www.{how}.fwd", "www.fwd", "ns.fwd"):
            reply = resolver.ask(name)
            assert addresses(reply) == [TRUE], (how, name, reply)
        assert not [a for a in world.servers.asked if a[0] != FORWARDER and "fwd" in a[1]], how


# ---- half messages ----

@pytest.mark.parametrize("how", HALVES)
def test_half_messages(world, resolver, how):
    """Of a server that is known: of an unknown one an error without a question may be all there is."""
    assert addresses(resolver.ask(f"first.{how}")) == [TRUE]
    for i in range(4):
        begin = time.monotonic()
        reply = resolver.ask(f"{how}-{i}.{how}")
        if how in BROKEN and rcode(reply) == "SERVFAIL":
            assert ede_codes(reply)
        else:
            assert (rcode(reply), addresses(reply)) == ("NOERROR", [TRUE]), (how, i, reply.to_text())
        assert time.monotonic() - begin < 4, how
    check_victim(resolver, f"{how}after")


# ---- floods ----

class Flood:
    """Answers each question that the good server gets 48 times before it does, and always misses by one
    thing: what an off-path sender has to guess."""

    N = 12  # of each kind

    def __init__(self):
        self.forger, self.kinds, self.knows_cookies = Forger(), {}, False

    def __call__(self, address, wire, query, peer):
        name = text_of(query)[0]
        if address != GOOD or not name.startswith("k"):
            return
        tld = name.split(".")[-2] + "."
        fake = respond(query, records(name, "A", FORGED, ttl=86400), authority=[
            records(tld, "NS", "ns.evil.", ttl=86400)], additional=[
            records(f"www.{tld}", "A", FORGED, ttl=86400), records(f"ns.{tld}", "A", EVIL, ttl=86400)])
        bare = fake.to_wire()
        give_cookie(query, fake)
        good = fake.to_wire()
        for _ in range(self.N):
            other_id = (query.id + random.randrange(1, 65536)) % 65536
            self.send("id", (GOOD, 53), peer, with_head(good, ident=other_id))
            other = 1024 + (peer[1] - 1024 + random.randrange(1, 64512)) % 64512
            self.send("port", (GOOD, 53), (peer[0], other), good)
            self.send("address", (EVIL, 53), peer, good)
            self.send("source port", (GOOD, 54), peer, good)
        self.send("case", (GOOD, 53), peer, self.other_case(good, query))
        if self.knows_cookies and cookie_of(query) is not None:
            self.send("no cookie", (GOOD, 53), peer, bare)
            self.send("cookie", (GOOD, 53), peer, good.replace(cookie_of(query)[:8], os.urandom(8)))

    def send(self, kind, *args):
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.forger.send(*args)

    @staticmethod
    def other_case(wire, query):
        """One letter of the question is not as it was asked."""
        at = random.choice([i for i in range(12, 12 + len(query.question[0].name.to_wire()))
                            if chr(wire[i]).isalpha()])
        return wire[:at] + bytes([wire[at] ^ 0x20]) + wire[at + 1:]


def test_kaminsky(world, resolver):
    """Random names below a zone, each a race; the forgeries bring name servers of their own."""
    flood = Flood()
    assert addresses(resolver.ask("first.bank")) == [TRUE]  # from here on cookies are known
    flood.knows_cookies = True
    world.servers.on_udp, world.servers.delay_s = flood, 0.02
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            names = [f"k{i}-{random.getrandbits(32):x}abc.bank" for i in range(120)]
            replies = list(pool.map(resolver.ask, names))
    finally:
        world.servers.on_udp, world.servers.delay_s = None, 0.0
        flood.forger.close()
    assert [a for a in map(addresses, replies) if a != [TRUE]] == []
    check_victim(resolver, "bank")
    counts = counts_of(resolver)
    print(f"{flood.forger.sent} forged packets: {flood.kinds}; counted: " + ", ".join(
        f"{k} {v}" for k, v in counts.items() if v and ("doubt" in k or "wrong" in k or "dropped" in k)))
    assert flood.forger.sent > 4000
    assert counts["packets_dropped"] > 500


# ---- ghosts ----

def test_ghost_domain(world, resolver):
    """The parent takes the delegation back: names below end with its TTL of 2 s, whatever the child says,
    and so do those below a delegation that the child made (phoenix)."""
    world.has_ghost = True
    for name in ("a.ghost", "b.ghost", "x1.deep.ghost"):
        assert addresses(resolver.ask(name)) == [FORGED], name
    world.has_ghost = False
    begin, alive_s = time.monotonic(), {}
    while time.monotonic() - begin < 4.5:
        n = int((time.monotonic() - begin) * 1000)
        resolver.ask("ghost", "NS")
        for name in (f"n{n}.ghost", f"n{n}.deep.ghost"):
            if rcode(resolver.ask(name)) == "NOERROR":
                alive_s[name.split(".", 1)[1]] = time.monotonic() - begin
        time.sleep(0.2)
    print(f"alive: {alive_s}")
    assert all(t < 3.2 for t in alive_s.values()), alive_s
    assert rcode(resolver.ask("other.ghost")) == "NXDOMAIN"
    assert rcode(resolver.ask("other.deep.ghost")) == "NXDOMAIN"
