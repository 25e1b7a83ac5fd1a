#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mixed load for a long time, with name servers that fail and return.

usage: soak.py [--lab] [--minutes M] [--rate Q] [--weir PATH] [--seed N] [--directory DIR]

The signed internet of internet.py, or with --lab the smaller lab, stands behind one Weir with a small
cache and several workers.  Questions of all kinds come at a steady rate: known names, names never
asked before, names that do not exist, broken zones, over UDP and TCP, with DO and CD or without.
Meanwhile name servers are stopped and go on, and Weir is reloaded and edited.  It ends with a table,
and with status 1 if a question was neither answered nor failed in time, if memory kept growing, or if
Weir wrote a sanitizer's report or ended.
"""

import argparse
import asyncio
import collections
import os
import random
import shutil
import signal
import sys
import tempfile
import time

import dns.flags
import dns.message
import dns.rcode

import drawing
import internet
import lab as lab_module
import oracles
import questions
from lab import LabError
from resolvers import Weir

TIME_LIMIT_S = 10  # of Weir, per question
PATIENCE_S = TIME_LIMIT_S + 4  # the machine may be busy, and a sanitizer is slow
SAMPLE_S = 5
GROWTH_MAX = 1.05
GROWTH_FREE_KIB = 4096
REPORTS = ("ERROR: AddressSanitizer", "WARNING: ThreadSanitizer", "runtime error:",
           "ERROR: LeakSanitizer", "a bug:")


class Questions:
    """An endless mixture."""

    def __init__(self, zones, seed):
        self.random = random.Random(seed)
        self.known = [q for r in ("yes", "oracle") for q in questions.all_of(zones, r)]
        self.broken = list(questions.all_of(zones, "no"))
        self.parents = [z.name for z in zones if z.name and z.resolves == "yes"]
        self.serial = 0

    def next(self):
        """(name, type)"""
        dice = self.random.random()
        if dice < 0.55:
            return self.random.choice(self.known)
        if dice < 0.70:
            return self.random.choice(self.broken)
        self.serial += 1
        parent = self.random.choice(self.parents)
        depth = self.random.choice(("", "", "a.", "a.b.c."))
        return f"n{self.serial}.{depth}{parent}.", self.random.choice(("A", "AAAA", "TXT", "DS"))


class DrawnQuestions:
    """The questions of the comparison, again and again, with names never asked between them."""

    def __init__(self, net, seed):
        self.random = random.Random(seed)
        self.drawn = [(q.name, q.rdtype) for _, q in drawing.draw(net, seed, 0.5)]
        self.parents = [z.name for z in net.zones if z.name]
        self.serial = 0

    def next(self):
        """(name, type)"""
        if self.random.random() < 0.7:
            return self.random.choice(self.drawn)
        self.serial += 1
        return f"n{self.serial}.{self.random.choice(self.parents)}.", self.random.choice(("A", "TXT", "DS"))


class Client(asyncio.DatagramProtocol):
    """One socket; questions by id."""

    def __init__(self):
        self.waiting = {}
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, _addr):
        future = self.waiting.pop(data[:2], None)
        if future is not None and not future.done():
            future.set_result(data)

    def error_received(self, _exc):
        pass

    async def ask(self, wire):
        key = wire[:2]
        if key in self.waiting:
            return None
        future = asyncio.get_running_loop().create_future()
        self.waiting[key] = future
        self.transport.sendto(wire)
        try:
            return await asyncio.wait_for(future, PATIENCE_S)
        finally:
            self.waiting.pop(key, None)


async def ask_tcp(address, port, wire):
    reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), PATIENCE_S)
    try:
        writer.write(len(wire).to_bytes(2, "big") + wire)
        head = await asyncio.wait_for(reader.readexactly(2), PATIENCE_S)
        return await asyncio.wait_for(reader.readexactly(int.from_bytes(head, "big")), PATIENCE_S)
    finally:
        writer.close()


class Soak:
    def __init__(self, args, lab, weir):
        self.args, self.lab, self.weir = args, lab, weir
        self.random = random.Random(args.seed)
        self.questions = (Questions(lab.zones, args.seed) if args.lab else DrawnQuestions(lab, args.seed))
        self.counts = collections.Counter()
        self.unanswered = []
        self.slowest_s = 0.0
        self.memory_kib = []
        self.end = time.monotonic() + args.minutes * 60

    def left(self):
        return self.end - time.monotonic()

    async def one(self, client):
        name, rdtype = self.questions.next()
        query = dns.message.make_query(name, rdtype, use_edns=self.random.choice((None, 0, 0)),
                                       want_dnssec=self.random.random() < 0.3)
        if self.random.random() < 0.1:
            query.flags |= dns.flags.CD
        wire = query.to_wire()
        begin = time.monotonic()
        try:
            if self.random.random() < 0.05:
                reply = await ask_tcp(self.weir.address, self.weir.port, wire)
            else:
                reply = await client.ask(wire)
        except (asyncio.TimeoutError, OSError, asyncio.IncompleteReadError) as e:
            self.unanswered.append((name, rdtype, type(e).__name__))
            return
        if reply is None:
            return
        self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
        self.counts[dns.rcode.to_text(reply[3] & 15)] += 1

    async def load(self):
        loop = asyncio.get_running_loop()
        clients = [(await loop.create_datagram_endpoint(
            Client, remote_addr=(self.weir.address, self.weir.port)))[1] for _ in range(16)]
        tasks = set()
        begin = time.monotonic()
        n = 0
        while self.left() > PATIENCE_S:
            due = int((time.monotonic() - begin) * self.args.rate)
            while n < due:
                task = asyncio.create_task(self.one(self.random.choice(clients)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                n += 1
            await asyncio.sleep(0.01)
        await asyncio.gather(*tasks)

    async def faults(self):
        """Stop a name server for a while, now and then two of them."""
        servers = [p for p in self.lab.processes]
        while self.left() > 4 * PATIENCE_S:
            await asyncio.sleep(self.random.uniform(2, 8))
            chosen = self.random.sample(servers, self.random.choice((1, 1, 2)))
            for p in chosen:
                p.popen.send_signal(signal.SIGSTOP)
            self.counts["servers stopped"] += len(chosen)
            await asyncio.sleep(self.random.uniform(0.5, 15))
            for p in chosen:
                p.popen.send_signal(signal.SIGCONT)

    async def changes(self):
        """Reloads and edits, while it answers."""
        n = 0
        while self.left() > 2 * PATIENCE_S:
            await asyncio.sleep(self.random.uniform(5, 20))
            n += 1
            command = self.random.choice((("reload",), ("block", f"x{n}.example", "--for", "30s"),
                                          ("allow", f"y{n}.example", "--for", "30s"), ("status",)))
            await asyncio.to_thread(self.weir.cli, *command, timeout_s=120)
            self.counts["changes"] += 1

    async def watch(self):
        while self.left() > PATIENCE_S:
            self.weir.process.check()
            with open(f"/proc/{self.weir.process.pid}/status") as f:
                rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
            self.memory_kib.append(rss)
            if len(self.memory_kib) % 60 == 0:
                done = sum(n for code, n in self.counts.items() if code.isupper())
                print(f"{self.left() / 60:5.1f} min left: {done} answers, {rss / 1024:.0f} MiB, "
                      f"{len(self.unanswered)} unanswered", flush=True)
            await asyncio.sleep(SAMPLE_S)

    async def run(self):
        await asyncio.gather(self.load(), self.faults(), self.changes(), self.watch())

    def verdict(self):
        """Texts of what went wrong."""
        wrong = []
        third = max(len(self.memory_kib) // 3, 1)
        middle = sorted(self.memory_kib[third:2 * third] or [0])
        last = sorted(self.memory_kib[2 * third:] or [0])
        before, after = middle[len(middle) // 2], last[len(last) // 2]
        print(f"memory: {self.memory_kib[0] / 1024:.1f} MiB at first, {before / 1024:.1f} in the middle "
              f"third, {after / 1024:.1f} in the last")
        print(f"slowest answer: {self.slowest_s:.1f} s")
        for what, n in sorted(self.counts.items()):
            print(f"  {n:9} {what}")
        if after > before * GROWTH_MAX + GROWTH_FREE_KIB:
            wrong.append(f"memory grows: {before} KiB, then {after} KiB")
        if self.unanswered:
            wrong.append(f"{len(self.unanswered)} questions without an answer, the first: "
                         f"{self.unanswered[:5]}")
        if not self.counts["NOERROR"] or not self.counts["NXDOMAIN"] or not self.counts["SERVFAIL"]:
            wrong.append("answers of one kind are missing altogether")
        return wrong


def reports_of(weir):
    with open(weir.process.log_path, errors="replace") as f:
        return [line.strip() for line in f if any(r in line for r in REPORTS)]


def configuration():
    return {"server": {"workers": 3}, "cache": {"size": "8MiB"},
            "resolver": {"time-limit": f"{TIME_LIMIT_S}s"}, "events": {"max-size": "1MiB", "keep": 1}}


def make_weir(args, lab, directory):
    if args.lab:
        return Weir(lab, directory, args.weir, config=configuration())
    weir = oracles.weir(lab, directory, args.weir)
    for section, value in configuration().items():
        weir.config[section].update(value)
    return weir


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--lab", action="store_true", help="the smaller lab, without validation")
    p.add_argument("--minutes", type=float, default=30)
    p.add_argument("--rate", type=float, default=150, help="questions a second (default 150)")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--weir", default=os.environ.get("WEIR", os.path.join(lab_module.HERE, "../../build/weir")))
    p.add_argument("--directory")
    args = p.parse_args()
    enter = lab_module.enter_namespace if args.lab else internet.enter
    if not enter():
        print("soak: no network namespace may be made here", file=sys.stderr)
        return 77
    directory = args.directory or tempfile.mkdtemp(prefix="weir-soak.")
    wrong = []
    try:
        with lab_module.Lab(directory) if args.lab else internet.Internet(directory, args.seed) as lab:
            weir = make_weir(args, lab, os.path.join(directory, "weir"))
            with weir:
                soak = Soak(args, lab, weir)
                asyncio.run(soak.run())
                wrong = soak.verdict()
            status = weir.process.popen.returncode
            if status != 0:
                wrong.append(f"weir ended with {status}")
            wrong += reports_of(weir)
    except LabError as e:
        wrong.append(str(e))
    finally:
        if args.directory is None and not wrong:
            shutil.rmtree(directory, ignore_errors=True)
    for text in wrong:
        print(f"soak: {text}", file=sys.stderr)
    if wrong:
        print(f"soak: files are in {directory}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
