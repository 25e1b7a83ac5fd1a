# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: the lab, the oracle in front of it, and Weir started with a configuration.

The whole run lives in a network namespace of its own where that is allowed (root, or unprivileged
user namespaces): every port and loopback address is free there, and nothing can leave the machine.
"""

import fcntl
import os
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import lab as lab_module  # noqa: E402
import resolvers  # noqa: E402

WEIR = os.environ.get("WEIR", os.path.join(HERE, "..", "..", "build", "weir"))


def ports():
    """To listen on. Below 1024, where allowed: the servers' own random ports are above."""
    in_namespace = "WEIR_LAB_NAMESPACE" in os.environ
    yield from range(100, 1000) if in_namespace else range(5400, 6400)


next_port = ports()


def pytest_configure(config):
    if "WEIR_LAB_NAMESPACE" not in os.environ and os.environ.get("WEIR_LAB_PLAIN") != "1":
        lab_module.enter_namespace()  # before any thread is made
    if "WEIR_LAB_NAMESPACE" not in os.environ:
        # The machine's own loopback: one run at a time. Held until this process ends.
        config.alone = open(os.path.join(tempfile.gettempdir(), f"weir-system-{os.getuid()}.lock"), "w")
        fcntl.flock(config.alone, fcntl.LOCK_EX)


def pytest_ignore_collect(collection_path):
    """The part of the tests that this run is for (meson.build): some files, or all but some."""
    mine, others = (os.environ.get(n, "").split() for n in ("SYSTEM_TESTS", "SYSTEM_TESTS_ELSEWHERE"))
    name = collection_path.name.removesuffix("_test.py")
    if collection_path.name.endswith("_test.py") and ((mine and name not in mine) or name in others):
        return True
    return None


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.option.keyword:
        session.exitstatus = pytest.ExitCode.OK  # -k chose none of this part


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    port = 53 if "WEIR_LAB_NAMESPACE" in os.environ else 5300
    with lab_module.Lab(str(tmp_path_factory.mktemp("lab")), port) as running:
        yield running


@pytest.fixture(scope="session")
def oracle(lab, tmp_path_factory):
    if lab.port != 53:
        pytest.skip("the oracle needs port 53: root, or a user namespace")
    with resolvers.Unbound(lab, str(tmp_path_factory.mktemp("oracle"))) as running:
        yield running


@pytest.fixture(scope="module")
def start_weir(lab, tmp_path_factory):
    """start_weir(config={...}, prepare=f) -> a running Weir; stopped at the end of the module."""
    started = []

    def start(config=None, prepare=None, address="127.0.0.1", run=True):
        w = resolvers.Weir(lab, str(tmp_path_factory.mktemp("weir")), WEIR, next(next_port), address,
                           config=config)
        if prepare is not None:
            prepare(w)
        started.append(w)
        if run:
            w.start()
        return w

    yield start
    failed = []
    for w in started:
        if w.process is not None and w.process.popen.poll() not in (None, 0, -9, -15):
            failed.append(f"{w.process.popen.returncode}: {w.process.log_tail()}")
        w.stop()
    assert not failed, "Weir died:\n" + "\n".join(failed)


@pytest.fixture(scope="module")
def weir(start_weir):
    """A Weir without lists."""
    return start_weir()


def pytest_collection_modifyitems(items):
    if not os.path.exists(WEIR):
        for item in items:
            if "weir" in item.fixturenames or "start_weir" in item.fixturenames:
                item.add_marker(pytest.mark.skip(reason=f"there is no {WEIR}"))
