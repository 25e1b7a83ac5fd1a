# SPDX-License-Identifier: GPL-3.0-or-later
"""Serving: the right answer to every malformed or unusual message, UDP and TCP, and the end.

The messages are those of RFC 8906 section 8, and some that are worse.
"""

import random
import signal
import socket
import struct
import threading
import time

import dns.flags
import dns.message
import pytest

import wire
from replies import addresses, data, ede_codes, rcode

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
IDLE_S = 1.5
PIPELINE_MAX = 8


@pytest.fixture(scope="module")
def weir(start_weir):
    return start_weir({"server": {"tcp-idle-timeout": f"{int(IDLE_S * 1000)}ms", "tcp-clients-max": 20,
                                  "tcp-pipeline-max": PIPELINE_MAX}})


def send(weir, message, **options):
    reply = wire.udp(weir.address, weir.port, message, **options)
    return None if reply is None else wire.Reply(reply)


def still_well(weir):
    reply = send(weir, wire.message(ident=77))
    assert reply is not None and reply.id == 77 and reply.rcode == NOERROR and reply.an >= 1


# ---- what is asked ----

@pytest.mark.parametrize("opcode", [1, 2, 3, 4, 5, 6, 7, 9, 15])
def test_unknown_opcodes(weir, opcode):
    """RFC 8906 8.1.4: NOTIMP, the opcode comes back."""
    for message in (wire.message(flags=opcode << 11), wire.message(flags=opcode << 11, questions=[])):
        reply = send(weir, message)
        assert (reply.rcode, reply.opcode) == (NOTIMP, opcode)
        assert reply.flags & wire.QR


def test_unknown_type(weir):
    reply = weir.ask("www.plain.com", 1000)
    assert rcode(reply) == "NOERROR" and not any(r.rdtype == 1000 for r in reply.answer)


@pytest.mark.parametrize("rdtype", ["AXFR", "IXFR"])
def test_no_transfers(weir, rdtype):
    assert rcode(weir.ask("plain.com", rdtype, tcp=True)) in ("REFUSED", "NOTIMP")


@pytest.mark.parametrize("rdtype", [0, 41, 128, 249, 250])
def test_types_that_cannot_be_asked(weir, rdtype):
    reply = send(weir, wire.message(questions=[wire.question(rdtype=rdtype)]))
    assert reply.rcode in (FORMERR, NOTIMP, REFUSED)
    still_well(weir)


@pytest.mark.parametrize("rdclass", [0, 2, 3, 4, 254, 255, 999, 65535])
def test_other_classes(weir, rdclass):
    reply = send(weir, wire.message(questions=[wire.question(rdclass=rdclass)]))
    assert reply.rcode in (REFUSED, NOTIMP, FORMERR) and reply.an == 0


def test_any_is_small(weir):
    """RFC 8482: an answer, but no amplifier."""
    reply = send(weir, wire.message(questions=[wire.question(rdtype=wire.ANY)], additional=wire.OPT))
    assert reply.rcode in (NOERROR, NOTIMP, REFUSED) and len(reply.wire) <= 1232


def test_without_recursion_desired(weir):
    """What others asked before is nobody's business: no cache snooping."""
    send(weir, wire.message())
    reply = send(weir, wire.message(flags=0))
    assert reply.rcode == REFUSED or reply.an == 0


@pytest.mark.parametrize("flags", [0x0040, wire.AD, wire.CD, wire.AD | wire.CD, 0x0400, wire.RA, 0x0600])
def test_flags_in_the_question(weir, flags):
    """RFC 8906 8.1.3: Z, AD, CD; and those that have no meaning in a question."""
    reply = send(weir, wire.message(flags=wire.RD | flags))
    assert reply.rcode == NOERROR and reply.an >= 1
    assert reply.flags & 0x0040 == 0 and reply.flags & 0x0400 == 0
    assert reply.flags & wire.RA and reply.flags & wire.RD
    assert bool(reply.flags & wire.CD) == bool(flags & wire.CD)


# ---- EDNS ----

