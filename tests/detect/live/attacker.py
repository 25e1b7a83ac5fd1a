# SPDX-License-Identifier: GPL-3.0-or-later
"""The attacker's side: what stands before his name server and counts, and a name server of his that
answers whatever it is asked."""
import collections
import os
import select
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))
import lab as lab_module  # noqa: E402

A, NS, SOA, TXT, AAAA = 1, 2, 6, 16, 28
START_LIMIT_S = 20


def end_of_name(wire):
    """Where the name of the question ends, behind its root label."""
    end = 12
    while end < len(wire) and wire[end] != 0:
        end += wire[end] + 1
    return end + 1


def text_of(name):
    """A name on the wire as text, in lower case, without the last dot; bytes as latin-1."""
    labels, i = [], 0
    while name[i] != 0:
        labels.append(name[i + 1:i + 1 + name[i]])
        i += name[i] + 1
    return b".".join(labels).lower().decode("latin-1")


class Server:
    """Listens on some addresses, port 53, over UDP, and remembers what comes."""

    def __init__(self, addresses):
        self.fronts = []
        for a in addresses:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            s.bind((a, 53))
            self.fronts.append(s)
        self.names, self.first_at, self.last_at, self.is_ending = [], None, None, False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        watched = self.fronts + self.more_sockets()
        while not self.is_ending:
            for s in select.select(watched, [], [], 0.2)[0]:
                try:
                    wire, peer = s.recvfrom(65535)
                except OSError:
                    continue
                if s not in self.fronts:
                    self.came_back(wire)
                elif len(wire) > 16:
                    now = time.monotonic()
                    self.first_at, self.last_at = self.first_at or now, now
                    name = wire[12:end_of_name(wire)]
                    self.names.append(name)
                    self.asked(s, wire, peer, name, now)

    def more_sockets(self):
        return []

    def came_back(self, wire):
        pass

    def count(self):
        """Packets, and bytes of different names."""
        names = list(self.names)
        return len(names), sum(len(n) for n in {n.lower() for n in names})

    def count_new(self):
        """Bytes of different names, but not of those that are the tail of a longer one: a resolver that shows names
        step by step (RFC 9156) sends the same bytes several times."""
        names, tails = {n.lower() for n in list(self.names)}, set()
        for n in names:
            i = n[0] + 1 if n[0] else 0
            while i < len(n) and n[i] != 0:
                tails.add(n[i:])
                i += n[i] + 1
        return sum(len(n) for n in names - tails)

    def stop(self):
        self.is_ending = True
        self.thread.join()
        for s in self.fronts + self.more_sockets():
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Relay(Server):
    """Stands before a real tool's server, and counts what reaches it."""

    def __init__(self, address, behind):
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.connect((behind, 53))
        self.waiting, self.number = {}, 0
        super().__init__([address])

    def more_sockets(self):
        return [self.back]

    def asked(self, s, wire, peer, name, now):
        self.number = (self.number + 1) & 0xffff
        self.waiting[self.number] = (s, peer, wire[:2])
        try:
            self.back.send(self.number.to_bytes(2, "big") + wire[2:])
        except OSError:
            pass  # nobody listens there yet

    def came_back(self, wire):
        s, peer, number = self.waiting.pop(int.from_bytes(wire[:2], "big"), (None, None, None))
        if s is not None:
            s.sendto(number + wire[2:], peer)


class Answerer(Server):
    """Answers any name of any type: an address, "OK", or that there is no such record. Remembers when each name
    came first, and in which letters it came last."""

    def __init__(self, addresses):
        self.arrived, self.as_written, self.types = {}, {}, collections.Counter()
        super().__init__(addresses)

    def asked(self, s, wire, peer, name, now):
        end = 12 + len(name)
        rdtype = int.from_bytes(wire[end:end + 2], "big")
        text = text_of(name)
        self.arrived.setdefault(text, now)
        self.as_written[text] = name
        self.types[rdtype] += 1
        data = {A: bytes([203, 0, 113, len(self.names) % 250]), TXT: b"\2OK",
                AAAA: bytes.fromhex("20010db8") + os.urandom(12)}.get(rdtype)
        if data is not None:
            records = b"\xc0\x0c" + rdtype.to_bytes(2, "big") + b"\0\1\0\0\0\0" + len(data).to_bytes(2, "big") + data
            counts = b"\0\1\0\1\0\0\0\0"
        else:  # no data; the SOA is of the last two labels
            at = self.zone_at(name)
            soa = b"\0\0" + bytes(16) + b"\0\0\0\1"
            records = (0xc000 | 12 + at).to_bytes(2, "big") + b"\0\6\0\1\0\0\0\1" + len(soa).to_bytes(2, "big") + soa
            counts = b"\0\1\0\0\0\1\0\0"
        s.sendto(wire[:2] + b"\x84\0" + counts + wire[12:end + 4] + records, peer)

    @staticmethod
    def zone_at(name):
        starts, i = [], 0
        while name[i] != 0:
            starts.append(i)
            i += name[i] + 1
        return starts[-2] if len(starts) > 1 else starts[0]


class Elsewhere:
    """Another network namespace, with a cable to this one."""

    def __init__(self, number):
        self.here, self.there = f"10.98.{number}.1", f"10.98.{number}.2"
        self.cable, self.processes = f"wl{number}", []
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], preexec_fn=lab_module.die_with_parent)
        end = time.monotonic() + START_LIMIT_S
        own = os.readlink("/proc/self/ns/net")
        while time.monotonic() < end and os.readlink(f"/proc/{self.holder.pid}/ns/net") == own:
            time.sleep(0.01)
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "far", "netns", str(self.holder.pid))
        ip("addr", "add", self.here + "/24", "dev", self.cable)
        ip("link", "set", self.cable, "up")
        for line in (f"addr add {self.there}/24 dev far", "link set far up", "link set lo up"):
            subprocess.run(self.argv("ip", *line.split()), check=True)

    def argv(self, *argv):
        return ["nsenter", "-t", str(self.holder.pid), "-n", "--", *argv]

    def start(self, *argv, **options):
        p = subprocess.Popen(self.argv(*argv), stdin=subprocess.DEVNULL, preexec_fn=lab_module.die_with_parent, **options)
        self.processes.append(p)
        return p

    def stop(self):
        for p in self.processes + [self.holder]:
            if p.poll() is None:
                p.kill()
            p.wait()
        subprocess.run(["ip", "link", "del", self.cable], check=False, stderr=subprocess.DEVNULL)


def ip(*argv):
    subprocess.run(["ip", *argv], check=True)
