# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists in shadow: they say what they would have done, and do nothing.  Counts of each list."""

import json
import time

import pytest

from events_test import asked, event_of, list_of
from replies import ede_codes, rcode


@pytest.fixture(scope="module")
def weir(start_weir):
    def prepare(w):
        w.config["lists"] = [
            list_of(w, "real", ["bad.wild.org"]),
            list_of(w, "fine", ["fine.wild.org"], action="allow"),
            list_of(w, "next", ["next.wild.org", "deep.bad.wild.org", "fine.wild.org"], shadow=True,
                    action="refused"),
            list_of(w, "hidden", ["deepest.alias.net"], shadow=True),
            list_of(w, "watched", ["watched.wild.org"], action="log"),
        ]
        w.config["groups"] = [{"name": "all", "clients": ["127.0.0.0/8"],
                               "lists": ["real", "fine", "next", "hidden", "watched"]}]
    return start_weir(prepare=prepare)


def hits(weir):
    lists = json.loads(weir.cli("status", "--json").stdout)["status"]["policy"]["lists"]
    return {entry["name"]: entry["hits"] for entry in lists}


def test_it_does_nothing_and_says_what_it_would_have_done(weir):
    for _ in range(2):  # cold and from the cache
        reply = weir.ask("x.next.wild.org")
        assert rcode(reply) == "NOERROR" and ede_codes(reply) == []
    e = event_of(weir, "x.next.wild.org")
    assert e["event"]["action"] == "shadowed" and e["event"]["kind"] == "event"
    assert e["weir"]["shadow"] == {"verdict": "refused", "list": "next", "rule": "next.wild.org"}
    assert "logged" not in e["weir"] and "verdict" not in e["weir"]


def test_beside_a_block(weir):
    assert rcode(weir.ask("deep.bad.wild.org")) == "NXDOMAIN"
    e = event_of(weir, "deep.bad.wild.org")
    assert e["event"]["action"] == "blocked" and e["weir"]["list"] == "real"
    assert e["weir"]["shadow"]["verdict"] == "refused"


def test_what_would_not_have_won_is_not_told(weir):
    assert rcode(weir.ask("fine.wild.org")) == "NOERROR"
    assert "shadow" not in event_of(weir, "fine.wild.org")["weir"]


def test_an_alias(weir):
    name = "deep.alias.net"
    assert rcode(weir.ask(name)) == "NOERROR"
    e = weir.wait_event(lambda e: asked(e) == name)
    assert e["weir"]["shadow"]["list"] == "hidden"


def test_counts_of_each_list(weir):
    before = hits(weir)
    weir.ask("watched.wild.org")
    weir.ask("bad.wild.org")
    weir.ask("bad.wild.org")
    weir.ask("next.wild.org")
    weir.ask("fine.wild.org")
    after = hits(weir)
    gained = {name: {k: after[name][k] - before[name][k] for k in after[name]} for name in after}
    none = {"blocked": 0, "allowed": 0, "logged": 0, "shadow": 0}
    assert gained == {"real": {**none, "blocked": 2}, "fine": {**none, "allowed": 1},
                      "next": {**none, "shadow": 1}, "hidden": none, "watched": {**none, "logged": 1}}
    shown = weir.cli("status").stdout
    assert "in shadow" in shown and "would have decided" in shown


def test_counts_outlast_a_reload(weir):
    weir.ask("bad.wild.org")
    before = hits(weir)["real"]["blocked"]
    weir.config["lists"].insert(0, list_of(weir, "new", ["new.wild.org"]))
    weir.config["groups"][0]["lists"].insert(0, "new")
    weir.write_config()
    weir.cli("reload")
    weir.ask("new.wild.org")
    deadline = time.monotonic() + 5
    while hits(weir)["new"]["blocked"] == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert hits(weir)["new"]["blocked"] == 1
    assert hits(weir)["real"]["blocked"] == before


def test_explain(weir):
    shown = weir.cli("explain", "next.wild.org").stdout
    assert "in shadow" in shown
