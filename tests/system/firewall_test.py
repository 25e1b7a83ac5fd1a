# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of nftables are filled with what clients were given, before they have the answer."""

import json
import os
import shutil
import socket
import subprocess
import time

import pytest

from events_test import list_of
from replies import addresses, rcode

CLIENT, OTHER = "127.0.0.1", "127.0.0.2"
RULES = """
add table inet wt
add set inet wt v4 {{ type ipv4_addr; flags timeout; }}
add set inet wt v6 {{ type ipv6_addr; flags timeout; }}
add set inet wt pairs {{ type ipv4_addr . ipv4_addr; flags timeout; }}
add chain inet wt out {{ type filter hook output priority 0; }}
add rule inet wt out ip daddr {address} tcp dport 4711 ip saddr . ip daddr != @pairs reject with tcp reset
"""


def nft(text, check=True):
    return subprocess.run(["nft", "-f", "-"], input=text, text=True, check=check, capture_output=True, timeout=20)


def elements(name):
    """Address (or pair) -> (timeout, seconds until it goes)."""
    out = subprocess.run(["nft", "-j", "list", "set", "inet", "wt", name], check=True, capture_output=True,
                         text=True, timeout=20).stdout
    found = {}
    for item in json.loads(out)["nftables"]:
        for e in item.get("set", {}).get("elem", []):
            value = e["elem"]["val"]
            key = tuple(value["concat"]) if isinstance(value, dict) else value
            found[key] = (e["elem"]["timeout"], e["elem"]["expires"])
    return found


@pytest.fixture(scope="module")
def tables(lab):
    if "WEIR_LAB_NAMESPACE" not in os.environ or shutil.which("nft") is None:
        pytest.skip("this needs a network namespace of our own, and nft")
    if nft("add table inet wt", check=False).returncode != 0:
        pytest.skip("the kernel has no nf_tables, or does not let us use it")
    nft("flush ruleset")
    nft(RULES.format(address="203.0.113.99"))
    yield
    nft("flush ruleset")


def weir_with(start_weir, **firewall):
    def prepare(w):
        w.config["lists"] = [list_of(w, "bad", ["bad.wild.org"]),
                             list_of(w, "nowhere", ["nowhere.wild.org"], action="address", addresses=["0.0.0.0"])]
        w.config["groups"] = [{"name": "bound", "clients": [CLIENT, "::1"], "lists": ["bad", "nowhere"]},
                              {"name": "free", "clients": [OTHER], "lists": []}]
        w.config["local"] = {"zones": [
            {"zone": "here.example", "records": ["@ 300 A 203.0.113.99", "@ 300 AAAA 2001:db8:77::1",
                                                 "short 2 A 203.0.113.98",
                                                 "@ 300 HTTPS 1 . ipv4hint=203.0.113.97 ipv6hint=2001:db8:77::2"]},
            {"zone": "test", "type": "resolve"}, {"zone": "2.0.192.in-addr.arpa", "type": "resolve"}]}
        w.config["firewall"] = {"table": "inet wt", **firewall}
    return start_weir(prepare=prepare)


@pytest.fixture(scope="module")
def weir(start_weir, tables):
    return weir_with(start_weir, **{"set-v4": "v4", "set-v6": "v6", "timeout-min": "10s", "groups": ["bound"]})


def counts(weir):
    return json.loads(weir.cli("status", "--json").stdout)["status"]["firewall"]


def test_answers_fill_the_sets(weir):
    given = addresses(weir.ask("a.wild.org")) + addresses(weir.ask("a.wild.org", "AAAA"))
    assert given
    both = {**elements("v4"), **elements("v6")}
    for address in given:
        timeout, left = both[address]
        assert timeout >= 10 and left > 5
    assert "Firewall" in weir.cli("status").stdout


def test_timeouts_follow_the_answer(weir):
    weir.ask("here.example")
    weir.ask("short.here.example")
    weir.ask("here.example", "AAAA")
    weir.ask("here.example", "HTTPS")
    v4, v6 = elements("v4"), elements("v6")
    assert 295 <= v4["203.0.113.99"][0] <= 305
    assert 10 <= v4["203.0.113.98"][0] <= 13  # timeout-min
    assert "203.0.113.97" in v4 and "2001:db8:77::1" in v6 and "2001:db8:77::2" in v6


def test_over_tcp_too(weir):
    given = addresses(weir.ask("tcp.wild.org", tcp=True))
    assert given and set(given) <= set(elements("v4"))


def test_what_is_not_given_is_not_there(weir):
    before = elements("v4")
    assert rcode(weir.ask("x.bad.wild.org")) == "NXDOMAIN"
    assert addresses(weir.ask("nowhere.wild.org")) == ["0.0.0.0"]
    weir.ask("s1.site01.net", source=OTHER)  # a group that is not bound
    assert set(elements("v4")) <= set(before)


def test_what_is_known_is_not_added_again(weir):
    weir.ask("here.example")
    before = counts(weir)
    for _ in range(20):
        weir.ask("here.example")
    after = counts(weir)
    assert after["added"] == before["added"] and after["known"] - before["known"] == 20
    assert after["failed"] == 0


def test_it_is_given_more_time(weir):
    weir.ask("short.here.example")
    time.sleep(6)  # more than half of timeout-min
    weir.ask("short.here.example")
    assert elements("v4")["203.0.113.98"][1] >= 8


def test_a_set_made_anew_is_filled_anew(weir):
    weir.ask("here.example")
    nft("flush ruleset")
    weir.ask("here.example")  # known, so nothing happens
    nft(RULES.format(address="203.0.113.99"))
    deadline = time.monotonic() + 12
    while "203.0.113.99" not in elements("v4") and time.monotonic() < deadline:
        weir.ask("here.example")
        time.sleep(0.3)
    assert "203.0.113.99" in elements("v4")


def test_pairs_bind_addresses_to_clients(weir, start_weir):
    """Two addresses of this machine: only the one that asked may connect, and at once."""
    subprocess.run(["ip", "addr", "add", "203.0.113.99/32", "dev", "lo"], check=True, timeout=10)
    paired = weir_with(start_weir, **{"set-v4": "pairs"})
    with socket.create_server(("203.0.113.99", 4711)):
        def connects(source):
            try:
                socket.create_connection(("203.0.113.99", 4711), timeout=3, source_address=(source, 0)).close()
                return True
            except OSError:
                return False
        assert not connects(CLIENT)
        assert addresses(paired.ask("here.example")) == ["203.0.113.99"]
        assert connects(CLIENT)
        assert not connects(OTHER)
        paired.ask("here.example", source=OTHER)
        assert connects(OTHER)
    assert (CLIENT, "203.0.113.99") in elements("pairs")
    given = addresses(paired.ask("many.wild.org", "AAAA"))
    assert counts(paired)["unbound"] == 0 or given  # no set for IPv6: nothing to do


def test_a_missing_set_is_told(start_weir, tables):
    w = weir_with(start_weir, **{"set-v4": "not-there"})
    assert rcode(w.ask("here.example")) == "NOERROR"
    assert "there is no such set" in w.process.log_tail(200)


def test_a_bad_configuration_is_told(weir):
    for firewall, said in (({"table": "weir"}, "write the family"), ({"table": "inet wt"}, "no set is named"),
                           ({"table": "inet wt", "set-v4": "v4", "groups": ["nobody"]}, "no group 'nobody'")):
        path = os.path.join(weir.directory, "bad.yaml")
        with open(path, "w") as f:
            json.dump({**weir.config, "firewall": firewall}, f)
        done = subprocess.run([weir.binary, "check", path], capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and said in done.stderr