def test_plain_edns(weir):
    reply = weir.ask("www.plain.com", tcp=None)
    assert reply.edns == 0 and 512 <= reply.payload <= 4096


def test_no_edns_no_opt(weir):
    assert weir.ask("www.plain.com", use_edns=-1).edns == -1


@pytest.mark.parametrize("version", [1, 2, 255])
def test_unknown_edns_version(weir, version):
    """RFC 6891 6.1.3: BADVERS, and the version that is known."""
    reply = dns.message.from_wire(send(weir, wire.message(additional=wire.opt(version=version))).wire)
    assert rcode(reply) == "BADVERS" and reply.edns == 0 and not reply.answer


@pytest.mark.parametrize("code", [3, 5, 8, 9, 10, 11, 12, 13, 100, 65001])
def test_edns_options(weir, code):
    """RFC 8906 8.2.2: what is not known is ignored and not sent back."""
    reply = dns.message.from_wire(
        send(weir, wire.message(additional=wire.opt(options=wire.option(code, b"12345678")))).wire)
    assert rcode(reply) in ("NOERROR", "FORMERR") if code in (8, 11) else rcode(reply) == "NOERROR"
    assert not any(int(o.otype) >= 100 for o in reply.options)


def test_edns_flags(weir):
    """RFC 8906 8.2.3: only DO comes back."""
    reply = dns.message.from_wire(send(weir, wire.message(additional=wire.opt(flags=0xffff))).wire)
    assert rcode(reply) == "NOERROR" and reply.ednsflags & 0x7fff == 0 and reply.ednsflags & 0x8000


def test_two_opts(weir):
    reply = send(weir, wire.message(additional=wire.OPT + wire.OPT, counts=(1, 0, 0, 2)))
    assert reply.rcode == FORMERR


@pytest.mark.parametrize("broken", [
    b"\x03foo\x00" + wire.OPT[1:],  # owner is not the root
    wire.opt(options=b"\x00\x08\x00\xff"),  # an option longer than the record
    wire.opt(options=b"\x00"),  # half an option
    wire.opt()[:-3],  # half a record
    b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\xff\xff",  # a record longer than the message
])
def test_broken_opt(weir, broken):
    reply = send(weir, wire.message(additional=broken))
    assert reply.rcode == FORMERR and reply.an == 0
    still_well(weir)


@pytest.mark.parametrize("size", [0, 1, 511])
def test_small_edns_sizes_mean_512(weir, size):
    reply = send(weir, wire.message(questions=[wire.question(b"\x04many\x03big\x03com\x00")],
                                    additional=wire.opt(size=size)))
    assert len(reply.wire) <= 512 and reply.flags & wire.TC and reply.rcode == NOERROR


# ---- malformed ----

def test_no_question(weir):
    """RFC 9619: QDCOUNT is one."""
    for extra in (b"", wire.OPT):
        reply = send(weir, wire.message(questions=[], additional=extra))
        assert reply.rcode in (FORMERR, REFUSED) and reply.an == 0


def test_several_questions(weir):
    for n in (2, 3, 40):
        reply = send(weir, wire.message(questions=[wire.question()] * n))
        assert reply.rcode == FORMERR and reply.an == 0


@pytest.mark.parametrize("why, message", [
    ("more questions promised", wire.message(counts=(2, 0, 0, 0))),
    ("65535 questions promised", wire.message(counts=(65535, 0, 0, 0))),
    ("an answer promised", wire.message(counts=(1, 1, 0, 0))),
    ("additional promised", wire.message(counts=(1, 0, 0, 1))),
    ("trailing bytes", wire.message(tail=b"\x00" * 7)),
    ("name cut off", wire.message(body=b"\x03www\x05pla")),
    ("no type", wire.message(body=wire.NAME)),
    ("half a class", wire.message(body=wire.question()[:-1])),
    ("label of 64", wire.message(body=b"\x40" + b"a" * 64 + b"\x00\x00\x01\x00\x01")),
    ("reserved label type", wire.message(body=b"\x80www\x00\x00\x01\x00\x01")),
    ("pointer to itself", wire.message(body=b"\xc0\x0c\x00\x01\x00\x01")),
    ("pointer forwards", wire.message(body=b"\xc0\x10\x00\x01\x00\x01\x03www\x00")),
    ("pointer into the header", wire.message(body=b"\x03www\xc0\x00\x00\x01\x00\x01")),
    ("name of 256 bytes", wire.message(body=(b"\x3f" + b"a" * 63) * 4 + b"\x00\x00\x01\x00\x01")),
    ("only a header", wire.message(questions=[], counts=(1, 0, 0, 0))),
])
def test_malformed(weir, why, message):
    reply = send(weir, message)
    assert reply is not None and reply.rcode == FORMERR and reply.an == 0 and reply.id == 0x1234, why
    assert len(reply.wire) <= len(message) + 11, "no amplification"
    still_well(weir)


