# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy zones that come from other servers. X1 to X9: the statements of docs/transfer.md."""

import json
import os
import random
import socket
import struct
import threading
import time

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.tsig
import pytest

import primaries
from conftest import next_port
from primaries import Key, layer_paths, stored
from replies import ede_codes, rcode

ZONE = "rpz.example"


def until(condition, limit_s=10.0):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def rules(names):
    return [line for n in names for line in (f"{n} CNAME .", f"*.{n} CNAME .")]


def follow(key=None, **options):
    """A Weir that follows ZONE; its primary's port is taken here."""
    port = next(next_port)

    def prepare(w):
        w.primary_port = port
        w.config["keys"] = [key.weir()] if key else []
        w.config["lists"] = [dict({"name": "feed", "format": "rpz", "zone": ZONE,
                                   "primaries": [f"127.0.0.1@{port}"]}, **options)]
        if key:
            w.config["lists"][0]["tsig-key"] = key.name
        w.config["groups"][0]["lists"] = ["feed"]
        w.zone_path = os.path.join(w.state_dir, "zones", "feed")
    return prepare


def has_serial(w, serial, limit_s=10.0):
    return until(lambda: stored(w.zone_path)[0] == serial, limit_s)


def log_of(w):
    with open(w.process.log_path, errors="replace") as f:
        return f.read()


def blocked(w, name):
    reply = w.ask(name, use_edns=True)
    return rcode(reply) == "NXDOMAIN" and 15 in ede_codes(reply)


def n_answers(w, name):
    reply = w.ask(name)
    return len(reply.answer[0]) if reply.answer else 0


@pytest.fixture
def primary(tmp_path):
    started = []

    def start(kind, w, key=None, records=(), serial=1, notify=True, **options):
        p = primaries.KINDS[kind](str(tmp_path / f"{kind}{len(started)}"), ZONE, w.primary_port, key,
                                  notify=[f"127.0.0.1@{w.port}"] if notify else (), **options)
        p.write(records, serial)
        started.append(p)
        return p.start()

    yield start
    for p in started:
        p.stop()


CASES = [("knot", None), ("bind", None), ("nsd", None),
         ("knot", "hmac-sha1"), ("knot", "hmac-sha256"), ("knot", "hmac-sha512"),
         ("bind", "hmac-sha1"), ("bind", "hmac-sha256"), ("bind", "hmac-sha512"),
         ("nsd", "hmac-sha1"), ("nsd", "hmac-sha256"), ("nsd", "hmac-sha512")]


@pytest.mark.parametrize("kind,algorithm", CASES)
def test_x1_x2_deltas_come_to_the_same_as_the_whole(start_weir, primary, kind, algorithm):
    """X1, X2: NOTIFY, IXFR and AXFR, signed and not; N deltas are one transfer of the whole."""
    key = Key(algorithm=algorithm) if algorithm else None
    w = start_weir(prepare=follow(key, **{"min-update-interval": "0s"}))
    dice = random.Random(f"{kind}{algorithm}")
    names = {f"n{i}.bad.org" for i in range(300)}
    p = primary(kind, w, key, rules(sorted(names)))
    assert has_serial(w, 1, 15), log_of(w)
    for serial in range(2, 7):
        names -= set(dice.sample(sorted(names), 20))
        names |= {f"s{serial}x{i}.bad.org" for i in range(25)}
        p.publish(rules(sorted(names)) + [f"multi.bad.org A 192.0.2.{serial}",
                                          "multi.bad.org A 192.0.2.100",
                                          f'text.bad.org TXT "version {serial}"'])
        assert has_serial(w, serial), log_of(w)
    assert stored(w.zone_path)[1] == p.transfer()
    assert until(lambda: log_of(w).count("by IXFR") == 5), log_of(w)
    assert log_of(w).count("by AXFR") == 1, log_of(w)
    assert until(lambda: blocked(w, "s6x1.bad.org"))
    assert blocked(w, "www.s6x1.bad.org")


