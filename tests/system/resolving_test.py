# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolving, with Unbound as the oracle: what it resolves in the lab, Weir resolves to the same.

And bounded failure: what cannot be resolved ends in time, with SERVFAIL and an extended error.
"""

import concurrent.futures
import time

import dns.edns
import dns.exception
import dns.flags
import dns.rdatatype
import pytest

import badserver
import questions
from replies import addresses, data, ede_codes, rcode

TIME_LIMIT_S = 10  # resolver: time-limit
SLACK_S = 2
CLIENTS = 8

# Zone -> why Weir's answers differ from the oracle's, and may.
KNOWN_DIFFERENCES = {}  # none

# The questions for zones whose servers misbehave: few, because each may take long, and some of
# these servers contradict themselves, so that what is in the cache depends on what came first.
BROKEN = [("www", "A"), ("www", "AAAA"), ("alias", "A"), ("a.b", "A"), ("nope", "A"), ("@", "SOA")]


def ask_all(server, asked, limit_s=TIME_LIMIT_S + SLACK_S):
    """{question: (summary, seconds)}; "timeout" in place of a summary when no answer came."""
    def one(question):
        begin = time.monotonic()
        try:
            got = questions.summary(server.ask(*question, timeout_s=limit_s))
        except (dns.exception.Timeout, EOFError):
            got = "timeout"
        return question, (got, time.monotonic() - begin)

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return dict(pool.map(one, asked))


def described(differences):
    return "\n".join(f"{q}:\n  oracle {a}\n  weir   {b}" for q, a, b in differences[:20]) + \
        f"\n{len(differences)} in all"


def compare(oracle_says, weir_says):
    differences = []
    for question, (expected, _) in oracle_says.items():
        got = weir_says[question][0]
        if got != expected and not any(question[0].endswith(z) for z in KNOWN_DIFFERENCES):
            differences.append((question, expected, got))
    return differences


def test_known_differences_are_differences(oracle, weir):
    """An entry that is none any more has to go."""
    for zone in KNOWN_DIFFERENCES:
        expected, got = oracle.ask("www." + zone), weir.ask("www." + zone)
        assert questions.summary(expected) != questions.summary(got), zone


def broken_questions(lab, resolves):
    out = []
    for z in lab.zones:
        if z.at.startswith("py:") and z.resolves == resolves and z.name:
            out += [(f"{n}.{z.name}." if n != "@" else z.name + ".", t) for n, t in BROKEN]
    return out


@pytest.fixture(scope="module")
def sound(lab):
    """Every RRset of the sound zones, a NODATA for every name, NXDOMAINs."""
    asked = questions.all_of(lab.zones, "yes")
    return [q for q, z in asked.items() if z.name != "alias.com" or not q[0].startswith("broken.")]


def test_the_lab_is_worth_asking(sound, lab):
    assert len(sound) > 1000
    assert sum(z.at in ("nsd", "knot", "bind") for z in lab.zones) >= 40


def test_sound_zones_as_the_oracle(sound, oracle, weir):
    expected = ask_all(oracle, sound)

    def failed():
        return [q for q, (got, _) in expected.items() if got == "timeout" or got[0] == "SERVFAIL"]

    for _ in range(2):  # a server that loses every other query can look dead to it, for 5 seconds
        again = [q for q in failed() if q[0].endswith("flapping.test.")]
        if again:
            time.sleep(6)
            expected.update(ask_all(oracle, again))
    failing = failed()
    assert [q for q in failing if q != ("nsrefused.test.", "NS")] == [], "the oracle itself fails"
    expected = {q: e for q, e in expected.items() if q not in failing}
    differences = compare(expected, ask_all(weir, list(expected)))
    assert not differences, described(differences)


def test_warm_as_cold(sound, oracle, weir):
    some = sound[::7]
    differences = compare(ask_all(oracle, some), ask_all(weir, some))
    assert not differences, described(differences)


def test_another_order_of_questions(sound, oracle, start_weir):
    """What is in the cache already must not change an answer: ask backwards, deepest first."""
    backwards = sound[::-3]
    differences = compare(ask_all(oracle, backwards), ask_all(start_weir(), backwards))
    assert not differences, described(differences)


def test_dnssec_records_are_fetched_and_served(lab, oracle, weir):
    asked = [q for name in ("signed.test", "nsec3.test") for q in
             questions.of_zone(lab.zone(name), lab.zones) + questions.extra(lab.zone(name))]
    asked += [("signed.test.", "DNSKEY"), ("nsec3.test.", "DNSKEY"), ("x.y.signed.test.", "TXT")]
    seen = 0
    for name, rdtype in asked:
        wanted = oracle.ask(name, rdtype, want_dnssec=True)
        got = weir.ask(name, rdtype, want_dnssec=True)
        assert (rcode(got), sets(got.answer)) == (rcode(wanted), sets(wanted.answer)), (name, rdtype)
        assert proofs(got) == proofs(wanted), (name, rdtype)
        seen += any(r.rdtype == dns.rdatatype.RRSIG for r in got.answer + got.authority)
        plain = weir.ask(name, rdtype)
        assert not any(r.rdtype == dns.rdatatype.RRSIG for r in plain.answer + plain.authority)
    assert seen == len(asked)


def sets(section):
    return sorted((r.name.to_text().lower(), r.rdtype, r.covers, len(r)) for r in section)


def proofs(reply):
    wanted = (dns.rdatatype.SOA, dns.rdatatype.NSEC, dns.rdatatype.NSEC3)
    return sorted((r.name.to_text().lower(), r.rdtype) for r in reply.authority if r.rdtype in wanted)


def test_broken_zones_the_oracle_resolves(lab, oracle, weir):
    asked = broken_questions(lab, "oracle")
    expected = ask_all(oracle, asked)
    got = ask_all(weir, asked)
    resolved = {q: e for q, e in expected.items() if e[0] != "timeout" and e[0][0] != "SERVFAIL"}
    assert len(resolved) > 20
    differences = compare(resolved, got)
    assert not differences, described(differences)
    late = [q for q, (g, s) in got.items() if g == "timeout" or s > TIME_LIMIT_S + SLACK_S]
    assert late == []


@pytest.mark.parametrize("zone", ["ednsdrop.test", "wrongquestion.test", "onealive.test"])
def test_better_than_the_oracle(weir, zone):
    """A server that drops EDNS; an answer to another question before the right one; four dead
    servers of five (the oracle gets there, but not always in time)."""
    end = time.monotonic() + 25
    while True:
        reply = weir.ask("www." + zone, timeout_s=TIME_LIMIT_S + SLACK_S)
        if rcode(reply) == "NOERROR" or time.monotonic() > end:
            break
        time.sleep(1.1)  # RFC 9520: a failure is remembered for a second
    assert rcode(reply) == "NOERROR" and len(addresses(reply)) == 1
    assert addresses(reply) != [badserver.JUNK_ADDRESS]


@pytest.mark.parametrize("zone", ["wrongid.test", "wrongquestion.test", "wrongsource.test"])
def test_forged_answers_are_not_believed(weir, zone):
    reply = weir.ask("www." + zone, timeout_s=TIME_LIMIT_S + SLACK_S)
    assert badserver.JUNK_ADDRESS not in addresses(reply)


def test_records_of_other_zones_are_not_believed(weir, oracle):
    assert rcode(weir.ask("a.b.junk.test")) == "NOERROR"
    for name in ("www.plain.com", "junked.plain.com", "www.site00.com", "site15.com", "other.junk.test"):
        got, wanted = weir.ask(name), oracle.ask(name)
        assert questions.summary(got)[:2] == questions.summary(wanted)[:2], name
    assert badserver.JUNK_ADDRESS not in addresses(weir.ask("www.plain.com"))


FAILING_ALIASES = [("self.loop.org.", "A"), ("a.loop.org.", "AAAA"), ("far.loop.org.", "A"),
                   ("x.grow.loop.org.", "A"), ("x.d.loop.org.", "TXT"), ("broken.alias.com.", "A")]


def test_what_cannot_resolve_ends_in_time_and_says_why(lab, start_weir):
    weir = start_weir()
    asked = list(FAILING_ALIASES)
    for z in lab.zones:
        if z.resolves == "no" and not z.name.startswith("loop."):
            asked += [(f"www.{z.name}.", "A"), (f"a.b.{z.name}.", "TXT")]
    assert len(asked) > 40

    def one(question):
        begin = time.monotonic()
        try:
            reply = weir.ask(*question, timeout_s=TIME_LIMIT_S + SLACK_S)
        except dns.exception.Timeout:
            return question, "timeout", [], 0
        return question, rcode(reply), ede_codes(reply), time.monotonic() - begin

    with concurrent.futures.ThreadPoolExecutor(len(asked)) as pool:
        results = list(pool.map(one, asked))
    wrong = [r for r in results if r[1] != "SERVFAIL" or not r[2] or r[3] > TIME_LIMIT_S + SLACK_S]
    assert wrong == []


def test_nxns_attack_is_bounded(lab, start_weir):
    """A delegation to a hundred names: their zone's server is asked a few times only."""
    weir = start_weir()
    assert rcode(weir.ask("www.victim.test")) == "NOERROR"
    mark = lab.bad_log_mark()
    assert rcode(weir.ask("x.nxns.test", timeout_s=TIME_LIMIT_S + SLACK_S)) == "SERVFAIL"
    time.sleep(0.2)
    assert 0 < len(lab.bad_log(mark, "victim")) <= 40


