# SPDX-License-Identifier: GPL-3.0-or-later
"""Indicators: that they expire by themselves; TAXII and MISP, from a server that behaves and one that does not."""
import json
import time

import pytest

from feeds_server import BEHAVIOURS, FeedsServer
from fetch_test import feed, feeds, is_blocked, log_of, update, with_url
from indicator_servers import MispFeed, MispServer, Taxii, attribute, indicator, stamp
from reload_test import until


@pytest.fixture(scope="module")
def server(tmp_path_factory, lab):
    with FeedsServer(str(tmp_path_factory.mktemp("indicators"))) as s:
        yield s


# ---- expiry ----

def test_indicators_expire_by_themselves(server, start_weir):
    """Twenty within ten seconds, and one that begins: read again a few times, not twenty."""
    objects = [indicator(i, f"n{i}.wild.org", valid_until=stamp(6 + i / 2)) for i in range(20)]
    objects.append(indicator(100, "stays.wild.org"))
    objects.append(indicator(101, "later.wild.org", valid_from=stamp(10), valid_until=stamp(9999)))
    server.files["/stix.json"] = json.dumps({"type": "bundle", "objects": objects}).encode()
    w = start_weir(prepare=with_url(server, server.url("/stix.json"), format="stix"))
    begin = time.monotonic()
    assert until(lambda: is_blocked(w, "stays.wild.org"))
    assert is_blocked(w, "n19.wild.org") or time.monotonic() - begin > 15
    if time.monotonic() - begin < 5:
        assert "next rule expires or begins in" in w.cli("feeds").stdout
        assert feed(w)["changes_s"] - time.time() < 7
    n_before = log_of(w).count("reloaded in")
    assert until(lambda: feed(w).get("expired") == 20 and is_blocked(w, "later.wild.org"), 90)
    assert not any(is_blocked(w, f"n{i}.wild.org") for i in range(20))
    assert is_blocked(w, "stays.wild.org")
    assert log_of(w).count("reloaded in") - n_before <= 4, log_of(w)
    text = w.cli("feeds").stdout
    assert "20 expired" in text and "feed: in-force, 2 rules" in text, text
    w.stop()
    w.start()  # nothing is read, and what is in force is still told
    assert "feed: in-force, 2 rules" in w.cli("feeds").stdout


def start(server, start_weir, source, **more):
    options = source.options(server)
    return start_weir(prepare=with_url(server, options.pop("url"), **options, **more))


def blocked(w, *names):
    return [n for n in names if is_blocked(w, n + ".wild.org")]


# ---- TAXII ----

def test_taxii_asks_for_what_is_new_only(server, start_weir):
    taxii = Taxii(server, "taxii-new")
    taxii.add(*(indicator(i, f"n{i}.wild.org") for i in range(7)),
              {"type": "identity", "id": "identity--1", "name": "x"})
    w = start(server, start_weir, taxii)
    assert until(lambda: blocked(w, "n0", "n6") == ["n0", "n6"]), log_of(w)
    assert taxii.asked == ["", "+", "+"]
    taxii.asked.clear()
    update(w)
    assert taxii.asked == ["2026-11-28T08:00:08.000001Z"]
    changed = feed(w)["changed_s"]
    # New, changed by id, revoked; over a restart.
    taxii.add(indicator(20, "new.wild.org"),
              indicator(0, "other.wild.org", modified=stamp(-10)),
              indicator(1, "n1.wild.org", modified=stamp(-10), revoked=True),
              indicator(2, "n2.wild.org", modified=stamp(-10), valid_until=stamp(-5)))
    w.stop()
    w.start()
    taxii.asked.clear()
    update(w)
    assert until(lambda: is_blocked(w, "new.wild.org")), log_of(w)
    assert taxii.asked == ["2026-11-28T08:00:08.000001Z", "2026-11-28T08:00:08.000001Z+"]
    assert blocked(w, "n0", "n1", "n2", "n3", "other") == ["n3", "other"]
    assert feed(w)["changed_s"] >= changed and feed(w)["rules"] == 6
    # An older version of an object, from a server that restored a backup, changes nothing.
    taxii.add(indicator(20, "older.wild.org", modified=stamp(-9000)))
    update(w)
    assert blocked(w, "new", "older") == ["new"]


