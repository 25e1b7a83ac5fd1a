#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every system call of every step fails once in every way: `make faults`; see README.md.

    faults.py [--steps feed,block] [-j N] [--every] [--only TEXT] [--how EIO] [--at-most N] [--list]
              [--out FILE [--resume]]

Without options: every step. --list prints the calls of each step and ends. Most of a fault is waiting: -j N has N beds
side by side, each in a network of its own (crew.py); four for each processor, if not told.
"""
import argparse
import collections
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bed as bed_module  # noqa: E402

# What can befall a call, beside kill -9 before and after it. With +: it stays so.
SPACE = ["ENOSPC+", "EIO"]
HOWS = {
    "create": SPACE + ["EMFILE", "EROFS"], "open": ["EIO", "EMFILE", "ENOMEM"],
    "write": SPACE + ["EINTR", "SHORT"], "pwrite": SPACE + ["EINTR", "SHORT"], "writev": SPACE,
    "read": ["EIO", "EINTR", "SHORT"], "pread": ["EIO", "EINTR", "SHORT"],
    "copy_file_range": SPACE + ["EINTR", "SHORT"], "ioctl": ["EIO"],
    "fsync": SPACE, "fdatasync": SPACE, "ftruncate": SPACE, "fallocate": SPACE, "rename": SPACE,
    "link": SPACE, "mkdir": SPACE, "utimens": SPACE, "symlink": SPACE,
    "fstat": ["EIO"], "stat": ["EIO", "ENOMEM"],
    "clone": ["EAGAIN"], "socket": ["EMFILE", "ENOBUFS"], "socketpair": ["EMFILE"], "pipe": ["EMFILE"],
    "eventfd": ["EMFILE"], "epoll_create": ["EMFILE"], "memfd_create": ["EMFILE"],
    "timerfd_create": ["EMFILE"],
    "connect": ["ECONNREFUSED", "ETIMEDOUT", "EINTR", "ENETUNREACH"],
    "send": ["ECONNRESET", "EINTR", "SHORT", "ENOBUFS"], "sendmsg": ["ECONNRESET", "EINTR"],
    "recv": ["ECONNRESET", "EINTR", "SHORT"], "recvmsg": ["ECONNRESET", "EINTR"],
    "poll": ["EINTR", "ENOMEM"], "wait": ["EINTR"],
}
MEMORY = ["ENOMEM", "ENOMEM+"]
# Calls after which a file, or the folder's list of them, is different.
CHANGING = {"create", "write", "pwrite", "writev", "copy_file_range", "ftruncate", "fallocate", "rename", "link",
            "symlink", "unlink", "rmdir", "mkdir", "utimens", "fsync", "fdatasync"}
NO_FILE = {"-", "socket", "pipe", "eventfd", "eventpoll", "memory"}
# Of what is asked for memory some of the calls, evenly: a thread makes some thousand of them.
MEMORY_CALLS = 24
# These say that something could not be kept, even where it did no harm this time.
TELLING = {"create", "write", "pwrite", "writev", "fsync", "fdatasync", "ftruncate", "fallocate", "rename"}
STRERROR = {h: os.strerror(getattr(__import__("errno"), h)) for h in
            ("EIO", "ENOSPC", "EMFILE", "ENOMEM", "EROFS", "EAGAIN", "ECONNRESET", "ECONNREFUSED", "ETIMEDOUT",
             "ENETUNREACH", "ENOBUFS", "EINTR")}


def split(key):
    thread, call, subject = key.split(" ", 2)
    return thread, call, subject


def is_of_files(key):
    return split(key)[2] not in NO_FILE


def is_of_interest(key):
    """Workers answer questions, others write events, send alerts and zones: not what this is about."""
    thread, call, subject = split(key)
    if thread in ("weir-alerts", "weir/send"):
        return False
    if re.match(r"weir(/\d|-events|/api)", thread):
        return is_of_files(key) and thread != "weir-events"
    if thread == "weir" and not is_of_files(key):
        return call in ("clone", "pipe", "eventfd", "socketpair", "memfd_create") or subject == "memory"
    return True


def hows_of(key, k, is_every):
    _, call, subject = split(key)
    if subject == "memory":
        return MEMORY
    hows = list(HOWS.get(call, ["EIO"]))
    if is_of_files(key) and k == 1:
        hows.append("EIO+")
    # Before a call that only reads the files are as after the one before it.
    if is_every or call in CHANGING or call in ("connect", "recv", "clone"):
        hows += ["KILL", "KILLED"]
    return hows


def faults_of(counts, is_every=True):
    """[(key, k, how)] of everything that was counted."""
    out = []
    for key in sorted(counts):
        if not is_of_interest(key):
            continue
        n = counts[key]
        ks = range(1, n + 1)
        if split(key)[2] == "memory" and n > MEMORY_CALLS:
            ks = sorted({1 + i * (n - 1) // (MEMORY_CALLS - 1) for i in range(MEMORY_CALLS)})
        elif n > 4 and not is_every:
            ks = [1, 2, n - 1, n]
        out += [(key, k, how) for k in ks for how in hows_of(key, k, is_every)]
    return out


NOT_REACHED, LIBRARY = "not reached", "ended by a library"
TRIES = 3       # of a call that is not made each time
SOON_S = 0.5    # a new version may be in force so long after a message that its image could not be kept
LATE_S = 2.5    # a call may come so long after the change
LIMIT_S = 20    # for what takes some tenths of a second on a machine that has nothing else to do

# ---- one fault ----

class Result:
    def __init__(self, step, key, k, how):
        self.step, self.key, self.k, self.how = step, key, k, how
        self.outcome, self.wrong, self.said = "", [], []
        self.seconds, self.n_seen = 0.0, 0

    @property
    def name(self):
        return self.step, self.key, self.k, self.how

    def __str__(self):
        return f"{self.step}: {self.how} at {self.k} of {self.key}: {self.outcome} {'; '.join(self.wrong)}"


def judge_messages(r, step, told):
    """A message, with the cause and what it is about."""
    _, call, _ = split(r.key)
    how = r.how.rstrip("+")
    if not told:
        r.wrong.append("nobody was told")
        return
    if how in ("SHORT", "EINTR") or call in ("clone", "wait", "poll"):
        return
    text = "\n".join(told)
    if STRERROR[how] not in text and not step.says(how, text):
        r.wrong.append(f"the cause is not told ({STRERROR[how]})")
    # After each change the zone's primary is looked at; the table of domains is written whenever it is time.
    words = step.words + (("list 'zone'",) if "/zones/" in r.key else ()) + ("table of domains",)
    if not any(word in text for word in words):
        r.wrong.append("what it is about is not told")


def is_to_be_told(r):
    """Something could not be kept, even where it did no harm this time."""
    _, call, subject = split(r.key)
    return (call in TELLING and is_of_files(r.key) and r.how.rstrip("+") not in ("EINTR", "SHORT")
            and (call, subject) != ("create", "state"))  # room for sorting: another folder has it


def after_an_error(bed, step, r, mark):
    """The daemon lives: what is in force, what was said, and the next attempt."""
    w = bed.weir
    seen = step.look()
    if seen == "old" and bed.until(step.is_new, SOON_S):  # a message came first
        bed.settle()
        seen = step.look()
    told = r.said = w.told(mark) + step.replies
    r.outcome = seen
    if seen not in ("old", "new"):
        r.wrong.append(f"in force: {seen}")
    elif seen == "old" or is_to_be_told(r):
        judge_messages(r, step, told)
    if seen == "new" and step.is_promise and not step.is_said:
        r.wrong.append("it was said to have failed, and is in force")
    if seen != "new":
        step.again()
        if not bed.until(step.is_new, LIMIT_S):
            r.wrong.append(f"the next attempt does not succeed: {step.look()}")
            r.said = w.told(mark) + step.replies
            return
        bed.settle()
        told = []
    bed.network(False)
    w.kill_9()
    if not w.start():
        r.wrong.append("it does not start after kill -9")
        return
    then = step.look()
    bed.network(True)
    if then == "new":
        return
    r.outcome += f", {then} after kill -9"
    if not told or then != "old" or (step.is_promise and step.is_said):
        r.wrong.append(f"after kill -9: {then}")
        return
    step.again()
    if not bed.until(step.is_new, LIMIT_S):
        r.wrong.append("after kill -9 the next attempt does not succeed")


def after_a_kill(bed, step, r, mark):
    w = bed.weir
    bed.network(False)
    if not w.start():
        r.outcome = "dead"
        r.wrong.append("it does not start again")
        return
    seen = step.look()
    r.outcome = f"killed, {seen}"
    bed.network(True)
    if seen not in ("old", "new"):
        r.wrong.append(f"in force after kill -9: {seen}")
    if seen != "new":
        step.again()
        if not bed.until(step.is_new, LIMIT_S):
            r.wrong.append(f"the next attempt does not succeed: {step.look()}")
            r.said = w.told(mark)


def died_in_a_library(w):
    """C++ and liburcu end the process without memory, and so does the dynamic loader, which then has not begun with ours
    or crashes itself. What else crashes, and must(), is ours."""
    code, log = w.process.popen.returncode, w.process.log_tail(3)
    return (code == 127 or (code == -6 and "weir: bug:" not in log)
            or (code == -11 and re.search("fault: SIGSEGV in a library: .*/ld-linux[^/]*$", log, re.MULTILINE)))


def try_fault(bed, step, key, k, how):
    r = Result(step.name, key, k, how)
    w = bed.weir
    step.before()
    mark = w.mark()
    assert w.tell(f"arm {k} {how} {key}") == "ok"
    step.begin()
    is_kill = how.startswith("KILL")
    bed.until(lambda: w.is_dead() or step.replies or w.told(mark) or step.is_new(), LIMIT_S)
    try:
        bed.settle()
        bed.wait_for_hit(LATE_S)
    except (ConnectionError, ValueError):  # it died meanwhile
        w.process.popen.wait(10)
    is_library = split(key)[2] == "memory" and w.is_dead() and died_in_a_library(w)
    if w.is_dead() and not is_kill and not is_library:
        r.wrong.append(f"it died: {w.process.popen.returncode}")
    if w.is_dead():
        after_a_kill(bed, step, r, mark)
        if is_library:
            r.outcome = r.outcome.replace("killed", LIBRARY)
    else:
        if w.tell("disarm") == "hit 0":
            r.outcome, r.n_seen = NOT_REACHED, w.counts().get(key, 0)
            if not step.is_new():
                r.wrong.append("nothing failed, and nothing came of it")
                r.said = w.told(mark, ".") + step.replies
                step.again()
                bed.until(step.is_new, LIMIT_S)
        else:
            after_an_error(bed, step, r, mark)
    step.end()
    if r.wrong:
        r.said = r.said or w.told(mark)
    return r


# ---- all ----

def new_bed(directory, args):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    return bed_module.Bed(directory, args.weir, args.fault)


def count(bed, step):
    """What the step calls when nothing fails: [at first, in a daemon that has been at it]."""
    counts = []
    for _ in range(2):
        step.before()
        assert bed.weir.tell("arm 0 EIO nothing") == "ok"
        step.begin()
        assert bed.until(step.is_new, 30), (step.look(), bed.weir.process.log_tail())
        bed.settle()
        counts.append(bed.weir.counts())
        step.end()
    return counts


class Bench:
    """A step in its bed."""

    def __init__(self, name, args):
        from steps import STEPS  # which imports this
        self.bed = new_bed(os.path.join(args.directory, name), args)
        self.step = STEPS[name](self.bed)

    def __enter__(self):
        self.bed.__enter__()
        try:
            self.step.prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.bed.__exit__()

    def count(self):
        return self.step.count() if hasattr(self.step, "count") else count(self.bed, self.step)

    def try_once(self, key, k, how):
        tries = getattr(self.step, "try_fault", None)
        try:
            return tries(key, k, how) if tries else try_fault(self.bed, self.step, key, k, how)
        except Exception as e:  # noqa: BLE001 the bed is in an unknown state: a new one
            r = Result(self.step.name, key, k, how)
            where = [f"{f.name}:{f.lineno}" for f in traceback.extract_tb(e.__traceback__)]
            r.wrong.append(f"{type(e).__name__}: {e} ({' '.join(where)})")
            return r

    def try_fault(self, key, k, how, is_at_first=False):
        """
        What is not made each time is tried again, at the first change of a new daemon: the last call of this kind where
        there were not as many. is_at_first: it was seen there alone.
        """
        begin = time.monotonic()
        at = k
        for i in range(TRIES):
            if i > 0 or is_at_first:
                start_afresh(self.step)
            r = self.try_once(key, at, how)
            r.k = k
            if r.wrong or r.outcome != NOT_REACHED:
                break
            at = min(at, r.n_seen) or k
        if r.wrong:
            start_afresh(self.step)
        r.seconds = round(time.monotonic() - begin, 2)
        return r


def choose(name, counts, args):
    """[(key, k, how, was it made at first alone)] of what is to be tried."""
    from steps import STEPS
    most = collections.Counter()
    for c in counts:
        most |= collections.Counter(c)
    faults = [f for f in faults_of(most, args.every)
              if args.only in f"{f[1]} {f[0]}" and (not args.how or f[2] in args.how.split(","))
              and STEPS[name].wants(f[0])]
    if args.sample:
        faults = faults[args.offset % args.sample::args.sample]
    if args.at_most and len(faults) > args.at_most:  # evenly, and not the same ones of each call
        faults = [faults[(i * len(faults) + i % 7) // args.at_most % len(faults)]
                  for i in range(args.at_most)]
    return [(key, k, how, k > counts[-1].get(key, 0)) for key, k, how in faults]


def run_step(name, args):
    """One step, one fault after the other."""
    with Bench(name, args) as bench:
        return [bench.try_fault(*fault) for fault in choose(name, bench.count(), args)]


def start_afresh(step):
    """On a machine that is busy with other work a start may take too long."""
    for wait_s in (1, 10, 60):
        try:
            step.fresh()
            return
        except (AssertionError, OSError, ValueError) as e:
            print(f"  {step.name}: no fresh start: {str(e)[:300]}", flush=True)
            time.sleep(wait_s)
    step.fresh()


def table(results):
    """A row a step: calls and faults that were tried, and what came of them."""
    columns = ["old", "new", "killed, old", "killed, new", LIBRARY, NOT_REACHED]
    rows = [f"| step | calls | faults | {' | '.join(columns)} | wrong |", "|---" * (len(columns) + 4) + "|"]
    by_step = collections.defaultdict(list)
    for r in results:
        by_step[r.step].append(r)
    for step, rs in list(by_step.items()) + [("all", results)]:
        calls = len({(r.step, r.key, r.k) for r in rs})
        kinds = collections.Counter("wrong" if r.wrong else r.outcome if r.outcome.startswith("killed")
                                    else r.outcome.split(",")[0] for r in rs)
        cells = [step, calls, len(rs)] + [kinds[c] for c in columns] + [kinds["wrong"]]
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    build = os.path.join(here, "..", "..", "build")
    from steps import STEPS
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--steps", default=",".join(STEPS))
    p.add_argument("--only", default="")
    p.add_argument("--how", default="")
    p.add_argument("--every", action="store_true", help="also what is like another one: of a call that is made "
                   "many times each, kill -9 around calls that change nothing")
    p.add_argument("--sample", type=int, default=0, help="every N-th fault only")
    p.add_argument("--at-most", type=int, default=0, help="faults of each step")
    p.add_argument("--offset", type=int, default=0)
    p.add_argument("--list", action="store_true")
    p.add_argument("-j", "--jobs", type=int, default=4 * len(os.sched_getaffinity(0)), help="beds side by side")
    p.add_argument("--out", help="one JSON object a line")
    p.add_argument("--resume", action="store_true", help="what --out has, was reached and not wrong, is not "
                   "tried again")
    p.add_argument("--verbose", action="store_true")
    p.add_argument("--weir", default=os.environ.get("WEIR", os.path.join(build, "weir")))
    p.add_argument("--fault", default=os.environ.get("FAULT", os.path.join(build, "tests/fault/fault")))
    args = p.parse_args()
    args.weir, args.fault = os.path.abspath(args.weir), os.path.abspath(args.fault)
    args.directory = tempfile.mkdtemp(prefix="weir-faults.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    begin = time.monotonic()
    from crew import Crew
    try:
        results = Crew(args).run(args.steps.split(","))
    finally:
        shutil.rmtree(args.directory, ignore_errors=True)
    if args.list:
        return 0
    print(table(results))
    wrong = [r for r in results if r.wrong]
    print(f"{len(results)} faults in {time.monotonic() - begin:.0f} s, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.modules["faults"] = sys.modules["__main__"]
    sys.exit(main())