def test_long_chains(weir):
    assert len(weir.ask("next.c06.test").answer) == 10
    assert rcode(weir.ask("next.c06.test")) == "NOERROR"
    assert data(weir.ask("next.c10.test"), "A") == ["192.0.2.160"]
    long = weir.ask("next.c00.test")  # 15 hops: whole, or refused; never half
    assert (rcode(long) == "NOERROR" and data(long, "A") == ["192.0.2.160"]) or \
        (rcode(long) == "SERVFAIL" and ede_codes(long))


def test_slow_and_flapping(weir):
    begin = time.monotonic()
    assert rcode(weir.ask("a.b.slow.test")) == "NOERROR"
    assert time.monotonic() - begin < 5
    assert rcode(weir.ask("a.b.flapping.test", timeout_s=TIME_LIMIT_S)) == "NOERROR"


def test_names_are_minimised(lab, start_weir):
    """The servers above a zone do not see the whole name (RFC 9156)."""
    weir = start_weir()
    mark = lab.bad_log_mark()
    name = "secret.label." + ".".join(f"d{i}" for i in range(3, 0, -1)) + ".deep.test"
    weir.ask(name)
    seen = lab.bad_log(mark)
    assert seen and any("label" in e["name"] for e in seen)
    first = lab.zone("deep.test").addrs[0]
    assert not any("secret" in e["name"] for e in seen if e["to"] == first)


