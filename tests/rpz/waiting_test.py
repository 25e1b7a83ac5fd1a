# SPDX-License-Identifier: GPL-3.0-or-later
"""W: recursion, waiting, the cache, DNSSEC."""

import time

import dns.exception
import dns.flags
import pytest

from conftest import PATIENCE_S, verdict
from groups import EARLY, STRICT, policy, zone
from replies import addresses, data, rcode

import policyzone
import world

ANSWER_RULES = "32.9.9.0.192.rpz-ip CNAME rpz-drop."  # nothing has that address


def asked_for(watched, name):
    return [a for a in watched.asked if a[1] == name + "."]


@policy("listed.watch.org CNAME .", "listed.watch.org CNAME *.")
def test_W1_nothing_is_asked_when_name_and_client_decide(say, watched):
    """Our default is the other one than BIND's: what a listed name would carry out stays here."""
    assert say("listed.watch.org") == "nxdomain" and not asked_for(watched, "listed.watch.org")


@policy(ANSWER_RULES, "w1.watch.org CNAME .", modes=STRICT)
def test_W1_strict_recurses_where_zone_1_wants_the_answer(say, watched):
    assert say("w1.watch.org") == "nxdomain" and asked_for(watched, "w1.watch.org")


@policy(ANSWER_RULES, "w2.watch.org CNAME .", modes=EARLY)
def test_W2_early_does_not_wait_for_an_earlier_zone(say, watched):
    assert say("w2.watch.org") == "nxdomain" and not asked_for(watched, "w2.watch.org")


@policy("w2s.watch.org CNAME .\n" + ANSWER_RULES, "w2t.watch.org CNAME *.", modes=STRICT)
def test_W2_strict_waits_only_for_what_goes_before(say, watched):
    """The name goes before the answer in one zone; it waits for that of zone 1."""
    assert say("w2s.watch.org") == "nxdomain" and not asked_for(watched, "w2s.watch.org")
    assert say("w2t.watch.org") == "nodata" and asked_for(watched, "w2t.watch.org")


@policy(zone("www.signed.com CNAME .\nwww.site.com CNAME .", break_dnssec=False),
        zone("32.60.2.0.192.rpz-ip CNAME *.", break_dnssec=False))
def test_W3_with_break_dnssec_off_the_answer_is_waited_for(say):
    for _ in range(2):
        signed = say.reply("www.signed.com", want_dnssec=True)
        assert data(signed, "A") == ["192.0.2.60"] and data(signed, "RRSIG")
        assert say("www.site.com", want_dnssec=True) == "nxdomain"
        assert say("www.signed.com") == "nxdomain"


@policy("www.broken.org CNAME .", "www.broken.org CNAME *.")
def test_W4_a_name_decides_though_its_servers_are_dead(say):
    assert say("www.broken.org") == "nxdomain"


@policy(ANSWER_RULES, "www.broken.org CNAME .", modes=STRICT)
def test_W4_a_failure_is_given_as_it_is_where_the_answer_is_waited_for(say):
    assert say("www.broken.org") == "servfail"


def cold(number, host):
    return f"32.{host}.2.60.127.rpz-nsip CNAME .", f"www.cold{number}.org CNAME *."


@policy(*cold(1, 4), modes=STRICT)
def test_W5_addresses_of_servers_are_looked_up_first(say):
    """Not the server that is asked by chance: the other one's address has to be found."""
    assert say("www.cold1.org") == "nxdomain"


@policy("32.8.2.60.127.rpz-nsip CNAME .", "24.0.100.51.198.rpz-ip CNAME *.", modes=EARLY)
def test_W5_in_early_as_well(say):
    assert say("www.cold3.org") == "nxdomain"


def until(holds, limit_s=PATIENCE_S):
    end = time.monotonic() + limit_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    assert holds()


@policy(zone(cold(2, 6)[0], ns_wait=False), cold(2, 6)[1], modes=STRICT)
def test_W5_or_what_is_at_hand_counts(say):
    """What is not is fetched in the background, and counts the next time."""
    assert say("www.cold2.org") in ("nxdomain", "nodata")
    until(lambda: say("www.cold2.org") == "nxdomain")


