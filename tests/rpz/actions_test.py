# SPDX-License-Identifier: GPL-3.0-or-later
"""A: what is done. Zone 2 would always do something else."""

import dns.flags
import dns.rdatatype

import wire
from groups import policy, zone
from replies import data, ede, rcode
from world import LONG

PASSTHRU = "*.site.com CNAME rpz-passthru."


def wire_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


@policy("www.site.com CNAME .", PASSTHRU)
def test_A1_nxdomain(say):
    reply = say.reply("www.site.com")
    assert rcode(reply) == "NXDOMAIN" and not reply.answer


@policy("www.site.com CNAME *.", PASSTHRU)
def test_A2_nodata_for_every_type(say):
    for rdtype in ("A", "AAAA", "TXT", "MX", "ANY", "CNAME"):
        reply = say.reply("www.site.com", rdtype)
        assert rcode(reply) == "NOERROR" and not reply.answer, rdtype


@policy("hop.site.com CNAME rpz-passthru.\nwww.site.com CNAME rpz-passthru.\nfar.site.com CNAME *.",
        "hop.site.com CNAME .\nwww.other.net CNAME .\n32.1.100.51.198.rpz-ip CNAME rpz-drop.\n"
        "ns1.hoster.org.rpz-nsdname CNAME .\n32.1.2.0.192.rpz-ip CNAME .\nns1.site.com.rpz-nsdname CNAME .")
def test_A3_passthru_ends_all_policy(say):
    """Later zones, later hops, other triggers: of the zone itself too."""
    reply = say.reply("hop.site.com")
    assert data(reply, "CNAME") == ["far.site.com.", "www.other.net."] and data(reply, "A") == ["198.51.100.1"]
    assert say("www.site.com") == "192.0.2.1"
    assert say("far.site.com") == "nodata" and say("www.other.net") == "nxdomain"


@policy("www.site.com CNAME rpz-drop.", PASSTHRU)
def test_A4_drop(say):
    assert say.is_silent("www.site.com")
    with wire.connect(say.weir.address, say.weir.port, timeout_s=15, source=say.group.client()) as s:
        dropped = wire.message(ident=1, questions=[wire.question(wire_name("www.site.com"))])
        s.sendall(wire.framed(dropped) + wire.framed(wire.message(ident=2, questions=[
            wire.question(wire_name("two.site.com"))])))
        assert wire.Reply(wire.read_reply(s)).id == 2


@policy("www.site.com CNAME rpz-tcp-only.\nhop.site.com CNAME rpz-tcp-only.",
        "*.site.com CNAME .\n32.1.2.0.192.rpz-ip CNAME *.\nwww.other.net CNAME .")
def test_A5_tcp_only(say):
    """Over TCP it is a passthru: the one rule that wins."""
    reply = say.reply("www.site.com")
    assert reply.flags & dns.flags.TC and not reply.answer
    assert say("www.site.com", tcp=True) == "192.0.2.1"
    assert say("hop.site.com") == "tcp-only" and say("hop.site.com", tcp=True) == "198.51.100.1"


@policy('www.site.com A 203.0.113.1\nwww.site.com A 203.0.113.2\nwww.site.com TXT "local"\n'
        "two.site.com CNAME walled.garden.org.\nsix.site.com TYPE65400 \\# 2 0102",
        PASSTHRU)
def test_A6_local_data(say):
    assert say("www.site.com") == "203.0.113.1 203.0.113.2"
    assert say("www.site.com", "TXT") == '"local"'
    assert say("www.site.com", "AAAA") == "nodata" and say("www.site.com", "MX") == "nodata"
    every = say.reply("www.site.com", "ANY")
    assert data(every, "A") == ["203.0.113.1", "203.0.113.2"] and data(every, "TXT") == ['"local"']
    assert say("two.site.com") == "cname walled.garden.org. 203.0.113.80"
    assert say("six.site.com", "TYPE65400") == "\\# 2 0102" and say("six.site.com", "AAAA") == "nodata"


@policy(zone("www.site.com A 203.0.113.1\ntwo.site.com CNAME *.", local_data="or-passthru"), "*.site.com CNAME .")
def test_A7_or_passthru(say):
    """Only where local data have nothing of the type; other actions are as ever."""
    assert say("www.site.com") == "203.0.113.1"
    assert say("www.site.com", "AAAA") == "2001:db8::1" and say("www.site.com", "TXT") == '"truth"'
    assert say("two.site.com") == "nodata"


@policy(zone("www.site.com A 203.0.113.1\ntwo.site.com CNAME *.", local_data="or-disabled"), "*.site.com CNAME .")
def test_A7_or_disabled(say):
    assert say("www.site.com") == "203.0.113.1"
    assert say("www.site.com", "AAAA") == "nxdomain"
    assert say("two.site.com") == "nodata"


@policy("*.site.com CNAME *.garden.org.\nwww.other.net CNAME *.garden.org.", "*.site.com CNAME *.")
def test_A8_a_wildcard_target_takes_the_whole_name(say):
    assert say("www.site.com") == "cname www.site.com.garden.org. 203.0.113.81"
    assert say("a.b.c.site.com") == "cname a.b.c.site.com.garden.org. 203.0.113.81"
    assert say("hop.site.com") == "cname hop.site.com.garden.org. 203.0.113.81"
    assert say("www.other.net") == "cname www.other.net.garden.org. 203.0.113.81"


@policy("www.other.net CNAME *.garden.org.\n32.20.100.51.198.rpz-ip CNAME *.garden.org.\n"
        "ns1.hoster.org.rpz-nsdname CNAME *.garden.org.", "*.site.com AAAA 2001:db8:ff::1")
