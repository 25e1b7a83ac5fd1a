# SPDX-License-Identifier: GPL-3.0-or-later
"""T: what rules are compared with."""

import dns.edns

from conftest import PLAIN
from groups import STRICT, policy, zone

import policyzone



@policy("*.site.com A 203.0.113.1\nmail.site.com CNAME *.",
        "site.com A 203.0.113.2\n*.mail.site.com A 203.0.113.3")
def test_T1_exact_and_wildcard(say):
    assert say("www.site.com") == "203.0.113.1" and say("a.b.c.site.com") == "203.0.113.1"
    assert say("site.com") == "203.0.113.2", "a wildcard is not for the name itself"
    assert say("mail.site.com") == "nodata"
    assert say("xsite.com") == "nxdomain" and say("wwwsite.com") == "nxdomain"


@policy("*.any.seen.org A 203.0.113.1\na.b.any.seen.org A 203.0.113.2", "*.seen.org CNAME .")
def test_T2_an_empty_non_terminal_hides_no_wildcard(say):
    """Our choice; BIND says nxdomain (by zone 2) for the two in the middle."""
    assert say("a.b.any.seen.org") == "203.0.113.2"
    assert say("b.any.seen.org") == "203.0.113.1"
    assert say("z.b.any.seen.org") == "203.0.113.1"
    assert say("z.any.seen.org") == "203.0.113.1"


@policy("www.other.net CNAME .\nwww.seen.org A 203.0.113.1",
        "*.other.net CNAME *.\n32.1.100.51.198.rpz-ip CNAME rpz-drop.\n32.20.100.51.198.rpz-ip CNAME rpz-drop.")
def test_T3_every_target_is_compared(say):
    assert say("hop.site.com") == "nxdomain", "the second CNAME's target"
    assert say("www.d.site.com") == "nxdomain", "a DNAME's target"
    assert say("toseen.site.com") == "203.0.113.1"


@policy("32.7.%NET%.rpz-client-ip CNAME .\n29.16.%NET%.rpz-client-ip CNAME *.", "www.site.com A 203.0.113.1")
def test_T4_the_client_is_who_sends(say):
    """There is one address: that of the sender. A client subnet option is not believed."""
    assert say("www.site.com", host=7) == "nxdomain"
    assert say("www.site.com", host=17) == "nodata"
    assert say("www.site.com", host=8) == "203.0.113.1"
    for host, told in ((7, "nxdomain"), (8, "203.0.113.1")):
        subnet = dns.edns.ECSOption(say.group.client(15 - host), 32)
        assert say("www.site.com", host=host, options=[subnet]) == told


@policy("32.2.2.0.192.rpz-ip CNAME .\n24.0.2.60.127.rpz-ip CNAME .\n16.0.0.60.127.rpz-ip CNAME .",
        "site.com MX 5 walled.garden.org.\nwww.site.com A 203.0.113.1")
def test_T5_addresses_of_the_answer_section_only(say):
    """The MX's address would be additional, those of the servers come in referrals."""
    assert say("site.com", "MX") == "5 walled.garden.org."
    assert say("www.site.com") == "203.0.113.1"
    assert say("mail.site.com") == "nxdomain"


@policy("32.9.113.0.203.rpz-ip CNAME .", "32.9.113.0.203.rpz-ip CNAME rpz-drop.")
def test_T6_hints_of_https_records_in_early_only(say, mode):
    told = say("hint.site.com", "HTTPS")
    assert told == "nxdomain" if mode == "early" else "ipv4hint" in told


@policy("ns1.site.com.rpz-nsdname A 203.0.113.1\nns2.hoster.org.rpz-nsdname A 203.0.113.2",
        "32.20.2.0.192.rpz-ip CNAME .\n32.1.100.51.198.rpz-ip CNAME .")
def test_T7_name_servers_of_every_delegation_above(say):
    assert say("www.sub.site.com") == "203.0.113.1", "the zone above"
    assert say("www.other.net") == "203.0.113.2"


