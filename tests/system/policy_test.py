# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy through the daemon: formats, actions, matches, groups, edits; cold and warm.

Names below wild.org all resolve (a wildcard), so a block is seen at once.  Three kinds of clients:
127.0.0.1 has all lists, 127.0.0.2 has none and warms the cache, 127.0.0.3 is denied by default.
"""

import itertools
import json
import os
import time

import dns.exception
import dns.flags
import pytest

import wire
from replies import addresses, data, ede, ede_codes, rcode

STRICT, OPEN, DENIED, NARROW = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"
unique = (f"u{i}" for i in itertools.count())

# name -> (options, lines)
LISTS = {
    "nx": ({"format": "domains"}, ["# a comment", "nx.wild.org", "listed.alias.net", "deepest.alias.net",
                                   "DoTs.Wild.Org.", "", "not a name at all %%%", "bücher.wild.org",
                                   "both.wild.org", "late-hop.wild.org", "dname2.org"]),
    "exact": ({"format": "domains", "subdomains": False}, ["exact.wild.org"]),
    "nodata": ({"format": "domains", "action": "nodata", "ttl": "77s"}, ["nodata.wild.org"]),
    "refused": ({"format": "domains", "action": "refused", "ede": 16}, ["refused.wild.org"]),
    "drop": ({"format": "domains", "action": "drop"}, ["drop.wild.org"]),
    "tc": ({"format": "domains", "action": "truncate", "ede": 17}, ["tc.wild.org"]),
    "addr": ({"format": "domains", "action": "address", "addresses": ["192.0.2.200", "2001:db8::200"],
              "ede": 17}, ["addr.wild.org"]),
    "garden": ({"format": "domains", "action": "redirect", "target": "sink.garden.test"},
               ["garden.wild.org"]),
    "wild": ({"format": "wildcard"}, ["*.w1.wild.org", "w2.wild.org", "*.*.bad.wild.org"]),
    "hosts": ({"format": "hosts"}, ["127.0.0.1 localhost", "0.0.0.0 h1.wild.org h2.wild.org # c",
                                    "::1 h3.wild.org", "0.0.0.0 0.0.0.0"]),
    "ads": ({"format": "adblock"}, ["! title", "||ab.wild.org^", "@@||ok.ab.wild.org^",
                                    "||imp.ok.ab.wild.org^$important", "||script.wild.org^$script",
                                    "wild.org##.banner", "/regex\\.wild/", "||over.wild.org^"]),
    "allow": ({"format": "domains", "action": "allow"},
              ["good.nx.wild.org", "both.wild.org", "fromallowed.alias.net", "www.site01.net",
               "kept.attacker.test"]),
    "watch": ({"format": "domains", "action": "log"}, ["watch.wild.org", "watch2.nx.wild.org"]),
    "ips": ({"format": "addresses", "match": "answer", "ede": 17},
            ["203.0.113.0/24", "2001:db8:bad::/48", "# x", "300.1.1.1"]),
    "ns-names": ({"format": "domains", "match": "nameserver"}, ["ns1.attacker.test"]),
    "ns-ips": ({"format": "addresses", "match": "nameserver"}, ["GARDEN/32"]),
}


def write_lists(weir, lab, lists=LISTS):
    garden = lab.zone("garden.test").addrs[0]
    entries = []
    for name, (options, lines) in lists.items():
        path = os.path.join(weir.directory, name + ".list")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines).replace("GARDEN", garden) + "\n")
        entries.append({"name": name, "file": path, **options})
    weir.config["lists"] = entries


def groups():
    return [
        {"name": "strict", "clients": [STRICT, "::1"], "lists": list(LISTS)},
        {"name": "open", "clients": ["127.0.0.0/8"], "lists": []},
        {"name": "denied", "clients": [DENIED], "lists": ["allow", "nx"], "default": "deny"},
        {"name": "narrow", "clients": [NARROW], "lists": ["nodata"]},
    ]


@pytest.fixture(scope="module")
def weir(start_weir, lab):
    def prepare(w):
        write_lists(w, lab)
        w.config["groups"] = groups()
    return start_weir(prepare=prepare)


def blocked(reply, rule=None, code=15, wanted="NXDOMAIN"):
    """Is it a blocked answer, with its reason?"""
    errors = ede(reply)
    return rcode(reply) == wanted and any(
        c == code and (rule is None or rule in text) for c, text in errors)


def both_ways(weir, name, rdtype="A"):
    """The strict client's answer: cold, then warm after itself, then after a client without lists.

    And the open client's, which must never see the block.  Gives [cold, warm, warmed by others].
    """
    cold = weir.ask(name, rdtype)
    warm = weir.ask(name, rdtype)
    other = weir.ask(name, rdtype, source=OPEN)
    assert not any(15 <= c <= 18 for c in ede_codes(other)), name
    return [cold, warm, weir.ask(name, rdtype)]


# ---- formats ----

@pytest.mark.parametrize("name, rule", [
    ("nx.wild.org", "nx.wild.org"), ("a.b.nx.wild.org", "nx.wild.org"), ("NX.wild.ORG", "nx.wild.org"),
    ("dots.wild.org", "dots.wild.org"), ("xn--bcher-kva.wild.org", "xn--bcher-kva.wild.org"),
    ("exact.wild.org", "exact.wild.org"), ("x.w1.wild.org", "w1.wild.org"), ("w2.wild.org", "w2.wild.org"),
    ("deep.x.w2.wild.org", "w2.wild.org"), ("h1.wild.org", "h1.wild.org"), ("h2.wild.org", "h2.wild.org"),
    ("h3.wild.org", "h3.wild.org"), ("ab.wild.org", "ab.wild.org"), ("x.ab.wild.org", "ab.wild.org"),
    ("imp.ok.ab.wild.org", "imp.ok.ab.wild.org"), ("over.wild.org", "over.wild.org"),
    ("regex.wild.org", "/regex\\.wild/"),
])
def test_listed(weir, name, rule):
    for reply in both_ways(weir, name):
        assert blocked(reply, rule)
        assert any(rule in text and "list " in text for _, text in ede(reply))


@pytest.mark.parametrize("name", [
    "wild.org", "other.wild.org", "xnx.wild.org", "wx.exact.wild.org", "ok.ab.wild.org",
    "x.ok.ab.wild.org", "script.wild.org", "h1x.wild.org", "x.h1.wild.org",
    "good.nx.wild.org", "x.good.nx.wild.org", "both.wild.org", "watch.wild.org",
])
def test_not_listed_or_allowed(weir, name):
    reply = weir.ask(name)
    assert rcode(reply) == "NOERROR" and not ede_codes(reply), name


def test_every_type_is_blocked(weir):
    for rdtype in ("A", "AAAA", "TXT", "MX", "HTTPS", "NS", "SOA", "DS", "ANY", "TYPE65400"):
        assert blocked(weir.ask("nx.wild.org", rdtype), "nx.wild.org"), rdtype


# ---- actions ----

def test_nxdomain_has_a_soa_and_a_ttl(weir):
    reply = weir.ask("nx.wild.org")
    assert [r.rdtype for r in reply.authority] == [6] and reply.authority[0].ttl <= 30


def test_nodata(weir):
    reply = weir.ask("nodata.wild.org")
    assert blocked(reply, "nodata.wild.org", wanted="NOERROR") and not reply.answer
    assert reply.authority[0].ttl == 77


def test_refused(weir):
    assert blocked(weir.ask("refused.wild.org"), "refused.wild.org", 16, "REFUSED")


def test_drop(weir):
    with pytest.raises(dns.exception.Timeout):
        weir.ask("drop.wild.org", timeout_s=0.7)
    assert rcode(weir.ask("after-drop.wild.org")) == "NOERROR"


def test_drop_over_tcp_leaves_the_connection(weir):
    with wire.connect(weir.address, weir.port) as s:
        dropped = wire.message(ident=1, questions=[wire.question(b"\x04drop\x04wild\x03org\x00")])
        s.sendall(wire.framed(dropped) + wire.framed(wire.message(ident=2)))
        assert wire.Reply(wire.read_reply(s)).id == 2


def test_truncate(weir):
    over_udp = weir.ask("tc.wild.org", tcp=None)
    assert over_udp.flags & dns.flags.TC and not over_udp.answer and rcode(over_udp) == "NOERROR"
    assert addresses(weir.ask("tc.wild.org", tcp=True)) == ["192.0.2.105"]


def test_address(weir):
    four, six, other = (weir.ask("addr.wild.org", t) for t in ("A", "AAAA", "MX"))
    assert addresses(four) == ["192.0.2.200"] and ede_codes(four) == [17]
    assert addresses(six) == ["2001:db8::200"]
    assert rcode(other) == "NOERROR" and not other.answer


def test_redirect(weir):
    for reply in (weir.ask("garden.wild.org"), weir.ask("garden.wild.org")):
        assert data(reply, "CNAME") == ["sink.garden.test."] and ede_codes(reply) == [15]
        assert addresses(reply) == ["198.51.100.53"]


def test_log_does_not_block(weir):
    assert addresses(weir.ask("watch.wild.org")) == ["192.0.2.105"]
    assert blocked(weir.ask("watch2.nx.wild.org"), "nx.wild.org")


# ---- aliases ----

def test_alias_targets_are_caught_at_any_hop(weir):
    """one hop, two hops, a DNAME; cold and warm."""
    for name, rule in (("tolisted.alias.com", "listed.alias.net"), ("deep.alias.net", "deepest.alias.net"),
                       ("www.new.dname.org", "dname2.org")):
        for reply in both_ways(weir, name):
            assert blocked(reply, rule), name


def test_alias_warmed_by_others_first(weir):
    """The cache knows the answer, and that it was clean for others: the verdict is the same."""
    for _ in range(2):
        assert rcode(weir.ask("deeper.alias.net", source=OPEN)) == "NOERROR"
    assert blocked(weir.ask("deeper.alias.net"), "deepest.alias.net")
    assert rcode(weir.ask("deeper.alias.net", source=OPEN)) == "NOERROR"


def test_an_allowed_name_carries_its_chain(weir):
    for _ in range(2):
        reply = weir.ask("fromallowed.alias.net")
        assert addresses(reply) == ["192.0.2.141"]
    assert blocked(weir.ask("listed.alias.net"))


def test_asking_for_the_alias_itself_is_no_hop(weir):
    assert data(weir.ask("deeper.alias.net", "CNAME"), "CNAME") == ["deepest.alias.net."]


# ---- answers ----

@pytest.mark.parametrize("name, rdtype", [
    ("bad.answers.test", "A"), ("bad6.answers.test", "AAAA"), ("mixed.answers.test", "A"),
    ("far.answers.test", "A"), ("hint.answers.test", "HTTPS"), ("hint6.answers.test", "HTTPS"),
    ("hint.svcb.net", "HTTPS"), ("hint6.svcb.net", "HTTPS"), ("alias.svcb.net", "HTTPS"),
    ("tobad.alias.com", "A"),
])
def test_addresses_in_answers(weir, name, rdtype):
    for reply in both_ways(weir, name, rdtype):
        assert blocked(reply, code=17), name
        assert not reply.answer
        assert any("203.0.113.0/24" in t or "2001:db8:bad::/48" in t for _, t in ede(reply))


@pytest.mark.parametrize("name, rdtype", [
    ("good.answers.test", "A"), ("txt.answers.test", "TXT"), ("bad.answers.test", "AAAA"),
    ("svcb.net", "HTTPS"),
])
def test_other_answers_pass(weir, name, rdtype):
    for reply in both_ways(weir, name, rdtype):
        assert rcode(reply) == "NOERROR" and not ede_codes(reply)


# ---- name servers ----

def test_name_server_by_name_and_nothing_is_sent(weir, lab):
    """Data hidden in a name does not leave: the server is never asked, not even for less."""
    mark = lab.bad_log_mark()
    for rdtype in ("A", "TXT", "NULL"):
        assert blocked(weir.ask(f"{next(unique)}.c2VjcmV0.attacker.test", rdtype), "ns1.attacker.test")
    assert blocked(weir.ask("attacker.test", "NS")) and blocked(weir.ask("ns1.attacker.test"))
    assert lab.bad_log(mark, "attacker") == []


def test_name_server_warmed_by_others(weir, lab):
    name = f"{next(unique)}.attacker.test"
    assert addresses(weir.ask(name, source=OPEN)) == ["198.51.100.66"]
    mark = lab.bad_log_mark()
    for _ in range(2):
        assert blocked(weir.ask(name), "ns1.attacker.test")
        assert blocked(weir.ask(f"{next(unique)}.attacker.test"), "ns1.attacker.test")
    assert lab.bad_log(mark, "attacker") == []
    assert addresses(weir.ask(name, source=OPEN)) == ["198.51.100.66"]


def test_name_server_by_address(weir, lab):
    garden = lab.zone("garden.test").addrs[0]
    mark = lab.bad_log_mark()
    for _ in range(2):
        assert blocked(weir.ask(f"{next(unique)}.garden.test"), garden)
    assert lab.bad_log(mark, "garden") == []
    name = f"{next(unique)}.garden.test"
    assert addresses(weir.ask(name, source=OPEN)) == ["198.51.100.53"]
    assert blocked(weir.ask(name), garden)


def test_name_server_of_an_alias_target(weir, lab):
    mark = lab.bad_log_mark()
    assert blocked(weir.ask("via.alias.net"), "ns1.attacker.test")
    assert lab.bad_log(mark, "attacker") == []
    assert rcode(weir.ask("via.alias.net", source=OPEN)) == "NOERROR"
    assert blocked(weir.ask("via.alias.net"), "ns1.attacker.test")


def test_an_allowed_name_passes_the_guard(weir):
    assert addresses(weir.ask("kept.attacker.test")) == ["198.51.100.66"]


# ---- groups ----

def test_default_deny(weir, lab):
    assert addresses(weir.ask("www.site01.net", source=DENIED)) == ["192.0.2.2"]
    mark = lab.bad_log_mark()
    for name in ("www.plain.com", "wild.org", f"{next(unique)}.attacker.test"):
        for _ in range(2):
            reply = weir.ask(name, source=DENIED)
            assert rcode(reply) == "NXDOMAIN" and ede_codes(reply) == [18], name
    assert lab.bad_log(mark, "attacker") == []
    assert rcode(weir.ask("www.plain.com", source=OPEN)) == "NOERROR"
    assert ede_codes(weir.ask("www.plain.com", source=DENIED)) == [18]


def test_each_group_sees_its_lists_only(weir):
    assert rcode(weir.ask("nx.wild.org", source=NARROW)) == "NOERROR"
    assert blocked(weir.ask("nodata.wild.org", source=NARROW), "nodata.wild.org", wanted="NOERROR")
    assert addresses(weir.ask("nodata.wild.org", source=OPEN)) == ["192.0.2.105"]


# ---- explaining ----

def test_explain_agrees_with_the_answer(weir):
    for name, word in (("x.nx.wild.org", "nx"), ("both.wild.org", "allow"), ("addr.wild.org", "addr")):
        said = weir.cli("explain", "--json", "--client", STRICT, name).stdout
        json.loads(said)
        assert word in said
    text = weir.cli("explain", "--client", STRICT, "x.nx.wild.org").stdout
    assert "nx.wild.org" in text and "nxdomain" in text.lower() and "strict" in text


def explained(weir, name, *options):
    return json.loads(weir.cli("explain", "--json", "--client", STRICT, *options, name).stdout)["explain"]


def test_explain_knows_aliases_whose_end_was_never_asked_for(weir):
    """What a rule on an alias stopped is in the cache hop by hop, not as one answer."""
    for name, rule in (("tolisted.alias.com", "listed.alias.net"), ("deeper.alias.net", "deepest.alias.net")):
        assert blocked(weir.ask(name, "AAAA"), rule)
        said = explained(weir, name, "--type", "AAAA")
        assert said["cache"]["state"] == "partial", said
        assert (said["verdict"]["trigger"], said["verdict"]["rule"]) == ("alias", rule)
        assert said["verdict"]["complete"] is True


def test_explain_knows_names_that_do_not_exist(weir):
    reply = weir.ask("gone.site01.net", source=OPEN)
    assert rcode(reply) == "NXDOMAIN"
    assert explained(weir, "gone.site01.net")["cache"]["rcode"] == "NXDOMAIN"


def test_explain_offline(weir):
    text = weir.cli("explain", "--offline", "--client", STRICT, "x.nx.wild.org").stdout
    assert "nx.wild.org" in text


# ---- edits ----

def test_block_and_allow_take_effect_on_the_next_question(weir):
    name = f"{next(unique)}.wild.org"
    for _ in range(3):
        assert addresses(weir.ask(name)) == ["192.0.2.105"]  # warm
    weir.cli("block", name, "--reason", "a test")
    assert blocked(weir.ask(name), name) and blocked(weir.ask("below." + name), name)
    assert blocked(weir.ask(name, source=OPEN))
    weir.cli("allow", name)
    assert addresses(weir.ask(name)) == ["192.0.2.105"]
    weir.cli("undo", name)
    assert addresses(weir.ask(name)) == ["192.0.2.105"]


def test_allow_over_a_list(weir):
    assert blocked(weir.ask("over.wild.org"))
    weir.cli("allow", "over.wild.org")
    assert addresses(weir.ask("over.wild.org")) == ["192.0.2.105"]
    weir.cli("undo", "over.wild.org")
    assert blocked(weir.ask("over.wild.org"))


def test_block_of_an_alias_target_and_of_a_cached_chain(weir):
    assert rcode(weir.ask("three.alias.com")) == "NOERROR"
    weir.cli("block", "--exact", "one.alias.com")
    assert blocked(weir.ask("three.alias.com"), "one.alias.com")
    weir.cli("undo", "one.alias.com")
    assert rcode(weir.ask("three.alias.com")) == "NOERROR"


def test_edit_for_a_group(weir):
    name = f"{next(unique)}.wild.org"
    weir.cli("block", name, "--group", "narrow")
    assert blocked(weir.ask(name, source=NARROW), name)
    assert rcode(weir.ask(name)) == "NOERROR" and rcode(weir.ask(name, source=OPEN)) == "NOERROR"


def test_edits_expire_by_themselves(weir):
    name = f"{next(unique)}.wild.org"
    weir.cli("block", name, "--for", "2s")
    assert blocked(weir.ask(name), name)
    end = time.monotonic() + 6
    while blocked(weir.ask(name)) and time.monotonic() < end:
        time.sleep(0.2)
    assert addresses(weir.ask(name)) == ["192.0.2.105"]
    assert time.monotonic() > end - 4.5, "it went too early"


def test_edits_survive_a_restart(start_weir, lab):
    def prepare(w):
        write_lists(w, lab)
        w.config["groups"] = groups()
    w = start_weir(prepare=prepare)
    w.cli("block", "kept.wild.org", "--reason", "kept over the restart")
    w.cli("block", "gone.wild.org", "--for", "1s")
    w.cli("block", "timed.wild.org", "--for", "1h")
    w.cli("allow", "good2.nx.wild.org", "--group", "strict")
    w.restart()
    time.sleep(2)  # ends are whole seconds, rounded up: at least the second asked for, less than two
    for name in ("kept.wild.org", "timed.wild.org"):
        assert blocked(w.ask(name), name)
    assert rcode(w.ask("gone.wild.org")) == "NOERROR"
    assert rcode(w.ask("good2.nx.wild.org")) == "NOERROR" and blocked(w.ask("x.nx.wild.org"))
    listing = w.cli("edits").stdout
    assert "kept.wild.org" in listing and "kept over the restart" in listing
    assert "gone.wild.org" not in listing


def test_wrong_edits_are_refused_and_say_why(weir):
    for arguments in (["block", "-bad..name-"], ["block", "x.wild.org", "--group", "no-such-group"],
                      ["block", "x.wild.org", "--for", "soon"], ["block"], ["undo", "never.was.there"]):
        done = weir.cli(*arguments, check=False)
        assert done.returncode != 0 and done.stderr.strip(), arguments


def test_many_edits_quickly(weir):
    """Each is in force when the command returns."""
    names = [f"{next(unique)}.wild.org" for _ in range(20)]
    for name in names:
        weir.ask(name)
        weir.cli("block", name)
        assert blocked(weir.ask(name), name)
    assert all(blocked(weir.ask(name)) for name in names)
