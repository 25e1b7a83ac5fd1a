# SPDX-License-Identifier: GPL-3.0-or-later
"""DNSSEC as clients see it: AD, CD, extended errors, and what it costs, with Unbound as the oracle.

In front of a small part of the signed internet of tests/lab (internet.py); the whole of it is put
to four resolvers by tests/lab/compare.py.
"""

import json
import os
import time

import dns.flags
import dns.rcode
import dns.rdatatype
import pytest

import internet
import oracles
import resolvers
from conftest import WEIR
from replies import addresses, ede, ede_codes

ZONES = {"", "nsec", "nsec3", "optout", "plain", "a13-nsec.nsec", "a13-nsec3.nsec3", "u0.nsec", "u1.nsec", "u0.optout",
         "u0.plain", "s-expired-all.nsec", "s-missing-all.nsec", "r13-standby-only.nsec", "island.nsec"}
SECURE, INSECURE, EXPIRED = "a13-nsec.nsec", "u0.nsec", "s-expired-all.nsec"


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    if "WEIR_LAB_NAMESPACE" not in os.environ:
        pytest.skip("needs port 53 and addresses: root, or a user namespace")
    internet.add_addresses()
    with internet.Internet(str(tmp_path_factory.mktemp("internet")), keep=lambda z: z.name in ZONES) as running:
        yield running


@pytest.fixture(scope="module")
def signed(net, tmp_path_factory):
    with oracles.weir(net, str(tmp_path_factory.mktemp("weir")), WEIR) as running:
        yield running


@pytest.fixture(scope="module")
def unbound(net, tmp_path_factory):
    with oracles.Unbound(net, str(tmp_path_factory.mktemp("unbound"))) as running:
        yield running


def ask(server, name, rdtype="A", dnssec=False, ad=False, cd=False):
    flags = dns.flags.RD | (dns.flags.AD if ad else 0) | (dns.flags.CD if cd else 0)
    return server.ask(name, rdtype, want_dnssec=dnssec, flags=flags)


def is_ad(reply):
    return bool(reply.flags & dns.flags.AD)


def has_signatures(reply):
    return any(r.rdtype == dns.rdatatype.RRSIG for r in reply.answer)


def upstream(server):
    return json.loads(server.cli("status", "--json").stdout)["status"]["upstream"]


NAMES = [(SECURE, "A"), ("www." + SECURE, "A"), ("www." + SECURE, "MX"), ("nothing." + SECURE, "A"),
         ("www.a13-nsec3.nsec3", "A"), ("nothing.a13-nsec3.nsec3", "A"), ("www." + INSECURE, "A"),
         ("nothing." + INSECURE, "A"), ("www.u0.plain", "A"), ("www.u0.optout", "A"), ("www.island.nsec", "A"),
         ("www." + EXPIRED, "A"), ("nothing." + EXPIRED, "A"), ("www.s-missing-all.nsec", "A"),
         ("www.r13-standby-only.nsec", "A"), (SECURE, "DNSKEY"), (SECURE, "DS"), (INSECURE, "DS"), ("nsec", "NS"),
         (".", "DNSKEY"), (".", "NS")]
FLAGS = [{}, {"dnssec": True}, {"ad": True}, {"dnssec": True, "cd": True}, {"cd": True, "ad": True}]


@pytest.mark.parametrize("flags", FLAGS, ids=lambda f: "+".join(f) or "none")
def test_as_the_oracle(signed, unbound, flags):
    differences = []
    for name, rdtype in NAMES:
        ours, theirs = (ask(s, name, rdtype, **flags) for s in (signed, unbound))
        # With CD Unbound sets AD on what it happens to have checked; Knot Resolver, BIND and Weir do not.
        seen = [(dns.rcode.to_text(r.rcode()), is_ad(r) and "cd" not in flags, bool(r.flags & dns.flags.CD), has_signatures(r),
                 sorted(str(x) for s in r.answer for x in s if s.rdtype == dns.rdatatype.A)) for r in (ours, theirs)]
        if seen[0] != seen[1]:
            differences.append((name, rdtype, *seen))
        assert not (is_ad(ours) and "cd" in flags)
    assert differences == []


def test_ad_is_for_those_who_ask_for_it(signed):
    """RFC 6840 5.7 and 5.8."""
    name = "www." + SECURE
    assert not is_ad(ask(signed, name))
    assert is_ad(ask(signed, name, ad=True))
    assert is_ad(ask(signed, name, dnssec=True))
    assert not is_ad(ask(signed, name, dnssec=True, cd=True))
    assert not has_signatures(ask(signed, name, ad=True))
    assert has_signatures(ask(signed, name, dnssec=True))


