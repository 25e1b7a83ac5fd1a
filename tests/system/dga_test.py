# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated domains: a client that asks for the names of a family is reported, others are not."""

import os

import pytest

from events_test import asked
from replies import rcode

SAMPLE = os.path.join(os.path.dirname(__file__), "..", "detect", "dga-sample.tsv")
NAMES, ORDINARY = 20, 150
# The family, and the client that has it.
INFECTED = {"necurs": "127.0.0.11", "fobber": "127.0.0.12", "phorpiex": "127.0.0.13", "ngioweb": "127.0.0.14"}
OTHERS, LAST = "127.0.0.20", "127.0.0.21"


def names_of(family, n):
    with open(SAMPLE) as f:
        fields = [line.rstrip("\n").split("\t") for line in f if line[0] != "#"]
    return [f"{label}.{suffix}" for name, label, suffix in fields if name == family][:n]


@pytest.fixture(scope="module")
def weir(start_weir):
    return start_weir(config={"detect": {"enable": True}, "groups": [{"name": "all", "clients": ["127.0.0.0/8"], "lists": []}]})


def detections(event):
    return [d for d in event.get("weir", {}).get("detections", []) if d["detector"] == "dga"]


def ask(weir, name, source):
    return rcode(weir.ask(name, "A", source=source))


@pytest.mark.parametrize("family", INFECTED)
def test_infected(weir, family):
    names, source = names_of(family, NAMES), INFECTED[family]
    assert len(names) == NAMES
    for name in names:
        assert ask(weir, name, source) == "NXDOMAIN"
    found = weir.wait_event(lambda e: e.get("client", {}).get("ip") == source and detections(e))
    assert found is not None, "no event"
    at = names.index(asked(found)) + 1
    first = detections(found)[0]
    assert 5 <= at <= 15, f"after {at} names"
    assert first["confidence"] in ("medium", "high") and first["action"] == "alert"
    assert first["evidence"]["failed"] <= at and first["evidence"]["sum_hundredths"] > 0


def test_others_are_not(weir):
    names = names_of("-", 3600)[::3600 // ORDINARY]
    for name in names:
        ask(weir, name, OTHERS)
    # What is written by the time of another's event was written before.
    last = names_of("dircrypt", NAMES)
    for name in last:
        ask(weir, name, LAST)
    assert weir.wait_event(lambda e: e.get("client", {}).get("ip") == LAST and detections(e)) is not None
    assert not [e for e in weir.events() if e.get("client", {}).get("ip") == OTHERS and detections(e)]