def test_taxii_without_next_and_without_after(server, start_weir):
    taxii = Taxii(server, "taxii-bare")
    taxii.says_next = False
    taxii.add(*(indicator(i, f"n{i}.wild.org") for i in range(7)))
    w = start(server, start_weir, taxii)
    assert until(lambda: blocked(w, "n0", "n6") == ["n0", "n6"]), log_of(w)
    assert taxii.asked == ["", "2026-11-28T08:00:03.000001Z", "2026-11-28T08:00:06.000001Z"]
    # A server that does not take the time is asked for everything; what it has no more is gone.
    taxii.takes_after, taxii.says_next = False, True
    del taxii.objects[0]
    taxii.asked.clear()
    update(w)
    assert taxii.asked[0] != "" and taxii.asked[1:] == ["", "+"], taxii.asked
    assert until(lambda: not is_blocked(w, "n0.wild.org")) and is_blocked(w, "n6.wild.org")


def test_taxii_is_read_whole_from_time_to_time(server, start_weir):
    taxii = Taxii(server, "taxii-whole")
    taxii.add(*(indicator(i, f"n{i}.wild.org") for i in range(4)))
    w = start(server, start_weir, taxii, **{"full-refresh": "0s"})
    assert until(lambda: blocked(w, "n0", "n3") == ["n0", "n3"])
    del taxii.objects[0]  # without a word
    taxii.asked.clear()
    update(w)
    assert taxii.asked == [""]
    assert until(lambda: not is_blocked(w, "n0.wild.org"))
    taxii.objects.clear()  # nothing is an answer, too
    update(w)
    assert until(lambda: not is_blocked(w, "n3.wild.org")), feed(w)
    assert feed(w)["rules"] == 0 and "failures" not in feed(w)


def test_taxii_goes_on_where_it_was_cut_off(server, start_weir):
    taxii = Taxii(server, "taxii-part")
    taxii.add(*(indicator(i, f"n{i}.wild.org") for i in range(10)))
    taxii.fails_at = 2
    w = start(server, start_weir, taxii)
    assert until(lambda: "503" in feed(w).get("error", "")), feed(w)
    assert not blocked(w, "n0", "n9")  # never half a collection
    w.stop()
    taxii.fails_at = None
    taxii.asked.clear()
    w.start()
    assert until(lambda: blocked(w, "n0", "n9") == ["n0", "n9"]), log_of(w)
    assert taxii.asked[0] == "2026-11-28T08:00:06.000001Z", taxii.asked
    assert feed(w)["rules"] == 10


# ---- MISP ----

def test_misp_feed_fetches_changed_events_only(server, start_weir):
    feed_of = MispFeed(server, "misp-feed")
    feed_of.put(1, attribute("a.wild.org"), attribute("b.wild.org"))
    feed_of.put(2, attribute("c.wild.org"))
    feed_of.put(3, attribute("d.wild.org"))
    w = start(server, start_weir, feed_of)
    assert until(lambda: blocked(w, "a", "b", "c", "d") == ["a", "b", "c", "d"]), log_of(w)
    feed_of.put(1, attribute("a.wild.org", deleted=True), attribute("b.wild.org", to_ids=False),
                attribute("e.wild.org"), timestamp=2)
    feed_of.drop(3)
    w.stop()
    w.start()
    server.requests.clear()
    update(w)
    assert until(lambda: blocked(w, "a", "b", "c", "d", "e") == ["c", "e"]), log_of(w)
    asked = [p.split("/")[-1][-8:] for p in server.paths() if p.startswith("/misp-feed/")]
    assert sorted(set(asked)) == ["001.json", "est.json"], asked


def test_misp_server_asks_for_what_was_published_since(server, start_weir):
    misp = MispServer(server, "misp-server")
    for i in range(5002):  # two answers
        misp.put(i, f"n{i}.wild.org")
    misp.put(9000, "quiet.wild.org", to_ids=False)
    w = start(server, start_weir, misp)
    assert until(lambda: blocked(w, "n0", "n5001", "quiet") == ["n0", "n5001"], 30), log_of(w)
    assert [a["page"] for a in misp.asked] == [1, 2] and "publish_timestamp" not in misp.asked[0]
    for a in misp.attributes.values():
        a["published"] -= 1000
    misp.put(0, "n0.wild.org", 2, deleted=True)
    misp.put(1, "n1.wild.org", 2, to_ids=False)
    misp.put(2, "changed.wild.org", 2)
    misp.put(9000, "loud.wild.org", 2)
    misp.asked.clear()
    update(w)
    assert until(lambda: is_blocked(w, "loud.wild.org"), 30), log_of(w)
    assert blocked(w, "n0", "n1", "n2", "n3", "changed") == ["n3", "changed"]
    assert len(misp.asked) == 1 and misp.asked[0]["deleted"] == [0, 1]
    assert float(misp.asked[0]["publish_timestamp"]) > time.time() - 600
    assert feed(w)["rules"] == 5001


