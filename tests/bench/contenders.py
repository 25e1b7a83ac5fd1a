#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: the floors (udpecho, udprelay) and the resolvers, each with one worker.

And the authority that they resolve from: a root and a set of wildcard zones, in NSD.
"""

import json
import os
import random
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
from lab import LabError, Process, ask, tool, unconfined, wait_until_answers  # noqa: E402

SERVER_CPU, CLIENT_CPU = 0, 1  # the generator and the authority share the second core
ROOT, AUTHORITY = "127.54.0.1", "127.54.0.2"
N_ZONES = 64  # miss00.test ... : a zone for each run, so that no name is asked twice
WARM_NAMES = 1000
ECHO_BYTES = 16  # what an A record adds to a question
LOAD_LIMIT_S = 180
SIGNED_ZONE = "signed.test"
SIGNED_SLICE = 20_000  # names a run; each is asked once
SIGNED_SLICES = 8
CONTENDERS = {}


def contender(cls):
    CONTENDERS[cls.name] = cls
    return cls


def build_tools(directory):
    os.makedirs(directory, exist_ok=True)
    paths = {}
    for name in ("qblast", "udpecho", "udprelay"):
        paths[name] = os.path.join(directory, name)
        subprocess.run(["cc", "-O2", "-o", paths[name], os.path.join(HERE, name + ".c")], check=True)
    return paths


def listed_names(n):
    """n names as they stand in real lists: a random label under a popular suffix; always the same."""
    rng = random.Random(20261122)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    suffixes = ("com", "com", "com", "net", "org", "xyz", "top", "info", "co.uk", "ru")
    seen = {}
    while len(seen) < n:
        label = "".join(rng.choices(letters, k=rng.randint(7, 18)))
        seen[f"{label}.{rng.choice(suffixes)}"] = None
    return list(seen)


class Scene:
    """The files all share: names, the list in two forms, query files; and the authority."""

    def __init__(self, directory, n_names):
        self.directory, self.n_names = directory, n_names
        os.makedirs(directory, exist_ok=True)
        self.tools = build_tools(self.path("tools"))
        self.hints = self.path("root.hints")
        self.next_zone = 0
        self.processes = []
        with open(self.hints, "w") as f:
            f.write(f".\t3600000\tNS\tns.\nns.\t3600000\tA\t{ROOT}\n")
        self._write_lists()
        self._write_queries()

    def path(self, name):
        return os.path.join(self.directory, name)

    def _write_lists(self):
        names = listed_names(self.n_names)
        self.sample = random.Random(1).sample(names, min(len(names), 10000))
        self.domains, self.rpz = self.path("names.list"), self.path("names.rpz")
        self.no_domains, self.no_rpz = self.path("none.list"), self.path("none.rpz")
        head = "$TTL 60\n@ SOA localhost. root.localhost. 1 3600 600 86400 60\n@ NS localhost.\n"
        with open(self.domains, "w") as f:
            f.write("".join(n + "\n" for n in names))
        with open(self.rpz, "w") as f:
            f.write(head + "".join(f"{n} CNAME .\n*.{n} CNAME .\n" for n in names))
        for path, text in ((self.no_domains, "# empty\n"), (self.no_rpz, head)):
            with open(path, "w") as f:
                f.write(text)

    def _write_queries(self):
        self.hit_queries, self.block_queries = self.path("hit.q"), self.path("block.q")
        with open(self.hit_queries, "w") as f:
            f.write("".join(f"n{i}.warm.test A\n" for i in range(WARM_NAMES)))
        with open(self.block_queries, "w") as f:
            f.write("".join(n + " A\n" for n in self.sample))

    def take_zone(self):
        zone = f"miss{self.next_zone % N_ZONES:02d}.test"
        self.next_zone += 1
        return zone

    def sign_zone(self):
        """A zone of many names, signed; its text. The trust anchor for it is written beside."""
        d = self.path("signing")
        os.makedirs(d, exist_ok=True)
        plain, signed = os.path.join(d, "plain.zone"), os.path.join(d, "signed.zone")
        n = SIGNED_SLICE * SIGNED_SLICES
        with open(plain, "w") as f:
            f.write(f"$TTL 3600\n@ SOA ns root 1 3600 600 864000 60\n@ NS ns\nns A {AUTHORITY}\n"
                    + "".join(f"s{i:06d} A 192.0.2.1\n" for i in range(n)))

        def run(*argv):
            done = subprocess.run([tool(argv[0]), *argv[1:]], cwd=d, capture_output=True, text=True,
                                  check=False)
            if done.returncode != 0:
                raise LabError(f"{argv[0]}: {done.stderr}")
            return done.stdout.strip()
        key = run("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", SIGNED_ZONE)
        run("dnssec-signzone", "-q", "-z", "-S", "-K", d, "-o", SIGNED_ZONE, "-f", signed, plain)
        self.anchor = self.path("signed.ds")
        with open(self.anchor, "w") as f:
            f.write(run("dnssec-dsfromkey", "-2", key) + "\n")
        for k in range(SIGNED_SLICES):
            with open(self.path(f"signed{k}.q"), "w") as f:
                f.write("".join(f"s{i:06d}.{SIGNED_ZONE} A\n"
                                for i in range(k * SIGNED_SLICE, (k + 1) * SIGNED_SLICE)))
        with open(signed) as f:
            return f.read()

    def start_authority(self, with_signed=False):
        zones = ["warm.test"] + [f"miss{i:02d}.test" for i in range(N_ZONES)]
        signed = {SIGNED_ZONE: self.sign_zone()} if with_signed else {}
        soa = "@ 3600 SOA ns. root. 1 3600 600 864000 60\n"
        root = "$ORIGIN .\n" + soa + f". 86400 NS ns.\nns. 86400 A {ROOT}\n" + "".join(
            f"{z}. 86400 NS ns.{z}.\nns.{z}. 86400 A {AUTHORITY}\n" for z in zones + list(signed))
        leaf = {z: f"$ORIGIN {z}.\n{soa}@ 86400 NS ns\nns 86400 A {AUTHORITY}\n* 3600 A 192.0.2.1\n"
                for z in zones}
        self._start_nsd("root", ROOT, {"": root})
        self._start_nsd("authority", AUTHORITY, leaf | signed)
        wait_until_answers(self.processes[0], ROOT, 53, ".")
        wait_until_answers(self.processes[1], AUTHORITY, 53, "warm.test.")

    def _start_nsd(self, name, address, zones):
        d = self.path(name)
        os.makedirs(d, exist_ok=True)
        conf = ["server:", "  server-count: 1", "  port: 53", f"  ip-address: {address}", '  username: ""',
                '  chroot: ""', f'  zonesdir: "{d}"', '  database: ""', f'  pidfile: "{d}/nsd.pid"',
                f'  xfrdfile: "{d}/xfrd.state"', f'  zonelistfile: "{d}/zone.list"', f'  xfrdir: "{d}"',
                "  rrl-ratelimit: 0", "  minimal-responses: yes", "remote-control:", "  control-enable: no"]
        for zone, text in zones.items():
            path = os.path.join(d, (zone or "root") + ".zone")
            with open(path, "w") as f:
                f.write(text)
            conf += ["zone:", f'  name: "{zone}"', f'  zonefile: "{path}"']
        with open(os.path.join(d, "nsd.conf"), "w") as f:
            f.write("\n".join(conf) + "\n")
        self.processes.append(Process(name, [unconfined("nsd", d), "-d", "-c", os.path.join(d, "nsd.conf")],
                                      d, CLIENT_CPU))

    def stop(self):
        for p in self.processes:
            p.stop()


class Contender:
    """One server on its port. `with_list`: the million names; `with_events`: one written for each."""

    name = "contender"
    phases = ("hit", "block", "block-quiet", "miss", "load")
    has_events = False
    is_dns = True
    is_resolver = True

    def __init__(self, scene, port, with_list=True, with_events=False, tag="", validating=False):
        self.scene, self.port, self.validating = scene, port, validating
        self.with_list, self.with_events = with_list, with_events
        self.directory = scene.path(self.name + tag)
        os.makedirs(self.directory, exist_ok=True)
        self.process, self.load_s = None, None

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def ds(self):
        """Tag, algorithm, digest type and digest of the signed zone's DS."""
        with open(self.scene.anchor) as f:
            return f.read().split()[3:]

    def rpz(self):
        return self.scene.rpz if self.with_list else self.scene.no_rpz

    def start(self):
        """Until it answers, and blocks the last name of the list."""
        begin = time.monotonic()
        self.process = Process(self.name, self.command(), self.directory, SERVER_CPU)
        accept = None
        probe = "n0.warm.test"
        if self.with_list and "block" in self.phases:
            probe = self.scene.sample[-1]

            def accept(reply):
                return reply.rcode() == 3
        wait_until_answers(self.process, "127.0.0.1", self.port, probe, "A", LOAD_LIMIT_S, accept)
        self.load_s = time.monotonic() - begin
        # What a first look-up makes is no part of the list: with a list and without, it is there.
        ask("127.0.0.1", "first.warm.test", "A", self.port, 5)

    def stop(self):
        if self.process is not None:
            self.process.stop(60)

    def memory_kib(self):
        """(VmRSS, of which not backed by files)"""
        found = {}
        with open(f"/proc/{self.process.pid}/status") as f:
            for line in f:
                if line.startswith(("VmRSS", "RssFile")):
                    found[line.split(":")[0]] = int(line.split()[1])
        return found["VmRSS"], found["VmRSS"] - found["RssFile"]


