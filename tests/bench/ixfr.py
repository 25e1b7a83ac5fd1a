#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delta of a policy zone costs, by its size and by the zone's: ixfr.py [--zones 100000,1000000] [--weir FILE]

The primary is a small one of its own, which has all messages ready, so that little else uses the machine. Times are from
NOTIFY to the first question that the new version answers; beside them the processor time of the daemon, and the bytes that it
gave to the file system. --weir: other builds, to be measured in the same run (several times).
"""

import argparse
import json
import os
import random
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
from lab import LabError, Process, ask, enter_namespace  # noqa: E402

ZONE = b"\x03rpz\x05bench\x00"
PORT, PRIMARY_PORT, LAST_PORT = 6013, 6014, 6015
SOA, CNAME, IXFR, AXFR = 6, 5, 251, 252
A_MESSAGE = 400  # records


def soa(serial):
    data = b"\x00\x00" + struct.pack("!5I", serial, 3600, 3600, 864000, 60)
    return b"\xc0\x0c" + struct.pack("!HHIH", SOA, 1, 60, len(data)) + data


RDATA = b"\x07example\xc0\x0c" + struct.pack("!HHIH", CNAME, 1, 60, 1) + b"\x00"


def record(label):
    """`label`.example blocked: CNAME . at label.example.rpz.bench."""
    return bytes([len(label)]) + label + RDATA


def label_of(i):
    """Spread over the zone, as names are."""
    return b"%08x%07d" % (i * 2654435761 & 0xffffffff, i)


class Primary(threading.Thread):
    """SOA over UDP, one AXFR or IXFR a connection over TCP."""

    def __init__(self):
        super().__init__(daemon=True)
        self.serial, self.whole, self.delta = 1, (), ()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", PRIMARY_PORT))
        self.tcp = socket.socket()
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind(("127.0.0.1", PRIMARY_PORT))
        self.tcp.listen(16)
        threading.Thread(target=self.answer_soa, daemon=True).start()
        self.start()

    def answer_soa(self):
        while True:
            query, client = self.udp.recvfrom(65535)
            self.udp.sendto(self.message(query, [soa(self.serial)]), client)

    @staticmethod
    def message(query, records):
        end = query.index(b"\x00", 12) + 5
        return query[:2] + b"\x84\x00" + struct.pack("!4H", 1, len(records), 0, 0) + query[12:end] + b"".join(records)

    def run(self):
        while True:
            c, _ = self.tcp.accept()
            try:
                f = c.makefile("rb")
                query = f.read(struct.unpack("!H", f.read(2))[0])
                kind = struct.unpack_from("!H", query, query.index(b"\x00", 12) + 1)[0]
                self.send(c, query, {IXFR: self.delta, AXFR: self.whole}.get(kind, [[soa(self.serial)]]))
                c.shutdown(socket.SHUT_WR)
                c.settimeout(30)
                f.read()
            except (OSError, struct.error):
                pass
            c.close()

    def send(self, c, query, messages):
        for records in messages:
            m = self.message(query, records)
            c.sendall(struct.pack("!H", len(m)) + m)


def in_messages(records):
    return [records[i:i + A_MESSAGE] for i in range(0, len(records), A_MESSAGE)]


class Daemon:
    """A Weir that follows the zone; in a chain it publishes it, and another one follows that."""

    def __init__(self, binary, directory, port=PORT, primary_port=PRIMARY_PORT, zone="rpz.bench", publishes=False):
        self.port = port
        self.binary, self.directory = os.path.abspath(binary), directory
        os.makedirs(directory)
        config = {
            "server": {"listen": [f"127.0.0.1@{port}"], "workers": 1},
            "resolver": {"trust-anchors": "none"}, "detect": {"enable": False}, "incidents": {"enable": False},
            "lists": [{"name": "names", "format": "rpz", "zone": zone, "primaries": [f"127.0.0.1@{primary_port}"],
                       "min-update-interval": "0s", "max-zone-size": "4GiB"}],
            "groups": [{"name": "default", "clients": ["127.0.0.0/8"], "lists": ["names"]}],
            "control": os.path.join(directory, "control"), "state": os.path.join(directory, "state"),
        }
        if publishes:
            config["publish"] = [{"zone": "rpz.chain", "list": "names", "allow": ["127.0.0.1"],
                                  "notify": [f"127.0.0.1@{LAST_PORT}"]}]
        with open(os.path.join(directory, "weir.yaml"), "w") as f:
            json.dump(config, f)
        self.process = Process("weir", [self.binary, "serve", "-c", os.path.join(directory, "weir.yaml")], directory)

    def log(self):
        with open(self.process.log_path, errors="replace") as f:
            return f.read()

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def written(self):
        with open(f"/proc/{self.process.pid}/io") as f:
            return int(dict(line.split(": ") for line in f)["write_bytes"])

    def wait(self, name, limit_s=1200):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            self.process.check()
            try:
                if ask("127.0.0.1", name, port=self.port, timeout_s=1).rcode() == 3:
                    return
            except Exception:  # pylint: disable=broad-except  # not up yet, or busy
                pass
            time.sleep(0.01)
        raise LabError(f"{name} is not listed:\n{self.log()}")

    def notify(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"\x12\x34\x24\x00" + struct.pack("!4H", 1, 0, 0, 0) + ZONE + struct.pack("!2H", SOA, 1), ("127.0.0.1", PORT))


class Zone:
    """The records, and versions of them that differ by little."""

    def __init__(self, primary, n):
        self.primary, self.dice = primary, random.Random(n)
        self.there, self.next = list(range(n)), n

    def begin(self):
        self.primary.serial = 1
        records = [soa(1)] + [record(label_of(i)) for i in self.there] + [record(b"probe1"), soa(1)]
        self.primary.whole = in_messages(records)

    def change(self, size):
        """Half of them go, half come. Returns a name that is new."""
        before, now = self.primary.serial, self.primary.serial + 1
        gone = []
        for _ in range(size // 2):
            k = self.dice.randrange(len(self.there))
            gone.append(record(label_of(self.there[k])))
            self.there[k] = self.there[-1]
            self.there.pop()
        new = list(range(self.next, self.next + size - size // 2 - 1))
        self.next += len(new)
        self.there += new
        come = [record(label_of(i)) for i in new] + [record(b"probe%d" % now)]
        self.primary.whole = ()
        self.primary.delta = in_messages([soa(now), soa(before)] + gone + [soa(now)] + come + [soa(now)])
        self.primary.serial = now
        return f"probe{now}.example"


def measure(binary, n, sizes, times, say, directory, is_chain):
    primary = measure.primary
    zone = Zone(primary, n)
    zone.begin()
    begin = time.monotonic()
    daemon = Daemon(binary, os.path.join(directory, "weir"), publishes=is_chain)
    last = Daemon(binary, os.path.join(directory, "last"), LAST_PORT, PORT, "rpz.chain") if is_chain else daemon
    try:
        last.wait("probe1.example")
        say(f"{n:>10,} {'(AXFR)':>9} {time.monotonic() - begin:9.2f} s {daemon.cpu_s():9.2f} s {daemon.written() / 1e6:10.1f} MB")
        time.sleep(1)
        for size in sizes:
            many = times if size < n // 100 or size < 5000 else max(1, times // 4)
            wall = 0
            cpu, written = daemon.cpu_s(), daemon.written()
            for _ in range(many):
                name = zone.change(size)
                begin = time.monotonic()
                daemon.notify()
                last.wait(name)
                wall += time.monotonic() - begin
                time.sleep(0.3)  # what is kept of it is written after it is in force
            cpu, written = daemon.cpu_s() - cpu, daemon.written() - written
            say(f"{n:>10,} {size:>9,} {wall / many:9.2f} s {cpu / many:9.3f} s {written / many / 1e6:10.2f} MB   (of {many})")
        if daemon.log().count("by AXFR") != 1 or last.log().count("by AXFR") != 1:
            say("  not all of these came as deltas")
    finally:
        for d in {daemon, last}:
            d.process.stop()
            shutil.rmtree(d.directory)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--zones", default="100000,1000000", help="records (default 100000,1000000)")
    p.add_argument("--sizes", default="1,1000,1%", help="records that change (default 1,1000,1%%)")
    p.add_argument("--times", type=int, default=8, help="deltas of each size (default 8)")
    p.add_argument("--weir", action="append", help="the binary (default build/weir); several to compare")
    p.add_argument("--chain", action="store_true",
                   help="publish the zone, and let another one follow: times are of that one, the rest of the one between")
    args = p.parse_args()
    if not enter_namespace():
        print("ixfr.py: needs root or user namespaces", file=sys.stderr)
        return 1
    directory = tempfile.mkdtemp(prefix="weir-ixfr.", dir="/var/tmp")
    measure.primary = Primary()
    try:
        for binary in args.weir or [os.path.join(HERE, "..", "..", "build", "weir")]:
            print(f"{binary}: records, changed, from NOTIFY to in force, processor time, written", flush=True)
            for n in (int(z) for z in args.zones.split(",")):
                sizes = [n * int(s[:-1]) // 100 if s.endswith("%") else int(s) for s in args.sizes.split(",")]
                measure(binary, n, sizes, args.times, lambda t: print(t, flush=True), directory, args.chain)
    finally:
        shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