def test_x1_what_does_not_fit_is_transferred_whole(start_weir, primary):
    w = start_weir(prepare=follow(**{"min-update-interval": "0s"}))
    p = primary("knot", w, records=rules(["one.bad.org"]))
    assert has_serial(w, 1)
    w.stop()
    with open(w.zone_path) as f:
        soa = f.read().splitlines()[-1]
    with open(w.zone_path, "w") as f:  # as files of before layers were, and on a disk that forgets
        f.write(f"; a zone\n{soa}\ntwo.bad.org.{ZONE}.\t300\tCNAME\t.\n")
    w.start()
    p.publish(rules(["three.bad.org"]))
    assert has_serial(w, 2)
    assert until(lambda: "does not fit" in log_of(w)), log_of(w)  # told when it is in place
    assert stored(w.zone_path)[1] == p.transfer()


def test_x1_what_is_damaged_is_transferred_whole(start_weir, primary):
    """A layer that a crash cut off, or a disk lost, costs one transfer of the whole zone, and is told."""
    w = start_weir(prepare=follow(**{"min-update-interval": "0s"}))
    p = primary("knot", w, records=rules([f"n{i}.bad.org" for i in range(50)]))
    assert has_serial(w, 1)
    p.publish(rules([f"n{i}.bad.org" for i in range(1, 50)]))
    assert has_serial(w, 2)
    for serial, why in ((3, "the copy here is damaged"), (4, "the copy here lacks a layer")):
        w.stop()
        layer = layer_paths(w.zone_path)[-1]
        if serial == 3:
            os.truncate(layer, os.path.getsize(layer) - 20)
        else:
            os.unlink(layer)
        w.start()
        assert until(lambda: blocked(w, "n7.bad.org")), log_of(w)  # of the image
        p.publish(rules([f"n{i}.bad.org" for i in range(serial - 1, 50)]))
        assert has_serial(w, serial), log_of(w)
        assert until(lambda why=why: why in log_of(w)), log_of(w)
        assert stored(w.zone_path)[1] == p.transfer()
        assert until(lambda serial=serial: not blocked(w, f"n{serial - 2}.bad.org")), log_of(w)
    # A disk that forgets, and nothing newer at the primary: noticed at the next start.
    w.stop()
    layer = layer_paths(w.zone_path)[0]
    with open(layer, "r+b") as f:
        f.seek(os.path.getsize(layer) // 3)
        f.write(b"?")
    told = log_of(w).count("the copy here is damaged")
    w.start()
    assert until(lambda: log_of(w).count("the copy here is damaged") > told), log_of(w)
    assert stored(w.zone_path) == (4, p.transfer())
    assert blocked(w, "n7.bad.org")


def test_x2_small_deltas_of_a_large_zone_cost_little(start_weir, primary):
    """Hundred deltas, restarts between them, kill -9: the zone is the primary's, and what was written is little."""
    w = start_weir(prepare=follow(**{"min-update-interval": "0s"}))
    names = [f"n{i:05}.bad.org" for i in range(4000)]
    p = primary("knot", w, records=rules(names))
    assert has_serial(w, 1, 30)
    ground = layer_paths(w.zone_path)
    assert len(ground) == 1
    for serial in range(2, 22):
        names = names[1:] + [f"s{serial}.bad.org"]
        p.publish(rules(names))
        if serial % 7 == 0:
            w.process.kill()
            w.start()
        assert has_serial(w, serial, 30), log_of(w)
        assert layer_paths(w.zone_path)[0] == ground[0]  # the large one stays
    assert stored(w.zone_path)[1] == p.transfer()
    assert until(lambda: blocked(w, "s21.bad.org") and not blocked(w, "n00019.bad.org")), log_of(w)
    assert blocked(w, "n00020.bad.org")
    assert log_of(w).count("by AXFR") == 1, log_of(w)
    w.stop()
    w.start()
    assert blocked(w, "s21.bad.org") and not blocked(w, "n00019.bad.org")


def test_x2_deltas_and_crashes_come_to_the_same_as_the_whole(start_weir, primary):
    """kill -9 at any moment of taking a delta; at the end the policy is what a whole load gives."""
    w = start_weir(prepare=follow(**{"min-update-interval": "0s"}))
    dice = random.Random(4711)
    names = [f"n{i}.bad.org" for i in range(250)]
    there = set(names[::2])
    p = primary("knot", w, records=rules(sorted(there)))
    assert has_serial(w, 1, 15), log_of(w)
    for serial in range(2, 14):
        there ^= set(dice.sample(names, dice.choice((1, 2, 5, 60))))
        p.publish(rules(sorted(there)))
        if serial % 2 == 0:
            time.sleep(dice.uniform(0, 0.4))
            w.process.kill()
            w.start()
        assert has_serial(w, serial, 20), log_of(w)
    assert stored(w.zone_path)[1] == p.transfer()
    listed = sorted(there)

    def blocked_names():
        return [n for n in sorted(names) if blocked(w, n)]
    assert until(lambda: blocked_names() == listed, 30), log_of(w)
    w.stop()
    for name in os.listdir(w.state_dir):
        if name.startswith("policy."):
            os.unlink(os.path.join(w.state_dir, name))
    w.start()  # all of it is read
    assert until(lambda: blocked_names() == listed, 30), log_of(w)


def test_x3_a_deleted_record_leaves_the_others(start_weir, primary):
    w = start_weir(prepare=follow(**{"min-update-interval": "0s"}))
    both = ["multi.bad.org A 192.0.2.1", "multi.bad.org A 192.0.2.2"]
    p = primary("knot", w, records=both + ["*.shadow.org CNAME .", "www.shadow.org CNAME rpz-passthru."])
    assert has_serial(w, 1)
    assert until(lambda: n_answers(w, "multi.bad.org") == 2)
    assert blocked(w, "other.shadow.org")
    p.publish(both[:1] + ["*.shadow.org CNAME ."])
    assert has_serial(w, 2)
    assert until(lambda: n_answers(w, "multi.bad.org") == 1)
    assert until(lambda: blocked(w, "www.shadow.org"))
    assert until(lambda: "by IXFR" in log_of(w))


def test_x4_nobody_sees_half_of_a_version(start_weir, primary):
    """`always` is blocked in every version; one of `even` and `odd` is."""
    w = start_weir(prepare=follow(**{"min-update-interval": "0s"}))
    filler = [f"f{i}.filler.org CNAME ." for i in range(3000)]
    p = primary("knot", w, records=filler + ["always.bad.org CNAME .", "odd.bad.org CNAME *."])
    assert has_serial(w, 1) and until(lambda: blocked(w, "always.bad.org"))
    wrong, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            if not blocked(w, "always.bad.org"):
                wrong.append("always")

    looker = threading.Thread(target=look)
    looker.start()
    for serial in range(2, 12):
        which = "even" if serial % 2 == 0 else "odd"
        p.publish(filler[serial:] + ["always.bad.org CNAME .", f"{which}.bad.org CNAME *."])
        assert has_serial(w, serial)
    stop.set()
    looker.join()
    assert not wrong


def test_x5_an_older_version_is_refused(start_weir, primary):
    w = start_weir(prepare=follow(**{"min-update-interval": "0s"}))
    p = primary("knot", w, records=rules(["one.bad.org"]), serial=100)
    assert has_serial(w, 100)
    p.stop()
    p = primary("bind", w, records=rules(["two.bad.org"]), serial=99)
    assert until(lambda: "older than ours" in log_of(w)), log_of(w)
    assert stored(w.zone_path)[0] == 100
    assert until(lambda: blocked(w, "one.bad.org"))
    p.publish(rules(["two.bad.org"]), 101)  # and once it is newer, it is taken
    assert has_serial(w, 101)


def test_x5_serials_go_round(start_weir, primary):
    w = start_weir(prepare=follow(**{"min-update-interval": "0s"}))
    p = primary("knot", w, records=rules(["one.bad.org"]), serial=4294967290)
    assert has_serial(w, 4294967290)
    p.publish(rules(["two.bad.org"]), 5)
    assert has_serial(w, 5), log_of(w)


def test_x6_timers_are_kept_without_notify(start_weir, primary):
    w = start_weir(prepare=follow(**{"min-update-interval": "0s"}))
    p = primary("knot", w, records=rules(["one.bad.org"]), notify=False,
                timers={"refresh": 2, "retry": 1})
    assert has_serial(w, 1)
    p.publish(rules(["two.bad.org"]))
    assert has_serial(w, 2, 6), log_of(w)
    p.stop()
    assert until(lambda: "not transferred" in log_of(w)), log_of(w)
    assert until(lambda: blocked(w, "two.bad.org")), log_of(w)
    assert "Connection refused" in w.cli("status").stdout


@pytest.mark.parametrize("what", ["keep", "withdraw"])
def test_x6_expiry(start_weir, primary, what):
    w = start_weir(prepare=follow(expire=what))
    p = primary("knot", w, records=rules(["one.bad.org"]),
                timers={"refresh": 1, "retry": 1, "expire": 3})
    assert has_serial(w, 1) and until(lambda: blocked(w, "one.bad.org"))
    p.stop()
    assert until(lambda: "expired" in log_of(w), 15), log_of(w)
    if what == "withdraw":
        assert until(lambda: not blocked(w, "one.bad.org"))
    else:
        time.sleep(1)
        assert blocked(w, "one.bad.org")
    p.start()
    assert until(lambda: blocked(w, "one.bad.org"))


def test_x7_bursts_are_merged_and_the_last_one_lands(start_weir, primary):
    w = start_weir(prepare=follow(**{"min-update-interval": "2s"}))
    p = primary("knot", w, records=rules(["one.bad.org"]))
    assert has_serial(w, 1)
    for serial in range(2, 22):
        p.publish(rules([f"v{serial}.bad.org"]))
        time.sleep(0.1)
    assert has_serial(w, 21, 8), log_of(w)
    assert log_of(w).count("by IXFR") <= 3, log_of(w)


def test_x8_a_restart_has_the_zone_at_once(start_weir, primary):
    w = start_weir(prepare=follow())
    p = primary("knot", w, records=rules(["one.bad.org"]))
    assert has_serial(w, 1) and until(lambda: blocked(w, "one.bad.org"))
    p.stop()
    w.restart()
    assert blocked(w, "one.bad.org")  # the first question of its life


def test_two_primaries_the_second_is_asked_when_the_first_is_gone(start_weir, primary):
    def prepare(w):
        follow()(w)
        w.config["lists"][0]["primaries"] = [f"127.0.0.1@{next(next_port)}",
                                             f"127.0.0.1@{w.primary_port}"]
    w = start_weir(prepare=prepare)
    primary("nsd", w, records=rules(["one.bad.org"]))
    assert has_serial(w, 1, 20)


def test_a_wrong_key_is_told(start_weir, primary):
    w = start_weir(prepare=follow(Key(secret="d3Jvbmc=")))
    primary("knot", w, Key(), rules(["one.bad.org"]))
    assert until(lambda: "BADSIG" in log_of(w)), log_of(w)
    assert stored(w.zone_path)[0] is None


def test_over_tls(start_weir, primary, tmp_path):
    """RFC 9103: BIND gives the zone over TLS only."""
    from dot_test import Authority, NAME
    authority = Authority(str(tmp_path))
    certificate, private, pin = authority.server("xot")
    tls_port = next(next_port)

    def prepare(w):
        follow(**{"tls": "true", "tls-name": NAME, "tls-ca": authority.file, "tls-pins": [pin]})(w)
        w.config["lists"][0]["primaries"] = [f"127.0.0.1@{tls_port}"]
    w = start_weir(prepare=prepare)
    p = primaries.Bind(str(tmp_path / "named"), ZONE, w.primary_port, notify=[f"127.0.0.1@{w.port}"])
    p.tls_port, p.certificate, p.tls_key = tls_port, certificate, private
    p.write(rules(["one.bad.org"]))
    p.start()
    try:
        assert has_serial(w, 1, 15), log_of(w)
        p.publish(rules(["two.bad.org"]))
        assert has_serial(w, 2), log_of(w)
    finally:
        p.stop()


def test_over_tls_others_are_not_believed(start_weir, primary, tmp_path):
    from dot_test import Authority
    authority = Authority(str(tmp_path))
    certificate, private, _ = authority.server("xot")
    _, _, other_pin = authority.server("other")
    tls_port = next(next_port)

    def prepare(w):
        follow(**{"tls": "true", "tls-pins": [other_pin]})(w)
        w.config["lists"][0]["primaries"] = [f"127.0.0.1@{tls_port}"]
    w = start_weir(prepare=prepare)
    p = primaries.Bind(str(tmp_path / "named"), ZONE, w.primary_port)
    p.tls_port, p.certificate, p.tls_key = tls_port, certificate, private
    p.write(rules(["one.bad.org"]))
    p.start()
    try:
        assert until(lambda: "not transferred" in log_of(w)), log_of(w)
        assert stored(w.zone_path)[0] is None
    finally:
        p.stop()


# ---- NOTIFY ----

def notify(w, source=None, key=None, zone=ZONE):
    q = dns.message.make_query(zone, "SOA", flags=dns.flags.AA)
    q.set_opcode(dns.opcode.NOTIFY)
    if key:
        q.use_tsig(key.ring())
    return dns.rcode.to_text(dns.query.udp(q, w.address, port=w.port, timeout=3, source=source).rcode())


def test_notify_is_taken_from_primaries_and_key_holders_only(start_weir, primary):
    key = Key()
    w = start_weir(prepare=follow(key))
    primary("knot", w, key, rules(["one.bad.org"]), notify=False)
    assert has_serial(w, 1)
    assert notify(w) == "NOERROR"
    assert notify(w, source="127.0.0.9") == "REFUSED"
    assert notify(w, source="127.0.0.9", key=key) == "NOERROR"
    assert notify(w, zone="other.example") == "REFUSED"
    wrong = Key(secret="d3Jvbmc=")
    with pytest.raises(dns.tsig.PeerBadSignature):
        notify(w, key=wrong)


def test_notify_without_zones_is_not_implemented(start_weir):
    assert notify(start_weir()) == "NOTIMP"


# ---- X9: hostile primaries ----

class Hostile:
    """Answers SOA with serial 1000, and transfers by `behave(connection, query)`."""

    def __init__(self, port, behave):
        self.behave, self.n_sent = behave, 0
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", port))
        self.tcp = socket.create_server(("127.0.0.1", port))
        self.is_over = False
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.run_udp, self.run_tcp)]
        for t in self.threads:
            t.start()

    def stop(self):
        self.is_over = True
        for s in (self.udp, self.tcp):
            s.close()

    @staticmethod
    def soa(serial=1000):
        return f"{ZONE}. 300 IN SOA ns.{ZONE}. h.{ZONE}. {serial} 1 1 86400 60"

    @staticmethod
    def message(query, *records, wire_id=None):
        r = dns.message.make_response(query)
        r.flags |= dns.flags.AA
        for record in records:
            owner, ttl, _, rdtype, data = record.split(" ", 4)
            r.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", rdtype, data))
        if wire_id is not None:
            r.id = wire_id
        wire = r.to_wire(max_size=65535)
        return struct.pack("!H", len(wire)) + wire

    def run_udp(self):
        while not self.is_over:
            try:
                data, peer = self.udp.recvfrom(2000)
                self.udp.sendto(self.message(dns.message.from_wire(data), self.soa())[2:], peer)
            except OSError:
                return

    def run_tcp(self):
        while not self.is_over:
            try:
                c, _ = self.tcp.accept()
            except OSError:
                return
            try:
                c.settimeout(20)
                n = struct.unpack("!H", c.recv(2))[0]
                self.behave(self, c, dns.message.from_wire(c.recv(n)))
            except (OSError, struct.error):
                pass
            finally:
                c.close()


