# SPDX-License-Identifier: GPL-3.0-or-later
"""Z: what is in a policy zone, and what in it is a rule. Zone 2 always says what else would happen."""

import re

from conftest import PLAIN
from groups import policy, zone

import policyzone

GARBAGE = "www.site.com RRSIG A 13 3 300 20361231000000 20261101000000 1 site.com. AAAA"


@policy(f"""
    @ DNSKEY 256 3 13 {"A" * 86}==
    @ ZONEMD 2026 1 1 {"0" * 96}
    @ NSEC3PARAM 1 0 0 -
    {GARBAGE}
    www.site.com NSEC x.site.com. A RRSIG
    two.site.com CNAME .""",
        "www.site.com A 203.0.113.2\ntwo.site.com A 203.0.113.2")
def test_Z1_apex_and_dnssec_records_are_no_rules(say):
    """Were they rules, the name would have no data by zone 1."""
    assert say("www.site.com") == "203.0.113.2"
    assert say("two.site.com") == "nxdomain"
    assert say(".", "NS") == "ns1. ns2."


@policy("""
    www.site.com SOA localhost. root.localhost. 1 3600 600 86400 60
    mail.site.com NS ns1.hoster.org.
    far.site.com DNAME garden.org.
    two.site.com CNAME .""",
        "*.site.com A 203.0.113.2")
def test_Z2_soa_ns_and_dname_are_no_local_data(say):
    for name in ("www", "mail", "far"):
        assert say(f"{name}.site.com") == "203.0.113.2", name
    assert say("x.far.site.com") == "203.0.113.2"
    assert say("two.site.com") == "nxdomain"


def checked(start_weir, tmp_path, text):
    """(a Weir with one zone, what `weir check` says of it)"""
    path = tmp_path / "bad.zone"
    path.write_text(policyzone.zone_text("rpz.bad", text.split("\n")))
    w = start_weir([{"name": "bad", "file": str(path), "format": "rpz"}],
                   [PLAIN, {"name": "one", "clients": ["127.0.0.9"], "lists": ["bad"]}])
    return w, w.cli("check", check=False).stdout


def test_Z3_a_record_without_meaning_costs_itself(start_weir, tmp_path):
    """An owner outside the zone, a prefix that is none, a line that is none; the rest loads, all is counted."""
    w, said = checked(start_weir, tmp_path, """www.site.com CNAME .
elsewhere.example. CNAME .
33.1.2.0.192.rpz-ip CNAME *.
two.site.com A 300.1.1.1
two.site.com A
mail.site.com CNAME .""")
    assert w.ask("www.site.com", source="127.0.0.9").rcode() == 3
    assert w.ask("mail.site.com", source="127.0.0.9").rcode() == 3
    assert w.ask("two.site.com", source="127.0.0.9").rcode() == 0
    assert re.search(r"\b2 rules\b|rules[: ]+2\b|\b2 names\b", said), said
    for line in (6, 7, 8, 9):  # the head has four lines
        assert re.search(rf"\b{line}\b", said), (line, said)


@policy("www.site.com CNAME .\nwww.site.com A 203.0.113.1\ntwo.site.com A 203.0.113.1\ntwo.site.com CNAME .",
        "*.site.com CNAME *.")
def test_Z4_a_cname_beside_other_records_first_decides(say):
    """The first record of an owner that means something decides; what contradicts it is skipped."""
    assert say("www.site.com") == "nxdomain"
    assert say("two.site.com") == "203.0.113.1"


@policy("www.site.com CNAME .\nwww.site.com CNAME .\ntwo.site.com CNAME .\ntwo.site.com CNAME *.\n"
        "mail.site.com A 203.0.113.1\nmail.site.com A 203.0.113.1",
        "*.site.com A 203.0.113.9")
def test_Z5_duplicates_count_once_and_the_first_of_others(say):
    assert say("www.site.com") == "nxdomain"
    assert say("two.site.com") == "nxdomain"
    assert say("mail.site.com") == "203.0.113.1"


@policy("WWW.Site.COM CNAME .\ntwo.site.com. CNAME .\nMAIL.site.com.RPZ.%APEX%. CNAME .\n"
        "32.3.2.0.192.RPZ-IP CNAME .",
        "*.site.com CNAME *.")
def test_Z6_owners_are_below_the_apex_in_any_case(say):
    """A name with a dot at its end is absolute: outside of the zone, no rule for two.site.com."""
    assert say("www.site.com") == "nxdomain" and say("wWw.sItE.cOm") == "nxdomain"
    assert say("two.site.com") == "nodata"
    assert say("mail.site.com") == "nxdomain"