@policy("ns2.hoster.org.rpz-nsdname A 203.0.113.2", "32.1.100.51.198.rpz-ip CNAME .")
def test_T7_and_those_of_targets(say):
    assert say("hop.site.com") == "203.0.113.2"
    assert say("www.site.com") == "192.0.2.1"


@policy("32.1.2.60.127.rpz-nsip A 203.0.113.1\n128.13.2.zz.60.fd00.rpz-nsip A 203.0.113.3\n"
        "32.14.2.60.127.rpz-nsip A 203.0.113.2",
        "24.0.2.0.192.rpz-ip CNAME .\n24.0.100.51.198.rpz-ip CNAME .\n32.1.3.60.127.rpz-nsip CNAME *.")
def test_T8_addresses_of_name_servers(say):
    assert say("www.sub.site.com") == "203.0.113.1"
    assert say("www.seen.org") == "203.0.113.2"
    assert say("www.sixns.org") == "203.0.113.3", "an AAAA record of one of two servers"


@policy("ns2.site.com.rpz-nsdname A 203.0.113.1\nns1.hoster.org.rpz-nsdname A 203.0.113.2\n"
        "32.19.2.60.127.rpz-nsip A 203.0.113.3",
        "*.com CNAME .\n*.net CNAME .\n*.org CNAME .", modes=STRICT)
def test_T9_all_servers_count_not_the_one_asked(say):
    """Many names, so that each server would be asked for some."""
    for name in ("www", "two", "mail", "x.w", "y.w", "z.w", "a.b.c"):
        assert say(f"{name}.site.com") == "203.0.113.1", name
    assert say("www.other.net") == "203.0.113.2" and say("www.sixns.org") == "203.0.113.2"
    assert say("www.signed.com") == "203.0.113.3"


@policy("parent.split.org.rpz-nsdname A 203.0.113.1", "www.split.org CNAME *.", modes=STRICT)
def test_T10_servers_are_those_that_the_parent_names(say):
    """Our choice: the delegation, which is what is followed, decides."""
    assert say("www.split.org") == "203.0.113.1"


@policy("child.split.org.rpz-nsdname A 203.0.113.1\n32.16.2.60.127.rpz-nsip A 203.0.113.2",
        "www.split.org CNAME *.", modes=STRICT)
def test_T10_not_those_that_only_the_zone_names(say):
    assert say("www.split.org") == "nodata"
    assert say("www.split.org", "TXT") == "nodata"


@policy("ns1.com.rpz-nsdname CNAME .", zone("ns2.com.rpz-nsdname CNAME *.", min_ns_dots=0),
        zone("ns1.sub.site.com.rpz-nsdname A 203.0.113.1", min_ns_dots=2))
def test_T11_zones_with_few_dots_are_spared(say):
    assert say("www.site.com") == "nodata"
    assert say("www.sub.site.com") == "nodata"


@policy(zone("ns1.site.com.rpz-nsdname CNAME .\nns1.sub.site.com.rpz-nsdname A 203.0.113.1", min_ns_dots=2))
def test_T11_more_dots_spare_more(say):
    assert say("www.site.com") == "192.0.2.1"
    assert say("www.sub.site.com") == "203.0.113.1"


@policy("www.site.com CNAME .", "www.site.com CNAME rpz-passthru.")
def test_T12_every_type_of_question_is_met(say):
    for rdtype in ("A", "AAAA", "DS", "NS", "SOA", "ANY", "HTTPS", "CNAME", "TYPE65400"):
        assert say("www.site.com", rdtype) == "nxdomain", rdtype


@policy("lone.hoster.org.rpz-nsdname A 203.0.113.1\n32.20.100.51.198.rpz-ip CNAME .\nwww.seen.org CNAME .")
def test_T13_targets_do_not_exist_for_a_question_for_the_alias(say):
    assert say("toseen.site.com", "CNAME") == "www.seen.org."
    assert say("toseen.site.com") == "nxdomain"


