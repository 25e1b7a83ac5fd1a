# SPDX-License-Identifier: GPL-3.0-or-later
"""P: which rule wins. `strict` is the draft's order; what is said of both modes holds in both."""

import concurrent.futures

from groups import EARLY, STRICT, policy, zone


@policy("www.site.com A 203.0.113.1\n32.1.113.0.203.rpz-ip CNAME .\n32.1.2.0.192.rpz-ip CNAME *.\n"
        "two.site.com CNAME rpz-passthru.\n32.10.2.0.192.rpz-ip CNAME .",
        "www.site.com CNAME *.\ntwo.site.com CNAME .")
def test_P1_one_rule_rewrites(say):
    """What it made is judged by no other; a passthru is one too."""
    assert say("www.site.com") == "203.0.113.1"
    assert say("two.site.com") == "192.0.2.10 192.0.2.200"


@policy("www.other.net CNAME .\n32.1.100.51.198.rpz-ip CNAME .", "hop.site.com CNAME *.",
        "far.site.com A 203.0.113.1")
def test_P2_an_earlier_stage_before_an_earlier_zone(say):
    assert say("hop.site.com") == "nodata"
    assert say("far.site.com") == "203.0.113.1"
    assert say("www.other.net") == "nxdomain"


@policy("far.site.com CNAME .\nwww.other.net CNAME .\n32.1.100.51.198.rpz-ip CNAME .", "six.site.com CNAME *.")
def test_P3_no_stages_for_any_cname_and_dname(say):
    """The question is for the alias itself: its targets do not count."""
    assert say("hop.site.com", "CNAME") == "far.site.com."
    assert say("hop.site.com", "ANY") != "nxdomain"
    assert say("d.site.com", "DNAME") == "other.net."
    assert say("hop.site.com") == "nxdomain"


@policy("32.1.2.60.127.rpz-nsip CNAME .", "www.site.com CNAME *.\n24.0.%NET%.rpz-client-ip CNAME *.", modes=STRICT)
def test_P4_nsip_of_zone_1_before_qname_and_client_of_zone_2(say):
    assert say("www.site.com") == "nxdomain"
    assert say("www.other.net") == "nodata"


@policy("32.1.2.0.192.rpz-ip CNAME .", "24.0.%NET%.rpz-client-ip CNAME *.", modes=STRICT)
def test_P4_ip_of_zone_1_before_client_of_zone_2(say):
    assert say("www.site.com") == "nxdomain" and say("mail.site.com") == "nodata"


@policy("ns1.site.com.rpz-nsdname A 203.0.113.1", "www.site.com CNAME .\n32.2.2.0.192.rpz-ip CNAME .",
        "*.site.com CNAME *.", modes=STRICT)
def test_P4_nsdname_of_zone_1_before_qname_and_ip_of_zone_2(say):
    assert say("www.site.com") == "203.0.113.1" and say("mail.site.com") == "203.0.113.1"


@policy("32.1.2.60.127.rpz-nsip CNAME .\n32.1.2.0.192.rpz-ip CNAME .", "www.site.com A 203.0.113.1",
        "24.0.%NET%.rpz-client-ip CNAME *.", modes=EARLY)
def test_P4_early_decides_by_client_and_name(say):
    """The other mode: what is known before anything is asked; zones in order among that."""
    assert say("www.site.com") == "203.0.113.1"
    assert say("www.other.net") == "nodata"
    say.truth("www.site.com")  # now the answer is at hand
    explained = say.weir.cli("explain", "--client", say.group.client(), "www.site.com").stdout
    (strict,) = [line for line in explained.split("\n") if line.startswith("Strict")]
    assert "NXDOMAIN" in strict, explained


@policy("*.site.com CNAME .\n*.c.site.com CNAME *.\na.b.c.site.com A 203.0.113.1\n*.com A 203.0.113.2")
def test_P5_exact_before_wildcard_and_more_labels_before_fewer(say):
    assert say("a.b.c.site.com") == "203.0.113.1"
    assert say("x.c.site.com") == "nodata" and say("b.c.site.com") == "nodata"
    assert say("c.site.com") == "nxdomain" and say("www.site.com") == "nxdomain"
    assert say("site.com") == "203.0.113.2"


@policy("*.org.rpz-nsdname CNAME .\n*.hoster.org.rpz-nsdname CNAME *.\nns1.hoster.org.rpz-nsdname A 203.0.113.1\n"
        "*.site.com.rpz-nsdname CNAME *.\n*.com.rpz-nsdname CNAME .")
def test_P5_names_of_servers_too(say):
    assert say("www.other.net") == "203.0.113.1", "ns2 is met by wildcards only"
    assert say("www.seen.org") == "nodata" and say("www.site.com") == "nodata"
    assert say("www.canonical.org") == "nxdomain"


