#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reloads of a large list under full load: what is lost, what is late, and what memory does.

Two versions of the list are reloaded in turn while the generator asks for names that are in both
and for names that the cache holds.  Any answer that is missing, late, or of the wrong kind (a
listed name that resolves: half a list) is counted.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

import contenders
import run
from contenders import Scene, Weir
from lab import LabError, ask, enter_namespace

PORT = 6001
LATE_MS = 50
SHARED = 0.98  # of the names are in both versions, as in a daily update


class TwoVersions(Weir):
    """Weir with a list file that is replaced."""

    def list_file(self):
        return os.path.join(self.directory, "changing.list")


def write_versions(scene, directory):
    """Two files; the names asked for are in both."""
    with open(scene.domains) as f:
        names = f.read().split("\n")[:-1]
    keep = int(len(names) * SHARED)
    asked = set(scene.sample)
    paths = []
    for i in (0, 1):
        path = os.path.join(directory, f"version{i}.list")
        with open(path, "w") as f:
            f.writelines(n + "\n" for k, n in enumerate(names)
                         if k < keep or n in asked or k % 2 == i)
            f.write(f"only-in-version{i}.example\n")
        paths.append(path)
    return paths


def put(path, target):
    """As a feed tool should: beside, then renamed."""
    shutil.copy(path, target + ".new")
    os.rename(target + ".new", target)


def start_load(scene, seconds):
    """Both kinds of questions in one file: the generator mixes them."""
    queries = scene.path("mixed.q")
    with open(scene.block_queries) as b, open(scene.hit_queries) as h, open(queries, "w") as f:
        blocked, hits = b.read().splitlines(), h.read().splitlines()
        for i, line in enumerate(blocked):
            f.write(line + "\n" + hits[i % len(hits)] + "\n")
    argv = ["taskset", "-c", str(contenders.CLIENT_CPU), scene.tools["qblast"], "-s", "127.0.0.1",
            "-P", str(PORT), "-f", queries, "-t", str(seconds), "-l", str(LATE_MS)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def judge(got, report, title):
    """Say what came of a load; the number of things that must not be."""
    blocked, resolved = got["rcodes"].get(3, 0), got["rcodes"].get(0, 0)
    others = sum(n for code, n in got["rcodes"].items() if code not in (0, 3))
    uneven = abs(blocked - resolved)
    # Asked in strict alternation: beyond what is in flight at the end, the kinds must balance.
    wrong = max(0, uneven - 512) + others
    report.say(f"{title}: {got['answered']:.0f} answers, {got['qps']:.0f} a second; lost {got['lost']:.0f}, "
               f"late (> {LATE_MS} ms) {got['late']:.0f}, longest {got['longest_ms']:.1f} ms, "
               f"of the wrong kind {wrong}")
    return got["lost"] + wrong, got["late"]


def reload_once(server, version, paths):
    put(paths[version], server.list_file())
    begin = time.monotonic()
    done = subprocess.run([os.path.abspath(server.binary), "reload", "-c", server.conf_path],
                          capture_output=True, text=True, timeout=120, check=False)
    took = time.monotonic() - begin
    if done.returncode != 0:
        raise LabError(f"weir reload: {done.stdout}{done.stderr}")
    for i in (0, 1):
        blocked = ask("127.0.0.1", f"only-in-version{i}.example", port=PORT, timeout_s=5).rcode() == 3
        if i == version and not blocked:
            raise LabError(f"the reload came back, but version {version} is not in force")
    return took


def under_load(scene, server, report, args, paths):
    """Reloads while the generator runs; and the same time without reloads, to compare."""
    quiet = start_load(scene, args.seconds)
    _, late_anyway = judge(run.parse(quiet.communicate()[0].split()), report, "without reloads")
    load = start_load(scene, args.seconds)
    times = []
    end = time.monotonic() + args.seconds - 0.5
    while time.monotonic() < end - (max(times) if times else 0):
        times.append(reload_once(server, (len(times) + 1) % 2, paths))
    bad, late = judge(run.parse(load.communicate()[0].split()), report, f"with {len(times)} reloads")
    if not times:
        raise LabError("no reload fitted into the time: --seconds is too short")
    report.say(f"a reload took {min(times):.2f} to {max(times):.2f} s under load")
    if late_anyway > 0:
        report.say("the machine is too busy to tell what reloads delay: answers were late without them")
        return bad + 1
    return bad + late


def memory(server, report, args, paths):
    """RSS over many reloads; the growth from the first quarter to the last."""
    sizes = []
    for i in range(args.reloads):
        reload_once(server, i % 2, paths)
        sizes.append(server.memory_kib())
        if i % max(1, args.reloads // 8) == 0 or i == args.reloads - 1:
            report.say(f"  after {i + 1:4} reloads: {sizes[-1][0] / 1024:.1f} MiB, "
                       f"{sizes[-1][1] / 1024:.1f} of it not mapped")
    quarter = max(1, len(sizes) // 4)
    first, last = max(s[0] for s in sizes[:quarter]), max(s[0] for s in sizes[-quarter:])
    growth = last / first - 1
    report.say(f"memory over {args.reloads} reloads: the highest of the last quarter is {growth:+.1%} "
               "against the first")
    return growth > 0.05


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--weir", default=Weir.binary)
    p.add_argument("--names", type=int, default=1_000_000)
    p.add_argument("--seconds", type=float, default=30, help="of load (default 30)")
    p.add_argument("--reloads", type=int, default=200, help="for the memory (default 200; 0: none)")
    p.add_argument("--out", default="", help="also write what is said to this file")
    p.add_argument("--directory", help="for files; default: a temporary one, removed at the end")
    args = p.parse_args()
    Weir.binary = os.path.abspath(args.weir)
    if not enter_namespace():
        print("reload.py: needs root or user namespaces", file=sys.stderr)
        return 1
    directory = args.directory or tempfile.mkdtemp(prefix="weir-bench.")
    report = run.Report(args.out)
    report.say(f"weir {run.commit()}; {run.machine()}; {args.names:,} names, {SHARED:.0%} of them in both "
               f"versions; the server, its loading included, on core {contenders.SERVER_CPU}")
    bad = 0
    try:
        scene = Scene(directory, args.names)
        server = TwoVersions(scene, PORT, with_events=False)
        try:
            scene.start_authority()
            paths = write_versions(scene, directory)
            put(paths[0], server.list_file())
            server.start()
            report.say(f"started in {server.load_s:.2f} s, {server.memory_kib()[0] / 1024:.0f} MiB")
            run.blast(scene, PORT, scene.hit_queries, 5, total=4 * contenders.WARM_NAMES)
            bad += under_load(scene, server, report, args, paths)
            if args.reloads > 0:
                bad += memory(server, report, args, paths)
            server.process.check()
        finally:
            server.stop()
            scene.stop()
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
