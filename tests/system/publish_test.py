# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy zones that Weir publishes: BIND, Unbound, PowerDNS Recursor, NSD and other Weirs follow it."""

import json
import os
import re
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import dns.xfr
import dns.zone
import pytest

import lab as lab_module
from conftest import next_port
from lab import Process, ask, tool, unconfined, wait_until_answers
from primaries import Key, stored
from replies import ede_codes, rcode
from transfer_test import log_of, until

ZONE = "edits.rpz.example"
KEY = Key(name="fleet")


def publishing(w, key=KEY, allow=(), notify=(), **more):
    """w publishes its edits."""
    entry = {"zone": ZONE, "edits": True, "allow": list(allow), "notify": list(notify), **more}
    if key:
        entry["tsig-key"] = key.name
        w.config["keys"] = [key.weir()]
    w.config["publish"] = [entry]


def start_publisher(start_weir, **options):
    return start_weir(prepare=lambda w: publishing(w, **options))


def transfer(w, key=KEY, zone=ZONE, serial=None, source=None):
    """(serial, {owner: target}) as dnspython gets it; of IXFR where a serial is given."""
    z = dns.zone.Zone(zone, relativize=True)
    q, _ = dns.xfr.make_query(z, serial=serial or 0,
                              keyring=dns.tsigkeyring.from_text({key.name: (key.algorithm, key.secret)})
                              if key else None)
    dns.query.inbound_xfr(w.address, z, q, port=w.port, lifetime=10, source=source)
    soa = z.find_rdataset("@", "SOA")[0]
    return soa.serial, {n.to_text(): r[0].target.to_text() for n, r in z.iterate_rdatasets("CNAME")}


def soa(w, key=KEY, source=None, tcp=False, zone=ZONE):
    q = dns.message.make_query(zone, "SOA")
    if key:
        q.use_tsig(key.ring())
    f = dns.query.tcp if tcp else dns.query.udp
    return f(q, w.address, port=w.port, timeout=3, source=source)


def raw(w, rdtype, source=None, tcp=True):
    q = dns.message.make_query(ZONE, rdtype)
    f = dns.query.tcp if tcp else dns.query.udp
    return dns.rcode.to_text(f(q, w.address, port=w.port, timeout=3, source=source).rcode())


def has_published(w, condition, limit_s=5):
    def look():
        try:
            return condition(transfer(w)[1])
        except Exception:
            return False
    return until(look, limit_s)


# ---- what is in it ----

def test_edits_become_a_policy_zone(start_weir):
    w = start_publisher(start_weir)
    w.cli("block", "evil.example")
    w.cli("block", "--exact", "exact.example")
    w.cli("allow", "good.example")
    assert has_published(w, lambda z: len(z) == 5)
    assert transfer(w)[1] == {"evil.example": ".", "*.evil.example": ".", "exact.example": ".",
                              "good.example": "rpz-passthru.", "*.good.example": "rpz-passthru."}
    before = soa(w).answer[0][0].serial
    w.cli("undo", "evil.example")
    assert has_published(w, lambda z: "evil.example" not in z)
    assert soa(w).answer[0][0].serial > before
    assert soa(w, tcp=True).answer[0][0].serial == soa(w).answer[0][0].serial


def test_edits_of_one_group_stay_here(start_weir):
    w = start_publisher(start_weir)
    w.cli("block", "mine.example", "--group", "default")
    w.cli("block", "all.example")
    assert has_published(w, lambda z: "all.example" in z)
    assert "mine.example" not in transfer(w)[1]


def test_serials_last_over_a_restart_and_ixfr_too(start_weir):
    w = start_publisher(start_weir)
    w.cli("block", "one.example")
    assert has_published(w, lambda z: "one.example" in z)
    first = transfer(w)[0]
    for i in range(5):
        w.cli("block", f"more{i}.example")
        assert has_published(w, lambda z: f"more{i}.example" in z)
    w.restart()
    assert has_published(w, lambda z: len(z) == 12)
    assert transfer(w)[0] > first
    # IXFR from the first one: the steps were kept.
    z = dns.zone.Zone(ZONE, relativize=False)
    q, _ = dns.xfr.make_query(z, serial=first, keyring=KEY.ring())
    n_soa = 0
    for m in dns.query.xfr(w.address, ZONE, "IXFR", port=w.port, serial=first, keyring=KEY.ring(),
                           relativize=False, lifetime=10):
        n_soa += sum(len(r) for r in m.answer if r.rdtype == dns.rdatatype.SOA)
    assert n_soa == 2 + 2 * 5