ALL_FIVE = """
    24.0.%NET%.rpz-client-ip A 203.0.113.1
    *.site.com A 203.0.113.2
    8.0.0.0.192.rpz-ip A 203.0.113.3
    8.0.0.0.198.rpz-ip A 203.0.113.3
    *.com.rpz-nsdname A 203.0.113.4
    *.hoster.org.rpz-nsdname A 203.0.113.4
    16.0.0.60.127.rpz-nsip A 203.0.113.5"""


def below(n):
    """The rules of ALL_FIVE from the n-th kind on."""
    kinds = ("rpz-client-ip", "*.site", "rpz-ip", "rpz-nsdname", "rpz-nsip")
    return "\n".join(line for line in ALL_FIVE.split("\n") if line and not any(k in line for k in kinds[:n]))


@policy(ALL_FIVE)
def test_P6_client_address_first(say):
    assert say("www.site.com") == "203.0.113.1" and say("www.other.net") == "203.0.113.1"


@policy(below(1))
def test_P6_then_the_name(say):
    assert say("www.site.com") == "203.0.113.2" and say("tosigned.site.com") == "203.0.113.2"


@policy(below(2), modes=STRICT)
def test_P6_then_addresses_in_the_answer(say):
    assert say("www.site.com") == "203.0.113.3" and say("www.other.net") == "203.0.113.3"


@policy(below(3))
def test_P6_then_names_of_servers(say):
    assert say("www.site.com") == "203.0.113.4" and say("www.other.net") == "203.0.113.4"


@policy(below(4))
def test_P6_then_addresses_of_servers(say):
    assert say("www.site.com") == "203.0.113.5" and say("www.split.org") == "203.0.113.5"


@policy("ns.yljkjljk.a.example.names.org.rpz-nsdname A 203.0.113.1\n"
        "ns.zabc.a.example.names.org.rpz-nsdname A 203.0.113.2\n"
        "ns.z.a.example.names.org.rpz-nsdname A 203.0.113.3")
def test_P7_the_last_server_in_canonical_order(say):
    """The draft's names of one length: zABC.a.EXAMPLE, Z.a.example, yljkjljk.a.example."""
    assert say("www.canonical.org") == "203.0.113.2"


@policy("ns.a.example.names.org.rpz-nsdname A 203.0.113.1\nns.z.example.names.org.rpz-nsdname A 203.0.113.2")
def test_P7_z_example_before_a_example(say):
    assert say("www.canonical.org") == "203.0.113.2"


@policy("*.yljkjljk.a.example.names.org.rpz-nsdname A 203.0.113.1\n*.z.a.example.names.org.rpz-nsdname A 203.0.113.2\n"
        "ns2.hoster.org.rpz-nsdname CNAME .\nns1.hoster.org.rpz-nsdname CNAME *.")
def test_P7_the_servers_name_counts_not_the_rules(say):
    assert say("www.canonical.org") == "203.0.113.2"
    assert say("www.other.net") == "nxdomain", "ns2 is behind ns1"


@policy("24.0.%NET%.rpz-client-ip A 203.0.113.1\n28.16.%NET%.rpz-client-ip CNAME rpz-passthru.\n"
        "32.17.%NET%.rpz-client-ip CNAME rpz-tcp-only.")
def test_P8_the_longest_prefix_of_client_addresses(say):
    assert say("www.site.com", host=1) == "203.0.113.1"
    assert say("www.site.com", host=18) == "192.0.2.1"
    assert say("www.site.com", host=17) == "tcp-only"


@policy("24.0.2.0.192.rpz-ip CNAME .\n31.200.2.0.192.rpz-ip CNAME *.\n"
        "64.zz.db8.2001.rpz-ip CNAME .\n128.1.zz.1.0.db8.2001.rpz-ip A 203.0.113.1\n"
        "128.1.zz.1.0.db8.2001.rpz-ip AAAA 2001:db8:ff::1\n127.zz.db8.2001.rpz-ip CNAME *.")
def test_P8_the_longest_prefix_of_answers(say):
    assert say("www.site.com") == "nxdomain" and say("two.site.com") == "nodata"
    assert say("six.site.com", "AAAA") == "2001:db8:ff::1", "of two addresses the one of the longer prefix"
    assert say("www.site.com", "AAAA") == "nodata"


@policy("24.0.2.60.127.rpz-nsip CNAME .\n32.12.2.60.127.rpz-nsip CNAME *.\n16.0.0.60.127.rpz-nsip CNAME rpz-drop.\n"
        "64.zz.60.fd00.rpz-nsip A 203.0.113.1", modes=STRICT)
def test_P8_the_longest_prefix_of_servers_and_ipv4_counts_96_more(say):
    """www.sixns.org: 127.60.2.11 by a /24 that counts as 120, fd00:60::2:13 by a /64."""
    assert say("www.site.com") == "nxdomain" and say("www.other.net") == "nodata"
    assert say("www.sixns.org") == "nxdomain"


@policy("25.0.2.0.192.rpz-ip A 203.0.113.1\n25.128.2.0.192.rpz-ip A 203.0.113.2")
def test_P9_the_smaller_address(say):
    """two.site.com has 192.0.2.10 and 192.0.2.200."""
    assert say("two.site.com") == "203.0.113.1"
    assert say("h0.g00.com") == "203.0.113.2"


