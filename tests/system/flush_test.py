# SPDX-License-Identifier: GPL-3.0-or-later
"""weir flush: what was learned of a name is forgotten, and nothing else."""

import json

import dns.rcode
import pytest
from hostile import Servers, records, respond, soa
from replies import addresses, rcode

PORT = 5301


class World:
    """What a forwarder says, in two versions."""

    def __init__(self):
        self.version = 1

    def answer(self, query, is_tcp):
        name = query.question[0].name.to_text().lower()
        ip = f"192.0.2.{self.version}"
        if name == "www.a.test.":
            return [respond(query, records(name, "A", ip, ttl=3600))]
        if name == "alias.b.test.":
            return [respond(query, records(name, "CNAME", "www.a.test.", ttl=3600),
                            records("www.a.test.", "A", ip, ttl=3600))]
        if name == "other.b.test.":
            return [respond(query, records(name, "A", ip, ttl=3600))]
        if name == "broken.a.test." and self.version == 1:
            return [respond(query, rcode=dns.rcode.SERVFAIL)]
        if name.endswith("new.a.test.") and self.version == 1:
            return [respond(query, authority=[soa("a.test.", ttl=3600)], rcode=dns.rcode.NXDOMAIN)]
        if name.endswith(".a.test."):
            return [respond(query, records(name, "A", ip, ttl=3600))]
        return [respond(query, authority=[soa("test.", ttl=3600)], rcode=dns.rcode.NXDOMAIN)]


@pytest.fixture
def world():
    w = World()
    with Servers({"127.0.0.1": w.answer}, port=PORT) as w.servers:
        yield w


@pytest.fixture
def weir(start_weir, world):
    return start_weir(config={"resolver": {"trust-anchors": "none", "forward": [
        {"zone": ".", "to": [f"127.0.0.1@{PORT}"]}]}})


NAMES = ("www.a.test", "alias.b.test", "other.b.test", "new.a.test", "deep.new.a.test", "broken.a.test")


def all_of(weir):
    found = {}
    for name in NAMES:
        reply = weir.ask(name, "A", timeout_s=15)
        found[name] = addresses(reply) or rcode(reply)
    return found


def flush(weir, *args):
    return json.loads(weir.cli("flush", *args, "--json").stdout)["flushed"]


OLD = {"www.a.test": ["192.0.2.1"], "alias.b.test": ["192.0.2.1"], "other.b.test": ["192.0.2.1"],
       "new.a.test": "NXDOMAIN", "deep.new.a.test": "NXDOMAIN", "broken.a.test": "SERVFAIL"}
NEW = dict.fromkeys(NAMES, ["192.0.2.2"])


def test_a_name_with_all_that_depends_on_it(weir, world):
    assert all_of(weir) == OLD
    world.version = 2
    found = all_of(weir)
    del found["broken.a.test"]  # after a second or so it is asked anew
    assert found == {k: v for k, v in OLD.items() if k != "broken.a.test"}
    done = flush(weir, "A.test.")
    assert done["name"] == "a.test" and done["items"] >= 3
    assert all_of(weir) == {**NEW, "other.b.test": ["192.0.2.1"]}
    assert flush(weir, "--all")["name"] == "."
    assert all_of(weir) == NEW


def test_a_denial_above(weir, world):
    """That new.a.test does not exist denies all below it (RFC 8020)."""
    assert rcode(weir.ask("new.a.test", "A")) == rcode(weir.ask("deep.new.a.test", "A")) == "NXDOMAIN"
    world.version = 2
    flush(weir, "deep.new.a.test")
    assert addresses(weir.ask("deep.new.a.test", "A")) == ["192.0.2.2"]


def test_failures_are_forgotten_at_once(weir, world):
    for _ in range(3):  # each doubles the time for which it is not asked again
        assert rcode(weir.ask("broken.a.test", "A", timeout_s=15)) == "SERVFAIL"
    world.version = 2
    flush(weir, "broken.a.test")
    assert addresses(weir.ask("broken.a.test", "A")) == ["192.0.2.2"]


def test_words_and_mistakes(weir):
    weir.ask("www.a.test", "A")
    assert weir.cli("flush", "a.test").stdout == "a.test and all names below it are forgotten: 1 item of the cache.\n"
    assert weir.cli("flush", "a.test").stdout == "a.test and all names below it are forgotten: 0 items of the cache.\n"
    assert weir.cli("flush", "--all").stdout.startswith("Everything is forgotten: ")
    for args, rc, said in ((("flush",), 2, "a NAME is missing"), (("flush", "a", "b"), 2, "extra operand 'b'"),
                           (("flush", "--all", "a"), 2, "extra operand 'a'"),
                           (("flush", "*.a.test"), 1, "all names below one are forgotten with it"),
                           (("flush", "a..test"), 1, "is not a domain name")):
        done = weir.cli(*args, check=False)
        assert done.returncode == rc and said in done.stderr, (args, done)
