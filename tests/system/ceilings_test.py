# SPDX-License-Identifier: GPL-3.0-or-later
"""Ceilings that the leak budget learns, in the real daemon: what it notes, keeps and is told."""
import os
import time

import dns.rcode

from detect_test import hexadecimal, leave

LEARNS = {"detect": {"enable": True, "dga.enable": False, "leak.learn": "7d"}}


def kept(weir):
    return os.path.join(weir.state_dir, "ceilings")


def write(weir, *lines):
    """A state as a server that has learned for an hour leaves it."""
    os.makedirs(os.path.dirname(kept(weir)), exist_ok=True)
    with open(kept(weir), "w") as f:
        f.write("weir-ceilings 1\n")
        f.write(f"began {int(time.time()) - 3600} 000102030405060708090a0b0c0d0e0f\n")
        f.writelines(line.replace("NOW", str(int(time.time()))) + "\n" for line in lines)


def test_what_is_needed_is_noted(start_weir):
    weir = start_weir(config=LEARNS)
    told = weir.cli("ceilings").stdout
    assert "Ceilings are learned until" in told and "attacker.test" not in told
    leave(weir, "attacker.test", hexadecimal, 40)
    assert "attacker.test: not raised; 0 of its clients" in weir.cli("ceilings").stdout
    assert "with 3 its ceiling is raised" in weir.cli("explain", "x.attacker.test").stdout
    assert "Leak learns" in weir.cli("status").stdout
    # One client has needed it, in one hour: nothing follows, not even if the operator says so.
    weir.cli("ceilings", "--confirm", "attacker.test")
    assert "attacker.test: not raised" in weir.cli("ceilings").stdout
    with open(kept(weir)) as f:
        assert "domain attacker.test" in f.read()
    weir.restart()
    assert "attacker.test: not raised" in weir.cli("ceilings").stdout
    weir.cli("ceilings", "--forget-all")
    assert "attacker.test" not in weir.cli("ceilings").stdout


def test_what_was_learned_holds(start_weir):
    def prepare(weir):
        write(weir, "domain attacker.test 64 64 NOW NOW - 90000 80000 7 9000 8000 8 9000 8000 9 9000 8000",
              "domain one.test 1 1 NOW NOW - 900 800 7 9000 8000")

    weir = start_weir(config=LEARNS, prepare=prepare)
    told = weir.cli("ceilings").stdout
    assert "attacker.test: 64 times the budget; 3 of its clients" in told
    assert "one.test: not raised; 1 of its clients have needed more in two hours, the first 1000 bytes" in told
    # 100 names of 24 bytes are not even near the budget now.
    assert leave(weir, "attacker.test", hexadecimal, 100) == {dns.rcode.NOERROR: 100}
    assert "it was learned that it needs more: 64 times" in weir.cli("explain", "x.attacker.test").stdout
    weir.cli("ceilings", "--confirm", "one.test")
    assert "one.test: 64 times the budget (confirmed)" in weir.cli("ceilings").stdout
    weir.cli("ceilings", "--forget", "attacker.test")
    assert "attacker.test" not in weir.cli("ceilings").stdout
    assert dns.rcode.NXDOMAIN in leave(weir, "attacker.test", hexadecimal, 100, size=23)
    weir.process.popen.kill()  # what the operator says is kept before he is told
    weir.process.popen.wait()
    weir.start()
    assert "one.test: 64 times the budget (confirmed)" in weir.cli("ceilings").stdout
    assert weir.cli("ceilings", "--forget", "none.test", check=False).returncode == 1
    assert weir.cli("ceilings", "--forget", "a..b", check=False).returncode == 1
    assert weir.cli("ceilings", "none.test", check=False).returncode == 2


def test_switched_off_it_is_not_used(start_weir):
    def prepare(weir):
        write(weir, "domain attacker.test 64 64 NOW NOW - 90000 80000 7 9000 8000 8 9000 8000 9 9000 8000")

    weir = start_weir(config={"detect": {"enable": True}}, prepare=prepare)
    assert "Nothing is learned" in weir.cli("ceilings").stdout
    assert dns.rcode.NXDOMAIN in leave(weir, "attacker.test", hexadecimal, 100)


def test_a_bad_file_is_put_aside(start_weir):
    def prepare(weir):
        write(weir)
        with open(kept(weir), "w") as f:
            f.write("no such thing\n")

    weir = start_weir(config=LEARNS, prepare=prepare)
    assert "Ceilings are learned until" in weir.cli("ceilings").stdout
    assert os.path.exists(kept(weir) + ".bad")
    assert "put aside" in weir.process.log_tail()