# ---- misbehaviour ----

MISBEHAVIOUR = {"slow": "Operation t", "truncated": "cut off", "wrong-type": "is not JSON",
                "loop": "more than 5 redirects", "page": "is not JSON", "304": "304",
                "500": "500", "giant": "bytes", "empty": "empty"}


def many_lists(server, start_weir, sources):
    """A Weir with a list for each of them, called as in the dictionary."""
    def prepare(w):
        with_url(server, "")(w)
        w.config["lists"] = [{"name": name, "ca": server.ca, "refresh": "10m", "timeout": "3s", "max-size": "1MiB",
                              **source.options(server)} for name, source in sources.items()]
        w.config["groups"][0]["lists"] = list(sources)
    return start_weir(prepare=prepare)


def state_of(w, name):
    return next(x for x in feeds(w)["feeds"]["lists"] if x["name"] == name)


def make(server, kind, where, *names):
    source = kind(server, where)
    for i, name in enumerate(names):
        if kind is Taxii:
            source.add(indicator(i, name + ".wild.org"))
        elif kind is MispFeed:
            source.put(i, attribute(name + ".wild.org"))
        else:
            source.put(i, name + ".wild.org")
    return source


@pytest.mark.parametrize("kind", [Taxii, MispFeed, MispServer])
def test_misbehaviour_leaves_what_is_there(server, start_weir, kind):
    """At the first answer: told, and the last version stays in force."""
    hows = {**MISBEHAVIOUR, "expired": "ertificate"}
    sources = {how: make(server, kind, f"{kind.__name__}-{how}".lower(), "old-" + how) for how in hows}
    w = many_lists(server, start_weir, sources)
    for how in hows:
        assert until(lambda: is_blocked(w, f"old-{how}.wild.org"), 30), log_of(w)
    for entry in w.config["lists"]:
        path = entry["url"].split("/", 3)[3]
        entry["url"] = server.url("/" + path, server=server.expired) if entry["name"] == "expired" \
            else server.url(f"/{entry['name']}/{path}")
    w.write_config()
    w.hup()
    for how, why in hows.items():
        assert until(lambda: why in state_of(w, how).get("error", ""), 60), (how, state_of(w, how))
        assert is_blocked(w, f"old-{how}.wild.org")


@pytest.mark.parametrize("kind", [Taxii, MispFeed])
def test_misbehaviour_in_the_middle(server, start_weir, kind):
    """At the second page, the second event: never half of it; and what came before is not asked for again."""
    names = {how: [f"n{i}-{how}" for i in range(5)] for how in MISBEHAVIOUR}
    sources, good = {}, {}
    for how in MISBEHAVIOUR:
        where = f"{kind.__name__}-in-{how}".lower()
        sources[how] = make(server, kind, where, *names[how])
        if kind is Taxii:
            good[where] = sources[how].answer
            server.handlers[where] = lambda h, where=where, how=how: (
                BEHAVIOURS[how] if "next=" in h.path else good[where])(h)
        else:
            path = f"/{where}/00000000-0000-4000-8000-000000000004.json"
            good[path] = server.files.pop(path)
            server.handlers[where] = BEHAVIOURS[how]
    w = many_lists(server, start_weir, sources)
    for how, why in MISBEHAVIOUR.items():
        assert until(lambda: why in state_of(w, how).get("error", ""), 60), (how, state_of(w, how))
        assert not blocked(w, *names[how])
    (server.handlers if kind is Taxii else server.files).update(good)
    server.requests.clear()
    w.cli("feeds", "update")
    for how in MISBEHAVIOUR:
        assert until(lambda: blocked(w, *names[how]) == names[how], 30), log_of(w)
    if kind is MispFeed:
        assert not [p for p in server.paths() if p.endswith("000.json")]
