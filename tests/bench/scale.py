#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten million rules: what they cost, what changing them costs, and what questions notice of it.

Four parts: scale_bench (memory, load, delta, edits; no daemon), small changes of a list's file and of a
zone by IXFR in the daemon (delta.py), the time of answers before and during whole reloads, and resident
memory over a thousand reloads.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import contenders
import delta
import reload
import run
from contenders import Scene
from lab import LabError, enter_namespace

ROUNDS = 5  # of each kind, in turn
MEMORY = "/dev/shm"
PLACES = {"disk": "on the disk", "memory": "in memory"}


def write_halves(scene, directory):
    """Two versions with half of the names in both: no overlay, each reload is the whole."""
    with open(scene.domains) as f:
        names = f.read().split("\n")[:-1]
    asked = set(scene.sample)
    paths = []
    for i in (0, 1):
        path = os.path.join(directory, f"half{i}.list")
        with open(path, "w") as f:
            f.writelines((n if k % 2 == i or n in asked else f"v{i}-{n}") + "\n" for k, n in enumerate(names))
            f.write(f"only-in-version{i}.example\n")
        paths.append(path)
    return paths


def put(path, target):
    """Beside, then renamed; a link, so that no copying of the bench's own is measured."""
    if not os.path.exists(target) or not os.path.samefile(path, target):
        os.link(path, target + ".new")
        os.rename(target + ".new", target)
    os.utime(target)  # another link of the same file otherwise looks as it did before


def load(scene, seconds, rate):
    """A steady stream, listed and cached names in turn; the generator's words."""
    queries = scene.path("mixed.q")
    with open(scene.block_queries) as b, open(scene.hit_queries) as h, open(queries, "w") as f:
        hits = h.read().splitlines()
        for i, line in enumerate(b.read().splitlines()):
            f.write(line + "\n" + hits[i % len(hits)] + "\n")
    argv = [scene.tools["qblast"], "-s", "127.0.0.1", "-P", str(reload.PORT), "-f", queries,
            "-t", str(seconds), "-l", str(reload.LATE_MS), "-r", str(rate)]
    if os.cpu_count() > 1:
        argv = ["taskset", "-c", str(contenders.CLIENT_CPU)] + argv
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def status_kib(pid, key):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key))


def policy_kib(pid):
    """Resident pages of the image and its overlay."""
    kib, is_policy = 0, False
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            if "-" in line.split(" ")[0]:
                is_policy = "/policy." in line
            elif is_policy and line.startswith("Rss:"):
                kib += int(line.split()[1])
    return kib


def reset_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as f:
        f.write("5")


def reload_quietly(server, version, paths):
    """By the control socket: starting `weir reload` would take from the cores that are measured."""
    put(paths[version], server.list_file())
    begin = time.monotonic()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(300)
        s.connect(os.path.join(server.directory, "control"))
        s.sendall(b'{"command": "reload"}\n')
        answer = json.loads(s.makefile().readline())
    if not answer.get("reload", {}).get("in_force"):
        raise LabError(f"reload: {answer}")
    return time.monotonic() - begin


class Reloading(threading.Thread):
    """Whole reloads one after the other, until told to stop."""

    def __init__(self, server, paths):
        super().__init__()
        self.server, self.paths = server, paths
        self.version, self.times, self.error = 0, [], None
        self.is_over = threading.Event()

    def run(self):
        try:
            while not self.is_over.is_set():
                self.version = 1 - self.version
                self.times.append(reload_quietly(self.server, self.version, self.paths))
        except (LabError, OSError, subprocess.SubprocessError) as e:
            self.error = e

    def stop(self):
        self.is_over.set()
        self.join()


