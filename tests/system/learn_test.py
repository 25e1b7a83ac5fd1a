# SPDX-License-Identifier: GPL-3.0-or-later
"""Default deny, learned: what a group asks for is kept, proposed, and enforced; drift is told."""

import json
import os
import subprocess
import time

import pytest

from events_test import list_of
from replies import ede_codes, rcode

LEARNER, OTHER = "127.0.0.3", "127.0.0.1"


@pytest.fixture(scope="module")
def weir(start_weir):
    def prepare(w):
        w.config["lists"] = [list_of(w, "bad", ["bad.wild.org"]),
                             list_of(w, "known", ["known.wild.org"], action="allow")]
        w.config["groups"] = [
            {"name": "cell", "clients": [LEARNER, "127.0.0.4"], "lists": ["bad", "known"], "default": "deny",
             "learn": "7d"},
            {"name": "all", "clients": ["127.0.0.0/8"], "lists": []}]
    return start_weir(prepare=prepare)


def ask(weir, name, rdtype="A", source=LEARNER):
    return weir.ask(name, rdtype, source=source)


def show(weir, action="show"):
    got = json.loads(weir.cli("learn", action, "cell", "--json").stdout)
    return got if action == "diff" else {p["name"]: p for p in got["proposals"]}


def test_learning_denies_nothing_by_default(weir):
    assert rcode(ask(weir, "needed.wild.org")) == "NOERROR"
    assert rcode(ask(weir, "needed.wild.org", "AAAA")) == "NOERROR"
    assert rcode(ask(weir, "needed.wild.org", source="127.0.0.4")) == "NOERROR"
    assert rcode(ask(weir, "deep.alias.net")) == "NOERROR"
    assert rcode(ask(weir, "known.wild.org")) == "NOERROR"
    assert rcode(ask(weir, "x.bad.wild.org")) == "NXDOMAIN"
    assert rcode(ask(weir, "not-there.alias.net")) == "NXDOMAIN"
    assert rcode(ask(weir, "of-others.wild.org", source=OTHER)) == "NOERROR"
    seen = show(weir)
    assert set(seen) == {"needed.wild.org", "deep.alias.net"}
    needed = seen["needed.wild.org"]
    assert needed["kind"] == "name" and needed["clients"] == 2 and needed["types"] == ["A", "AAAA"]
    assert abs(needed["last_s"] - time.time()) < 60
    assert seen["deep.alias.net"]["aliases"] == ["deeper.alias.net", "deepest.alias.net"]
    shown = weir.cli("learn", "show", "cell").stdout
    assert "leads to deeper.alias.net, deepest.alias.net" in shown


def test_many_names_are_a_domain_and_too_many_a_question(weir):
    for i in range(10):
        ask(weir, f"s{i}.site01.net", "NS")
        ask(weir, f"host{i}.d.wild.org")
    seen = show(weir)
    assert seen["wild.org"]["kind"] == "domain" and seen["wild.org"]["names"] == 11
    for i in range(90):
        ask(weir, f"stolen{i}.wild.org")
        if i % 30 == 29:
            time.sleep(1.1)  # notes are taken each second
    seen = show(weir)
    assert seen["wild.org"]["kind"] == "review" and len(seen["wild.org"]["examples"]) == 10
    assert "REVIEW" in weir.cli("learn", "show", "cell").stdout


def test_it_outlasts_a_kill(weir):
    before = show(weir)
    weir.process.kill()
    weir.start()
    assert show(weir) == before
    with open(os.path.join(weir.state_dir, "learn", "cell.json")) as f:
        assert json.load(f)["group"] == "cell"


def test_diff_and_write(weir):
    diff = show(weir, "diff")
    assert "deep.alias.net" in [p["name"] for p in diff]
    path = os.path.join(weir.directory, "proposed.list")
    weir.cli("learn", "write", "cell", path)
    lines = [line for line in open(path).read().splitlines() if not line.startswith("#")]
    assert "deep.alias.net" in lines and "wild.org" not in lines
    weir.config["lists"].append({"name": "learned", "file": path, "action": "allow"})
    weir.config["groups"][0]["lists"].append("learned")
    weir.write_config()
    weir.cli("reload")
    assert "deep.alias.net" not in [p["name"] for p in show(weir, "diff")]


def test_enforced_and_drift(weir):
    weir.cli("learn", "enforce", "cell")
    assert rcode(ask(weir, "deep.alias.net")) == "NOERROR"
    for _ in range(3):
        reply = ask(weir, "drift.alias.com")
        assert rcode(reply) == "NXDOMAIN" and 18 in ede_codes(reply)
    event = weir.wait_event(lambda e: e["event"].get("action") == "learn-drift")
    assert event["event"]["kind"] == "alert"
    time.sleep(1.5)
    drift = [e for e in weir.events() if e["event"].get("action") == "learn-drift"]
    assert len(drift) == 1
    assert "cell" in json.dumps(drift[0]) and "drift.alias.com" in json.dumps(drift[0])
    weir.restart()
    assert rcode(ask(weir, "drift.alias.com")) == "NXDOMAIN"
    weir.cli("learn", "resume", "cell")
    assert rcode(ask(weir, "drift.alias.com")) != "NXDOMAIN" or ede_codes(ask(weir, "drift.alias.com")) == []


def test_what_cannot_be(weir):
    assert weir.cli("learn", "enforce", "all", check=False).returncode == 1
    assert weir.cli("learn", "show", "all", check=False).returncode == 1
    assert weir.cli("learn", "sing", "cell", check=False).returncode == 2
    with open(os.path.join(weir.state_dir, "learn", "all.json"), "w") as f:
        f.write("{ not json")
    done = weir.cli("learn", "show", "all", check=False)
    assert done.returncode == 1 and "cannot be read: line 1" in done.stderr


def test_without_a_server(weir):
    weir.stop()
    assert "deep.alias.net" in show(weir)
    done = subprocess.run([weir.binary, "learn", "enforce", "cell", "-c", weir.conf_path], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 3
    weir.start()


