# SPDX-License-Identifier: GPL-3.0-or-later
"""Events: one record a question that matters, as JSON lines."""

import glob
import json
import os
import time
from datetime import datetime, timezone

import dns.exception
import dns.name
import pytest

from replies import rcode

OPEN = "127.0.0.2"


def list_of(weir, name, lines, **options):
    path = os.path.join(weir.directory, name + ".list")
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    return {"name": name, "file": path, **options}


@pytest.fixture(scope="module")
def weir(start_weir):
    def prepare(w):
        w.config["lists"] = [
            list_of(w, "malware", ["bad.wild.org", "deepest.alias.net"], ede=15),
            list_of(w, "fine", ["fine.bad.wild.org"], action="allow"),
            list_of(w, "watched", ["watched.wild.org"], action="log"),
            list_of(w, "ips", ["203.0.113.0/24"], format="addresses", match="answer", ede=17),
            list_of(w, "ns", ["ns1.attacker.test"], match="nameserver"),
            list_of(w, "silent", ["silent.wild.org"], action="drop"),
        ]
        w.config["groups"] = [
            {"name": "office", "clients": ["127.0.0.1"],
             "lists": ["malware", "fine", "watched", "ips", "ns", "silent"]},
            {"name": "all", "clients": [OPEN], "lists": [], "log": "all"},
        ]
    return start_weir(prepare=prepare)


def asked(event):
    """The name of its question; "" for an event that is about none (losses)."""
    return event.get("dns", {}).get("question", {}).get("name", "")


def event_of(weir, name, **more):
    found = weir.wait_event(lambda e: asked(e) == name and all(
        e["weir"].get(k) == v for k, v in more.items()))
    assert found is not None, f"no event for {name}\n" + json.dumps(weir.events()[-3:], indent=1)
    return found


def test_blocked(weir):
    before = datetime.now(timezone.utc)
    weir.ask("x.bad.wild.org", "AAAA")
    e = event_of(weir, "x.bad.wild.org")
    when = datetime.fromisoformat(e["@timestamp"].replace("Z", "+00:00"))
    assert abs((when - before).total_seconds()) < 2
    assert e["event"]["action"] == "blocked" and "denied" in e["event"]["type"]
    assert 0 <= e["event"]["duration"] < 1_000_000_000
    assert e["client"]["ip"] == "127.0.0.1" and e["client"]["port"] > 0
    assert e["server"] == {"ip": "127.0.0.1", "port": weir.port}
    assert e["network"]["transport"] == "udp"
    assert e["dns"]["question"] == {"name": "x.bad.wild.org", "type": "AAAA", "class": "IN"}
    assert e["dns"]["response_code"] == "NXDOMAIN"
    assert e["rule"]["name"] == "bad.wild.org" and e["rule"]["ruleset"] == "malware"
    assert (e["weir"]["group"], e["weir"]["list"], e["weir"]["verdict"]) == ("office", "malware", "nxdomain")
    assert e["weir"]["ede"]["code"] == 15


def test_over_tcp(weir):
    weir.ask("tcp.bad.wild.org", tcp=True)
    assert event_of(weir, "tcp.bad.wild.org")["network"]["transport"] == "tcp"


def test_allowed_by_exception(weir):
    weir.ask("fine.bad.wild.org")
    e = event_of(weir, "fine.bad.wild.org")
    assert e["event"]["action"] == "allowed" and e["weir"]["list"] == "fine"
    assert e["dns"]["response_code"] == "NOERROR"


def test_logged(weir):
    weir.ask("watched.wild.org")
    e = event_of(weir, "watched.wild.org")
    assert e["event"]["action"] == "logged" and e["weir"]["logged"]["list"] == "watched"


def test_alias_target(weir):
    weir.ask("deep.alias.net")
    e = event_of(weir, "deep.alias.net")
    assert e["weir"]["rule"] == "deepest.alias.net"
    assert e["weir"]["matched"] == "deepest.alias.net"


def test_answer_address(weir):
    weir.ask("far.answers.test")
    e = event_of(weir, "far.answers.test")
    assert e["weir"]["list"] == "ips" and e["weir"]["matched"] == "203.0.113.66"
    assert e["weir"]["rule"] == "203.0.113.0/24"


def test_name_server(weir):
    weir.ask("data.attacker.test")
    e = event_of(weir, "data.attacker.test")
    assert e["weir"]["list"] == "ns" and e["weir"]["matched"] == "ns1.attacker.test"


