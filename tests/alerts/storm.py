#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""storm.py [--clients 10000] [--down 60] [--seconds 10]: what alerts must stand.

Four parts, each with a Weir of its own, in a network namespace where that is allowed:

  speed   10,000 clients become infected at once while nobody takes alerts: the time to the answer of others,
          before and during that, beside a Weir that gathers no evidence under the same flood
  down    the receivers are away for --down seconds and Weir is killed in between; then they come back:
          each incident has arrived at each of them, none is lost
  small   the spool is too small for what waits: what arrived and what was counted as lost is all there was
  full    the disk is full (a tmpfs): alerts wait in memory, incidents beyond that; the process is killed once;
          when there is room again everything arrives, or is counted

The exit status is 1 when something does not add up. Times depend on the machine being idle; they are
told, and judged only with --judge-times.
"""
import argparse
import collections
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../lab", "../system"):
    sys.path.insert(0, os.path.join(HERE, folder))
import lab as lab_module  # noqa: E402
from receivers import Hook  # noqa: E402

WEIR = os.environ.get("WEIR", os.path.join(HERE, "..", "..", "build", "weir"))
CLONE_NEWNS = 0x20000
PORT = 5300
NAMES = ("c2-one.example", "c2-two.example")
failures = []


def say(text):
    print(text, flush=True)


def check(is_good, text):
    say(f"  {'ok  ' if is_good else 'BAD '} {text}")
    if not is_good:
        failures.append(text)


def address(i):
    return f"127.{1 + i // 62500}.{1 + i // 250 % 250}.{1 + i % 250}"


def question(name, number):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return number.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"


def storm(n):
    """Each of n clients asks for two names of a list of c2, all at once. Seconds it took."""
    begin = time.monotonic()
    for i in range(n):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((address(i), 0))
            for k, name in enumerate(NAMES):
                s.sendto(question(name, k), ("127.0.0.1", PORT))
        if i % 50 == 49:
            time.sleep(0.002)  # what the socket's buffer cannot hold is no fault of the server
    return time.monotonic() - begin


class Server:
    def __init__(self, folder, hooks, incidents=True, spool="64MiB", state=None):
        self.folder, self.process = folder, None
        self.control = os.path.join(folder, "control")
        self.state = state or os.path.join(folder, "state")
        lists = os.path.join(folder, "c2.txt")
        ads = os.path.join(folder, "ads.txt")
        with open(lists, "w") as f:
            f.write("\n".join(NAMES) + "\n")
        with open(ads, "w") as f:
            f.write("ads.example\n")
        self.conf = os.path.join(folder, "weir.yaml")
        config = {
            "server": {"listen": [f"127.0.0.1@{PORT}"], "workers": 1},
            "resolver": {"trust-anchors": "none"},
            "local": {"zones": [{"zone": "probe.example", "records": ["@ A 192.0.2.1"]}]},
            "lists": [{"name": "c2", "file": lists, "category": "c2", "confidence": "high"},
                      {"name": "ads", "file": ads}],
            "groups": [{"name": "all", "clients": ["127.0.0.0/8"], "lists": ["c2", "ads"]}],
            "incidents": {"enable": incidents},
            "events": {"file": os.path.join(folder, "events.jsonl")},
            "alert-spool": spool, "state": self.state, "control": self.control,
            "alerts": [{"name": f"hook{i}", "to": h.url("/"), "ca": h.ca}
                       for i, h in enumerate(hooks)],
        }
        with open(self.conf, "w") as f:
            json.dump(config, f)

    def start(self):
        log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen([WEIR, "serve", "-c", self.conf], stderr=log)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                self.call({"command": "alerts"})
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("weir does not start: " + open(os.path.join(self.folder, "log")).read())

    def stop(self, sig=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(sig)
            self.process.wait()
        self.process = None

    def call(self, request):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.control)
            s.sendall(json.dumps(request).encode() + b"\n")
            reply = b""
            while not reply.endswith(b"\n"):
                part = s.recv(1 << 20)
                if not part:
                    raise OSError("hung up")
                reply += part
        return json.loads(reply)

    def alerts(self):
        return self.call({"command": "alerts"})["alerts"]

    def destinations(self):
        return {d["name"]: d for d in self.alerts()["destinations"]}

    def counts(self):
        reply = self.call({"command": "clients", "limit": 1})
        return reply["clients"]

    def wait(self, what, limit_s=300):
        end = time.monotonic() + limit_s
        while not what():
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True


def blast(tool, folder, rate, seconds):
    names = os.path.join(folder, "names")
    with open(names, "w") as f:
        f.write("probe.example A\nads.example A\n")
    return subprocess.Popen([tool, "-s", "127.0.0.1", "-P", str(PORT), "-f", names, "-r", str(rate),
                             "-t", str(seconds), "-l", "50"], stdout=subprocess.PIPE, text=True)


def percentiles(process):
    text = process.communicate()[0]
    found = {k: float(v) for k, v in re.findall(r"(p\d+)_us ([\d.]+)", text)}
    return found, text.strip()


def speed(o, folder, tool):
    say(f"speed: {o.clients} clients at once, {o.rate} other questions a second; p99.9 of these")
    p999 = collections.defaultdict(list)
    for turn in range(o.turns):
        for kind in ("no evidence", "incidents"):
            place = tempfile.mkdtemp(dir=folder)
            with Hook(place) as h:
                pass  # it has a port, and does not listen
            server = Server(place, [h], incidents=kind == "incidents").start()
            for moment in ("before", "during"):
                load = blast(tool, place, o.rate, o.seconds)
                time.sleep(0.3)
                if moment == "during":
                    storm(o.clients)
                found, text = percentiles(load)
                p999[kind, moment].append(found.get("p999", 0))
                say(f"  {kind}, {moment}: {text}")
            if kind == "incidents":
                check(server.wait(lambda: server.counts()["infected"] == o.clients, 120),
                      f"{server.counts()['infected']} of {o.clients} clients are infected")
                check(server.wait(lambda: server.alerts()["put"] == o.clients, 120),
                      f"{server.alerts()['put']} alerts, one an incident")
            server.stop()
    middle = {k: sorted(v)[len(v) // 2] for k, v in p999.items()}
    for kind in ("no evidence", "incidents"):
        say(f"  {kind}: p99.9 {middle[kind, 'before']:.0f} us before, {middle[kind, 'during']:.0f} us during")
    if o.judge_times:
        check(middle["incidents", "during"] <= 2 * max(middle["no evidence", "during"], 500),
              "incidents do not slow answers")


def clients_of(hook):
    return collections.Counter(a["client"]["ip"] for a in hook.json() if "client" in a)


def events_of(hook):
    return len({a["event"]["id"] for a in hook.json()})


def down(o, folder):
    say(f"down: nobody takes alerts for {o.down} s, and the process is killed in between")
    places = [tempfile.mkdtemp(dir=folder) for _ in range(2)]
    hooks = [Hook(p).start() for p in places]
    for h in hooks:
        h.stop()
    server = Server(places[0], hooks).start()
    storm(o.clients)
    check(server.wait(lambda: server.alerts()["put"] == o.clients, 120),
          f"{server.alerts()['put']} of {o.clients} alerts are kept")
    begin = time.monotonic()
    time.sleep(o.down / 2)
    server.wait(lambda: os.path.exists(os.path.join(server.state, "incidents")), 60)
    time.sleep(12)  # evidence is saved within ten seconds, when incidents were told
    server.stop(signal.SIGKILL)
    server.start()
    time.sleep(max(0.0, o.down - (time.monotonic() - begin)))
    for h in hooks:
        h.start()
    begin = time.monotonic()
    check(server.wait(lambda: all(d["waiting"] == 0 for d in server.destinations().values()), 600),
          f"all were delivered in {time.monotonic() - begin:.0f} s once they were back")
    for h, d in zip(hooks, server.destinations().values()):
        seen = clients_of(h)
        check(len(seen) == o.clients and d["lost"] == 0,
              f"{d['name']}: {len(seen)} incidents, {len(h.bodies)} requests, {d['lost']} lost")
        h.stop()
    server.stop()


def small(o, folder):
    say("small: the spool holds a fraction of what waits")
    place = tempfile.mkdtemp(dir=folder)
    h = Hook(place).start()
    h.stop()
    server = Server(place, [h], spool="256KiB").start()
    storm(o.clients)
    server.wait(lambda: server.alerts()["put"] == o.clients, 120)
    h.start()
    server.wait(lambda: server.destinations()["hook0"]["waiting"] == 0, 300)
    d = server.destinations()["hook0"]
    check(events_of(h) + d["lost"] == o.clients,
          f"{events_of(h)} arrived + {d['lost']} counted as lost = {o.clients} alerts")
    h.stop()
    server.stop()


def mount_small(path):
    """A tmpfs that is small; False: not allowed here."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.getuid() != 0 and "WEIR_LAB_NAMESPACE" not in os.environ:
        return False
    if libc.unshare(CLONE_NEWNS) != 0 or \
            libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None) != 0:  # MS_REC | MS_PRIVATE
        return False
    return libc.mount(b"tmpfs", path.encode(), b"tmpfs", 0, b"size=6m") == 0


