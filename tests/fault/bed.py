# SPDX-License-Identifier: GPL-3.0-or-later
"""A Weir whose system calls can be made to fail, and the servers it lives with.

    with Bed(directory, weir, fault) as bed: ...

It has a list of each kind: `feed` (HTTPS), `zone` (transferred), `pats` (a file, with patterns). Version v of each blocks
its own first and last name, what is in every version, and some hundred in between.
"""
import itertools
import json
import os
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

    def is_blocked(self, name):
        """A connected socket hears at once that nobody listens any more."""
        query = dns.message.make_query(name, "A").to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(("127.0.0.1", self.weir.port))
            s.settimeout(0.4)
            for _ in range(12):
                s.send(query)
                try:
                    reply = s.recv(4096)
                    if reply[3] & 15 != dns.rcode.SERVFAIL:  # the Internet is slow to answer
                        break
                    time.sleep(0.2)
                except TimeoutError:  # it died with the question, or is slow
                    if self.weir.is_dead():
                        raise
            else:
                raise OSError(f"{name}: no answer")
        rcode = reply[3] & 15
        if reply[:2] != query[:2] or rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise OSError(f"{name}: {dns.rcode.to_text(rcode)}")
        return rcode == dns.rcode.NXDOMAIN

    def look_at(self, name):
        """"old", "new", or what must never be."""
        v = self.version[name]
        (old, both), (new, _) = names_of(name, v), names_of(name, self.next.get(name, v + 1))
        got = [[self.is_blocked(n) for n in names] for names in (old, new, [both])]
        if got == [[True, True], [False, False], [True]]:
            return "old"
        return "new" if got == [[False, False], [True, True], [True]] else f"torn {got}"

    def look(self):
        """Of all lists. Between two questions a new version may have come, once: they are asked again."""
        seen = {name: self.look_at(name) for name in LISTS}
        for name in LISTS:
            if seen[name].startswith("torn"):
                seen[name] = self.look_at(name)
        return seen

    # ---- waiting ----

    @staticmethod
    def until(condition, limit_s=10.0):
        end = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def settle(self, ms=120, limit_s=10):
        """Until no file was touched for so long."""
        return self.until(lambda: self.weir.is_dead() or int(self.weir.tell("idle")) >= ms, limit_s)


def wipe(folder):
    shutil.rmtree(folder)
    os.makedirs(folder)