@pytest.mark.parametrize("fmt,lines,expected", [
    ("domains", ["one.example", "two.example"],
     {"one.example": ".", "*.one.example": ".", "two.example": ".", "*.two.example": "."}),
    ("hosts", ["0.0.0.0 one.example"], {"one.example": "."}),
    ("adblock", ["||one.example^", "@@||good.one.example^"],
     {"one.example": ".", "*.one.example": ".", "good.one.example": "rpz-passthru.",
      "*.good.one.example": "rpz-passthru."}),
    ("rpz", ["$ORIGIN source.example.", "@ 60 SOA a. b. 1 1 1 1 1", "one.example 60 CNAME rpz-drop.",
             "*.one.example 60 CNAME *.", "24.0.2.0.192.rpz-ip 60 CNAME ."],
     {"one.example": "rpz-drop.", "*.one.example": "*.", "24.0.2.0.192.rpz-ip": "."}),
])
def test_lists_become_policy_zones(start_weir, fmt, lines, expected):
    def prepare(w):
        w.list_path = os.path.join(w.directory, "the.list")
        with open(w.list_path, "w") as f:
            f.write("\n".join(lines) + "\n")
        publishing(w, edits=False, list="main")
        w.config["lists"] = [{"name": "main", "file": w.list_path, "format": fmt}]
        w.config["groups"][0]["lists"] = ["main"]
    w = start_weir(prepare=prepare)
    assert has_published(w, lambda z: len(z) == len(expected)), log_of(w)
    assert transfer(w)[1] == expected


def test_a_list_that_changes_is_a_new_version(start_weir):
    def prepare(w):
        w.list_path = os.path.join(w.directory, "the.list")
        with open(w.list_path, "w") as f:
            f.writelines(f"n{i}.example\n" for i in range(3000))
        publishing(w, edits=False, list="main")
        w.config["lists"] = [{"name": "main", "file": w.list_path}]
        w.config["groups"][0]["lists"] = ["main"]
    w = start_weir(prepare=prepare)
    assert has_published(w, lambda z: len(z) == 6000), log_of(w)
    first = transfer(w)[0]
    with open(w.list_path, "w") as f:
        f.writelines(f"n{i}.example\n" for i in range(10, 3010))
    w.cli("reload")
    assert has_published(w, lambda z: "n3009.example" in z and "n9.example" not in z), log_of(w)
    serial, n = None, 0
    for m in dns.query.xfr(w.address, ZONE, "IXFR", port=w.port, serial=first, keyring=KEY.ring(),
                           relativize=False, lifetime=10):
        n += sum(len(r) for r in m.answer)
    assert n == 4 + 40
    w.cli("reload")
    serial = transfer(w)[0]
    time.sleep(0.5)
    assert transfer(w)[0] == serial  # nothing changed: no new version


# ---- who may have it: X10 ----

def test_x10_strangers_get_nothing(start_weir):
    w = start_publisher(start_weir)
    w.cli("block", "evil.example")
    assert has_published(w, lambda z: "evil.example" in z)
    for rdtype in ("AXFR", "IXFR", "SOA"):
        assert raw(w, rdtype) == "REFUSED" if rdtype != "IXFR" else raw(w, rdtype) in ("REFUSED", "FORMERR")
    assert raw(w, "SOA", tcp=False) == "REFUSED"
    for name, rdtype in ((ZONE, "ANY"), (ZONE, "NS"), (f"evil.example.{ZONE}", "CNAME"),
                         (f"evil.example.{ZONE}", "ANY")):
        assert not w.ask(name, rdtype).answer
    with pytest.raises(dns.tsig.PeerBadKey):
        soa(w, Key(name="unknown"))
    with pytest.raises(dns.tsig.PeerBadSignature):
        soa(w, Key(name=KEY.name, secret="d3Jvbmc="))


def test_x10_addresses(start_weir):
    w = start_publisher(start_weir, key=None, allow=["127.0.0.5/32"])
    w.cli("block", "evil.example")
    assert until(lambda: soa(w, None, "127.0.0.5").rcode() == 0)
    assert until(lambda: "evil.example" in transfer(w, None, source="127.0.0.5")[1])
    assert rcode(soa(w, None)) == "REFUSED"
    assert raw(w, "AXFR") == "REFUSED"
    assert raw(w, "AXFR", source="127.0.0.5", tcp=False) == "FORMERR"