def endless_records(s, c, q):
    c.sendall(s.message(q, s.soa()))
    many = s.message(q, *[f"a{i}.{ZONE}. 5 IN A 192.0.2.{i % 250}" for i in range(1500)])
    while not s.is_over:
        c.sendall(many)
        s.n_sent += len(many)


def endless_empty(s, c, q):
    c.sendall(s.message(q, s.soa()))
    while not s.is_over:
        c.sendall(s.message(q))


def garbage(s, c, q):
    c.sendall(s.message(q, s.soa()) + os.urandom(3000))


def short(s, c, q):
    c.sendall(b"\0\3abc")


def cut(s, c, q):
    c.sendall(s.message(q, s.soa(), f"a.{ZONE}. 5 IN A 192.0.2.1")[:-4])


def other_id(s, c, q):
    c.sendall(s.message(q, s.soa(), s.soa(), wire_id=q.id ^ 1))


def other_zone(s, c, q):
    c.sendall(s.message(q, "com. 300 IN SOA ns.com. h.com. 1 1 1 1 1", "com. 300 IN SOA ns.com. h.com. 1 1 1 1 1"))


def older(s, c, q):
    c.sendall(s.message(q, s.soa(1)) + s.message(q, f"a.{ZONE}. 5 IN A 192.0.2.1", s.soa(1)))


