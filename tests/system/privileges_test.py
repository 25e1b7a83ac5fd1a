# SPDX-License-Identifier: GPL-3.0-or-later
"""Started as root for port 53, going on as somebody else (server: user)."""

import os
import pwd
import shutil
import tempfile

import pytest

import resolvers
from conftest import WEIR
from replies import addresses, ede_codes, rcode

LOW_PORT = 53
ADDRESS = "127.77.0.1"  # nobody else's
NOBODY = "nobody"


def is_real_root():
    """Root, and not only of a user namespace with one user in it."""
    with open("/proc/self/uid_map") as f:
        return os.getuid() == 0 and int(f.read().split()[2]) > 65534


pytestmark = pytest.mark.skipif(
    not is_real_root() or "WEIR_LAB_NAMESPACE" not in os.environ,
    reason="needs root, and a namespace in which port 53 is free")


@pytest.fixture
def directory():
    """A folder that the user can reach, unlike pytest's own."""
    path = tempfile.mkdtemp(prefix="weir-test.")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def status_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def weir_as(user, lab, directory):
    hints = os.path.join(directory, "root.hints")
    shutil.copy(lab.root_hints, hints)
    binary = os.path.join(directory, "weir-binary")
    shutil.copy(WEIR, binary)
    listed = os.path.join(directory, "main.list")
    with open(listed, "w") as f:
        f.write("x.wild.org\n")
    w = resolvers.Weir(lab, os.path.join(directory, "run"), binary, LOW_PORT, ADDRESS, config={
        "resolver": {"root-hints": hints}, "lists": [{"name": "main", "file": listed}],
        "groups": [{"name": "default", "clients": ["127.0.0.0/8"], "lists": ["main"]}]})
    w.config["server"]["user"] = user
    os.makedirs(w.state_dir)
    entry = pwd.getpwnam(NOBODY)
    for path in (w.directory, w.state_dir):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    return w


def test_the_user_changes_and_no_power_is_left(lab, directory):
    entry = pwd.getpwnam(NOBODY)
    w = weir_as(NOBODY, lab, directory)
    with w:
        assert addresses(w.ask("www.plain.com")) == ["192.0.2.100"]
        assert addresses(w.ask("www.plain.com", tcp=True)) == ["192.0.2.100"]
        for task in os.listdir(f"/proc/{w.process.pid}/task"):
            status = status_of(f"{w.process.pid}/task/{task}")
            assert set(status["Uid"].split()) == {str(entry.pw_uid)}, status["Name"]
            assert set(status["Gid"].split()) == {str(entry.pw_gid)}
            assert "0" not in status["Groups"].split()
            for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
                assert int(status[kind], 16) == 0, (status["Name"], kind)
            assert status["NoNewPrivs"] == "1", status["Name"]
        # and it can still do its work: state, control socket, events
        w.cli("block", "edited.wild.org")
        assert ede_codes(w.ask("edited.wild.org")) == [15]
        w.cli("reload")
        assert rcode(w.ask("x.wild.org")) == "NXDOMAIN"
        assert w.wait_event(lambda e: e["dns"]["question"]["name"] == "x.wild.org")
        assert os.stat(w.events_path).st_uid == entry.pw_uid
    assert w.process.popen.returncode == 0


def test_an_unknown_user_is_said_and_nothing_starts(lab, directory):
    w = weir_as("no-such-user-here", lab, directory)
    with pytest.raises(resolvers.LabError, match="no-such-user-here"):
        w.start()


def test_without_a_user_it_stays_who_it_is(lab, directory):
    with weir_as("", lab, directory) as w:
        assert status_of(w.process.pid)["Uid"].split()[0] == "0"
        assert rcode(w.ask("www.plain.com")) == "NOERROR"