def test_x10_both(start_weir):
    w = start_publisher(start_weir, allow=["127.0.0.5/32"])
    w.cli("block", "evil.example")
    assert until(lambda: soa(w, KEY, "127.0.0.5").rcode() == 0)
    assert rcode(soa(w, KEY)) == "REFUSED"
    assert rcode(soa(w, None, "127.0.0.5")) == "REFUSED"


def test_questions_go_on_beside_and_after(start_weir):
    """A question on the same connection before a transfer is answered; others notice nothing."""
    w = start_publisher(start_weir)
    w.cli("block", "evil.example")
    assert has_published(w, lambda z: "evil.example" in z)
    for _ in range(20):
        transfer(w)
        assert rcode(w.ask("www.plain.com", tcp=True)) == "NOERROR"


# ---- who follows ----

class Follower:
    """A resolver of another make that follows the zone and applies it."""

    def __init__(self, directory, w, port):
        self.directory, self.w, self.port = directory, w, port
        os.makedirs(directory, exist_ok=True)

    def start(self):
        self.process = Process(self.name, self.command(), self.directory)
        wait_until_answers(self.process, "127.0.0.1", self.port, "probe.invalid.", "A")
        return self

    def stop(self):
        self.process.stop()

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def blocks(self, name):
        """What it says to a name that exists; the zone says that it does not."""
        try:
            return rcode(ask("127.0.0.1", name, "A", self.port, 5)) == "NXDOMAIN"
        except dns.exception.Timeout:
            return False


class BindFollower(Follower):
    name = "named"

    def command(self):
        d = self.directory
        path = self.write("named.conf", f"""
key "{KEY.name}" {{ algorithm {KEY.algorithm}; secret "{KEY.secret}"; }};
options {{ directory "{d}"; pid-file none; session-keyfile none; recursion yes;
  listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; allow-query {{ any; }};
  allow-recursion {{ any; }}; dnssec-validation no; empty-zones-enable no; lock-file none;
  managed-keys-directory "{d}"; notify no; request-ixfr yes; max-retry-time 1; min-retry-time 1;
  serial-query-rate 1000; transfers-per-ns 100;
  response-policy {{ zone "{ZONE}"; }} qname-wait-recurse no min-update-interval 0; }};
controls {{ }};
logging {{ category default {{ default_stderr; }}; }};
zone "." {{ type hint; file "{self.w.lab.root_hints}"; }};
zone "{ZONE}" {{ type secondary; file "{d}/zone"; masterfile-format text;
  primaries {{ 127.0.0.1 port {self.w.port} key {KEY.name}; }};
  allow-notify {{ key {KEY.name}; }}; }};
""")
        return [unconfined("named", d), "-g", "-n", "1", "-c", path]


class UnboundFollower(Follower):
    name = "unbound"

    def command(self):
        d = self.directory
        # Unbound knows no TSIG: it is let in by its address.
        path = self.write("unbound.conf", f"""server:
  interface: 127.0.0.1@{self.port}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "{d}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "respip iterator"
  do-not-query-localhost: no
  root-hints: "{self.w.lab.root_hints}"
  local-zone: "test." nodefault
remote-control:
  control-enable: no
rpz:
  name: {ZONE}
  primary: 127.0.0.1@{self.w.port}
  allow-notify: 127.0.0.1
  zonefile: {d}/zone
""")
        return [unconfined("unbound", d), "-d", "-p", "-c", path]


class PowerFollower(Follower):
    name = "pdns_recursor"

    def command(self):
        d = self.directory
        lua = self.write("rpz.lua", f"""
rpzPrimary({{"127.0.0.1:{self.w.port}"}}, "{ZONE}", {{
  tsigname="{KEY.name}", tsigalgo="{KEY.algorithm}", tsigsecret="{KEY.secret}", refresh=1 }})
""")
        self.write("recursor.conf", f"""local-address=127.0.0.1
local-port={self.port}
socket-dir={d}
hint-file={self.w.lab.root_hints}
lua-config-file={lua}
dnssec=off
dont-query=
threads=1
disable-packetcache=yes
daemon=no
disable-syslog=yes
allow-from=127.0.0.0/8
security-poll-suffix=
setuid=
setgid=
""")
        return [tool("pdns_recursor"), f"--config-dir={d}"]