@pytest.mark.parametrize("n", range(0, 12))
def test_shorter_than_a_header_is_not_answered(weir, n):
    assert send(weir, wire.message()[:n], timeout_s=0.15) is None


def test_answers_are_not_answered(weir):
    """An answer to an answer would make a loop between two servers."""
    assert send(weir, wire.message(flags=wire.QR | wire.RD), timeout_s=0.3) is None
    assert send(weir, wire.message(flags=wire.QR | 5 << 11), timeout_s=0.3) is None
    still_well(weir)


def test_noise(weir):
    """Random and randomly bent messages: no crash, no answer that is not one."""
    rng = random.Random(20261122)
    good = wire.message(additional=wire.opt(options=wire.option(10, b"abcdefgh")))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((weir.address, weir.port))
        s.settimeout(0)
        for i in range(4000):
            bent = bytearray(good)
            for _ in range(rng.randint(1, 6)):
                bent[rng.randrange(len(bent))] = rng.randrange(256)
            s.send(bytes(bent[:rng.randint(0, len(bent))]) if i % 3 == 0 else
                   rng.randbytes(rng.randint(0, 600)) if i % 3 == 1 else bytes(bent))
            try:
                while True:
                    reply = wire.Reply(s.recv(65535))
                    assert reply.flags & wire.QR
            except BlockingIOError:
                pass
    still_well(weir)


def test_a_long_datagram(weir):
    reply = send(weir, wire.message(tail=b"\x00" * 5000))
    assert reply is None or reply.rcode == FORMERR
    still_well(weir)


# ---- answers ----

def test_case_of_the_question_is_kept(weir):
    name = b"\x03wWw\x05pLAin\x03CoM\x00"
    for _ in range(2):
        reply = send(weir, wire.message(questions=[wire.question(name)]))
        assert reply.wire[12:12 + len(name)] == name and reply.an == 2


def test_id_comes_back(weir):
    for ident in (0, 1, 65535):
        assert send(weir, wire.message(ident=ident)).id == ident


def test_truncation(weir):
    name = b"\x04many\x03big\x03com\x00"
    plain = send(weir, wire.message(questions=[wire.question(name)]))
    assert len(plain.wire) <= 512 and plain.flags & wire.TC
    for size in (600, 1232, 4096, 65535):
        reply = send(weir, wire.message(questions=[wire.question(name)], additional=wire.opt(size=size)))
        assert len(reply.wire) <= min(size, 1232) and reply.flags & wire.TC
        dns.message.from_wire(reply.wire)
    whole = weir.ask("many.big.com", tcp=True)
    assert not whole.flags & dns.flags.TC and len(data(whole, "A")) == 240


def test_limits_of_size_are_kept_by_every_answer(weir):
    for name, rdtype in (("quote.big.com", "TXT"), ("next.c06.test", "A"), ("signed.test", "DNSKEY"),
                         ("nope.nsec3.test", "A"), ("long.big.com", "TXT"), ("plain.com", "MX")):
        for size in (512, 700, 1232):
            reply = weir.ask(name, rdtype, tcp=None, payload=size, want_dnssec=True)
            assert len(reply.to_wire()) <= size + 12
            assert reply.flags & dns.flags.TC or reply.answer or reply.authority


