# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions become evidence, evidence an incident, an incident one alert."""
import json
import os
import time

import pytest

from alerts_test import call
from receivers import Hook
from reload_test import until

NAMES = [f"n{i}.wild.org" for i in range(40)]


@pytest.fixture
def hook(tmp_path):
    with Hook(str(tmp_path)) as h:
        yield h


@pytest.fixture
def watched(start_weir, hook):
    """A Weir with lists of three kinds, a group with default deny, and a receiver."""
    def start(events=True):
        def prepare(w):
            folder = os.path.dirname(w.conf_path)
            for name in ("c2", "ads", "watch"):
                with open(os.path.join(folder, name + ".txt"), "w") as f:
                    f.writelines(f"{name}-{n}\n" for n in NAMES)
            w.config["lists"] = [
                {"name": "c2", "file": os.path.join(folder, "c2.txt"), "category": "c2",
                 "confidence": "high"},
                {"name": "ads", "file": os.path.join(folder, "ads.txt")},
                {"name": "watch", "file": os.path.join(folder, "watch.txt"), "action": "log",
                 "category": "malware"}]
            w.config["groups"] = [
                {"name": "office", "clients": ["127.0.0.0/16"], "lists": ["c2", "ads", "watch"]},
                {"name": "cell", "clients": ["127.1.0.0/16"], "default": "deny"}]
            w.config["alerts"] = [{"name": "hook", "to": hook.url("/"), "ca": hook.ca,
                                   "severity": "low"}]
            if not events:
                w.config["events"] = {}
        return start_weir(prepare=prepare)
    return start


def clients(w):
    reply = call(w, {"command": "clients"})
    assert reply["ok"], reply
    return {c["client"]: c for c in reply["clients"]["clients"]}


def actions(hook, client):
    """Of each alert once: one that was on its way at a stop comes again."""
    seen = {a["event"]["id"]: a for a in hook.json() if a.get("client", {}).get("ip") == client}
    return [a["event"]["action"] for a in seen.values()]


@pytest.mark.parametrize("events", [True, False], ids=["events", "no-events"])
def test_one_alert_an_incident(watched, hook, events):
    w = watched(events)
    for name in NAMES:
        w.ask("ads-" + name, source="127.0.0.2")
        w.ask("c2-" + name, source="127.0.0.3")
    w.ask("c2-" + NAMES[0], source="127.0.0.4")
    w.ask("watch-" + NAMES[0], source="127.0.0.5")
    assert until(lambda: {"127.0.0.3", "127.0.0.4", "127.0.0.5"} <= set(clients(w)), 10)
    seen = clients(w)
    assert "127.0.0.2" not in seen
    assert seen["127.0.0.3"]["state"] == "infected"
    assert seen["127.0.0.3"]["reasons"][0]["count"] == len(NAMES)
    assert seen["127.0.0.4"]["state"] == "suspicious"
    assert seen["127.0.0.5"]["state"] == "clear" and 24 <= seen["127.0.0.5"]["score"] <= 25
    assert until(lambda: actions(hook, "127.0.0.4"), 20)
    assert actions(hook, "127.0.0.3") == ["incident-opened"]
    alert = next(a for a in hook.json() if a.get("client", {}).get("ip") == "127.0.0.3")
    assert "127.0.0.3 (group office) seems to be infected" in alert["message"]
    assert alert["weir"]["incident"]["reasons"][0]["source"] == "c2"
    assert alert["weir"]["severity"] == "high"


def test_the_table_and_the_timeline_are_shown(watched):
    w = watched()
    w.ask("c2-" + NAMES[0], source="127.0.0.3")
    w.ask("c2-" + NAMES[1], source="127.0.0.3")
    assert until(lambda: "127.0.0.3" in clients(w) and
                 clients(w)["127.0.0.3"]["state"] == "infected", 10)
    out = w.cli("clients").stdout
    assert "1 infected, 0 suspicious" in out and "127.0.0.3" in out and "list c2" in out
    out = w.cli("client", "127.0.0.3").stdout
    assert "is infected" in out and "an incident is opened" in out and "W-1" in out
    done = w.cli("client", "127.0.0.9", check=False)
    assert done.returncode == 1 and "nothing is known" in done.stderr
    assert w.cli("client", "nobody", check=False).returncode == 1
    assert json.loads(w.cli("clients", "--json").stdout)["clients"]["infected"] == 1