def test_dropped(weir):
    with pytest.raises(dns.exception.Timeout):
        weir.ask("silent.wild.org", timeout_s=0.3)
    e = event_of(weir, "silent.wild.org")
    assert e["weir"]["verdict"] == "drop" and "response_code" not in e["dns"]


def test_failed(weir):
    weir.ask("www.refused.test")
    e = event_of(weir, "www.refused.test")
    assert e["event"]["outcome"] == "failure" and e["dns"]["response_code"] == "SERVFAIL"
    assert e["weir"]["ede"]["code"] in (22, 23)


def test_nothing_for_what_does_not_matter(weir):
    weir.ask("dull.wild.org")
    weir.ask("marker.bad.wild.org")
    event_of(weir, "marker.bad.wild.org")
    assert not any(asked(e).startswith("dull.wild.org") for e in weir.events())


def test_all_questions_when_asked_to(weir):
    weir.ask("noted.site01.net", source=OPEN)
    weir.ask("www.site01.net", source=OPEN)
    weir.ask("www.site01.net", source=OPEN)
    miss = event_of(weir, "www.site01.net", cached=False)
    assert miss["event"]["action"] == "answered" and miss["weir"]["group"] == "all"
    assert miss["weir"]["zone"] == "site01.net"
    assert "ns1.site01.net" in miss["weir"]["name_servers"]
    assert miss["weir"]["packets"] >= 1
    assert miss["dns"]["resolved_ip"] == ["192.0.2.2"]
    assert event_of(weir, "www.site01.net", cached=True)["weir"]["cached"] is True


def test_text_from_the_wire_is_escaped(weir):
    """Quotes, control characters, bytes above 127: still JSON, one line."""
    label = bytes(range(1, 32)) + b'"\\\x7f\xff\xfe.'
    name = dns.name.Name((label, b"bad", b"wild", b"org", b""))
    n_before = len(weir.events())
    weir.ask(name)
    found = weir.wait_event(lambda e: len(weir.events()) > n_before
                            and asked(e).endswith(".bad.wild.org") and "\\" in asked(e))
    assert found is not None
    for line in open(weir.events_path):
        assert all(0x20 <= ord(c) < 0x7f or c == "\n" for c in line)


def test_rotation(start_weir):
    def prepare(w):
        w.config["lists"] = [list_of(w, "malware", ["bad.wild.org"])]
        w.config["groups"][0]["lists"] = ["malware"]
        w.config["events"].update({"max-size": "64KiB", "keep": 2})
    w = start_weir(prepare=prepare)
    for i in range(700):
        w.ask(f"n{i}.bad.wild.org")
    assert w.wait_event(lambda e: asked(e).startswith("n699."))
    files = sorted(glob.glob(w.events_path + "*"))
    assert files == [w.events_path, w.events_path + ".1", w.events_path + ".2"]
    seen = []
    for path in files:
        assert os.path.getsize(path) <= 64 << 10
        for line in open(path):
            seen.append(int(asked(json.loads(line)).split(".")[0][1:]))
    assert len(set(seen)) == len(seen)
    # Nothing is lost; with several workers neighbours may stand on either side of a rotation.
    assert set(range(min(seen) + 16, 700)) <= set(seen)


def test_reopened_after_a_signal(start_weir):
    """For logrotate: the file was moved away; after SIGHUP a new one is written."""
    def prepare(w):
        w.config["lists"] = [list_of(w, "malware", ["bad.wild.org"])]
        w.config["groups"][0]["lists"] = ["malware"]
    w = start_weir(prepare=prepare)
    w.ask("one.bad.wild.org")
    event_of(w, "one.bad.wild.org")
    os.rename(w.events_path, w.events_path + ".moved")
    w.hup()
    end = time.monotonic() + 5
    while not os.path.exists(w.events_path) and time.monotonic() < end:
        time.sleep(0.05)
    w.ask("two.bad.wild.org")
    event_of(w, "two.bad.wild.org")


def test_a_full_disk_slows_nothing(start_weir):
    """Every write fails: answers come as fast, the loss is counted and said."""
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")

    def prepare(w):
        w.config["lists"] = [list_of(w, "malware", ["bad.wild.org"])]
        w.config["groups"][0]["lists"] = ["malware"]
        w.config["events"]["file"] = "/dev/full"
    w = start_weir(prepare=prepare)
    begin = time.monotonic()
    for i in range(300):
        assert rcode(w.ask(f"n{i}.bad.wild.org", timeout_s=1)) == "NXDOMAIN"
    assert time.monotonic() - begin < 5
    time.sleep(1.2)
    said = w.cli("status").stdout + w.process.log_tail(100)
    assert "lost" in said or "No space left" in said, said