def test_minimal_answers(weir):
    """Nothing that was not asked for, beside an answer."""
    reply = weir.ask("plain.com", "MX")
    assert reply.answer and not reply.authority and not reply.additional


def test_the_bits_of_an_answer(weir):
    reply = weir.ask("www.plain.com")
    assert reply.flags & dns.flags.RA and not reply.flags & dns.flags.AA
    assert not reply.flags & dns.flags.AD


# ---- addresses ----

def test_ipv6(weir):
    if len(weir.config["server"]["listen"]) < 2:
        pytest.skip("this machine has no ::1")
    assert addresses(weir.ask("www.plain.com", address="::1")) == ["192.0.2.100"]
    assert addresses(weir.ask("www.plain.com", address="::1", tcp=True)) == ["192.0.2.100"]


def test_replies_come_from_the_address_asked(start_weir):
    """On a wildcard bind too: the sockets here are connected, so another source is not seen."""
    w = start_weir(run=False)
    has_v6 = len(w.config["server"]["listen"]) > 1
    w.config["server"]["listen"] = [f"0.0.0.0@{w.port}"] + [f"::@{w.port}"] * has_v6
    w.start()
    for address in ["127.0.0.1", "127.0.0.9", "127.99.1.2"] + ["::1"] * has_v6:
        reply = wire.udp(address, w.port, wire.message())
        assert reply is not None and wire.Reply(reply).rcode == NOERROR, address
        assert addresses(w.ask("www.plain.com", address=address, tcp=True)) == ["192.0.2.100"]


def test_a_client_in_no_group_is_refused(start_weir):
    w = start_weir({"groups": [{"name": "some", "clients": ["127.0.0.1", "127.1.0.0/16"]}]})
    assert rcode(w.ask("www.plain.com")) == "NOERROR"
    for tcp in (None, True):
        refused = w.ask("www.plain.com", source="127.0.0.2", tcp=tcp)
        assert rcode(refused) == "REFUSED" and not refused.answer and ede_codes(refused) == [18]
    assert rcode(w.ask("www.plain.com", source="127.1.2.3")) == "NOERROR"


# ---- TCP ----

def test_tcp_pipelining_out_of_order(weir):
    """RFC 7766 6.2.1: a slow question does not hold up those behind it."""
    with wire.connect(weir.address, weir.port) as s:
        slow = wire.message(ident=1, questions=[wire.question(b"\x06pipe01\x04slow\x04test\x00")])
        s.sendall(wire.framed(slow) + b"".join(wire.framed(wire.message(ident=i)) for i in range(2, 7)))
        order = [wire.Reply(wire.read_reply(s)).id for _ in range(6)]
    assert sorted(order) == [1, 2, 3, 4, 5, 6] and order[-1] == 1


def test_tcp_more_than_the_pipeline_holds(weir):
    n = 5 * PIPELINE_MAX
    with wire.connect(weir.address, weir.port) as s:
        for i in range(n):
            s.sendall(wire.framed(wire.message(ident=i)))
        assert sorted(wire.Reply(wire.read_reply(s)).id for _ in range(n)) == list(range(n))


def test_tcp_byte_by_byte(weir):
    with wire.connect(weir.address, weir.port) as s:
        for byte in wire.framed(wire.message(ident=5)):
            s.sendall(bytes([byte]))
            time.sleep(0.002)
        assert wire.Reply(wire.read_reply(s)).id == 5


def test_tcp_half_closed(weir):
    """The client has said all it has to say; it still gets its answers."""
    with wire.connect(weir.address, weir.port) as s:
        slow = wire.message(ident=9, questions=[wire.question(b"\x06pipe02\x04slow\x04test\x00")])
        s.sendall(wire.framed(slow) + wire.framed(wire.message(ident=8)))
        s.shutdown(socket.SHUT_WR)
        assert {wire.Reply(wire.read_reply(s)).id for _ in range(2)} == {8, 9}
        assert wire.read_reply(s) is None