class Writing(threading.Thread):
    """A stranger who writes as much to the same disk as a reload does, as often, and does nothing else."""

    CODE = """
import os, sys, time
piece, fd = bytes(1 << 20), os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while True:
    over = time.monotonic() + float(sys.argv[3])
    for at in range(int(sys.argv[2])):
        begin = time.monotonic()
        os.pwrite(fd, piece, at << 20)
        os.fdatasync(fd)
        time.sleep(min(0.02, time.monotonic() - begin))
    os.ftruncate(fd, 0)
    time.sleep(max(0, over - time.monotonic()))
"""

    def __init__(self, directory, n_mib, every_s):
        super().__init__()
        self.error = None
        self.argv = [sys.executable, "-c", self.CODE, os.path.join(directory, "written"), str(n_mib), str(every_s)]
        if os.cpu_count() > 1:
            self.argv = ["taskset", "-c", str(contenders.SERVER_CPU)] + self.argv
        self.process = None

    def run(self):
        self.process = subprocess.Popen(self.argv)

    def stop(self):
        self.join()
        self.process.kill()
        self.process.wait()


def one_load(scene, server, report, args, kind, paths):
    """p99.9 in microseconds, and how many answers were lost or wrong."""
    beside = None
    if kind == "reloads":
        beside = Reloading(server, paths)
    elif kind == "writes":
        # The list's copy, the rules while they are sorted, the policy: about twice the list.
        beside = Writing(os.path.dirname(server.list_file()), os.path.getsize(paths[0]) >> 19, server.load_s)
    if beside is not None:
        beside.start()
        time.sleep(0.2)
    got = run.parse(load(scene, args.seconds, args.rate).communicate()[0].split())
    if beside is not None:
        beside.stop()
        if beside.error is not None:
            raise LabError(str(beside.error))
    told = f"; {len(beside.times)} reloads, {max(beside.times):.1f} s at most" if kind == "reloads" else ""
    report.say(f"  {kind:8}: {got['qps']:.0f} a second, lost {got['lost']:.0f}, p50 {got['p50_us']:.0f}, "
               f"p99 {got['p99_us']:.0f}, p99.9 {got['p999_us']:.0f} us, longest {got['longest_ms']:.1f} ms{told}")
    return got["p999_us"], got["lost"] + sum(n for code, n in got["rcodes"].items() if code not in (0, 3))


def latency(scene, server, report, args, paths, place):
    """p99.9 of the same load, quiet, with reloads, and with a stranger's writes, in turn; medians."""
    kinds = ("quiet", "reloads") if place == "memory" else ("quiet", "reloads", "writes")
    found = {kind: [] for kind in kinds}
    wrong = 0
    for _ in range(ROUNDS):
        for kind in kinds:
            p999, n = one_load(scene, server, report, args, kind, paths)
            found[kind].append(p999)
            wrong += n
    middle = {kind: statistics.median(found[kind]) for kind in kinds}
    for kind in kinds[1:]:
        report.say(f"files {PLACES[place]}: p99.9 {middle['quiet']:.0f} us quiet, {middle[kind]:.0f} us with {kind}: "
                   f"{middle[kind] / middle['quiet']:.2f} times (medians of {ROUNDS})")
    bound = 1.2 * max(middle["quiet"], middle.get("writes", 0))
    return wrong > 0 or middle["reloads"] > bound


def peak(scene, server, report, paths):
    """The daemon's own peak of one whole reload, against what the policy has resident."""
    pid = server.process.pid
    run.blast(scene, reload.PORT, scene.block_queries, 20, total=20 * len(scene.sample))
    before, policy = status_kib(pid, "VmRSS"), policy_kib(pid)
    reset_peak(pid)
    reload.reload_once(server, 1, paths)
    run.blast(scene, reload.PORT, scene.block_queries, 20, total=20 * len(scene.sample))
    high = status_kib(pid, "VmHWM")
    times = (high - before + policy) / policy
    report.say(f"whole reload in the daemon: {before / 1024:.0f} MiB before, {high / 1024:.0f} MiB at most, until the new "
               f"image is as resident as the old one was; the policy has {policy / 1024:.0f} MiB of it: peak {times:.2f} times")
    return times > 1.3


