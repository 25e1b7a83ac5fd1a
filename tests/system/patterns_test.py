# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions and patterns of AdBlock lists, in the daemon: verdicts, explain, reload, restart."""

import glob
import json
import os

import pytest

from events_test import event_of, list_of
from replies import ede_codes, rcode


@pytest.fixture(scope="module")
def weir(start_weir):
    def prepare(w):
        w.config["lists"] = [
            list_of(w, "fine", ["good.x.wild.org"], action="allow"),
            list_of(w, "regex", ["# Pi-hole", r"^ads[0-9]*\.", "(?!no)", r"^x\.deep\.;reply=refused"],
                    format="regex"),
            list_of(w, "adblock", ["||track*.wild.org^", "@@/^ads77/", "/^deepest\\.alias/"],
                    format="adblock"),
            list_of(w, "watch", ["watched"], format="regex", action="log"),
        ]
        w.config["groups"] = [{"name": "all", "clients": ["127.0.0.0/8"],
                               "lists": ["fine", "regex", "adblock", "watch"]}]
    return start_weir(prepare=prepare)


def test_verdicts(weir):
    for _ in range(2):  # cold and from the cache
        assert rcode(weir.ask("ads1.wild.org")) == "NXDOMAIN"
        assert rcode(weir.ask("a.tracker.wild.org")) == "NXDOMAIN"
        assert rcode(weir.ask("x.deep.wild.org")) == "REFUSED"
        assert rcode(weir.ask("x.ads1.wild.org")) == "NOERROR"
        assert rcode(weir.ask("ads77.wild.org")) == "NOERROR"  # allowed by a pattern
        assert rcode(weir.ask("ADS1.wild.org")) == "NXDOMAIN"
    assert ede_codes(weir.ask("ads1.wild.org")) == [15]


def test_an_alias(weir):
    assert rcode(weir.ask("deep.alias.net")) == "NXDOMAIN"


def test_the_rule_is_the_expression(weir):
    weir.ask("ads5.wild.org")
    e = event_of(weir, "ads5.wild.org")
    assert e["weir"]["list"] == "regex" and e["weir"]["rule"] == r"^ads[0-9]*\."
    weir.ask("is.watched.wild.org")
    e = event_of(weir, "is.watched.wild.org")
    assert e["weir"]["logged"] == {"list": "watch", "rule": "watched"}


def test_explain(weir):
    answer = json.loads(weir.cli("explain", "--json", "ads9.wild.org").stdout)
    match = [m for s in answer["explain"]["stages"] for m in s["matches"]][0]
    assert match["rule"] == r"^ads[0-9]*\." and match["scope"] == "pattern" and match["line"] == 2
    assert match["winner"]
    shown = weir.cli("explain", "b.track.wild.org").stdout
    assert "||track*.wild.org^" in shown and "1" in shown.split("adblock.list")[1][:12]


def test_a_name_goes_before(weir):
    weir.cli("allow", "ads3.wild.org")
    assert rcode(weir.ask("ads3.wild.org")) == "NOERROR"
    weir.cli("undo", "ads3.wild.org")
    assert rcode(weir.ask("ads3.wild.org")) == "NXDOMAIN"


def test_check_tells_what_is_not_understood(weir):
    shown = weir.cli("check", check=False).stdout
    assert "line 3" in shown and "(?!no)" in shown and "not understood" in shown


def test_reload_and_restart(weir):
    folder = weir.config["state"]
    before = glob.glob(os.path.join(folder, "policy.patterns-*"))
    assert len(before) == 1
    path = [entry["file"] for entry in weir.config["lists"] if entry["name"] == "regex"][0]
    with open(path, "w") as f:
        f.write("^banner\n")
    weir.cli("reload")
    assert rcode(weir.ask("ads1.wild.org")) == "NOERROR"
    assert rcode(weir.ask("banner.wild.org")) == "NXDOMAIN"
    after = glob.glob(os.path.join(folder, "policy.patterns-*"))
    assert len(after) == 1 and after != before
    weir.stop()
    weir.start()
    assert rcode(weir.ask("banner.wild.org")) == "NXDOMAIN"
    weir.stop()
    with open(after[0], "r+b") as f:  # damaged: the lists are read again
        f.seek(200)
        f.write(b"garbage")
    weir.start()
    assert rcode(weir.ask("banner.wild.org")) == "NXDOMAIN"


def test_names_with_stars_and_protected_names(start_weir):
    """A domain list with stars; of its patterns the one that would block a protected name is left out and
    told, and a version that brings one anew is refused."""
    def prepare(w):
        w.config["protected"] = ["keep.wild.org"]
        w.config["lists"] = [list_of(w, "stars", ["ads*.wild.org", "*evil.wild.org", "www.wild.org"])]
        w.config["groups"] = [{"name": "all", "clients": ["127.0.0.0/8"], "lists": ["stars"]}]
    w = start_weir(prepare=prepare)
    for name in ("ads-1.wild.org", "x.ads2.wild.org", "notevil.wild.org", "www.wild.org"):
        assert rcode(w.ask(name)) == "NXDOMAIN", name
    assert rcode(w.ask("xads.wild.org")) == "NOERROR"
    w.ask("ads-1.wild.org")
    assert event_of(w, "ads-1.wild.org")["weir"]["rule"] == "ads*.wild.org"
    path = w.config["lists"][0]["file"]
    with open(path, "a") as f:
        f.write("k*eep.wild.org\nnew.wild.org\n")
    w.cli("reload", check=False)
    shown = w.cli("feeds").stdout
    assert "keep.wild.org" in " ".join(shown.split()), shown
    assert rcode(w.ask("new.wild.org")) == "NOERROR"  # the version was refused
    assert rcode(w.ask("keep.wild.org")) == "NOERROR"
    w.cli("feeds", "accept", "stars")
    w.cli("reload", check=False)
    assert rcode(w.ask("new.wild.org")) == "NXDOMAIN"
    assert rcode(w.ask("keep.wild.org")) == "NOERROR"  # left out, whoever accepts it
