# SPDX-License-Identifier: GPL-3.0-or-later
"""Started as root with server.user: port 53 is served by somebody without any power."""

import glob
import os
import pwd
import shutil

import pytest

USER = "nobody"


def status_of(task):
    with open(f"{task}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


@pytest.fixture(scope="module")
def as_nobody(start_weir):
    uid = pwd.getpwnam(USER).pw_uid
    with open("/proc/self/uid_map") as f:
        if os.geteuid() != 0 or not any(
                int(a) <= uid < int(a) + int(n) for a, _, n in map(str.split, f)):
            pytest.skip("needs root, and more users than one")

    def open_to_user(w):
        w.port = 53
        for path in (w.directory, os.path.dirname(w.directory)):
            os.chmod(path, 0o755)
        shutil.chown(w.directory, USER)
        os.makedirs(w.state_dir, exist_ok=True)
        shutil.chown(w.state_dir, USER)
        base = os.path.dirname(os.path.dirname(w.directory))
        while base not in ("/", "/tmp"):
            os.chmod(base, os.stat(base).st_mode | 0o011)
            base = os.path.dirname(base)

    return start_weir({"server": {"listen": ["127.0.77.1@53"], "user": USER}}, prepare=open_to_user,
                      address="127.0.77.1")


def test_every_thread_is_powerless(as_nobody):
    uid = str(pwd.getpwnam(USER).pw_uid)
    tasks = glob.glob(f"/proc/{as_nobody.process.popen.pid}/task/*")
    assert len(tasks) >= 2
    for task in tasks:
        status = status_of(task)
        assert status["Uid"].split() == [uid] * 4
        for which in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[which], 16) == 0, which


def test_it_serves_and_keeps_edits(as_nobody):
    assert as_nobody.ask("www.plain.com").rcode() == 0
    as_nobody.cli("block", "www.plain.com")
    assert as_nobody.ask("www.plain.com").rcode() == 3
    assert os.stat(os.path.join(as_nobody.state_dir, "edits.jsonl")).st_uid == \
        pwd.getpwnam(USER).pw_uid
