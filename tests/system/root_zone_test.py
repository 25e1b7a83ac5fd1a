# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the root zone in place of the root servers (RFC 8806), in front of the signed internet of the lab."""

import itertools
import json
import os
import subprocess
import time

import dns.flags
import dns.rcode
import dns.rdatatype
import pytest

import internet
import lab as lab_module
import oracles
from conftest import WEIR

ZONES = {"", "nsec", "nsec3", "plain", "a13-nsec.nsec", "a13-nsec3.nsec3", "u0.nsec", "u0.plain", "s-expired-all.nsec"}
NAMES = ["www.a13-nsec.nsec", "www.a13-nsec3.nsec3", "www.u0.nsec", "www.u0.plain", "www.s-expired-all.nsec",
         "nsec", "plain", "nosuchtld", "www.nosuchtld", "a.b.nosuch.tld", "."]


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    if "WEIR_LAB_NAMESPACE" not in os.environ:
        pytest.skip("needs port 53 and addresses: root, or a user namespace")
    internet.add_addresses()
    with internet.Internet(str(tmp_path_factory.mktemp("internet")), keep=lambda z: z.name in ZONES) as running:
        yield running


def root_path(net):
    return net.path_of(next(z for z in net.zones if z.name == ""))


def start(net, directory, path):
    w = oracles.weir(net, str(directory), WEIR)
    w.config["resolver"]["root-zone"] = path
    # Whatever is asked of the root goes to an address that nobody has: only the copy can have answered.
    hints = os.path.join(str(directory), "dead-hints")
    with open(hints, "w") as f:
        f.write(". 3600000 NS ns.\nns. 3600000 A 127.99.99.99\n")
    w.config["resolver"]["root-hints"] = hints
    w.config["resolver"]["time-limit"] = "3s"
    return w


@pytest.fixture(scope="module")
def usual(net, tmp_path_factory):
    with oracles.Unbound(net, str(tmp_path_factory.mktemp("unbound"))) as running:
        yield running


def ask(server, name, rdtype="A"):
    return server.ask(name, rdtype, want_dnssec=True, flags=dns.flags.RD | dns.flags.AD, timeout_s=5)


def records_of(reply, rdtype):
    rdtype = dns.rdatatype.from_text(rdtype)
    return {str(r) for s in reply.answer if s.rdtype == rdtype for r in s}


def count(weir):
    return json.loads(weir.cli("status", "--json").stdout)["status"]["upstream"]["root_copy"]


def test_as_a_resolver_that_asks_the_root(net, usual, tmp_path):
    with start(net, tmp_path, root_path(net)) as copied:
        for name, rdtype in itertools.product(NAMES, ["A", "DS", "NS", "DNSKEY"]):
            ours, theirs = ask(copied, name, rdtype), ask(usual, name, rdtype)
            assert ours.rcode() == theirs.rcode(), (name, rdtype, ours, theirs)
            assert (ours.flags & dns.flags.AD) == (theirs.flags & dns.flags.AD), (name, rdtype, ours, theirs)
            assert records_of(ours, rdtype) == records_of(theirs, rdtype), (name, rdtype, ours, theirs)
        assert count(copied) > 0


def touch(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


def test_a_bad_file_changes_nothing(net, tmp_path):
    path = str(tmp_path / "root.zone")
    with open(root_path(net)) as f:
        text = f.read()
    half = text[:text.index("\n", len(text) // 2) + 1]
    touch(path, half + "broken. 1 IN A 999.1.1.1\n")
    w = start(net, tmp_path, path)
    with w:
        # Read at the start: refused, with the line; then nothing can be resolved.
        line = half.count("\n") + 1
        assert f"root.zone:{line}: " in w.process.log_tail(100), w.process.log_tail(100)
        assert ask(w, "www.u0.plain").rcode() == dns.rcode.SERVFAIL
        touch(path, text)
        end = time.monotonic() + 45  # it looks every 30 s
        while ask(w, f"www{int(time.monotonic())}.u0.plain").rcode() == dns.rcode.SERVFAIL:
            assert time.monotonic() < end, w.process.log_tail(100)
            time.sleep(0.5)
        assert count(w) > 0


def test_an_expired_copy_is_not_used(net, tmp_path):
    path = str(tmp_path / "root.zone")
    with open(root_path(net)) as f:
        touch(path, f.read())
    os.utime(path, (1_000_000_000, 1_000_000_000))
    with start(net, tmp_path, path) as w:
        assert ask(w, "www.u0.plain").rcode() == dns.rcode.SERVFAIL
        assert count(w) == 0
        assert "has expired" in w.process.log_tail(100)


def test_a_digest_made_by_another_program(net, tmp_path):
    """Knot DNS signs and adds ZONEMD (RFC 8976); one changed byte is found."""
    zone = tmp_path / "root.zone"
    zone.write_text(". 3600 IN SOA a. b. 7 3600 600 864000 60\n. 3600 IN NS a.\na. 3600 IN A 192.0.2.1\n"
                    "com. 3600 IN NS a.com.\ncom. 3600 IN DS 1 13 2 " + "ab" * 32 + "\na.com. 3600 IN A 192.0.2.2\n")
    (tmp_path / "knot.conf").write_text(
        f"server:\n  rundir: \"{tmp_path}\"\n  listen: 127.0.0.77@5377\ndatabase:\n  storage: \"{tmp_path}\"\n"
        f"policy:\n  - id: p\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n"
        f"zone:\n  - domain: .\n    storage: \"{tmp_path}\"\n    file: root.zone\n    zonefile-sync: 0\n"
        f"    zonefile-load: difference\n    dnssec-signing: on\n    dnssec-policy: p\n    zonemd-generate: zonemd-sha384\n")
    knot = subprocess.Popen([lab_module.tool("knotd"), "-c", str(tmp_path / "knot.conf")], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while "ZONEMD" not in zone.read_text():
            assert time.monotonic() < end and knot.poll() is None, "Knot DNS did not write the zone"
            time.sleep(0.1)
    finally:
        knot.terminate()
        knot.wait()
    good = zone.read_text()
    with start(net, tmp_path, str(zone)) as w:
        assert "its digest is right" in w.process.log_tail(100), w.process.log_tail(100)
    zone.write_text(good.replace("192.0.2.2", "192.0.2.3"))
    with start(net, tmp_path, str(zone)) as w:
        assert "cut or altered" in w.process.log_tail(100), w.process.log_tail(100)