def test_ttl_counts_down(weir):
    first = weir.ask("two.plain.com")
    time.sleep(2.1)
    later = weir.ask("two.plain.com")
    assert first.answer[0].ttl - 4 <= later.answer[0].ttl <= first.answer[0].ttl - 2


def test_zero_ttl_is_not_kept(lab, weir):
    assert weir.ask("zerottl.net").answer[0].ttl == 0


def test_forwarding(lab, oracle, start_weir):
    if lab.port != 53:
        pytest.skip("needs the oracle to forward to")
    weir = start_weir({"resolver": {"forward": [
        {"zone": "com", "to": [f"{oracle.address}@{oracle.port}"]},
        {"zone": "site05.com", "to": ["127.53.9.1@53"]}]}})
    some = [("www.plain.com.", "A"), ("nothing.plain.com.", "A"), ("plain.com.", "MX"),
            ("long.big.com.", "TXT"), ("next.c13.test.", "A"), ("one.alias.com.", "A"),
            ("out.alias.com.", "A"), ("www.site10.com.", "A"), ("plain.com.", "PX")]
    differences = compare(ask_all(oracle, some), ask_all(weir, some))
    assert not differences, described(differences)
    dead = weir.ask("www.site05.com", timeout_s=TIME_LIMIT_S + SLACK_S)  # the longest zone wins
    assert rcode(dead) == "SERVFAIL" and ede_codes(dead)


def test_forwarding_everything(oracle, sound, start_weir):
    weir = start_weir({"resolver": {"forward": [
        {"zone": ".", "to": [f"127.53.9.1@{oracle.port}", f"{oracle.address}@{oracle.port}"]}]}})
    some = sound[::11]
    differences = compare(ask_all(oracle, some), ask_all(weir, some))
    assert not differences, described(differences)


def test_same_question_in_flight_is_asked_once(lab, weir):
    mark = lab.bad_log_mark()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda _: weir.ask("text.slow.test", "TXT"), range(20)))
    assert all(rcode(r) == "NOERROR" for r in replies)
    asked = [e for e in lab.bad_log(mark, "slow") if e["name"] == "text.slow.test." and e["type"] == "TXT"]
    assert len(asked) <= 2