@contender
class Udpecho(Contender):
    """The floor of an answer that needs nothing but its bytes in and out."""

    name = "udpecho"
    phases = ("hit", "block", "block-quiet", "miss")
    is_resolver = False
    is_dns = False  # what it sends back is an answer in size only

    def start(self):
        self.process = Process(self.name, self.command(), self.directory, SERVER_CPU)
        time.sleep(0.2)
        self.process.check()
        self.load_s = 0

    def command(self):
        return [self.scene.tools["udpecho"], "127.0.0.1", str(self.port), str(ECHO_BYTES)]


@contender
class Udprelay(Contender):
    """The floor of a miss: one exchange with the authority behind each exchange with the client."""

    name = "udprelay"
    is_resolver = False
    phases = ("miss",)

    def command(self):
        return [self.scene.tools["udprelay"], "127.0.0.1", str(self.port), AUTHORITY]


@contender
class Weir(Contender):
    name = "weir"
    has_events = True
    binary = os.path.join(HERE, "..", "..", "build", "weir")

    def command(self):
        d = self.directory
        os.makedirs(os.path.join(d, "state"), exist_ok=True)
        config = {
            "server": {"listen": [f"127.0.0.1@{self.port}"], "workers": 1},
            "local": {"zones": [{"zone": "test", "type": "resolve"}]},  # not RFC 6761's here
            "resolver": {"root-hints": self.scene.hints, "ipv6": False,
                         "trust-anchors": self.scene.anchor if self.validating else "none"},
            "cache": {"size": "512MiB"},
            "detect": {"enable": False},  # one client asks for everything: a tunnel
            "local": {"special-names": False},  # the bench lives below test.
            "lists": [{"name": "names", "file": self.list_file(), "format": "domains"}],
            "groups": [{"name": "default", "clients": ["127.0.0.0/8"], "lists": ["names"]}],
            "control": os.path.join(d, "control"), "state": os.path.join(d, "state"),
        }
        if self.with_events:
            config["events"] = {"file": os.path.join(d, "events.jsonl"), "max-size": "512MiB", "keep": 1}
        else:
            config["incidents"] = {"enable": False}  # they are made of events
        self.conf_path = self.file("weir.yaml", json.dumps(config, indent=1) + "\n")
        return [os.path.abspath(self.binary), "serve", "-c", self.conf_path]

    def list_file(self):
        return self.scene.domains if self.with_list else self.scene.no_domains


