# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet: one Weir publishes its edits, three follow it, each on a machine (namespace) of its own.

One is killed and one cut off; an edit reaches the living within two seconds, the others when they
are back.
"""

import os
import shutil
import signal
import subprocess
import time

import dns.exception
import pytest

import lab as lab_module
import resolvers
from conftest import WEIR
from publish_test import KEY, follow, log_of, publishing
from replies import ede_codes, rcode
from transfer_test import until

PUBLISHER = "10.99.0.1"
FOLLOWERS = ["10.99.0.11", "10.99.0.12", "10.99.0.13"]
PORT = 53
IN_TIME_S = 2.0


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True)


class Machine:
    """A network namespace with one address on the bridge."""

    def __init__(self, number, address):
        self.link, self.address = f"fleet{number}", address
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "600"],
                                       preexec_fn=lab_module.die_with_parent)
        ours = os.readlink("/proc/self/ns/net")
        assert until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != ours)
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns",
           str(self.holder.pid))
        ip("link", "set", self.link, "master", "fleet", "up")
        self.inside("ip", "link", "set", "lo", "up")
        self.inside("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        self.inside("ip", "link", "set", "eth0", "up")

    def prefix(self):
        return ["nsenter", "-t", str(self.holder.pid), "-n"]

    def inside(self, *argv):
        subprocess.run(self.prefix() + list(argv), check=True, capture_output=True)

    def cut_off(self):
        ip("link", "set", self.link, "down")

    def join(self):
        ip("link", "set", self.link, "up")

    def stop(self):
        self.holder.kill()
        self.holder.wait()


class FleetWeir(resolvers.Weir):
    """A Weir on a machine of the fleet; None: here."""

    machine = None

    def run(self, argv, limit_s=lab_module.START_LIMIT_S):
        super().run((self.machine.prefix() if self.machine else []) + argv, limit_s)


def make(lab, directory, address, machine=None):
    w = FleetWeir(lab, directory, WEIR, PORT, address)
    w.machine = machine
    w.config["server"]["listen"] = [f"{address}@{PORT}"]
    w.config["groups"][0]["clients"] = ["10.99.0.0/24"]
    return w


@pytest.fixture
def fleet(lab, tmp_path):
    if "WEIR_LAB_NAMESPACE" not in os.environ or not all(map(shutil.which, ("unshare", "nsenter"))):
        pytest.skip("needs network namespaces")
    try:
        ip("link", "add", "fleet", "type", "bridge")
    except subprocess.CalledProcessError:
        pytest.skip("this kernel has no bridge")
    ip("addr", "add", f"{PUBLISHER}/24", "dev", "fleet")
    ip("link", "set", "fleet", "up")
    machines = [Machine(i, a) for i, a in enumerate(FOLLOWERS)]
    publisher = make(lab, str(tmp_path / "publisher"), PUBLISHER)
    publishing(publisher, notify=[f"{a}@{PORT}" for a in FOLLOWERS])
    followers = [make(lab, str(tmp_path / f"follower{i}"), m.address, m) for i, m in enumerate(machines)]
    for f in followers:
        follow(f, [f"{PUBLISHER}@{PORT}"])
    running = [publisher, *followers]
    try:
        for w in running:
            w.start()
        yield publisher, followers, machines
    finally:
        for w in running:
            w.stop()
        for m in machines:
            m.stop()
        ip("link", "del", "fleet")


def blocked(w, name):
    """Nobody resolves here: a question asked too early is not waited for."""
    try:
        reply = w.ask(name, timeout_s=0.2)
    except dns.exception.Timeout:
        return False
    return rcode(reply) == "NXDOMAIN" and 15 in ede_codes(reply)


def arrives(name, followers):
    """Seconds until all of them block the name; None: too late."""
    start = time.monotonic()
    if not until(lambda: all(blocked(f, name) for f in followers), 30):
        return None
    return time.monotonic() - start


def edit(publisher, name):
    publisher.cli("block", name)


def test_an_edit_reaches_the_fleet(fleet):
    publisher, followers, machines = fleet
    edit(publisher, "first.example")
    assert arrives("first.example", followers) is not None, log_of(followers[0])
    times = []
    for i in range(5):
        edit(publisher, f"all{i}.example")
        times.append(arrives(f"all{i}.example", followers))
        time.sleep(0.2)
    assert all(t is not None and t < IN_TIME_S for t in times), times

    living, killed, cut = followers
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.popen.wait()
    machines[2].cut_off()
    for i in range(3):
        edit(publisher, f"without{i}.example")
        times.append(arrives(f"without{i}.example", [living]))
        time.sleep(0.2)
    assert all(t is not None and t < IN_TIME_S for t in times), times

    killed.start()
    back_killed = arrives("without2.example", [killed])
    assert back_killed is not None and back_killed < 10, log_of(killed)
    machines[2].join()
    back_cut = arrives("without2.example", [cut])
    assert back_cut is not None, log_of(cut)
    assert all(blocked(f, n) for f in followers for n in ("first.example", "all4.example"))

    # A publisher that was away changes nothing for those who follow, and goes on where it was.
    publisher.process.kill()
    assert blocked(living, "without2.example")
    publisher.start()
    edit(publisher, "again.example")
    last = arrives("again.example", followers)
    assert last is not None, log_of(publisher)
    print(f"edits arrived after {', '.join(f'{t:.2f}' for t in times)} s; killed: {back_killed:.2f} s "
          f"after its start; cut off: {back_cut:.2f} s after its return; after the publisher's: {last:.2f} s")