def with_daemon(args, report, directory, place):
    scene = Scene(directory, args.names)
    server = reload.TwoVersions(scene, reload.PORT, with_events=False)
    bad = 0
    try:
        scene.start_authority()
        paths = write_halves(scene, directory)
        put(paths[0], server.list_file())
        server.start()
        run.blast(scene, reload.PORT, scene.hit_queries, 5, total=4 * contenders.WARM_NAMES)
        report.say(f"daemon: started in {server.load_s:.2f} s")
        if place == "disk":
            bad += peak(scene, server, report, paths)
        bad += latency(scene, server, report, args, paths, place)
        server.process.check()
    finally:
        server.stop()
        scene.stop()
    return bad


def small_changes(args, report, directory):
    scene = Scene(directory, args.names)
    try:
        delta.run(scene, report, args.zone_names)
    finally:
        scene.stop()
    return 0


def many_reloads(args, report, directory):
    scene = Scene(directory, args.flat_names)
    server = reload.TwoVersions(scene, reload.PORT, with_events=False)
    try:
        scene.start_authority()
        paths = write_halves(scene, directory)
        put(paths[0], server.list_file())
        server.start()
        report.say(f"{args.reloads} whole reloads of {args.flat_names:,} names")
        return reload.memory(server, report, args, paths)
    finally:
        server.stop()
        scene.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--build", default=os.path.join(contenders.HERE, "..", "..", "build"))
    p.add_argument("--names", type=int, default=10_000_000)
    p.add_argument("--zone-names", type=int, default=1_000_000, help="records of the zone (default 1,000,000)")
    p.add_argument("--seconds", type=float, default=10, help="of load, each time (default 10)")
    p.add_argument("--rate", type=int, default=20_000, help="questions a second (default 20,000)")
    p.add_argument("--reloads", type=int, default=1000, help="for the memory (default 1000; 0: none)")
    p.add_argument("--flat-names", type=int, default=100_000, help="names in those (default 100,000)")
    p.add_argument("--only", default="bench,delta,daemon,flat", help="parts (default bench,delta,daemon,flat)")
    p.add_argument("--places", default="disk,memory", help="where the daemon's files are (default disk,memory)")
    p.add_argument("--out", default="", help="also write what is said to this file")
    p.add_argument("--directory", help="for files; default: a temporary one, removed at the end")
    args = p.parse_args()
    reload.put = put
    contenders.Weir.binary = os.path.abspath(os.path.join(args.build, "weir"))
    parts = args.only.split(",")
    if not enter_namespace():
        print("scale.py: needs root or user namespaces", file=sys.stderr)
        return 1
    directory = args.directory or tempfile.mkdtemp(prefix="weir-scale.", dir="/var/tmp")
    report = run.Report(args.out)
    report.say(f"weir {run.commit()}; {run.machine()}; {args.names:,} names")
    bad = 0
    try:
        if "bench" in parts:
            done = subprocess.run([os.path.join(args.build, "tests/bench/scale_bench"), str(args.names), directory],
                                  capture_output=True, text=True, check=False)
            for line in done.stdout.splitlines():
                report.say(line)
            bad += done.returncode != 0
        if "delta" in parts:
            bad += small_changes(args, report, os.path.join(directory, "delta"))
        if "daemon" in parts:
            places = args.places.split(",")
            if "disk" in places:
                bad += with_daemon(args, report, os.path.join(directory, "daemon"), "disk")
            # The disk of a virtual machine takes processor time of the host that is not this machine's to give.
            if "memory" in places and os.path.isdir(MEMORY):
                with tempfile.TemporaryDirectory(prefix="weir-scale.", dir=MEMORY) as beside:
                    bad += with_daemon(args, report, beside, "memory")
        if "flat" in parts and args.reloads > 0:
            bad += many_reloads(args, report, os.path.join(directory, "flat"))
    except LabError as e:
        report.say(f"ended early: {e}")
        bad += 1
    finally:
        report.write()
        if args.directory is None:
            shutil.rmtree(directory, ignore_errors=True)
    report.say("good" if bad == 0 else "NOT as it must be")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
