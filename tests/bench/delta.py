# SPDX-License-Identifier: GPL-3.0-or-later
"""What a small change of a large list costs the real daemon: a list's file, and a zone by IXFR from Knot DNS.

scale.py calls this. Times are wall time from the change to the policy in force; beside them the
processor time of the daemon, which says more on a machine that is busy with other things.
"""

import itertools
import json
import os
import random
import socket
import time

from contenders import Weir
from lab import LabError, ask
from primaries import Knot

PORT, PRIMARY_PORT = 6003, 6004
ZONE = "rpz.bench"
PART = 100  # one line in so many is another


def changed(names, seed, part=PART):
    """A third of the changed lines each: gone, come, another."""
    dice = random.Random(seed)
    for i, n in enumerate(names):
        kind = dice.randrange(3 * part)
        if kind in (1, 2):
            yield f"new{seed}-{i}.example"
        if kind in (0, 2):
            continue
        yield n


def names_of(scene):
    with open(scene.domains) as f:
        for line in f:
            yield line.rstrip("\n")


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def control(server, command):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(300)
        s.connect(os.path.join(server.directory, "control"))
        s.sendall(json.dumps({"command": command}).encode() + b"\n")
        return json.loads(s.makefile().readline())


def overlay_bytes(server):
    path = os.path.join(server.directory, "state", "policy.overlay")
    return os.stat(path).st_size if os.path.exists(path) else 0


class FileList(Weir):
    """A Weir with a list file that is replaced."""

    def list_file(self):
        return os.path.join(self.directory, "changing.list")


def put_lines(path, lines):
    with open(path + ".new", "w") as f:
        f.writelines(line + "\n" for line in lines)
    os.rename(path + ".new", path)


def reload_timed(server):
    before, begin = cpu_s(server.process.pid), time.monotonic()
    answer = control(server, "reload")
    if not answer.get("reload", {}).get("in_force"):
        raise LabError(f"reload: {answer}")
    return time.monotonic() - begin, cpu_s(server.process.pid) - before


def of_a_file(scene, report):
    server = FileList(scene, PORT, tag="-file")
    try:
        put_lines(server.list_file(), names_of(scene))
        server.start()
        report.say(f"file list: {scene.n_names:,} names, started in {server.load_s:.2f} s")
        # What differs is told by the last good copy and by what is known of it, which the first load wrote.
        for title, lines in (("1 % of the lines", changed(names_of(scene), 1)),
                             ("1 % again, the first taken back", changed(names_of(scene), 2)),
                             ("the same again, one line more", itertools.chain(changed(names_of(scene), 2), ["one.example"])),
                             ("every line, read whole", changed(names_of(scene), 4, 1))):
            put_lines(server.list_file(), lines)
            wall, cpu = reload_timed(server)
            report.say(f"  {title:33} in force after {wall:6.2f} s, {cpu:5.2f} s of processor time; "
                       f"overlay {overlay_bytes(server) / 1e6:.1f} MB")
    finally:
        server.stop()


class Following(Weir):
    """A Weir whose list is a policy zone of a primary."""

    phases = ()  # it starts without its list

    def command(self):
        argv = super().command()
        with open(self.conf_path) as f:
            config = json.load(f)
        config["lists"] = [{"name": "names", "format": "rpz", "zone": ZONE, "primaries": [f"127.0.0.1@{PRIMARY_PORT}"]}]
        with open(self.conf_path, "w") as f:
            json.dump(config, f)
        return argv


def wait_listed(server, name, limit_s=600):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            if ask("127.0.0.1", name, port=PORT, timeout_s=1).rcode() == 3:
                return
        except Exception:  # pylint: disable=broad-except  # an answer that does not come is none yet
            pass
        server.process.check()
        time.sleep(0.05)
    raise LabError(f"{name} is not listed")


def publish_timed(server, primary, records, probe):
    primary.write(records)
    before, begin = cpu_s(server.process.pid), time.monotonic()
    os.kill(primary.process.pid, 1)
    wait_listed(server, probe)
    return time.monotonic() - begin, cpu_s(server.process.pid) - before


def of_a_zone(scene, report, n_names):
    server = Following(scene, PORT, tag="-zone")
    primary = Knot(scene.path("primary"), ZONE, PRIMARY_PORT, notify=[f"127.0.0.1@{PORT}"])
    base = [n for _, n in zip(range(n_names), names_of(scene))]

    def records(names, extra):
        return [f"{n} CNAME ." for n in names] + [f"{extra} CNAME ."]

    try:
        primary.write(records(base, "probe0.example"))
        primary.start()
        begin = time.monotonic()
        server.start()
        wait_listed(server, "probe0.example")
        report.say(f"zone: {n_names:,} records, by AXFR in force after {time.monotonic() - begin:.2f} s")
        for i, (title, names) in enumerate((("1 % of the records", list(changed(base, 5))),
                                            ("10 records", list(changed(base, 5)) + [f"ten{k}.example" for k in range(10)])), 1):
            wall, cpu = publish_timed(server, primary, records(names, f"probe{i}.example"), f"probe{i}.example")
            report.say(f"  {title:33} by IXFR in force after {wall:6.2f} s (Knot reads its zone meanwhile), "
                       f"{cpu:5.2f} s of processor time")
    finally:
        server.stop()
        primary.stop()


def run(scene, report, zone_names):
    of_a_file(scene, report)
    of_a_zone(scene, report, min(zone_names, scene.n_names))
