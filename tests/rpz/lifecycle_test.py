# SPDX-License-Identifier: GPL-3.0-or-later
"""X: where policy zones come from, and who sees them. Transfers: tests/system/transfer_test.py."""

import re

import dns.query
import dns.xfr
import dns.zone
import pytest

from groups import policy, zone
from replies import ede, rcode

import policyzone

NAMES = ("www", "mail", "six", "two")
RULES = ("www.site.com CNAME .\nmail.site.com A 203.0.113.1\nsix.site.com CNAME rpz-passthru.\n"
         "two.site.com CNAME *.garden.org.\nhop.site.com CNAME rpz-drop.")


def test_X8_until_a_zone_was_there_once(start_weir, tmp_path):
    """Only the groups that use it fail, only if it says so; and a restart has the last good copy."""
    entries = [{"name": n, "file": str(tmp_path / f"{n}.zone"), "format": "rpz", **options} for n, options in (
        ("missing", {"servfail-until-ready": True}), ("optional", {}), ("there", {"servfail-until-ready": True}))]
    (tmp_path / "there.zone").write_text(policyzone.zone_text("rpz.there", ["www.site.com CNAME *."]))
    groups = [{"name": n, "clients": [f"127.0.0.{i}"], "lists": lists, "evaluation": "strict"} for n, i, lists in (
        ("waits", 2, ["there", "missing"]), ("empty", 3, ["optional", "there"]), ("has", 4, ["there"]))]
    w = start_weir(entries, groups)

    def say(host):
        return rcode(w.ask("www.site.com", source=f"127.0.0.{host}"))
    reply = w.ask("www.site.com", source="127.0.0.2")
    assert rcode(reply) == "SERVFAIL" and [code for code, _ in ede(reply)] == [14]
    assert re.search("missing.*no good copy", w.process.log_tail(1000))
    assert say(3) == "NOERROR" and say(4) == "NOERROR"
    (tmp_path / "missing.zone").write_text(policyzone.zone_text("rpz.missing", ["www.other.net CNAME ."]))
    w.cli("reload")
    assert say(2) == "NOERROR" and rcode(w.ask("www.other.net", source="127.0.0.2")) == "NXDOMAIN"
    (tmp_path / "missing.zone").unlink()
    w.restart()
    assert say(2) == "NOERROR" and rcode(w.ask("www.other.net", source="127.0.0.2")) == "NXDOMAIN"


@policy("www.site.com CNAME .", "site.com CNAME *.")
def test_X10_policy_zones_are_not_in_the_dns(say):
    apex = f"rpz.{say.group.name}-1"
    for rdtype in ("SOA", "NS", "ANY"):
        reply = say.reply(apex, rdtype)
        assert rcode(reply) == "NXDOMAIN" and not reply.answer
    reply = say.reply(f"www.site.com.{apex}", "CNAME")
    assert rcode(reply) == "NXDOMAIN" and not reply.answer
    with pytest.raises((dns.xfr.TransferError, EOFError)):
        dns.zone.from_xfr(dns.query.xfr(say.weir.address, apex, port=say.weir.port, timeout=10, lifetime=10,
                                        source=say.group.client()))


def overridden(**options):
    return policy(zone(RULES, **options), "*.site.com AAAA 2001:db8:ff::9\n*.site.com A 203.0.113.9")


@overridden(action="given")
def test_X12_given(say):
    assert say("www.site.com") == "nxdomain" and say("mail.site.com") == "203.0.113.1"
    assert say("six.site.com", "AAAA") == "2001:db8:0:1::1 2001:db8::1"
    assert say("two.site.com") == "cname two.site.com.garden.org. 203.0.113.81" and say.is_silent("hop.site.com")


@overridden(action="log")
def test_X12_disabled(say):
    for name in NAMES + ("hop",):
        assert say(f"{name}.site.com") == "203.0.113.9", name


@overridden(action="allow")
def test_X12_passthru(say):
    for name in NAMES + ("hop",):
        assert say(f"{name}.site.com", "AAAA") == say.truth(f"{name}.site.com", "AAAA"), name
    assert say("far.site.com") == "203.0.113.9"


@overridden(action="drop")
def test_X12_drop(say):
    assert say.is_silent("www.site.com") and say.is_silent("six.site.com")


@overridden(action="truncate")
def test_X12_tcp_only(say):
    for name in NAMES:
        assert say(f"{name}.site.com") == "tcp-only", name
    assert say("mail.site.com", tcp=True) == "192.0.2.2"


@overridden(action="nxdomain")
def test_X12_nxdomain(say):
    assert all(say(f"{name}.site.com") == "nxdomain" for name in NAMES)


@overridden(action="nodata")
def test_X12_nodata(say):
    assert all(say(f"{name}.site.com") == "nodata" for name in NAMES)


@overridden(action="redirect", target="walled.garden.org")
def test_X12_cname(say):
    assert all(say(f"{name}.site.com") == "cname walled.garden.org. 203.0.113.80" for name in NAMES)