@pytest.mark.parametrize("why, sent", [
    ("length 0", b"\x00\x00"),
    ("shorter than a header", b"\x00\x05hello"),
    ("an answer", wire.framed(wire.message(flags=wire.QR))),
])
def test_tcp_nonsense_ends_the_connection_or_is_passed_over(weir, why, sent):
    with wire.connect(weir.address, weir.port) as s:
        s.sendall(sent + wire.framed(wire.message(ident=3)))
        try:
            reply = wire.read_reply(s)
        except ConnectionResetError:
            reply = None
        assert reply is None or wire.Reply(reply).id == 3, why
    still_well(weir)


def test_tcp_idle_connections_are_closed(weir):
    with wire.connect(weir.address, weir.port, timeout_s=IDLE_S * 4) as s:
        s.sendall(wire.framed(wire.message()))
        assert wire.read_reply(s) is not None
        begin = time.monotonic()
        assert s.recv(1) == b""
        assert IDLE_S * 0.6 < time.monotonic() - begin < IDLE_S * 3


def test_tcp_a_message_that_never_ends(weir):
    """A slow sender does not hold a connection for ever."""
    with wire.connect(weir.address, weir.port, timeout_s=IDLE_S * 4) as s:
        s.sendall(b"\x00\x40\x12")
        begin = time.monotonic()
        assert s.recv(1) == b""
        assert time.monotonic() - begin < IDLE_S * 3


def test_tcp_more_connections_than_allowed(weir):
    """The one idle longest goes; a new client is served."""
    held = [wire.connect(weir.address, weir.port) for _ in range(30)]
    try:
        assert rcode(weir.ask("www.plain.com", tcp=True)) == "NOERROR"
        held[-1].sendall(wire.framed(wire.message(ident=4)))
        assert wire.Reply(wire.read_reply(held[-1])).id == 4
    finally:
        for s in held:
            s.close()
    still_well(weir)


def test_tcp_client_that_does_not_read(weir):
    """It asks and asks for 4 KiB each and reads nothing: bounded memory, others are served."""
    before = rss_kib(weir.process.pid)
    with wire.connect(weir.address, weir.port) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(0.5)
        ask = wire.framed(wire.message(questions=[wire.question(b"\x04many\x03big\x03com\x00")]))
        try:
            for _ in range(40000):
                s.sendall(ask)
        except OSError:
            pass
        still_well(weir)
    assert rss_kib(weir.process.pid) - before < 20 << 10


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def test_tcp_reset_in_the_middle(weir):
    for _ in range(50):
        s = wire.connect(weir.address, weir.port)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(wire.framed(wire.message(questions=[wire.question(b"\x06resets\x04slow\x04test\x00")])))
        s.close()
    time.sleep(0.5)
    still_well(weir)


# ---- the end ----

def test_sigterm_finishes_what_is_in_flight(start_weir):
    w = start_weir()
    w.ask("www.slow.test")  # the way there is known, so this is one exchange of 300 ms
    got = {}

    def ask(tcp):
        got[tcp] = w.ask(f"text{int(bool(tcp))}.slow.test", "TXT", tcp=tcp, timeout_s=5)

    threads = [threading.Thread(target=ask, args=(tcp,)) for tcp in (None, True)]
    for t in threads:
        t.start()
    time.sleep(0.12)
    w.process.popen.send_signal(signal.SIGTERM)
    for t in threads:
        t.join()
    assert rcode(got[None]) == "NXDOMAIN" and rcode(got[True]) == "NXDOMAIN"
    assert w.process.popen.wait(10) == 0


def test_sigterm_with_nothing_to_do_is_quick(start_weir):
    w = start_weir()
    with wire.connect(w.address, w.port):
        begin = time.monotonic()
        w.process.popen.send_signal(signal.SIGTERM)
        assert w.process.popen.wait(10) == 0
        assert time.monotonic() - begin < 3


def test_two_workers(start_weir):
    w = start_weir({"server": {"workers": 2}})
    for i in range(60):
        assert rcode(w.ask(f"h{i}.wild.org")) == "NOERROR"
    assert w.stop() == 0
