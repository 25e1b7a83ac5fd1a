# SPDX-License-Identifier: GPL-3.0-or-later
"""Indicators: that they expire by themselves; TAXII and MISP, from a server that behaves and one that does not."""
import datetime
import json
import time

import pytest

from feeds_server import FeedsServer
from fetch_test import feed, is_blocked, log_of, with_url
from reload_test import until


@pytest.fixture(scope="module")
def server(tmp_path_factory, lab):
    with FeedsServer(str(tmp_path_factory.mktemp("indicators"))) as s:
        yield s


def stamp(seconds):
    """So many seconds from now, as STIX writes it."""
    t = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return t.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def indicator(number, name, **more):
    return {"type": "indicator", "spec_version": "2.1",
            "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
            "created": stamp(-1000), "modified": stamp(-1000), "pattern_type": "stix",
            "pattern": f"[domain-name:value = '{name}']", "valid_from": stamp(-1000), **more}


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
