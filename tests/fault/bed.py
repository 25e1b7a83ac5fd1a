# SPDX-License-Identifier: GPL-3.0-or-later
"""A Weir whose system calls can be made to fail, and the servers it lives with.

    with Bed(directory, weir, fault) as bed: ...

It has a list of each kind: `feed` (HTTPS), `zone` (transferred), `pats` (a file, with patterns). Version v of each blocks
its own first and last name, what is in every version, and some hundred in between.
"""
import functools
import itertools
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import sys
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../lab", "../system"):
    sys.path.insert(0, os.path.join(HERE, folder))
import lab as lab_module  # noqa: E402
import resolvers  # noqa: E402
from feeds_server import FeedsServer  # noqa: E402

N_FILLER = 300
LISTS = ("feed", "zone", "pats")
ZONE = "rpz.example"


def names_of(name, v):
    """(the first and the last name of this version, the one of all)."""
    return [f"first{v}.{name}.org", f"last{v}.{name}.org"], f"both.{name}.org"


def rules_of(name, v, n_filler=N_FILLER):
    (first, last), both = names_of(name, v)
    filler = [f"f{i}.v{v}.{name}.org" for i in range(n_filler)]
    return [first] + filler[:n_filler // 2] + [both] + filler[n_filler // 2:] + [last]


@functools.lru_cache(8192)
def question(name):
    return dns.message.make_query(name, "A").to_wire()


class Upstream(threading.Thread):
    """The Internet: every name has one address."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
                q = dns.message.from_wire(data)
                r = dns.message.make_response(q)
                r.flags |= dns.flags.RA
                if q.question[0].rdtype == dns.rdatatype.A:
                    r.answer.append(dns.rrset.from_text(q.question[0].name, 300, "IN", "A", "192.0.2.1"))
                self.socket.sendto(r.to_wire(), peer)
            except dns.exception.DNSException:
                continue
            except OSError:
                return

    def stop(self):
        self.socket.close()


class Primary:
    """A name server with ZONE: its versions, by AXFR, and by IXFR where `has_deltas`."""

    def __init__(self):
        self.versions, self.serial, self.has_deltas, self.is_down = {}, 0, False, False
        self.tls = None  # an SSLContext: then over TLS only (RFC 9103)
        self.udp, self.tcp = self.pair()
        self.port = self.tcp.getsockname()[1]
        for f in (self.run_udp, self.run_tcp):
            threading.Thread(target=f, daemon=True).start()

    @staticmethod
    def pair():
        """A socket for UDP and one for TCP, of one port."""
        while True:
            tcp, udp = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                udp.bind(tcp.getsockname())
                return udp, tcp
            except OSError:  # whoever asks something of somebody may have just this port
                tcp.close()
                udp.close()

    def publish(self, serial, names):
        self.versions[serial] = names
        self.serial = serial

    @staticmethod
    def soa(serial):
        return dns.rrset.from_text(f"{ZONE}.", 300, "IN", "SOA", f"ns.{ZONE}. h.{ZONE}. {serial} 3600 3600 864000 60")

    @staticmethod
    def records(names):
        return [dns.rrset.from_text(f"{n}.{ZONE}.", 300, "IN", "CNAME", ".") for n in names]

    def body(self, query):
        now, q = self.versions[self.serial], query.question[0]
        if q.rdtype == dns.rdatatype.IXFR and self.has_deltas:
            then = query.authority[0][0].serial
            if then == self.serial:
                return [self.soa(then)]
            if then in self.versions:
                before = self.versions[then]
                gone = [n for n in before if n not in set(now)]
                new = [n for n in now if n not in set(before)]
                return ([self.soa(self.serial), self.soa(then)] + self.records(gone)
                        + [self.soa(self.serial)] + self.records(new) + [self.soa(self.serial)])
        if q.rdtype == dns.rdatatype.SOA:
            return [self.soa(self.serial)]
        return [self.soa(self.serial)] + self.records(now) + [self.soa(self.serial)]

    def messages(self, query):
        body = self.body(query)
        for i in range(0, len(body), 100):
            r = dns.message.make_response(query)
            r.flags |= dns.flags.AA
            for rrset in body[i:i + 100]:
                r.answer.append(rrset)
            wire = r.to_wire(max_size=65535)
            yield struct.pack("!H", len(wire)) + wire

    @staticmethod
    def read(c, n):
        got = b""
        while len(got) < n:
            piece = c.recv(n - len(got))
            if not piece:
                raise OSError("the end")
            got += piece
        return got

    def run_udp(self):
        while True:
            try:
                data, peer = self.udp.recvfrom(4096)
                q = dns.message.from_wire(data)
                if self.is_down or q.question[0].rdtype != dns.rdatatype.SOA:
                    continue
                r = dns.message.make_response(q)
                r.flags |= dns.flags.AA
                r.answer.append(self.soa(self.serial))
                self.udp.sendto(r.to_wire(), peer)
            except dns.exception.DNSException:
                continue
            except OSError:
                return

    def run_tcp(self):
        while True:
            try:
                c, _ = self.tcp.accept()
            except OSError:
                return
            try:
                c.settimeout(5)
                if self.tls is not None:
                    c = self.tls.wrap_socket(c, server_side=True)
                while not self.is_down:
                    n = struct.unpack("!H", self.read(c, 2))[0]
                    for m in self.messages(dns.message.from_wire(self.read(c, n))):
                        c.sendall(m)
            except OSError:
                pass
            finally:
                c.close()

    def stop(self):
        self.udp.close()
        self.tcp.close()


class FaultyWeir(resolvers.Weir):
    """Runs below `fault`, which watches the folder `watched`: configuration, list files, state."""

    class NoLab:
        port = 53

        def __init__(self, directory):
            self.root_hints = os.path.join(directory, "root.hints")
            with open(self.root_hints, "w") as f:
                f.write(". 3600 NS ns1.\nns1. 3600 A 127.0.0.1\n")

    def __init__(self, directory, binary, fault, port):
        super().__init__(self.NoLab(directory), directory, binary, port)
        self.fault = fault
        self.watched = os.path.join(directory, "watched")
        self.state_dir = os.path.join(self.watched, "state")
        self.conf_path = os.path.join(self.watched, "weir.yaml")
        self.plan_path = os.path.join(directory, "plan")
        self.config.update(self.defaults())
        self.plan = self.plan_file = None

    def start(self, limit_s=30, arm=None):
        """False: it died, or did not answer in time."""
        self.plan_close()
        if arm is not None:
            os.environ["FAULT_ARM"] = arm
        try:
            self.run([self.fault, self.plan_path, self.watched, self.binary, "serve", "-c",
                      self.conf_path], limit_s)
        except lab_module.LabError:
            return False
        finally:
            os.environ.pop("FAULT_ARM", None)
        try:
            self.connect()
        except (OSError, ValueError):  # it ended meanwhile: a fault of later
            self.process.popen.wait(limit_s)
            return False
        return True

    def run(self, argv, limit_s):
        """Some thousand times: without fork(). It ends with us by itself."""
        self.process = lab_module.Process(self.name, argv, self.directory, preexec_fn=None)
        end, pause_s = time.monotonic() + limit_s, 0.02
        while time.monotonic() < end:
            time.sleep(pause_s)
            self.process.check()
            if self.answers():
                return
            pause_s = min(pause_s * 1.3, 0.1)
        self.process.kill()
        raise lab_module.LabError("it does not answer")

    def answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.25)
            try:
                s.connect((self.address, self.port))
                s.send(question(resolvers.READY_NAME))
                return s.recv(4096)[:2] == question(resolvers.READY_NAME)[:2]
            except OSError:
                return False

    def connect(self):
        self.plan = socket.socket(socket.AF_UNIX)
        self.plan.settimeout(10)
        self.plan.connect(self.plan_path)
        self.plan_file = self.plan.makefile("r")
        self.weir_pid = int(self.tell("pid"))

    def plan_close(self):
        if self.plan is not None:
            self.plan_file.close()
            self.plan.close()
            self.plan = None

    def tell(self, line):
        self.plan.sendall(line.encode() + b"\n")
        return self.plan_file.readline().strip()

    def counts(self):
        self.plan.sendall(b"counts\n")
        found = {}
        for line in iter(lambda: self.plan_file.readline().strip(), "."):
            n, key = line.split(" ", 1)
            found[key] = int(n)
        return found

    def is_dead(self):
        return self.process.popen.poll() is not None

    def is_asleep(self):
        """All its threads."""
        tasks = f"/proc/{self.weir_pid}/task"
        try:
            for tid in os.listdir(tasks):
                with open(f"{tasks}/{tid}/stat") as f:
                    if f.read().rsplit(")", 1)[1].split()[0] != "S":
                        return False
        except OSError:  # it, or the thread, has ended meanwhile
            return self.is_dead()
        return True

    def kill_9(self):
        try:
            os.kill(self.weir_pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.popen.wait()

    def ctl(self, _timeout_s=15, **request):
        """One command of the control socket."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(_timeout_s)
            s.connect(self.control_path)
            s.sendall(json.dumps(request).encode() + b"\n")
            s.shutdown(socket.SHUT_WR)
            got = b""
            while piece := s.recv(65536):
                got += piece
        return json.loads(got)

    def mark(self):
        return os.path.getsize(self.process.log_path)

    def told(self, mark, what="weir: (warning|error)|[(]after|will be read whole"):
        """Warnings and errors since then."""
        with open(self.process.log_path, errors="replace") as f:
            f.seek(mark)
            return [line for line in f.read().split("\n") if re.search(what, line)]


class Bed:
    ports = itertools.count(100)

    def __init__(self, directory, weir, fault):
        os.makedirs(os.path.join(directory, "watched", "state"), exist_ok=True)
        self.directory = directory
        self.server = FeedsServer(directory).__enter__()
        self.upstream, self.primary = Upstream(), Primary()
        port = next(self.ports) if "WEIR_LAB_NAMESPACE" in os.environ else 5400 + next(self.ports)
        self.weir = w = FaultyWeir(directory, weir, fault, port)
        self.pats_path = os.path.join(w.watched, "pats.list")
        self.version = dict.fromkeys(LISTS, 1)
        self.next = {}  # where it is not the version + 1
        self.give_feed = self.give_text  # how the rules of `feed` are offered
        self.zone_rules = lambda v, rules: rules  # what the zone has of them
        w.config["resolver"] = {"trust-anchors": "none", "root-hints": w.lab.root_hints,
                                "forward": [{"zone": ".", "to": [f"127.0.0.1@{self.upstream.port}"]}]}
        w.config["local"]["zones"].append({"zone": "feeds.test", "records": ["@ A 127.0.0.1"]})
        w.config["cache"] = {"size": "4MiB"}
        w.config["lists"] = [
            {"name": "feed", "url": self.server.url("/feed.txt"), "ca": self.server.ca,
             "refresh": "1d", "timeout": "5s"},
            {"name": "zone", "format": "rpz", "zone": ZONE, "min-update-interval": "0s",
             "primaries": [f"127.0.0.1@{self.primary.port}"]},
            {"name": "pats", "file": self.pats_path, "format": "adblock"}]
        w.config["groups"][0]["lists"] = list(LISTS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.weir.process is not None:
            self.weir.stop()
        self.upstream.stop()
        self.primary.stop()
        self.server.__exit__()

    def start(self):
        """From nothing to version 1 of all lists."""
        for name in LISTS:
            self.offer(name, 1)
        self.weir.write_config()
        assert self.weir.start(), self.weir.process.log_tail()
        assert self.until(lambda: self.look() == {n: "old" for n in LISTS}, 60), (
            self.look(), self.weir.process.log_tail())
        self.settle()

    # ---- the world ----

    def offer(self, name, v, n_filler=N_FILLER):
        """Version v is what the world has."""
        rules = rules_of(name, v, n_filler)
        if name == "feed":
            self.give_feed(rules)
        elif name == "zone":
            self.primary.publish(v, self.zone_rules(v, rules))
        else:
            lines = [f"||{r}^" for r in rules[:-1]] + ["/^" + rules[-1].replace(".", r"\.") + "$/"]
            with open(self.pats_path + ".new", "w") as f:
                f.write("".join(line + "\n" for line in lines))
            os.rename(self.pats_path + ".new", self.pats_path)

    def give_text(self, rules):
        self.server.files["/feed.txt"] = "".join(r + "\n" for r in rules).encode()

    def network(self, is_up):
        self.primary.is_down = not is_up
        self.server.is_down = not is_up

    def notify(self):
        q = dns.message.make_query(f"{ZONE}.", "SOA", flags=dns.flags.AA)
        q.set_opcode(dns.opcode.NOTIFY)
        try:
            dns.query.udp(q, "127.0.0.1", port=self.weir.port, timeout=5)
        except dns.exception.Timeout:
            pass

    # ---- what is in force ----

    def are_blocked(self, names):
        """All are asked at once. A connected socket hears at once that nobody listens any more."""
        base, found = random.getrandbits(16), {}
        open_ = {(base + i) & 0xFFFF: name for i, name in enumerate(names)}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(("127.0.0.1", self.weir.port))
            for i in range(12):
                s.settimeout(0.4 * (1 + i))
                for number, name in open_.items():
                    s.send(struct.pack("!H", number) + question(name)[2:])
                try:
                    self.hear(s, open_, found, 0.2 * (1 + i))
                except TimeoutError:  # it died with the questions, or is slow
                    if self.weir.is_dead():
                        raise
                if not open_:
                    return [found[name] for name in names]
        raise OSError(f"{' '.join(open_.values())}: no answer")

    @staticmethod
    def hear(s, open_, found, pause_s):
        """A reply for each question, or SERVFAIL: the Internet is slow to answer. Then a pause."""
        failed = set()
        while open_.keys() - failed:
            reply = s.recv(4096)
            number, rcode = struct.unpack("!H", reply[:2])[0], reply[3] & 15
            if rcode == dns.rcode.SERVFAIL:
                failed.add(number)
            elif number in open_:
                if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                    raise OSError(f"{open_[number]}: {dns.rcode.to_text(rcode)}")
                found[open_.pop(number)] = rcode == dns.rcode.NXDOMAIN
        if open_:
            time.sleep(pause_s)

    def is_blocked(self, name):
        return self.are_blocked([name])[0]

    def look_at(self, *lists):
        """Of each "old", "new", or what must never be."""
        names = {name: self.names_at(name) for name in lists}
        blocked = iter(self.are_blocked([n for of_one in names.values() for n in of_one]))
        seen = []
        for name in lists:
            got = [next(blocked) for _ in names[name]]
            seen.append({(True, True, False, False, True): "old",
                         (False, False, True, True, True): "new"}.get(tuple(got), f"torn {got}"))
        return seen[0] if len(lists) == 1 else dict(zip(lists, seen))

    def names_at(self, name):
        """Two of the old version, two of the new one, and the one of all."""
        v = self.version[name]
        (old, both), (new, _) = names_of(name, v), names_of(name, self.next.get(name, v + 1))
        return old + new + [both]

    def look(self):
        """Of all lists. Between two questions a new version may have come, once: they are asked again."""
        seen = self.look_at(*LISTS)
        for name in LISTS:
            if seen[name].startswith("torn"):
                seen[name] = self.look_at(name)
        return seen

    def glance(self, name):
        """With one question: is the new one in force, as far as it goes?"""
        return self.is_blocked(self.names_at(name)[3])

    # ---- waiting ----

    @staticmethod
    def until(condition, limit_s=10.0):
        end, pause_s = time.monotonic() + limit_s, 0.005
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.3, 0.05)
        return True

    def settle(self, ms=120, limit_s=20):
        """Until no file was touched for so long, and no thread is at work or waits for the disk or a processor."""
        def is_settled():
            if self.weir.is_dead():
                return True
            idle_ms = int(self.weir.tell("idle"))
            if idle_ms < ms:
                time.sleep((ms - idle_ms) / 1000)
                return False
            for _ in range(3):
                if not self.weir.is_asleep():
                    return False
                time.sleep(0.003)
            return True
        return self.until(is_settled, limit_s)

    def wait_for_hit(self, limit_s):
        """What follows a change, or a start, may come later than that."""
        w = self.weir
        if not w.is_dead() and w.tell("hits") == "hit 0":
            self.until(lambda: w.is_dead() or w.tell("hits") != "hit 0", limit_s)
            self.settle()


def wipe(folder):
    shutil.rmtree(folder)
    os.makedirs(folder)