@policy("""
    www.site.com.rpz-mystery A 203.0.113.1
    two.site.com CNAME rpz-mystery.
    six.site.com CNAME child.rpz-mystery.
    mail.site.com CNAME walled.garden.org.""",
        "*.site.com CNAME *.\nwww.site.com.rpz-mystery A 203.0.113.2")
def test_Z7_what_begins_with_rpz_is_never_a_name(say):
    """Neither a trigger nor an action: an error of that line only."""
    assert say("www.site.com.rpz-mystery") == "nxdomain"
    assert say("two.site.com") == "nodata" and say("six.site.com", "AAAA") == "nodata"
    assert say("mail.site.com") == "cname walled.garden.org. 203.0.113.80"


@policy("www.site.com CNAME www.site.com.", "*.site.com CNAME .")
def test_Z8_the_old_passthru_is_known(say):
    assert say("www.site.com") == "192.0.2.1"
    assert say("two.site.com") == "nxdomain"


@policy("""
    32.1.2.0.192.rpz-ip CNAME .
    32.02.2.0.192.rpz-ip CNAME .
    1.2.0.192.rpz-ip CNAME .
    33.5.2.0.192.rpz-ip CNAME .
    0.0.0.0.0.rpz-ip CNAME .
    24.2.0.192.rpz-ip CNAME .
    32.20.2.0x0.192.rpz-ip CNAME .""",
        "24.0.2.0.192.rpz-ip CNAME *.")
def test_Z9_ipv4_triggers_have_one_form(say):
    assert say("www.site.com") == "nxdomain"
    for name in ("mail.site.com", "a.b.c.site.com", "x.w.site.com", "www.sub.site.com", "two.site.com"):
        assert say(name) == "nodata", name


def test_Z9_a_wrong_trigger_is_told_with_its_line(start_weir, tmp_path):
    w, said = checked(start_weir, tmp_path, "www.site.com CNAME .\n1.2.0.192.rpz-ip CNAME .")
    assert re.search(r"\b6\b", said) and w.ask("www.site.com", source="127.0.0.9").rcode() == 3


@policy("128.1.zz.db8.2001.rpz-ip CNAME *.\n128.1.zz.1.0.0.db8.2001.rpz-ip A 203.0.113.1\n"
        "128.1.zz.1.0.0.db8.2001.rpz-ip AAAA 2001:db8:ff::1\n"
        "128.280.c000.zz.0db8.2001.rpz-ip CNAME .\n128.60.zz.zz.2001.rpz-ip CNAME .",
        "32.0.db8.2001.rpz-ip CNAME .\n32.zz.db8.2001.rpz-ip CNAME rpz-drop.")
def test_Z10_ipv6_triggers(say):
    """Of two equal runs of zeros the last, as RFC 5952 reads them, is zz; no leading zeros, one zz."""
    assert say("www.site.com", "AAAA") == "nodata"
    assert say("runs.site.com", "AAAA") == "2001:db8:ff::1"
    assert say.is_silent("mixed.site.com", "AAAA")
    assert say.is_silent("www.signed.com", "AAAA")


@policy("128.1.0.0.1.zz.db8.2001.rpz-ip AAAA 2001:db8:ff::2\n128.1.0.0.0.0.0.db8.2001.rpz-ip AAAA 2001:db8:ff::3",
        "32.zz.db8.2001.rpz-ip CNAME .")
def test_Z10_other_spellings_are_taken(say):
    assert say("runs.site.com", "AAAA") == "2001:db8:ff::2"
    assert say("www.site.com", "AAAA") == "2001:db8:ff::3"


@policy("24.1.2.0.192.rpz-ip CNAME .\n8.2.0.0.127.rpz-client-ip CNAME rpz-drop.\n64.1.zz.db8.2001.rpz-ip CNAME .",
        "24.0.2.0.192.rpz-ip CNAME *.\n32.zz.db8.2001.rpz-ip CNAME *.")
def test_Z11_bits_behind_the_prefix_are_an_error(say):
    assert say("www.site.com") == "nodata"
    assert say("www.site.com", "AAAA") == "nodata"


@policy(*[f"every.any.seen.org A 203.0.113.{n}\nn{n}.any.seen.org A 203.0.113.{n}" for n in range(1, 81)])
def test_Z12_eighty_zones_in_order(say):
    """More than 64 are supported; the first has the word, the last is heard."""
    assert say("every.any.seen.org") == "203.0.113.1"
    for n in (2, 63, 64, 65, 66, 80):
        assert say(f"n{n}.any.seen.org") == f"203.0.113.{n}"
