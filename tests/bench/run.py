#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Side by side: CPU time per query, load time and memory, as ratios (see README.md).

usage: run.py [--phase hit,block,...] [--servers weir,unbound,...] [--seconds S] [--runs N] ...
"""

import argparse
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import dns.flags

import contenders
from contenders import CLIENT_CPU, CONTENDERS, SERVER_CPU, Scene, Weir, is_installed, warm
from lab import LabError, ask, enter_namespace

PHASES = ("hit", "block", "block-quiet", "miss", "miss-signed", "load")
TITLES = {
    "hit": "answers from the cache: 1,000 names",
    "block": "blocked names, an event written for each (by Weir; the others write none)",
    "block-quiet": "blocked names, no events",
    "miss": "cache misses: unique names below a warm zone",
    "miss-signed": "cache misses, validated: each name once, of a signed zone whose keys are known",
}
EXPECTED_RCODE = {"hit": 0, "block": 3, "block-quiet": 3, "miss": 0, "miss-signed": 0}
LOST_MAX = 0.001
FIRST_PORT = 6001


class Report:
    def __init__(self, path):
        self.path, self.lines = path, []

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def write(self):
        if self.path:
            with open(self.path, "w") as f:
                f.write("\n".join(self.lines) + "\n")


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo") as f:
        gib = int(f.readline().split()[1]) / 2**20
    return f"{model}, {os.cpu_count()} cores, {gib:.0f} GiB, Linux {platform.release()}"


def versions(chosen):
    commands = {"weir": [Weir.binary, "--version"], "unbound": ["unbound", "-V"],
                "pdns": ["pdns_recursor", "--version"], "bind": ["named", "-v"]}
    out = []
    for name in chosen:
        if name in commands:
            path = os.environ["PATH"] + ":/usr/sbin"
            done = subprocess.run(commands[name], capture_output=True, text=True, check=False,
                                  env=dict(os.environ, PATH=path))
            lines = (done.stdout + done.stderr).strip().splitlines()
            out.append(f"{name}: {lines[0] if lines else '?'}")
    return out


def commit():
    done = subprocess.run(["git", "-C", contenders.HERE, "describe", "--always", "--dirty"],
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown commit"


def load_average():
    with open("/proc/loadavg") as f:
        return f.read().split()[0]


def blast(scene, port, queries, seconds, pid=None, unique=False, total=None, late_ms=None):
    """Run the generator on its core; what it counted, as a dictionary."""
    argv = ["taskset", "-c", str(CLIENT_CPU), scene.tools["qblast"], "-s", "127.0.0.1", "-P", str(port),
            "-f", queries, "-t", str(seconds)]
    argv += ["-p", str(pid)] if pid else []
    argv += ["-u"] if unique else []
    argv += ["-n", str(total)] if total else []
    argv += ["-l", str(late_ms)] if late_ms else []
    words = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    return parse(words)


def parse(words):
    out = {"rcodes": {}}
    i = 0
    while i < len(words):
        if words[i] == "rcodes":
            i += 1
        elif ":" in words[i]:
            code, count = words[i].split(":")
            out["rcodes"][int(code)] = int(count)
            i += 1
        else:
            out[words[i]] = float(words[i + 1])
            i += 2
    return out


def measure_signed(scene, server, run):
    """The slice of names for this run, each once; they are new to the server."""
    queries = scene.path(f"signed{run % contenders.SIGNED_SLICES}.q")
    got = blast(scene, server.port, queries, 60, server.process.pid, total=contenders.SIGNED_SLICE)
    server.process.check()
    if got["rcodes"].get(0, 0) < contenders.SIGNED_SLICE * (1 - LOST_MAX):
        raise LabError(f"{server.name}, signed misses: {got['rcodes']}")
    return got["cpu_us_per_query"], got["qps"]


def run_signed(scene, report, chosen, runs):
    """Validating servers, without a list. The floors take part as they are."""
    running = {}
    for i, name in enumerate(n for n in chosen if "miss" in CONTENDERS[n].phases):
        server = CONTENDERS[name](scene, FIRST_PORT + i, with_list=False, tag="-signed", with_events=True,
                                  validating=True)
        server.start()
        if server.is_resolver:
            reply = ask("127.0.0.1", "ns." + contenders.SIGNED_ZONE, "A", server.port, 5, want_dnssec=True)
            if not reply.flags & dns.flags.AD:
                server.stop()
                if name == "weir":
                    raise LabError("weir does not validate")
                report.say(f"without {name}: it does not validate here")
                continue
        running[name] = server
    try:
        results = {name: [] for name in running}
        for run in range(min(runs, contenders.SIGNED_SLICES)):
            for name, server in running.items():
                results[name].append(measure_signed(scene, server, run))
        table(report, "miss-signed", results)
    finally:
        for server in running.values():
            server.stop()


def measure(scene, server, phase, seconds):
    """One run of one phase against one server: (microseconds of CPU a query, queries a second)."""
    unique = phase == "miss"
    if phase == "miss":
        zone = scene.take_zone()
        warm(server, zone)
        queries = scene.path("miss.q")
        with open(queries, "w") as f:
            f.write(zone + " A\n")
    else:
        queries = scene.hit_queries if phase == "hit" else scene.block_queries
        blast(scene, server.port, queries, 5, total=4 * contenders.WARM_NAMES)
    got = blast(scene, server.port, queries, seconds, server.process.pid, unique)
    server.process.check()
    wanted = EXPECTED_RCODE[phase]
    answered = max(got["answered"], 1)
    if server.is_dns and got["rcodes"].get(wanted, 0) < answered * (1 - LOST_MAX):
        raise LabError(f"{server.name}, {phase}: other answers than rcode {wanted}: {got['rcodes']}")
    if got["lost"] > answered * LOST_MAX:
        print(f"  note: {server.name}, {phase}: {got['lost']:.0f} of {answered:.0f} lost", flush=True)
    return got["cpu_us_per_query"], got["qps"]


def start_servers(scene, chosen, with_events, with_list):
    running = {}
    for i, name in enumerate(chosen):
        server = CONTENDERS[name](scene, FIRST_PORT + i, with_list, with_events)
        print(f"starting {name} ...", end="", flush=True)
        server.start()
        print(f" {server.load_s:.1f} s", flush=True)
        running[name] = server
    return running


def run_phase(scene, report, running, phase, seconds, runs):
    taking_part = [s for s in running.values() if phase in s.phases]
    if not taking_part:
        return
    results = {s.name: [] for s in taking_part}
    for _ in range(runs):  # in turn, so that a change of the machine hits all of them
        for server in taking_part:
            results[server.name].append(measure(scene, server, phase, seconds))
    table(report, phase, results)


def table(report, phase, results):
    medians = {n: statistics.median(us for us, _ in r) for n, r in results.items()}
    report.say()
    report.say(f"{TITLES[phase]}")
    report.say(f"  {'':10} {'us/query':>9} {'lowest':>9} {'highest':>9} {'queries/s':>11} "
               f"{'x udpecho':>10} {'x udprelay':>11} {'x unbound':>10}")
    for name, runs in results.items():
        us = [u for u, _ in runs]

        def ratio(other):
            return f"{medians[name] / medians[other]:.2f}" if medians.get(other) else "-"
        report.say(f"  {name:10} {medians[name]:9.3f} {min(us):9.3f} {max(us):9.3f} "
                   f"{statistics.median(q for _, q in runs):11.0f} {ratio('udpecho'):>10} "
                   f"{ratio('udprelay'):>11} {ratio('unbound'):>10}")


def run_load(scene, report, chosen, runs):
    """Time until the last listed name is blocked, and memory over the same server without a list."""
    rows = []
    for name in chosen:
        cls = CONTENDERS[name]
        if "load" not in cls.phases:
            continue
        kinds = [("text", True)] + ([("image", False)] if name == "weir" else [])
        empty = cls(scene, FIRST_PORT, with_list=False, tag="-empty")
        empty.start()
        empty_kib = empty.memory_kib()
        empty.stop()
        for kind, fresh in kinds:
            seconds, memory = [], []
            for _ in range(runs):
                server = cls(scene, FIRST_PORT, tag="-load")
                if fresh:
                    shutil.rmtree(os.path.join(server.directory, "state"), ignore_errors=True)
                server.start()
                seconds.append(server.load_s)
                # A mapped image is resident as far as it was read: touch it all over.
                blast(scene, server.port, scene.block_queries, 10, total=len(scene.sample))
                memory.append(server.memory_kib())
                server.stop()
            rows.append((name, kind, statistics.median(seconds), empty_kib,
                         (statistics.median(m[0] for m in memory), statistics.median(m[1] for m in memory))))
    report.say()
    report.say(f"loading {scene.n_names:,} names with all below them")
    report.say(f"  {'':16} {'seconds':>8} {'MiB':>8} {'of it not mapped':>17} {'empty MiB':>10} "
               f"{'bytes/name':>11} {'not mapped':>11}")
    for name, kind, s, empty, full in rows:
        label = name if kind == "text" and name != "weir" else f"{name}, {kind}"
        per = [(full[i] - empty[i]) * 1024 / max(scene.n_names, 1) for i in (0, 1)]
        report.say(f"  {label:16} {s:8.2f} {full[0] / 1024:8.0f} {full[1] / 1024:17.0f} "
                   f"{empty[0] / 1024:10.0f} {per[0]:11.1f} {per[1]:11.1f}")


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--phase", default=",".join(PHASES), help="of " + ",".join(PHASES))
    p.add_argument("--servers", default=",".join(CONTENDERS), help="of " + ",".join(CONTENDERS))
    p.add_argument("--seconds", type=float, default=4, help="a run (default 4)")
    p.add_argument("--runs", type=int, default=5, help="the median is told (default 5)")
    p.add_argument("--load-runs", type=int, default=3)
    p.add_argument("--names", type=int, default=1_000_000, help="in the list (default 1,000,000)")
    p.add_argument("--weir", default=Weir.binary)
    p.add_argument("--out", help="default: results-TIME.txt beside this file; '' for none")
    p.add_argument("--directory", help="for files; default: a temporary one, removed at the end")
    args = p.parse_args()
    args.phases = args.phase.split(",")
    args.chosen = args.servers.split(",")
    for given, known in ((args.phases, PHASES), (args.chosen, CONTENDERS)):
        for word in given:
            if word not in known:
                p.error(f"'{word}' is none of {', '.join(known)}")
    return args


def run_all(scene, report, args):
    chosen = [n for n in args.chosen if n != "weir" or os.access(Weir.binary, os.X_OK)]
    loud = [ph for ph in args.phases if ph == "block"]
    quiet = [ph for ph in args.phases if ph in ("hit", "block-quiet", "miss")]
    # The cache and the misses are measured as a server runs by default: with events on.
    for phases, with_events in ((loud + [p for p in quiet if p != "block-quiet"], True),
                                (["block-quiet"] if "block-quiet" in quiet else [], False)):
        if not phases:
            continue
        running = start_servers(scene, chosen, with_events, with_list=True)
        try:
            for phase in [p for p in PHASES if p in phases]:
                run_phase(scene, report, running, phase, args.seconds, args.runs)
        finally:
            for server in running.values():
                server.stop()
    if "miss-signed" in args.phases:
        run_signed(scene, report, chosen, args.runs)
    if "load" in args.phases:
        run_load(scene, report, chosen, args.load_runs)


def main():
    args = arguments()
    Weir.binary = os.path.abspath(args.weir)
    if not enter_namespace():
        print("run.py: needs root or user namespaces: the authority listens on port 53", file=sys.stderr)
        return 1
    missing = {n: is_installed(CONTENDERS[n]) for n in args.chosen}
    for name in [n for n, why in missing.items() if why]:
        print(f"without {name}: {missing[name]}", file=sys.stderr)
        args.chosen.remove(name)
    directory = args.directory or tempfile.mkdtemp(prefix="weir-bench.")
    now = datetime.datetime.now()
    out = os.path.join(contenders.HERE, f"results-{now:%Y%m%d-%H%M}.txt") if args.out is None else args.out
    report = Report(out)
    report.say(f"weir {commit()}, {now:%Y-%m-%d %H:%M}, median of {args.runs} runs of {args.seconds:g} s")
    report.say(machine() + f", load average before: {load_average()}")
    report.say(f"servers on core {SERVER_CPU}, generator and authority on core {CLIENT_CPU}; "
               f"{args.names:,} names listed")
    for line in versions(args.chosen):
        report.say(line)
    try:
        scene = Scene(directory, args.names)
        try:
            scene.start_authority(with_signed="miss-signed" in args.phases)
            run_all(scene, report, args)
        finally:
            scene.stop()
    except (LabError, KeyboardInterrupt) as e:
        report.say(f"ended early: {e or 'interrupted'}")
        return 1
    finally:
        report.write()
        if args.directory is None:
            shutil.rmtree(directory, ignore_errors=True)
    if out:
        print(f"\nwritten to {os.path.relpath(out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
