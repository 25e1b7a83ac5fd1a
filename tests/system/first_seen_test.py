# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains that nobody here has asked for before, and lists that hold for those only; lists that hold in
some top-level domains. What needs hours to pass is in tests/scenario/policy/."""

import json
import os
import signal
import subprocess
import time

import pytest

from events_test import event_of, list_of
from replies import rcode
from reload_test import until


def configure(w, lists, **seen):
    w.config["lists"] = lists
    w.config["seen"] = {"size": "1MiB", **seen}
    w.config["groups"] = [{"name": "all", "clients": ["127.0.0.0/8"], "lists": [entry["name"] for entry in lists]}]


NEW = {"name": "new", "first-seen": "24h", "action": "nxdomain"}


@pytest.fixture(scope="module")
def strict(start_weir):
    """Nothing is learned: every domain is new, and stays so for a day."""
    def prepare(w):
        configure(w, [list_of(w, "good", ["answers.test"], action="allow"), dict(NEW)], learn="0s")
    return start_weir(prepare=prepare)


@pytest.fixture(scope="module")
def learner(start_weir):
    """It learns for a week, which the tests do not see the end of."""
    def prepare(w):
        configure(w, [dict(NEW), dict(NEW, name="told", action="log")])
    return start_weir(prepare=prepare)


def explain(w, name):
    return json.loads(w.cli("explain", "--json", name).stdout)["explain"]


def test_a_new_domain_is_blocked_and_remembered(strict):
    assert "never asked for before" in strict.cli("explain", "www.wild.org").stdout
    begin = time.time()
    for _ in range(2):
        assert rcode(strict.ask("www.wild.org")) == "NXDOMAIN"
    e = event_of(strict, "www.wild.org")
    assert e["weir"]["list"] == "new" and e["weir"]["trigger"] == "question"
    domain = e["weir"]["domain"]
    assert domain["name"] == "wild.org" and domain["clients"] == 1
    first = time.mktime(time.strptime(domain["first_seen"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    assert begin - 601 <= first <= begin + 60
    d = explain(strict, "other.wild.org")["domain"]
    assert d["known"] and d["new"] and d["first_seen_s"] == first and not d["answered"]
    shown = strict.cli("explain", "www.wild.org").stdout
    assert "wild.org: first asked for" in shown and "of every name" in shown, shown


def test_an_allow_goes_first(strict):
    assert rcode(strict.ask("far.answers.test", "A")) == "NOERROR"


def test_names_of_addresses_are_no_domains(strict):
    e = explain(strict, "9.9.9.9.in-addr.arpa")
    assert "domain" not in e
    (match,) = e["stages"][0]["matches"]
    assert not match["winner"] and "new here" in match["why"]


def test_while_it_learns_nothing_is_new(learner):
    assert rcode(learner.ask("www.wild.org")) == "NOERROR"
    e = explain(learner, "www.wild.org")
    assert e["domain"]["known"] and e["domain"]["answered"] and not e["domain"]["new"]
    assert e["domain"]["learning_until_s"] > time.time() + 6 * 86400
    matches = e["stages"][0]["matches"]
    assert sorted(match["list"] for match in matches) == ["new", "told"]
    for match in matches:
        assert "new here" in match["why"] and match["off"] and match["first_seen_s"] == 86400 and match["every"]
    assert "learned until then" in " ".join(learner.cli("explain", "www.wild.org").stdout.split())
    assert "domains are learned until" in learner.process.log_tail(200)


def test_what_was_seen_outlives_kill_9(learner):
    assert rcode(learner.ask("www.wild.org")) == "NOERROR"
    before = explain(learner, "www.wild.org")["domain"]
    assert until(lambda: os.path.exists(os.path.join(learner.state_dir, "seen.log")))
    time.sleep(1.5)  # it is written once a second
    learner.process.popen.send_signal(signal.SIGKILL)
    learner.process.popen.wait()
    learner.start()
    assert explain(learner, "www.wild.org")["domain"] == before
    learner.stop()
    offline = json.loads(learner.cli("explain", "--offline", "--json", "www.wild.org").stdout)["explain"]
    assert offline["domain"] == before
    learner.start()
    assert explain(learner, "www.wild.org")["domain"] == before
    shown = learner.cli("status").stdout
    assert "registered domains asked for" in shown and "none counts as new before" in shown


def test_a_damaged_table_begins_anew_and_says_so(learner):
    learner.stop()
    path = os.path.join(learner.state_dir, "seen")
    with open(path, "r+b") as f:
        f.seek(30)
        f.write(b"\xff\xff")
    learner.start()
    assert "table of domains cannot be read" in learner.process.log_tail(200)
    assert os.path.exists(path + ".bad")
    assert not explain(learner, "www.wild.org")["domain"]["known"]
    assert rcode(learner.ask("www.wild.org")) == "NOERROR"


def test_log_and_shadow_report_new_domains(start_weir):
    def prepare(w):
        configure(w, [dict(NEW, action="log"), dict(NEW, name="shy", shadow=True)], learn="0s")
    w = start_weir(prepare=prepare)
    assert rcode(w.ask("www.wild.org")) == "NOERROR"
    e = event_of(w, "www.wild.org")
    assert e["weir"]["logged"]["list"] == "new" and e["weir"]["shadow"]["list"] == "shy"
    assert e["weir"]["domain"]["name"] == "wild.org"
    assert explain(w, "www.wild.org")["domain"]["answered"]


def test_rules_for_new_domains_only(start_weir):
    """A list with a file, and a pattern: both hold for new domains, which after the first look they are
    still."""
    def prepare(w):
        configure(w, [list_of(w, "names", ["www.wild.org"], **{"first-seen": "1h"}),
                      list_of(w, "patterns", [r"^x[0-9]+\."], format="regex", **{"first-seen": "1h"})],
                  learn="0s")
    w = start_weir(prepare=prepare)
    assert rcode(w.ask("ok.wild.org")) == "NOERROR"
    assert rcode(w.ask("www.wild.org")) == "NXDOMAIN"
    assert rcode(w.ask("x17.wild.org")) == "NXDOMAIN"
    assert event_of(w, "x17.wild.org")["weir"]["domain"]["name"] == "wild.org"


def test_without_the_table(start_weir):
    def prepare(w):
        configure(w, [], size="0")
    w = start_weir(prepare=prepare)
    assert rcode(w.ask("www.wild.org")) == "NOERROR"
    assert "domain" not in explain(w, "www.wild.org")
    assert not os.path.exists(os.path.join(w.state_dir, "seen"))


def test_top_level_domains(start_weir):
    def prepare(w):
        configure(w, [{"name": "org", "tlds": ["org"], "action": "nxdomain"},
                      {"name": "rest", "tlds": ["!org", "!test", "!arpa"], "action": "refused"},
                      list_of(w, "both", ["zone.test", "wild.org"], tlds=["test"])])
    w = start_weir(prepare=prepare)
    assert rcode(w.ask("www.wild.org")) == "NXDOMAIN"
    assert event_of(w, "www.wild.org")["weir"]["list"] == "org"
    assert rcode(w.ask("www.example.com")) == "REFUSED"
    assert rcode(w.ask("any.zone.test")) == "NXDOMAIN"
    assert event_of(w, "any.zone.test")["weir"]["list"] == "both"
    assert rcode(w.ask("far.answers.test", "A")) == "NOERROR"
    matches = {m["list"]: m for m in explain(w, "www.wild.org")["stages"][0]["matches"]}
    assert matches["org"]["winner"] and "other top-level domains" in matches["both"]["why"]
    assert "other top-level domains" in matches["rest"]["why"]


def test_mistakes_are_told_with_their_place(strict, tmp_path):
    conf = tmp_path / "weir.yaml"
    conf.write_text("""seen: {size: 5}
lists:
  - name: a
    first-seen: 5m
  - name: b
    match: nameserver
    file: /dev/null
    first-seen: 2h
    tlds: ["zip", "!com", "a b..c"]
  - name: c
    tlds: [zip]
    format: hosts
  - name: d
""")
    done = subprocess.run([strict.binary, "check", "-c", str(conf)], capture_output=True, text=True)
    told = done.stdout + done.stderr
    assert done.returncode != 0
    for text in (":1:", "1MiB", ":4:", "10m", "add 'state:", ":8:", "use another match", ":9:", "'!' in front",
                 "a b..c", ":12:", "no file, url or primaries", ":13:", "without 'file'"):
        assert text in told, (text, told)