def test_A8_the_name_is_that_of_the_stage(say):
    assert say("far.other.net") == "cname far.other.net.garden.org. 203.0.113.81"
    assert say("www.seen.org") == "cname www.seen.org.garden.org. 203.0.113.81"


@policy("www.other.net CNAME *.garden.org.\n32.20.100.51.198.rpz-ip CNAME *.garden.org.\n"
        "ns1.hoster.org.rpz-nsdname CNAME *.garden.org.")
def test_A8_also_at_a_later_stage(say):
    for _ in range(2):
        assert say("hop.site.com") == "cname www.other.net.garden.org. 203.0.113.81"
        assert say("toseen.site.com") == "cname www.seen.org.garden.org. 203.0.113.81"
        assert say("x.d.site.com") == "cname x.other.net.garden.org. 203.0.113.81"


@policy("*.site.com CNAME *.garden.org.", "*.site.com CNAME *.")
def test_A8_a_name_that_gets_too_long_fails(say):
    """There is no name to lead to; it is not cut."""
    longest = f"{LONG}.{'m' * 53}.site.com"
    assert len(longest) + 2 <= 255 < len(longest) + 2 + len("garden.org.")
    reply = say.reply(longest)
    assert rcode(reply) == "SERVFAIL" and not reply.answer


@policy("www.site.com CNAME alias.garden.org.\ntwo.site.com CNAME alias2.garden.org.", PASSTHRU)
def test_A9_the_chain_behind_a_target_is_completed(say):
    assert say("www.site.com") == "cname alias.garden.org. cname walled.garden.org. 203.0.113.80"
    assert say("www.site.com", "AAAA") == "cname alias.garden.org. cname walled.garden.org. 2001:db8:ff::80"
    assert say("two.site.com") == "cname alias2.garden.org. 198.51.100.20"


@policy("www.site.com CNAME alias.garden.org.\nwalled.garden.org CNAME .\n32.80.113.0.203.rpz-ip CNAME *.\n"
        "alias.garden.org CNAME *.\nns1.garden.org.rpz-nsdname CNAME .",
        "24.0.113.0.203.rpz-ip CNAME rpz-drop.")
def test_A10_what_policy_made_is_not_judged(say):
    assert say("www.site.com") == "cname alias.garden.org. cname walled.garden.org. 203.0.113.80"
    assert say("walled.garden.org") == "nxdomain" and say("alias.garden.org") == "nodata"


def soa_of(reply, section):
    return [s.name.to_text().lower() for s in section if s.rdtype == dns.rdatatype.SOA]


@policy("www.site.com CNAME .\ntwo.site.com A 203.0.113.1\nhop.site.com CNAME *.\n"
        "32.2.2.0.192.rpz-ip CNAME .", zone("six.site.com CNAME .", soa=False))
def test_A11_the_zones_soa_is_additional(say):
    for name in ("www", "two", "hop", "mail"):
        reply = say.reply(f"{name}.site.com")
        (owner,) = soa_of(reply, reply.additional)
        assert owner == f"rpz.{say.group.name}-1.".lower(), name
        assert not any(soa_of(reply, s) for s in (reply.answer,))
    reply = say.reply("six.site.com")
    assert rcode(reply) == "NXDOMAIN" and not soa_of(reply, reply.additional)
    reply = say.reply("www.other.net")
    assert not soa_of(reply, reply.additional)


@policy("www.site.com 3000 A 203.0.113.1\ntwo.site.com 2 A 203.0.113.1",
        zone("mail.site.com 3000 A 203.0.113.1\nsix.site.com 70 AAAA 2001:db8:ff::1", max_ttl="100s"))
def test_A12_the_ttl_is_the_rules_up_to_a_limit(say):
    """5 seconds, as in BIND, unless configured."""
    def ttl(name, rdtype="A"):
        return say.reply(name, rdtype).answer[0].ttl
    assert ttl("www.site.com") == 5 and ttl("two.site.com") == 2
    assert ttl("mail.site.com") == 100 and ttl("six.site.com", "AAAA") == 70


@policy("www.signed.com A 203.0.113.1\nalias.signed.com CNAME .", PASSTHRU)
def test_A13_nothing_of_dnssec_in_what_is_rewritten(say):
    for name in ("www.signed.com", "alias.signed.com"):
        for _ in range(2):
            reply = say.reply(name, want_dnssec=True)
            kinds = {s.rdtype for section in (reply.answer, reply.authority, reply.additional) for s in section}
            assert not kinds & {dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3}
            assert not reply.flags & (dns.flags.AD | dns.flags.AA) and reply.flags & dns.flags.RA
    assert data(say.reply("www.signed.com", want_dnssec=True), "A") == ["203.0.113.1"]


@policy(zone("www.site.com CNAME .", ede=17, ede_text="the reason"), zone("two.site.com CNAME .", ede=0),
        zone("www.other.net CNAME .\nlone.hoster.org.rpz-nsdname CNAME *.\n32.2.2.0.192.rpz-ip CNAME .", ede=16))
def test_A14_extended_errors(say):
    """By the zone; also in the middle of a resolution, from the cache, and only where there is an OPT."""
    for _ in range(2):
        assert ede(say.reply("www.site.com")) == [(17, "the reason")]
        assert ede(say.reply("two.site.com")) == []
        for name in ("hop.site.com", "www.seen.org", "mail.site.com", "toseen.site.com"):
            assert [c for c, _ in ede(say.reply(name))] == [16], name
    reply = say.reply("www.site.com", use_edns=False)
    assert rcode(reply) == "NXDOMAIN" and reply.edns < 0