def fill(path):
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError:
            pass


def full(o, folder):
    place = tempfile.mkdtemp(dir=folder)
    state = os.path.join(place, "state")
    os.mkdir(state)
    n = min(o.clients, 3000)
    say(f"full: the disk is full, {n} clients at once")
    if not mount_small(state):
        say("  skipped: nothing may be mounted here")
        return
    h = Hook(place).start()
    h.stop()
    server = Server(place, [h], state=state).start()
    fill(os.path.join(state, "junk"))
    storm(n)
    server.wait(lambda: server.counts()["infected"] == n, 120)
    time.sleep(5)
    a = server.alerts()
    check(a["spool"]["in_memory"] > 0, f"{a['put']} alerts were taken, {a['spool']['in_memory']} "
          f"are in memory only: {a['spool']['error']}")
    os.unlink(os.path.join(state, "junk"))
    h.start()
    check(server.wait(lambda: len(clients_of(h)) == n, 300),
          f"{len(clients_of(h))} of {n} incidents arrived when there was room again")
    d = server.destinations()["hook0"]
    check(d["lost"] == 0, f"{d['lost']} lost")
    h.stop()
    # once more, and killed with the disk full
    fill(os.path.join(state, "junk"))
    h.bodies.clear()
    before = server.alerts()["put"]
    for _ in range(200):
        server.call({"command": "alerts", "action": "test"})
    put = server.alerts()["put"] - before
    server.stop(signal.SIGKILL)
    os.unlink(os.path.join(state, "junk"))
    server.start()
    h.start()
    server.wait(lambda: server.destinations()["hook0"]["waiting"] == 0, 120)
    d = server.destinations()["hook0"]
    tests = len({x["event"]["id"] for x in h.json() if x["event"]["action"] == "test"})
    check(tests + d["lost"] >= put and d["lost"] > 0,
          f"killed with {put} taken: {tests} arrived + {d['lost']} counted as lost")
    h.stop()
    server.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--clients", type=int, default=10000)
    p.add_argument("--down", type=float, default=60)
    p.add_argument("--seconds", type=int, default=10)
    p.add_argument("--rate", type=int, default=5000)
    p.add_argument("--turns", type=int, default=3)
    p.add_argument("--judge-times", action="store_true")
    p.add_argument("--only", default="speed,down,small,full")
    o = p.parse_args()
    lab_module.enter_namespace()
    folder = tempfile.mkdtemp(prefix="weir-storm-")
    tool = os.path.join(folder, "qblast")
    subprocess.run(["cc", "-O2", "-o", tool, os.path.join(HERE, "..", "bench", "qblast.c")], check=True)
    try:
        for part in o.only.split(","):
            {"speed": lambda: speed(o, folder, tool), "down": lambda: down(o, folder),
             "small": lambda: small(o, folder), "full": lambda: full(o, folder)}[part]()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say("FAILED: " + "; ".join(failures) if failures else "all of it adds up")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