@contender
class Unbound(Contender):
    name = "unbound"

    def command(self):
        d = self.directory
        return [unconfined("unbound", d), "-d", "-p", "-c", self.file("unbound.conf", f"""server:
  interface: 127.0.0.1@{self.port}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "{d}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "respip {'validator ' if self.validating else ''}iterator"
  {f'trust-anchor-file: "{self.scene.anchor}"' if self.validating else ''}
  root-hints: "{self.scene.hints}"
  do-not-query-localhost: no
  do-ip6: no
  minimal-responses: yes
  msg-cache-size: 128m
  rrset-cache-size: 256m
  outgoing-range: 4096
  num-queries-per-thread: 2048
  so-rcvbuf: 4m
  local-zone: "test." nodefault
remote-control:
  control-enable: no
rpz:
  name: rpz.bench
  zonefile: "{self.rpz()}"
""")]


@contender
class Recursor(Contender):
    name = "pdns"

    def command(self):
        d = self.directory
        lua = self.file("rpz.lua", f'rpzFile("{self.rpz()}", {{policyName="names"}})\n' +
                        (f'clearTA(".")\naddTA("{SIGNED_ZONE}", "{" ".join(self.ds())}")\n' if self.validating else ""))
        self.file("recursor.conf", f"""local-address=127.0.0.1
local-port={self.port}
allow-from=127.0.0.0/8
hint-file={self.scene.hints}
dont-query=
dnssec={'validate' if self.validating else 'off'}
threads=1
pdns-distributes-queries=no
daemon=no
write-pid=no
socket-dir={d}
lua-config-file={lua}
quiet=yes
loglevel=3
disable-syslog=yes
max-cache-entries=2000000
max-packetcache-entries=1000000
minimum-ttl-override=0
security-poll-suffix=
serve-rfc1918=no
""")
        return [unconfined("pdns_recursor", d), f"--config-dir={d}"]


