# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of `make faults` (tests/fault): in each step some of the system calls fail, or the process is
killed there. After each the old policy is in force or the new one, whole; what failed is told; the next
attempt succeeds; and after kill -9 the next start has one of them before anything is downloaded.
"""
import argparse
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "fault"))
import faults  # noqa: E402
from steps import STEPS  # noqa: E402

WEIR = os.environ.get("WEIR", os.path.join(HERE, "..", "..", "build", "weir"))
FAULT = os.environ.get("FAULT", os.path.join(HERE, "..", "..", "build", "tests", "fault", "fault"))


@pytest.mark.parametrize("step", [name for name, step in STEPS.items() if step.sample > 0])
def test_calls_that_fail(step, tmp_path_factory):
    if not os.path.exists(FAULT):
        pytest.skip(f"there is no {FAULT}")
    args = argparse.Namespace(weir=os.path.abspath(WEIR), fault=os.path.abspath(FAULT), list=False, every=False, only="",
                              how="", sample=0, at_most=STEPS[step].sample, offset=0,
                              directory=str(tmp_path_factory.mktemp("fault")))
    results = faults.run_step(step, args)
    wrong = [f"{r}\n" + "\n".join(r.said) for r in results if r.wrong]
    assert not wrong, "\n".join(wrong)
    assert len(results) > 0


@pytest.mark.skipif(not os.path.isdir("/etc/ssl/certs") or not os.path.exists(FAULT), reason="needs authorities, and fault")
def test_own_authorities_stand_alone(tmp_path):
    """With `ca` the system's authorities are not even read; without it they are."""
    with faults.bed_module.Bed(str(tmp_path), os.path.abspath(WEIR), os.path.abspath(FAULT)) as bed:
        w = bed.weir
        w.watched = "/etc/ssl/certs"
        bed.start()
        assert not [key for key in w.counts() if " open " in key]
        w.config["lists"][0].pop("ca")
        w.write_config()
        assert w.ctl(command="reload")["ok"]
        w.ctl(command="feeds", action="update", name="feed")
        assert bed.until(lambda: any("weir/fetch open " in key for key in w.counts()))