def refusing(s, c, q):
    r = dns.message.make_response(q)
    r.set_rcode(dns.rcode.REFUSED)
    wire = r.to_wire()
    c.sendall(struct.pack("!H", len(wire)) + wire)


HOSTILE = [endless_records, endless_empty, garbage, short, cut, other_id, other_zone, older, refusing]


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


@pytest.mark.parametrize("behave", HOSTILE, ids=lambda f: f.__name__)
def test_x9_hostile_primaries(start_weir, primary, behave):
    """The version before stays, memory stays, the reason is told."""
    w = start_weir(prepare=follow(**{"min-update-interval": "0s", "max-zone-size": "20MiB"}))
    p = primary("knot", w, records=rules(["one.bad.org"]), serial=10,
                timers={"refresh": 1, "retry": 1})
    assert has_serial(w, 10) and until(lambda: blocked(w, "one.bad.org"))
    before = rss_kib(w.process.pid)
    p.stop()
    s = Hostile(w.primary_port, behave)
    try:
        mark = len(log_of(w))
        assert until(lambda: log_of(w)[mark:].count("AXFR") > 0, 20), log_of(w)
        time.sleep(1)
    finally:
        s.stop()
    assert stored(w.zone_path)[0] == 10
    assert os.listdir(os.path.dirname(w.zone_path)).count(".feed.new") == 0
    assert blocked(w, "one.bad.org")
    assert rss_kib(w.process.pid) < before + 100 * 1024