@contender
class Bind(Contender):
    name = "bind"

    def command(self):
        d = self.directory
        validation, anchors = "no", ""
        if self.validating:
            tag, algorithm, digest_type, digest = self.ds()
            validation = "yes"
            anchors = f'trust-anchors {{ {SIGNED_ZONE}. static-ds {tag} {algorithm} {digest_type} "{digest}"; }};'
        return [unconfined("named", d), "-g", "-n", "1", "-c", self.file("named.conf", f"""
options {{ directory "{d}"; pid-file none; session-keyfile none; lock-file none;
  listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion yes; allow-recursion {{ any; }}; allow-query {{ any; }}; dnssec-validation {validation};
  minimal-responses yes; empty-zones-enable no; max-cache-size 512m; recursive-clients 10000;
  managed-keys-directory "{d}"; notify no;
  response-policy {{ zone "rpz.bench"; }} qname-wait-recurse no; }};
controls {{ }};
{anchors}
logging {{ category default {{ default_stderr; }}; category rpz {{ null; }}; category lame-servers {{ null; }}; }};
zone "." {{ type hint; file "{self.scene.hints}"; }};
zone "rpz.bench" {{ type primary; file "{self.rpz()}"; }};
""")]


def is_installed(cls):
    """None, or what is missing."""
    needs = {"weir": Weir.binary, "unbound": "unbound", "pdns": "pdns_recursor", "bind": "named"}
    needed = needs.get(cls.name)
    if needed is None:
        return None
    if os.sep in needed:
        return None if os.access(needed, os.X_OK) else f"there is no {needed}"
    try:
        tool(needed)
        return None
    except LabError as e:
        return str(e)


def warm(contender_, zone):
    """Every cut on the way to the zone is known afterwards."""
    for i in range(3 if contender_.is_dns else 0):
        reply = ask("127.0.0.1", f"warm-up-{i}.{zone}", "A", contender_.port, 5)
        if reply.rcode() != 0:
            raise LabError(f"{contender_.name} does not resolve {zone}")