@policy("24.0.2.60.127.rpz-nsip CNAME .\n120.0.2.zz.60.fd00.rpz-nsip CNAME *.", modes=STRICT)
def test_P9_ipv4_is_smaller_than_ipv6(say):
    """www.sixns.org has servers of both families; both rules have 120 bits."""
    assert say("www.sixns.org") == "nxdomain"


@policy("*.site.com CNAME rpz-drop.\nwww.site.com CNAME rpz-passthru.\n*.w.site.com CNAME .",
        zone("mail.site.com CNAME rpz-passthru.\nwww.other.net CNAME rpz-passthru.", action="nxdomain"),
        "www.other.net CNAME *.")
def test_P10_actions_play_no_part(say):
    assert say("www.site.com") == "192.0.2.1"
    assert say.is_silent("mail.site.com") and say("x.w.site.com") == "nxdomain"
    assert say("www.other.net") == "nxdomain", "an override counts as its rule"


@policy(zone("www.site.com CNAME .\n32.2.2.0.192.rpz-ip CNAME .\n24.0.%NET%.rpz-client-ip CNAME .", shadow=True),
        zone("www.site.com CNAME rpz-drop.", action="log"),
        "www.site.com CNAME *.\nmail.site.com A 203.0.113.1")
def test_P11_disabled_zones_report_and_the_next_rule_is_taken(say):
    assert say("www.site.com") == "nodata" and say("mail.site.com") == "203.0.113.1"
    assert say("two.site.com") == "192.0.2.10 192.0.2.200"
    event = say.weir.wait_event(lambda e: e.get("client", {}).get("ip") == say.group.client()
                                and e["dns"]["question"]["name"] == "www.site.com", limit_s=15)
    assert event["weir"]["shadow"]["list"] == f"{say.group.name}-1", event
    assert event["weir"]["logged"]["list"] == f"{say.group.name}-2", event


MANY = ("32.1.2.60.127.rpz-nsip CNAME .\n24.0.100.51.198.rpz-ip A 203.0.113.1",
        "www.other.net CNAME *.\nmail.site.com CNAME rpz-passthru.\nhop.site.com CNAME rpz-passthru.",
        "*.site.com CNAME rpz-passthru.\nns1.hoster.org.rpz-nsdname CNAME *.")
MANY_TOLD = {"strict": {"www.site.com": "nxdomain", "mail.site.com": "nxdomain", "www.other.net": "203.0.113.1",
                        "hop.site.com": "nxdomain", "www.sixns.org": "203.0.113.1", "www.split.org": "203.0.113.1"},
             "early": {"www.site.com": "192.0.2.1", "mail.site.com": "192.0.2.2", "www.other.net": "nodata",
                       "hop.site.com": "198.51.100.1", "www.sixns.org": "nodata",
                       "www.split.org": "203.0.113.1"}}


@policy(*MANY)
def test_P12_cold_and_warm_alike(say, mode):
    for _ in range(2):  # cold or warmed by others; then warm
        for name, told in MANY_TOLD[mode].items():
            assert say(name) == told, name
    for name in MANY_TOLD[mode]:
        say.truth(name)  # without policy
    for name, told in reversed(MANY_TOLD[mode].items()):
        assert say(name) == told, name


@policy("ns1.site.com.rpz-nsdname CNAME rpz-passthru.", "www.seen.org CNAME .", modes=EARLY)
def test_P12_a_passthru_holds_though_its_servers_were_asked_just_now(say):
    for _ in range(2):  # nobody else asks for this name
        assert say("unasked.site.com") == "198.51.100.20"


@policy(*MANY)
def test_P12_at_the_same_time(say, mode):
    names = list(MANY_TOLD[mode]) * 20
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for name, told in zip(names, pool.map(say, names)):
            assert told == MANY_TOLD[mode][name], name


@policy("30.200.2.0.192.rpz-ip A 203.0.113.1\n29.8.2.0.192.rpz-ip A 203.0.113.2\n"
        "25.128.2.0.192.rpz-ip A 203.0.113.4\n26.128.100.51.198.rpz-ip A 203.0.113.3")
def test_P13_the_order_in_the_packet_has_no_effect(say):
    """Two addresses, a rule for each: the longer prefix, although its address is the larger."""
    for _ in range(6):
        assert say("two.site.com") == "203.0.113.1"
        assert say("h1.g00.com") == "203.0.113.3"


@policy("32.1.2.0.192.rpz-ip CNAME .", "www.site.com CNAME *.\nns1.site.com.rpz-nsdname CNAME rpz-drop.",
        modes=STRICT)
def test_P14_no_zone_2_before_an_answer_rule_of_zone_1(say):
    """PowerDNS would act on zone 2's name, Unbound on zone 2's name server, before the answer is there."""
    assert say("www.site.com") == "nxdomain"
    assert say.is_silent("two.site.com")