@policy(zone("32.10.2.60.127.rpz-nsip CNAME .", ns_wait=False), zone("24.0.100.51.198.rpz-ip CNAME *."), modes=EARLY)
def test_W5_at_hand_in_early(say):
    assert say("www.cold4.org") in ("nxdomain", "nodata")
    until(lambda: say("www.cold4.org") == "nxdomain")


@policy(zone("32.99.2.60.127.rpz-nsip CNAME .", ns_wait=False), "www.slow1.org CNAME *.", modes=STRICT)
def test_W5_without_ns_wait_nothing_is_waited_for(say, watched):
    """The servers' addresses are asked for all the same, of somebody who never answers."""
    watched.silent_about.update(world.SLOW_HOSTS[1])
    assert say.truth("www.slow1.org") == "198.51.100.71"
    begin = time.monotonic()
    assert say("www.slow1.org") == "nodata" and time.monotonic() - begin < 2.5
    until(lambda: all(asked_for(watched, host[:-1]) for host in world.SLOW_HOSTS[1]))


@policy("32.99.2.60.127.rpz-nsip CNAME .", "www.slow2.org CNAME *.", modes=STRICT)
def test_W5_look_ups_are_made_at_the_same_time(say, watched):
    """Eight of them, none of which is answered: 3 seconds for all, as said in docs/policy.md."""
    watched.silent_about.update(world.SLOW_HOSTS[2])
    assert say.truth("www.slow2.org") == "198.51.100.72"
    begin = time.monotonic()
    assert say("www.slow2.org") == "nodata" and time.monotonic() - begin < 7
    assert all(asked_for(watched, host[:-1]) for host in world.SLOW_HOSTS[2])


@policy("32.99.2.0.192.rpz-nsip CNAME .", "www.half.org CNAME *.", modes=STRICT)
def test_W6_servers_that_cannot_be_found_do_not_stop_the_answer(say):
    """In bounded time, and as if the rule did not match."""
    begin = time.monotonic()
    assert say("www.half.org") == "nodata" and time.monotonic() - begin < 7  # 3 s are for the servers


def rewritten(path, *lines):
    path.write_text(policyzone.zone_text("rpz.live", lines))
    return str(path)


def test_W7_a_change_holds_for_the_next_question(start_weir, tmp_path):
    path = tmp_path / "live.zone"
    w = start_weir([{"name": "live", "file": rewritten(path, "two.site.com CNAME ."), "format": "rpz"}],
                   [{"name": "all", "clients": ["127.0.0.0/8"], "lists": ["live"], "evaluation": "strict"}])

    def say(name):
        return verdict(w.ask(name, tcp=None), "A")
    for _ in range(3):
        assert say("www.site.com") == "192.0.2.1" and say("two.site.com") == "nxdomain"
        assert say("www.other.net") == "198.51.100.1"
    rewritten(path, "www.site.com A 203.0.113.1", "32.1.100.51.198.rpz-ip CNAME *.")
    w.cli("reload")
    assert say("www.site.com") == "203.0.113.1" and say("two.site.com") == "192.0.2.10 192.0.2.200"
    assert say("www.other.net") == "nodata"
    rewritten(path, "mail.site.com CNAME .")
    w.cli("reload")
    assert say("www.site.com") == "192.0.2.1" and say("www.other.net") == "198.51.100.1"


@policy("32.60.100.51.198.rpz-ip CNAME .", "*.watch.org CNAME *.", modes=STRICT)
def test_W8_stale_answers_are_judged(say, watched):
    assert say.truth("stale.watch.org") == "198.51.100.60"
    watched.silent_about.add("stale.watch.org.")
    time.sleep(2.2)  # its TTL is 1 s
    assert say("stale.watch.org") == "nxdomain"
    assert say.truth("stale.watch.org") == "198.51.100.60"


@policy("zz.signed.com A 203.0.113.1\n*.signed.com CNAME *.")
def test_W8_denials_by_proof_are_judged(say):
    """What a signed zone has proven not to exist, once for everybody."""
    assert say.truth("zy.signed.com") == "nxdomain" and say.truth("zz.signed.com") == "nxdomain"
    assert say("zz.signed.com") == "203.0.113.1" and say("zx.signed.com") == "nodata"
    assert say.truth("zx.signed.com") == "nxdomain"


def without_rd(say, name, rdtype="A"):
    return say(name, rdtype, flags=0)


