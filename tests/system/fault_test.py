# SPDX-License-Identifier: GPL-3.0-or-later
"""A new version of a list comes, and one call that writes below the state folder fails, or the
process is killed there: download, copy, version, compile, swap. After each, and after the next start,
the old policy is in force or the new one, whole; and what failed is in the log.

FAULT_ALL=1 tries every call; otherwise a sample of them (tests/fault/fault.c is preloaded).
"""
import os
import re
import shutil
import time

import pytest

from feeds_server import FeedsServer
from fetch_test import with_url
from reload_test import blocks, until

SHIM = os.environ.get("FAULT_SHIM", os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "tests", "fault", "fault.so"))
OLD = b"old.wild.org\nboth.wild.org\n"
NEW = b"new.wild.org\nboth.wild.org\n"
CALLS_MAX = 400
EVERY = 1 if os.environ.get("FAULT_ALL") else 11


@pytest.fixture(scope="module")
def server(tmp_path_factory, lab):
    with FeedsServer(str(tmp_path_factory.mktemp("fault-feeds"))) as s:
        yield s


@pytest.fixture(scope="module")
def template(server, start_weir):
    """A Weir whose state folder has the old version in force; and that folder."""
    if not os.path.exists(SHIM):
        pytest.skip(f"there is no {SHIM}")
    server.files["/list.txt"] = OLD
    w = start_weir(prepare=with_url(server, server.url("/list.txt")))
    assert until(lambda: blocks(w.ask("old.wild.org")))
    w.stop()
    kept = w.state_dir + ".template"
    shutil.copytree(w.state_dir, kept)
    return w, kept


def policy(w):
    """What is in force: "old" or "new"; anything else is what must never be. Between two of the three
    questions the new version may have come, once: then they are asked again."""
    seen = policy_once(w)
    return policy_once(w) if seen.startswith("torn") else seen


def policy_once(w):
    try:
        found = {n for n in ("old", "new", "both") if blocks(w.ask(n + ".wild.org", timeout_s=3))}
    except Exception:  # noqa: BLE001 it died between two questions
        return "dead" if is_dead(w) else "silent"
    return {frozenset(["old", "both"]): "old", frozenset(["new", "both"]): "new"}.get(
        frozenset(found), f"torn: {sorted(found)}")


def start_with(w, **settings):
    """w.start() with the shim; False if it died on the way."""
    os.environ.update(settings)
    try:
        w.start()
    except Exception:  # noqa: BLE001 the log says what, the next start shows what is left
        return False
    finally:
        for name in settings:
            del os.environ[name]
    return True


def is_dead(w):
    return w.process.popen.poll() is not None


def is_told(w):
    return re.search("weir: (warning|error)", w.process.log_tail(200)) is not None


def run(server, template, how, n):
    """Start with the fault; returns how many calls there were, and the name of the n-th."""
    w, kept = template
    log = os.path.join(w.directory, "calls")
    shutil.rmtree(w.state_dir)
    shutil.copytree(kept, w.state_dir)
    os.unlink(os.path.join(w.state_dir, "feeds", ".feed.meta"))  # so that it asks at once
    open(os.path.join(w.directory, "weir.log"), "w").close()
    server.files["/list.txt"] = NEW
    open(log, "w").close()
    settings = {"LD_PRELOAD": SHIM, "FAULT_UNDER": w.state_dir, "FAULT_AT": str(n),
                "FAULT_HOW": how, "FAULT_LOG": log}
    if how == "ENOSPC":
        settings["FAULT_STAYS"] = "1"
    has_started = start_with(w, **settings)
    if has_started:
        until(lambda: is_dead(w) or policy(w) == "new" or is_told(w), 6)
        time.sleep(0.2)
    outcome = policy(w) if has_started else "dead"
    if not has_started or is_dead(w):
        w.process.popen.returncode = -9  # as it was meant: it could not start, or was killed
    with open(log) as f:
        calls = f.read().split("\n")
    name = calls[n - 1].split()[-1] if 0 < n <= len(calls) - 1 else None
    return len(calls) - 1, name, outcome


@pytest.mark.parametrize("how", ["KILL", "EIO", "ENOSPC"])
def test_one_call_fails(server, template, how):
    w, _ = template
    total, _, outcome = run(server, template, how, 0)
    assert outcome == "new" and 20 < total < CALLS_MAX, (total, outcome)
    w.stop()
    outcomes = {}
    for n in range(1, total + 1, EVERY):
        _, name, outcome = run(server, template, how, n)
        assert outcome in ("old", "new", "dead"), (how, n, name, outcome, w.process.log_tail())
        # What cannot be removed is left for the next time; nobody needs to know.
        if how != "KILL" and name not in (None, "unlink"):
            assert is_told(w), (how, n, name, w.process.log_tail())
        w.stop()
        del server.files["/list.txt"]  # what is on the disk must do
        w.start()
        after = policy(w)
        assert after in ("old", "new"), (how, n, name, after, w.process.log_tail())
        w.stop()
        outcomes[outcome, after] = outcomes.get((outcome, after), 0) + 1
    print(f"{how}: {sum(outcomes.values())} of {total} calls: {outcomes}")