class NsdFollower(Follower):
    name = "nsd"

    def start(self):
        self.process = Process(self.name, self.command(), self.directory)
        return self

    def command(self):
        d = self.directory
        path = self.write("nsd.conf", f"""server:
  server-count: 1
  port: {self.port}
  username: ""
  chroot: ""
  zonesdir: "{d}"
  database: ""
  pidfile: "{d}/nsd.pid"
  xfrdfile: "{d}/xfrd.state"
  zonelistfile: "{d}/zone.list"
  xfrdir: "{d}"
  ip-address: 127.0.0.1
  verbosity: 2
remote-control:
  control-enable: no
key:
  name: {KEY.name}
  algorithm: {KEY.algorithm}
  secret: "{KEY.secret}"
zone:
  name: "{ZONE}"
  zonefile: "{d}/zone"
  request-xfr: 127.0.0.1@{self.w.port} {KEY.name}
  allow-notify: 127.0.0.1 {KEY.name}
""")
        return [unconfined("nsd", d), "-d", "-c", path]

    def blocks(self, name):
        """It is no resolver: it holds the zone."""
        try:
            r = ask("127.0.0.1", f"{name}.{ZONE}", "CNAME", self.port, 2)
            return bool(r.answer)
        except dns.exception.Timeout:
            return False


@pytest.mark.parametrize("kind", [BindFollower, UnboundFollower, PowerFollower, NsdFollower],
                         ids=lambda k: k.name)
def test_others_follow(start_weir, tmp_path, kind):
    if kind is PowerFollower:
        try:
            tool("pdns_recursor")
        except lab_module.LabError:
            pytest.skip("no PowerDNS Recursor")
    port = next(next_port)
    with_key = kind is not UnboundFollower
    w = start_publisher(start_weir, key=KEY if with_key else None,
                        allow=() if with_key else ["127.0.0.0/8"],
                        notify=[] if kind is PowerFollower else [f"127.0.0.1@{port}"])
    w.cli("block", "www.plain.com")
    assert until(lambda: soa(w, KEY if with_key else None).rcode() == 0)
    f = kind(str(tmp_path / kind.name), w, port).start()
    try:
        assert until(lambda: f.blocks("www.plain.com"), 15), f.process.log_tail(60)
        assert not f.blocks("www.signed.test")
        start = time.monotonic()
        w.cli("block", "www.signed.test")
        assert until(lambda: f.blocks("www.signed.test"), 10), f.process.log_tail(60)
        took = time.monotonic() - start
        w.cli("undo", "www.plain.com")
        assert until(lambda: not f.blocks("www.plain.com"), 10), f.process.log_tail(60)
        print(f"{kind.name}: an edit arrived after {took:.2f} s")
        assert "what changed" in log_of(w), log_of(w)  # IXFR
    finally:
        f.stop()


# ---- Weirs ----

def follow(w, publishers, **more):
    w.config["keys"] = [KEY.weir()]
    w.config["lists"] = [{"name": "fleet", "format": "rpz", "zone": ZONE, "tsig-key": KEY.name,
                          "primaries": publishers, **more}]
    w.config["groups"][0]["lists"] = ["fleet"]


def published(w):
    """The one zone that w publishes, as weir status tells it."""
    (zone,) = json.loads(w.cli("status", "--json").stdout)["status"]["published"]
    return zone


def blocked(w, name):
    try:
        reply = w.ask(name)
    except dns.exception.Timeout:
        return False
    return rcode(reply) == "NXDOMAIN" and 15 in ede_codes(reply)