@policy("www.site.com CNAME .", "www.site.com CNAME *.")
def test_W9_questions_that_want_no_recursion_are_refused(say):
    """So policy has nothing to say: a resolver is no authority, and its cache is not for looking into."""
    say.truth("www.site.com")
    assert without_rd(say, "www.site.com") == "refused" and without_rd(say, "www.other.net") == "refused"


@policy("www.site.com CNAME *.\nsix.site.com CNAME .",
        zone("32.1.2.0.192.rpz-ip CNAME *.\nwww.site.com CNAME .\nsix.site.com A 203.0.113.1\n"
             "two.site.com CNAME walled.garden.org.\nmail.site.com CNAME rpz-passthru.\nfar.site.com CNAME rpz-drop.\n"
             "32.9.%NET%.rpz-client-ip A 203.0.113.9", recursive_only=False),
        "*.site.com A 203.0.113.2")
def test_W9_recursive_only_off(say):
    """Zone 2 answers them by name and client, and nothing is asked; the others are not looked at."""
    assert say("www.site.com") == "nodata" and without_rd(say, "www.site.com") == "nxdomain"
    assert say("six.site.com") == "nxdomain" and without_rd(say, "six.site.com") == "203.0.113.1"
    assert without_rd(say, "six.site.com", "AAAA") == "nodata"
    assert without_rd(say, "two.site.com") == "cname walled.garden.org.", "the alias is not followed"
    assert without_rd(say, "mail.site.com") == "refused" and without_rd(say, "hop.site.com") == "refused"
    assert say("hop.site.com", host=9, flags=0) == "203.0.113.9"
    with pytest.raises(dns.exception.Timeout):
        say("far.site.com", flags=0, timeout_s=1)


@policy(zone("*.signed.com CNAME .\nsigned.com CNAME .\nwww.other.net CNAME .", break_dnssec=False),
        zone("*.signed.com A 203.0.113.1\nwww.other.net A 203.0.113.1", break_dnssec=True))
def test_W10_break_dnssec_off(say):
    """DO=1 and signed: zone 1 is as if it were not there. All else is rewritten."""
    reply = say.reply("www.signed.com", want_dnssec=True)
    assert addresses(reply) == ["203.0.113.1"] and not data(reply, "RRSIG")
    assert say("www.signed.com") == "nxdomain"
    assert say("www.other.net") == "nxdomain" and say("www.other.net", want_dnssec=True) == "nxdomain"


@policy("www.signed.com CNAME .\n32.1.100.51.198.rpz-ip CNAME .\nlone.hoster.org.rpz-nsdname CNAME .",
        "www.signed.com CNAME rpz-passthru.")
def test_W11_nothing_a_client_sets_walks_past(say):
    for flags in ({"want_dnssec": True}, {"flags": dns.flags.RD | dns.flags.CD},
                  {"want_dnssec": True, "flags": dns.flags.RD | dns.flags.CD | dns.flags.AD}, {"use_edns": False}):
        for name in ("www.signed.com", "www.other.net", "www.seen.org"):
            assert say(name, **flags) == "nxdomain", (name, flags)


@policy("ns1.hoster.org CNAME .\nns2.hoster.org CNAME .\nlone.hoster.org CNAME rpz-drop.\nsigned.com CNAME .\n"
        "com CNAME .\nnet CNAME .\n24.0.2.60.127.rpz-ip CNAME .", "www.other.net CNAME rpz-passthru.")
def test_W12_look_ups_of_the_resolver_are_its_own(say):
    assert say("www.other.net") == "198.51.100.1" and say("www.seen.org") == "198.51.100.20"
    assert say("www.signed.com") == "192.0.2.60"
    assert say("ns1.hoster.org") == "nxdomain" and say("signed.com", "DNSKEY") == "nxdomain"
    assert say("net", "NS") == "nxdomain"


def test_W13_strangers_are_refused_before_policy(start_weir, tmp_path):
    path = tmp_path / "live.zone"
    w = start_weir([{"name": "live", "file": rewritten(path, "*.com CNAME .", "8.0.0.0.127.rpz-client-ip CNAME ."),
                     "format": "rpz"}],
                   [{"name": "known", "clients": ["127.0.0.0/16"], "lists": ["live"]}])
    assert rcode(w.ask("www.site.com", source="127.0.0.9")) == "NXDOMAIN"
    reply = w.ask("www.site.com", source="127.9.0.9")
    assert rcode(reply) == "REFUSED" and not reply.additional
