# SPDX-License-Identifier: GPL-3.0-or-later
"""Look-alikes in the real daemon: stopped before they are asked for, told where they exist, explained, muted."""
import dns.rcode


def reason(reply):
    return [o.text for o in reply.options if int(o.otype) == 15]


def start(start_weir, **options):
    return start_weir(config={"detect": {"enable": True, "lookalike": {"domains": ["site00.com"], **options}}})


def test_a_look_alike_is_blocked_where_that_is_wanted(start_weir, lab):
    weir = start(start_weir, medium="block")
    for name, brand in (("www.secure-netflix.com", "netflix.com"), ("site00-login.com", "site00.com"),
                        ("s1te00.com", "site00.com")):
        reply = weir.ask(name)
        assert reply.rcode() == dns.rcode.NXDOMAIN and "detector lookalike" in reason(reply)[0]
        event = weir.wait_event(lambda e, name=name: e["dns"]["question"]["name"] == name)
        finding = event["weir"]["detections"][0]
        assert finding["detector"] == "lookalike" and finding["confidence"] == "medium"
        assert finding["action"] == "block" and brand in finding["text"]
        assert brand in weir.cli("explain", name).stdout
    # The real ones go on.
    assert weir.ask("site00.com").rcode() == dns.rcode.NOERROR


def test_usually_it_is_told_only(start_weir, lab):
    weir = start(start_weir, domains=["slte00.com"])
    assert not reason(weir.ask("secure-netflix.com"))
    assert weir.ask("secure-netflix.com").rcode() == dns.rcode.NXDOMAIN
    reply = weir.ask("site00.com")
    assert reply.rcode() == dns.rcode.NOERROR and not reason(reply)
    event = weir.wait_event(lambda e: e["weir"].get("detections"))
    assert event["event"]["kind"] == "alert" and event["weir"]["detections"][0]["action"] == "alert"
    # Nothing is told of a name that nobody has.
    assert event["dns"]["question"]["name"] == "site00.com"


def test_the_operators_domains_may_change(start_weir):
    weir = start(start_weir, medium="block")
    assert not reason(weir.ask("site01-login.com"))
    weir.config["detect"]["lookalike"]["domains"] = ["site01.com"]
    weir.write_config()
    weir.cli("reload")
    assert reason(weir.ask("site01-signin.com"))
    assert not reason(weir.ask("site00-login.com"))
    weir.cli("mute", "lookalike", "--zone", "site01-signin.com", "--reason", "ours, too", "--for", "1h")
    assert not reason(weir.ask("site01-signin.com"))