def test_a_weir_follows_a_weir_within_two_seconds(start_weir):
    ports = [next(next_port)]
    w = start_publisher(start_weir, notify=[f"127.0.0.1@{p}" for p in ports])
    f = start_weir(prepare=lambda f: (follow(f, [f"127.0.0.1@{w.port}"]), setattr(f, "port", ports[0]),
                                      f.config["server"].update(listen=[f"127.0.0.1@{ports[0]}"])))
    w.cli("block", "first.example")
    assert until(lambda: blocked(f, "first.example"), 5), log_of(f)
    for i in range(5):
        w.cli("block", f"edit{i}.example")
        start = time.monotonic()
        assert until(lambda: blocked(f, f"edit{i}.example"), 2), log_of(f)
        assert time.monotonic() - start < 2
        time.sleep(0.3)
    assert "by IXFR" in log_of(f)
    assert until(lambda: published(w)["followers_current"] == 1, 2), published(w)
    z = published(w)
    assert (z["zone"], z["list"], z["followers"]) == (ZONE, None, 1)
    assert f"serial {z['serial']}; 1 of 1 that are told have heard of it" in w.cli("status").stdout
    w.cli("undo", "first.example")
    assert until(lambda: not blocked(f, "first.example"), 2)


# ---- a chain ----

CHAIN_RULES = 100_000
CHAIN_MOST_BYTES = 1_000_000  # written for one record; the zone alone is 8 MB
CHAIN_MOST_CPU_S = 2  # 0.02 s are usual


def written(w):
    """Bytes that a daemon has given to write() and the like, sockets and logs too."""
    with open(f"/proc/{w.process.pid}/io", encoding="ascii") as f:
        return int(dict(line.split(": ") for line in f)["wchar"])


def cpu_s(w):
    with open(f"/proc/{w.process.pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def chained(w, source, zone, notify):
    """w follows `source`, a zone of w's name, and publishes it on."""
    w.config["lists"] = [{"name": "big", "format": "rpz", "zone": zone, "primaries": [source],
                          "min-update-interval": "0s"}]
    w.config["groups"][0]["lists"] = ["big"]
    if notify:
        w.config["publish"] = [{"zone": "two.rpz.example", "list": "big", "allow": ["127.0.0.1"], "notify": notify}]


def set_port(w, port):
    w.port = port
    w.config["server"]["listen"] = [f"127.0.0.1@{port}"]


def write_chain_list(path, new):
    with open(path, "w", encoding="ascii") as f:
        f.writelines(f"n{i * 7919 % 1000003}.bad.example\n" for i in range(CHAIN_RULES))
        f.writelines(f"{name}\n" for name in new)


def test_a_chain_costs_what_changes(start_weir, tmp_path):
    """A list goes from one Weir to a second, and from there to a third: what one record costs there."""
    path = str(tmp_path / "big.txt")
    write_chain_list(path, [])
    ports = [next(next_port), next(next_port)]

    def first(w):
        w.config["lists"] = [{"name": "big", "file": path, "format": "domains", "subdomains": False}]
        w.config["groups"][0]["lists"] = ["big"]
        w.config["publish"] = [{"zone": "one.rpz.example", "list": "big", "allow": ["127.0.0.1"],
                                "notify": [f"127.0.0.1@{ports[0]}"]}]

    a = start_weir(prepare=first)
    b = start_weir(prepare=lambda w: (chained(w, f"127.0.0.1@{a.port}", "one.rpz.example",
                                              [f"127.0.0.1@{ports[1]}"]), set_port(w, ports[0])))
    c = start_weir(prepare=lambda w: (chained(w, f"127.0.0.1@{ports[0]}", "two.rpz.example", []),
                                      set_port(w, ports[1])))
    assert until(lambda: blocked(c, "n7919.bad.example"), 120), log_of(c)
    new = []
    for step in range(4):
        new.append(f"new{step}.example")
        if step == 3:
            new = new[1:]  # one goes as well
        write_chain_list(path, new)
        before, start, cpu = [written(b), written(c)], time.monotonic(), cpu_s(b)
        a.cli("reload")
        assert until(lambda: blocked(c, f"new{step}.example"), 120), log_of(c) + log_of(b)
        took = time.monotonic() - start
        time.sleep(1)  # what is kept of it is written after it is in force
        cost = [written(b) - before[0], written(c) - before[1]]
        print(f"step {step}: {took:.2f} s, written: {cost[0]} in the middle, {cost[1]} at the end")
        if step > 0:  # with the first the published zone becomes one that is kept in layers
            assert max(cost) < CHAIN_MOST_BYTES, cost
            assert cpu_s(b) - cpu < CHAIN_MOST_CPU_S
    assert until(lambda: not blocked(c, "new0.example"), 60)
    assert blocked(c, "new1.example") and blocked(c, "n7919.bad.example")
    assert log_of(c).count("by AXFR") == 1, log_of(c)
    assert "what changed" in log_of(b)