def test_x9_what_is_out_of_the_zone_is_left_out(start_weir):
    w = start_weir(prepare=follow())

    def behave(s, c, q):
        c.sendall(s.message(q, s.soa(), "evil.com. 5 IN A 192.0.2.1", f"a.bad.org.{ZONE}. 5 IN CNAME .",
                            s.soa()))
    s = Hostile(w.primary_port, behave)
    try:
        assert has_serial(w, 1000), log_of(w)
        assert stored(w.zone_path)[1] == {f"a.bad.org.{ZONE}. 5 CNAME ."}
        assert until(lambda: "1 records are not in the zone" in log_of(w)), log_of(w)
    finally:
        s.stop()


def test_a_slow_primary_does_not_hold_up_the_end(start_weir):
    w = start_weir(prepare=follow())
    s = Hostile(w.primary_port, lambda s, c, q: time.sleep(15))
    try:
        time.sleep(1.5)  # a transfer is under way
        start = time.monotonic()
        w.stop()
        assert time.monotonic() - start < 3
    finally:
        s.stop()


def feed(w):
    return next(x for x in json.loads(w.cli("feeds", "--json").stdout)["feeds"]["lists"])


def test_versions_of_a_zone_are_kept_and_rolled_back_to(start_weir, primary):
    w = start_weir(prepare=follow(**{"min-update-interval": "0s"}))
    p = primary("knot", w, None, rules(["one.bad.org"]))
    assert until(lambda: blocked(w, "one.bad.org"), 15), log_of(w)
    for serial, name in ((2, "two"), (3, "three")):
        p.publish(rules([name + ".bad.org"]))
        assert until(lambda: blocked(w, name + ".bad.org"), 15), log_of(w)
    assert [v["serial"] for v in feed(w)["versions"]] == [1, 2, 3]
    text = w.cli("feeds").stdout
    assert f"zone {ZONE} from 127.0.0.1@{w.primary_port}" in text and "confirmed" in text, text
    w.cli("feeds", "rollback", "feed", "1")
    assert until(lambda: blocked(w, "one.bad.org")) and not blocked(w, "three.bad.org")
    p.publish(rules(["four.bad.org"]))  # it is followed still, and waits
    assert has_serial(w, 4, 15)
    assert until(lambda: feed(w)["state"] == "pinned") and blocked(w, "one.bad.org")
    w.stop()
    w.start()
    assert blocked(w, "one.bad.org") and not blocked(w, "four.bad.org")
    w.cli("feeds", "unpin", "feed")
    assert until(lambda: blocked(w, "four.bad.org")) and not blocked(w, "one.bad.org")
    assert feed(w)["serial"] == 4


def test_a_zone_whose_primaries_are_silent_is_told(start_weir, primary):
    w = start_weir(prepare=follow(**{"max-age": "2s"}))
    assert until(lambda: "too_old" in feed(w)), feed(w)
    assert until(lambda: "its primaries did not answer for" in log_of(w))
    primary("knot", w, None, rules(["one.bad.org"]))
    w.cli("feeds", "update", "feed")
    assert until(lambda: blocked(w, "one.bad.org"), 15), log_of(w)
    assert until(lambda: "its primaries answer again" in log_of(w))
