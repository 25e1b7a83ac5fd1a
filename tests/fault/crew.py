# SPDX-License-Identifier: GPL-3.0-or-later
"""Beds side by side: a process each, with a network namespace, ports and a directory of its own.

The crew's head knows what is to be done, and gives each hand a piece of a step; a hand keeps its bed as long as
it stays with the step. What was done is written to a file, so that a run that was broken off goes on.
"""
import argparse
import itertools
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time
import traceback

import bed as bed_module
import faults

PIECE = 24  # faults


def work(number, args, pipe):
    """A hand: what comes through the pipe is (step, faults), or (step, None): count its calls."""
    bed_module.lab_module.die_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the head says when it ends
    bed_module.lab_module.enter_namespace()
    bed_module.Bed.ports = itertools.count(100 + 1000 * number)
    args = argparse.Namespace(**dict(vars(args), directory=os.path.join(args.directory, str(number))))
    bench = None
    try:
        while True:
            name, piece = pipe.recv()
            if bench is None or bench.step.name != name:
                if bench is not None:
                    bench.__exit__()
                bench = None  # until the new one stands
                bench = stand_up(name, args)
            if piece is None:
                pipe.send(bench.count())
                continue
            for fault in piece:
                pipe.send(bench.try_fault(*fault))
            pipe.send(None)
    except (EOFError, BrokenPipeError):  # the head has ended
        pass
    except Exception:  # noqa: BLE001 told by the head
        pipe.send(traceback.format_exc())
    finally:
        if bench is not None:
            bench.__exit__()


def stand_up(name, args):
    """On a machine that is busy with other work it may take more than one try."""
    for wait_s in (1, 10):
        try:
            return faults.Bench(name, args).__enter__()
        except (AssertionError, OSError, ValueError) as e:
            print(f"  {name}: no bed: {str(e)[:300]}", flush=True)
            time.sleep(wait_s)
    return faults.Bench(name, args).__enter__()


class Job:
    """A step: what is left of it."""

    def __init__(self, name):
        self.name, self.is_counting, self.left = name, False, None


class Crew:
    def __init__(self, args):
        self.args, self.begin = args, time.monotonic()
        self.done, self.counts = {}, {}
        self.n_all = 0
        if args.resume and args.out and os.path.exists(args.out):
            self.read(args.out)
        self.out = open(args.out, "a" if args.resume else "w") if args.out else None
        self.hands = {}  # pipe -> [process, the job it has]

    # ---- what was done ----

    def read(self, path):
        with open(path) as f:
            for line in f:
                try:
                    had = json.loads(line)
                except ValueError:  # broken off there
                    continue
                if "counts" in had:
                    self.counts[had["step"]] = had["counts"]
                    continue
                r = faults.Result(had["step"], had["key"], had["k"], had["how"])
                r.__dict__.update(had)
                self.done[r.name] = r
        self.done = {name: r for name, r in self.done.items() if not r.wrong and r.outcome != faults.NOT_REACHED}

    def write(self, thing):
        if self.out:
            self.out.write(json.dumps(thing) + "\n")
            self.out.flush()

    def counted(self, job, counts):
        self.counts[job.name] = counts
        job.is_counting = False
        if self.args.list:
            self.print_calls(job, counts)
            return
        chosen = faults.choose(job.name, counts, self.args)
        job.left = [f for f in chosen if (job.name, *f[:3]) not in self.done]
        self.wanted |= {(job.name, *f[:3]) for f in chosen}
        self.n_all += len(job.left)

    @staticmethod
    def print_calls(job, counts):
        job.left = []
        for key in sorted(k for k in set().union(*counts) if faults.is_of_interest(k)):
            print(job.name, *(c.get(key, 0) for c in counts), key)

    def have(self, r):
        self.done[r.name] = r
        self.n_had += 1
        self.write(r.__dict__)
        if r.wrong or self.args.verbose:
            print(f"{r}\n" + "".join(f"    {line}\n" for line in r.said), flush=True)
        if self.n_had % 100 == 0:
            print(f"  {self.n_had} of {self.n_all}, {time.monotonic() - self.begin:.0f} s", flush=True)

    # ---- who does what ----

    def next_piece(self, had):
        """(job, piece): of the step the hand is at, or the first that waits to be counted, or has faults left."""
        if had is not None and had.left:
            job = had
        else:
            job = next((j for j in self.jobs if j.left is None and not j.is_counting), None)
            if job is None:  # steps are whole one after the other, should it be broken off
                job = next((j for j in self.jobs if j.left), None)
        if job is None:
            return None, None
        if job.left is None:
            job.is_counting = True
            return job, None
        piece, job.left = job.left[:PIECE], job.left[PIECE:]
        return job, piece

    def hire(self):
        for number in range(self.args.jobs):
            ours, its = multiprocessing.Pipe()
            p = multiprocessing.get_context("fork").Process(target=self.begin_work, args=(number, ours, its))
            p.start()
            its.close()
            self.hands[ours] = [p, None]

    def begin_work(self, number, ours, its):
        for pipe in [ours, *self.hands]:  # of the head, which hears of its end by these
            pipe.close()
        work(number, self.args, its)

    def employ(self, idle):
        """Whoever is idle gets something to do, if there is something. True: somebody is at work."""
        for pipe in list(idle):
            job, piece = self.next_piece(self.hands[pipe][1])
            if job is not None:
                self.hands[pipe][1] = job
                pipe.send((job.name, piece))
                idle.remove(pipe)
        return len(idle) < len(self.hands)

    def hear(self, pipe, idle):
        try:
            said = pipe.recv()
        except EOFError:
            said = "it ended"
        job = self.hands[pipe][1]
        if isinstance(said, str):
            raise RuntimeError(f"{job.name}: {said}")
        if isinstance(said, faults.Result):
            self.have(said)
            return
        if said is not None:
            self.write({"step": job.name, "counts": said})
            self.counted(job, said)
        idle.add(pipe)

    def run(self, names):
        self.n_had, self.wanted = 0, set()
        self.jobs = [Job(name) for name in names]
        for job in self.jobs:
            if job.name in self.counts:
                self.counted(job, self.counts[job.name])
        self.hire()
        idle = set(self.hands)
        try:
            while self.employ(idle):
                for pipe in multiprocessing.connection.wait([p for p in self.hands if p not in idle]):
                    self.hear(pipe, idle)
        finally:
            for pipe, (process, _) in self.hands.items():
                pipe.close()
                process.terminate()  # what it has begun is of no use
            for process, _ in self.hands.values():
                process.join()
        return sorted((r for name, r in self.done.items() if name in self.wanted),
                      key=lambda r: (names.index(r.step), r.key, r.k))