def test_a_cleaned_machine_is_cleared(watched, hook):
    w = watched()
    for name in NAMES[:3]:
        w.ask("c2-" + name, source="127.0.0.3")
    assert until(lambda: actions(hook, "127.0.0.3") == ["incident-opened"], 20)
    w.cli("clear", "127.0.0.3", "--reason", "reinstalled, ticket 7")
    assert until(lambda: actions(hook, "127.0.0.3") == ["incident-opened", "incident-closed"], 20)
    closed = hook.json()[-1]
    assert "reinstalled, ticket 7" in closed["message"]
    assert clients(w)["127.0.0.3"]["state"] == "clear"
    assert "reinstalled, ticket 7" in w.cli("client", "127.0.0.3").stdout
    for name in NAMES[:3]:
        w.ask("c2-" + name, source="127.0.0.3")
    assert until(lambda: actions(hook, "127.0.0.3")[2:] == ["incident-opened"], 20)
    ids = {a["weir"]["incident"]["id"] for a in hook.json()}
    assert len(ids) == 2


def test_what_default_deny_stops_is_evidence(watched):
    w = watched()
    for name in NAMES:
        w.ask(name, source="127.1.0.1")
    assert until(lambda: clients(w).get("127.1.0.1", {}).get("state") == "suspicious", 20)
    c = clients(w)["127.1.0.1"]
    assert c["score"] <= 60 and c["reasons"][0]["class"] == "denied" and c["group"] == "cell"


def test_it_outlives_the_process(watched, hook):
    w = watched()
    for name in NAMES[:3]:
        w.ask("c2-" + name, source="127.0.0.3")
    w.ask("watch-" + NAMES[0], source="127.0.0.5")
    assert until(lambda: actions(hook, "127.0.0.3") == ["incident-opened"], 20)
    before = clients(w)
    w.restart()
    after = clients(w)
    assert after["127.0.0.3"]["state"] == "infected"
    assert after["127.0.0.3"]["incident"] == before["127.0.0.3"]["incident"]
    assert abs(after["127.0.0.5"]["score"] - before["127.0.0.5"]["score"]) < 1
    # a kill, ten seconds after the last change that was told
    w.ask("c2-" + NAMES[5], source="127.0.0.6")
    assert until(lambda: actions(hook, "127.0.0.6") == ["incident-opened"], 20)
    path = os.path.join(w.state_dir, "incidents")
    assert until(lambda: "127.0.0.6" in open(path).read(), 30)
    w.process.popen.kill()
    w.process.popen.wait()
    w.start()
    assert clients(w)["127.0.0.6"]["state"] == "suspicious"
    time.sleep(1.5)
    assert actions(hook, "127.0.0.3") == ["incident-opened"]
    assert actions(hook, "127.0.0.6") == ["incident-opened"]


def test_a_reload_changes_categories(watched):
    w = watched()
    w.ask("ads-" + NAMES[0], source="127.0.0.2")
    w.config["lists"][1]["category"] = "malware"
    w.write_config()
    w.cli("reload")
    w.ask("ads-" + NAMES[1], source="127.0.0.2")
    assert until(lambda: "127.0.0.2" in clients(w), 10)
    assert clients(w)["127.0.0.2"]["reasons"][0]["count"] == 1


def test_it_can_be_switched_off(start_weir):
    w = start_weir(config={"incidents": {"enable": False}})
    reply = call(w, {"command": "clients"})
    assert not reply["ok"] and reply["error"]["code"] == "not-available"
