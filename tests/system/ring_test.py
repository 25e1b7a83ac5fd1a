# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolvers that forward to each other: how long a question goes round, and how many packets it is."""

import json
import os
import socket
import threading
import time

import pytest

from capture import Capture
from replies import ede, rcode

pytestmark = pytest.mark.skipif("WEIR_LAB_NAMESPACE" not in os.environ,
                                reason="needs a namespace: root, or user namespaces")
NET = "127.77."
TIME_LIMIT_S = 2
LOOP = "forwarding loop"


def in_ring(packet):
    return packet.source.startswith(NET) and packet.target.startswith(NET)


def ring_of(start_weir, addresses, limit=TIME_LIMIT_S):
    """Weirs, each forwarding everything to the next, the last to the first."""
    ring = []
    for a in addresses:
        w = start_weir(address=a, run=False)
        w.config["resolver"].update({"source-addresses": [a], "time-limit": f"{limit}s"})
        ring.append(w)
    for w, to in zip(ring, ring[1:] + ring[:1]):
        w.config["resolver"]["forward"] = [{"zone": ".", "to": [f"{to.address}@{to.port}"]}]
        w.start()
    return ring


def counted(weir, counter):
    return json.loads(weir.cli("status", "--json").stdout)["status"]["upstream"][counter]


def ask_timed(weir, name):
    begin = time.monotonic()
    reply = weir.ask(name, timeout_s=3 * TIME_LIMIT_S)
    return reply, time.monotonic() - begin


def said(reply):
    return [text for code, text in ede(reply) if code == 22]


def is_quiet(seen, within_s):
    """For a second not a packet, before so many seconds have passed."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        n = len(seen.packets)
        time.sleep(1)
        if len(seen.packets) == n:
            return True
    return False


def test_two_that_forward_to_each_other(start_weir):
    """tsuKING's shortest ring: broken when the question comes back, not when time is up."""
    one, two = ring_of(start_weir, [NET + "0.1", NET + "0.2"], limit=10)
    with Capture(in_ring) as seen:
        for i in range(10):
            reply, took = ask_timed(one if i % 2 else two, f"name{i}.ring.example")
            assert rcode(reply) == "SERVFAIL" and said(reply)
            assert took < 2
    assert counted(one, "rings_closed") + counted(two, "rings_closed") >= 10
    assert 10 * 4 <= len(seen.packets) <= 10 * 12, len(seen.packets)
    print(f"ring of two: {len(seen.packets) / 10:.1f} packets a question, both ways")


def test_the_one_that_breaks_the_ring_says_why(start_weir):
    one, two = ring_of(start_weir, [NET + "0.3", NET + "0.4"])
    name = "told.ring.example"
    assert rcode(one.ask(name)) == "SERVFAIL"
    event = one.wait_event(lambda e: LOOP in json.dumps(e.get("weir", {}).get("ede", "")))
    assert event is not None, one.events()
    assert event["client"]["ip"] == two.address


def test_three_in_a_ring(start_weir):
    """Nobody sees his forwarder ask: the question waits for itself, and ends with the time limit."""
    ring = ring_of(start_weir, [NET + f"1.{i}" for i in (1, 2, 3)])
    with Capture(in_ring) as seen:
        for i in range(2):
            reply, took = ask_timed(ring[i], f"name{i}.three.example")
            assert rcode(reply) == "SERVFAIL" and said(reply), reply
            assert took < TIME_LIMIT_S + 1
        assert is_quiet(seen, 3 * TIME_LIMIT_S), "it still goes round"
        n = len(seen.packets)
    print(f"ring of three: {n / 2:.1f} packets a question, both ways")
    assert 2 * 3 <= n <= 2 * 40, n
    assert all(w.process.popen.poll() is None for w in ring)


class Relay(threading.Thread):
    """An address that passes what it gets on to Weir, from itself: NAT, or a proxy, in front of it."""

    def __init__(self, address, port, weir):
        super().__init__(daemon=True)
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind((address, port))
        self.front.settimeout(0.1)
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.bind((address, 0))
        self.back.settimeout(0.01)
        self.weir, self.peers, self.is_ending = weir, {}, False
        self.start()

    def run(self):
        while not self.is_ending:
            for s in (self.front, self.back):
                try:
                    wire, peer = s.recvfrom(4096)
                except socket.timeout:
                    continue
                if s is self.front:
                    self.peers[wire[:2]] = peer
                    self.back.sendto(wire, self.weir)
                elif wire[:2] in self.peers:
                    self.front.sendto(wire, self.peers[wire[:2]])
        self.front.close()
        self.back.close()


def test_one_that_forwards_to_itself_by_another_address(start_weir):
    address, other = NET + "2.1", NET + "2.2"
    weir = start_weir(address=address, run=False)
    weir.config["resolver"].update({"source-addresses": [address], "time-limit": "10s",
                                    "forward": [{"zone": ".", "to": [f"{other}@53"]}]})
    relay = Relay(other, 53, (address, weir.port))
    weir.start()
    with Capture(in_ring) as seen:
        for i in range(5):
            reply, took = ask_timed(weir, f"name{i}.self.example")
            assert rcode(reply) == "SERVFAIL" and said(reply)
            assert took < 2
    relay.is_ending = True
    relay.join()
    assert counted(weir, "rings_closed") >= 5
    assert 5 * 4 <= len(seen.packets) <= 5 * 12, len(seen.packets)


def test_its_own_address_is_an_error(start_weir):
    weir = start_weir(address=NET + "3.1", run=False)
    weir.config["resolver"]["forward"] = [{"zone": ".", "to": [f"{weir.address}@{weir.port}"]}]
    weir.write_config()
    done = weir.cli("check", check=False)
    assert done.returncode != 0 and "own listen address" in done.stderr, done.stderr