@policy("32.0.0.0.0.rpz-ip CNAME .\n8.0.0.0.192.rpz-ip CNAME *.\n8.0.0.0.198.rpz-ip CNAME *.")
def test_T13_what_cannot_be_resolved_has_no_addresses(say):
    assert say("tobroken.site.com") == "servfail"


def test_T14_forwarding_has_no_name_servers(weir, start_weir, tmp_path):
    """Rules on name servers do nothing there; the others do."""
    path = tmp_path / "f.zone"
    path.write_text(policyzone.zone_text("rpz.forward", [
        "ns1.site.com.rpz-nsdname CNAME .", "16.0.0.60.127.rpz-nsip CNAME .", "32.10.2.0.192.rpz-ip CNAME .",
        "mail.site.com CNAME ."]))
    w = start_weir([{"name": "f", "file": str(path), "format": "rpz"}],
                   [{"name": "all", "clients": ["127.0.0.0/8"], "lists": ["f"], "evaluation": "strict"}],
                   {"resolver": {"forward": [{"zone": ".", "to": [f"127.0.0.1@{weir.port}"]}]}})
    assert [r.address for r in w.ask("www.site.com").answer[0]] == ["192.0.2.1"]
    assert w.ask("two.site.com").rcode() == 3 and w.ask("mail.site.com").rcode() == 3


@policy("ns1.site.com CNAME .\n*.hoster.org CNAME .\n32.1.2.60.127.rpz-ip CNAME .", "www.other.net A 203.0.113.1")
def test_T15_rules_on_names_are_no_rules_on_servers_by_default(say):
    assert say("www.site.com") == "192.0.2.1"
    assert say("www.other.net") == "203.0.113.1"


TWINS = ("ns1.site.com A 203.0.113.1\n*.hoster.org CNAME *.\n*.org CNAME .\n32.13.2.60.127.rpz-ip A 203.0.113.3\n"
         "32.19.2.60.127.rpz-ip A 203.0.113.4\nwww.signed.com CNAME rpz-passthru.")
BEHIND = "24.0.2.0.192.rpz-ip CNAME rpz-drop.\n24.0.100.51.198.rpz-ip CNAME rpz-drop.\n*.com CNAME rpz-drop."


def written_out(text):
    """The zone with the twin of each rule on a name or on an address of an answer."""
    out = []
    for line in text.split("\n"):
        owner, rest = line.split(" ", 1)
        twin = owner.replace(".rpz-ip", ".rpz-nsip") if owner.endswith(".rpz-ip") else owner + ".rpz-nsdname"
        out += [line, f"{twin} {rest}"]
    return "\n".join(out)


def twins_hold(say):
    assert say("ns1.site.com") == "203.0.113.1" and say("www.site.com") == "203.0.113.1"
    assert say("www.other.net") == "nodata", "*.hoster.org has more labels than *.org"
    assert say("www.sixns.org") == "nxdomain", "the name goes before the server's"
    assert say("alias.signed.com") == "203.0.113.4" and say("www.signed.com") == "192.0.2.60"


@policy(zone(TWINS, qname_as_ns=True, ip_as_ns=True), BEHIND, modes=STRICT)
def test_T15_rules_count_for_servers_as_well(say):
    twins_hold(say)


@policy(written_out(TWINS), BEHIND, modes=STRICT)
def test_T15_as_if_the_twins_were_written(say):
    twins_hold(say)


@policy(zone("ns1.site.com CNAME .\n32.19.2.60.127.rpz-ip A 203.0.113.4", qname_as_ns=True),
        zone("ns1.site.com CNAME .\n32.19.2.60.127.rpz-ip A 203.0.113.5", ip_as_ns=True), modes=STRICT)
def test_T15_each_kind_by_itself(say):
    assert say("www.site.com") == "nxdomain"
    assert say("www.signed.com") == "203.0.113.5"


@policy(zone("ns1.site.com CNAME rpz-passthru.\nns1.site.com.rpz-nsdname CNAME *.", qname_as_ns=True),
        "www.site.com A 203.0.113.1", modes=STRICT)
def test_T15_what_is_written_for_servers_goes_before_a_twin(say):
    assert say("www.site.com") == "nodata"