@pytest.mark.parametrize("zone, code, text", [
    (EXPIRED, 7, "expired"),
    ("s-missing-all.nsec", 10, ""),
    ("r13-standby-only.nsec", 9, ""),
])
def test_bogus(signed, zone, code, text):
    name = "www." + zone
    for _ in range(2):  # when it comes, and from the cache
        reply = ask(signed, name, dnssec=True)
        assert reply.rcode() == dns.rcode.SERVFAIL and not is_ad(reply) and reply.answer == []
        assert ede_codes(reply) == [code]
        assert zone in ede(reply)[0][1] and text in ede(reply)[0][1]
        reply = ask(signed, name, dnssec=True, cd=True)
        assert reply.rcode() == dns.rcode.NOERROR and not is_ad(reply) and addresses(reply)
        assert reply.flags & dns.flags.CD
        assert max(s.ttl for s in reply.answer) <= 60


def test_what_it_costs(signed):
    """Warm keys: as many packets as without DNSSEC. An unsigned zone: none for keys."""
    ask(signed, "www." + SECURE)
    ask(signed, "www." + INSECURE)
    before = upstream(signed)
    ask(signed, "nothing-at-all." + SECURE, "TXT", dnssec=True)
    after = upstream(signed)
    assert after["packets_out"] - before["packets_out"] <= 1
    assert is_ad(ask(signed, "www.u1.nsec")) is False
    last = upstream(signed)
    assert last["key_questions"] == before["key_questions"]
    assert last["secure"] > 0 and last["insecure"] > 0 and last["bogus"] >= 0


def test_it_is_told(signed):
    shown = signed.cli("query", "www." + SECURE).stdout
    assert shown.startswith("NOERROR, secure"), shown
    assert "RRSIG" not in shown
    assert "RRSIG" in signed.cli("query", "--dnssec", "www." + SECURE).stdout
    shown = signed.cli("query", "www." + EXPIRED).stdout
    assert shown.startswith("SERVFAIL") and "expired" in shown, shown
    assert signed.cli("query", "--unchecked", "www." + EXPIRED).stdout.startswith("NOERROR\n")
    assert "DNSSEC: bogus" in signed.cli("explain", "www." + EXPIRED).stdout
    assert "DNSSEC: secure" in signed.cli("explain", "www." + SECURE).stdout
    end = time.monotonic() + 5
    told = {}
    while time.monotonic() < end and told.get("www." + EXPIRED) != "bogus":
        with open(signed.events_path, encoding="utf-8") as f:
            for e in map(json.loads, f):
                if "dns" in e:
                    told[e["dns"]["question"]["name"]] = e["weir"].get("dnssec")
        time.sleep(0.1)
    assert told["www." + EXPIRED] == "bogus"


def test_a_zone_without_validation(net, tmp_path_factory):
    """`validate: false` for a forwarding zone: its word is taken as it comes."""
    own4, own6 = internet.RESOLVERS["kresd"]
    forward = [{"zone": "s-expired-all.nsec", "to": [f"{own4}@5301"], "validate": False}]
    config = {"resolver": {"root-hints": net.root_hints, "trust-anchors": "none"},
              "groups": [{"name": "default", "clients": ["0.0.0.0/0"], "lists": [], "default": "allow"}]}
    plain = resolvers.Weir(net, str(tmp_path_factory.mktemp("plain")), WEIR, 5301, own4, config=config)
    config = {"resolver": {"root-hints": net.root_hints, "trust-anchors": net.anchors, "forward": forward},
              "groups": config["groups"]}
    front = resolvers.Weir(net, str(tmp_path_factory.mktemp("front")), WEIR, 5302, own4, config=config)
    with plain, front:
        reply = ask(front, "www." + EXPIRED, dnssec=True)
        assert reply.rcode() == dns.rcode.NOERROR and not is_ad(reply) and addresses(reply)
        assert is_ad(ask(front, "www." + SECURE, dnssec=True))


def test_sentinel(signed, unbound, net):
    """RFC 8509: a client finds out which keys of the root are trusted here."""
    trusted = {a["tag"] for a in json.loads(signed.cli("trust", "list", "--json").stdout)["trust"]["anchors"]
               if a["state"] == "valid"}
    other = next(t for t in (20326, 38696) if t not in trusted)
    found, failed = dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL
    for tag, is_rcode, not_rcode in [(min(trusted), found, failed), (other, failed, found)]:
        for what, wanted in (("is", is_rcode), ("not", not_rcode)):
            name = f"Root-Key-Sentinel-{what}-ta-{tag:05}.{SECURE}"
            for server in (signed, unbound):
                assert ask(server, name).rcode() == wanted, (name, server)
                assert ask(server, name, "AAAA").rcode() == wanted, (name, server)
            # not of these: another type, CD, a zone that is not signed, another number of digits
            assert ask(signed, name, "TXT").rcode() == found
            assert ask(signed, name, cd=True).rcode() == found
            assert ask(signed, name.replace(SECURE, INSECURE)).rcode() == found
            assert ask(signed, name.replace(f"{tag:05}", f"{tag:06}")).rcode() == found
            assert ask(signed, "x." + name).rcode() == found
