# SPDX-License-Identifier: GPL-3.0-or-later
"""What answers carry, in the real daemon: the detectors that look at answers."""
import time

import dns.rcode
import pytest

BURST = 8192


@pytest.fixture
def watching(start_weir):
    return start_weir(config={"detect": {"enable": True}})


def finding(weir, detector, confidence):
    event = weir.wait_event(lambda e: any(
        d["detector"] == detector and d["confidence"] == confidence for d in e["weir"].get("detections", [])))
    return next(d for d in event["weir"]["detections"] if d["detector"] == detector)


@pytest.mark.parametrize("name", ["script-1.attacker.test", "stage-1.attacker.test"])
def test_programs_and_scripts_do_not_come_in(watching, name):
    for _ in range(3):  # from its servers, and from the cache
        reply = watching.ask(name, "TXT")
        assert reply.rcode() == dns.rcode.NXDOMAIN and not reply.answer
        texts = [o.text for o in reply.options if int(o.otype) == 15]
        assert texts and "detector payload" in texts[0]
    found = finding(watching, "payload", "high")
    assert found["action"] == "block" and "carries" in found["text"]
    assert watching.ask("spf-1.attacker.test", "TXT").rcode() == dns.rcode.NOERROR


def test_bulk_in_texts_ends(watching):
    told = 0
    for i in range(60):
        reply = watching.ask(f"bulk-{i}.attacker.test", "TXT")
        told += sum(len(s) for rrset in reply.answer for rd in rrset for s in rd.strings)
    assert BURST < told <= 3 * BURST + 1200
    assert finding(watching, "payload", "medium")["action"] == "alert"
    assert "data in answers" in watching.cli("explain", "bulk-1.attacker.test").stdout
    # Others of the same client go on.
    assert watching.ask("site00.com").rcode() == dns.rcode.NOERROR


def test_a_group_may_be_told_everything(start_weir):
    weir = start_weir(config={"detect": {"enable": True}, "groups": [
        {"name": "all", "clients": ["127.0.0.0/8"], "detect": ["payload=alert"]}]})
    reply = weir.ask("script-2.attacker.test", "TXT")
    assert reply.rcode() == dns.rcode.NOERROR and reply.answer
    assert finding(weir, "payload", "high")["action"] == "alert"


def ask_again_later(weir, name):
    """When the answer that is cached for a second has expired."""
    first = weir.ask(name)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        time.sleep(1.2)
        reply = weir.ask(name)
        if [r.to_text() for r in reply.answer[0]] != [r.to_text() for r in first.answer[0]] if reply.answer else True:
            break
    return first, reply


def test_a_name_does_not_turn_inwards(watching):
    first, then = ask_again_later(watching, "flip-1.attacker.test")
    assert first.answer[0][0].to_text() == "198.51.100.66"
    assert then.rcode() == dns.rcode.NXDOMAIN and not then.answer
    assert "192.168.1.1" in finding(watching, "rebinding", "high")["text"]
    # One that was always there is nobody's trick.
    assert watching.ask("inside-1.attacker.test").answer[0][0].to_text() == "192.168.1.1"


def test_names_that_may_be_private_are_left_alone(start_weir):
    weir = start_weir(config={"detect": {"enable": True}, "rebinding": {"allow": ["attacker.test"]}})
    _, then = ask_again_later(weir, "flip-2.attacker.test")
    assert then.answer[0][0].to_text() == "192.168.1.1"


def test_addresses_are_no_channel(watching):
    rcodes = [watching.ask(f"nowhere-{i}.attacker.test", "AAAA").rcode() for i in range(20)]
    assert rcodes[0] == dns.rcode.NOERROR and rcodes[-1] == dns.rcode.NXDOMAIN
    assert rcodes.count(dns.rcode.NOERROR) < 10
    assert finding(watching, "addresses", "high")["action"] == "block"
    assert watching.ask("www.attacker.test").rcode() == dns.rcode.NOERROR


def test_new_domains_are_counted(start_weir):
    def prepare(w):
        w.config["detect"] = {"enable": True, "newzone": {"low": "alert"}}
        w.config["seen"] = {"learn": "0s"}
    weir = start_weir(prepare=prepare)
    assert weir.ask("www.attacker.test").rcode() == dns.rcode.NOERROR
    found = finding(weir, "newzone", "low")
    assert found["action"] == "alert" and found["evidence"]["age_s"] < 3600
