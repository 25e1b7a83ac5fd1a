#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: a small internet on loopback addresses, made of real name servers.

As a library: Lab (the authoritative side), enter_namespace() and the resolvers of resolvers.py.
As a program (`make lab`): brings it up with a resolver in front and stays until Ctrl-C.
"""

import argparse
import ctypes
import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import zones as lab_zones  # noqa: E402

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1
START_LIMIT_S = 60  # on a machine that does much else
libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The lab could not be brought up; the text says why."""


def die_with_parent():
    """For preexec_fn: no server outlives the lab, however it ends."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def tool(name):
    """The path of a server, also outside of a user's PATH."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        raise LabError(f"{name} is not installed (tools/deps installs what the tests need)")
    return path


def unconfined(name, directory):
    """Debian's AppArmor profiles go by path and know nothing of our directory: use a copy."""
    path = tool(name)
    try:
        with open("/sys/module/apparmor/parameters/enabled") as f:
            confined = f.read().strip() == "Y"
    except OSError:
        confined = False
    if not confined:
        return path
    copy = os.path.join(directory, os.path.basename(path))
    shutil.copy(path, copy)
    return copy


def enter_namespace():
    """Move this process into a network namespace of its own. True if that was allowed.

    There port 53 and every loopback address are free, IPv6 too.  Must be called before any thread
    is made.  Without the right to do so nothing changes.
    """
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNET if uid == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if shutil.which("ip", path="/sbin:/usr/sbin:/bin:/usr/bin") is None or libc.unshare(flags) != 0:
        return False
    if uid != 0:
        for path, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open("/proc/self/" + path, "w") as f:
                f.write(text)
    os.environ["PATH"] += ":/sbin:/usr/sbin"
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for a in [lab_zones.V6_IN_NAMESPACE + "/128"] + [b + "/8" for b in lab_zones.ADDRESSES["bind"]]:
        subprocess.run(["ip", "addr", "add", a, "dev", "lo"], check=False, stderr=subprocess.DEVNULL)
    os.environ["WEIR_LAB_NAMESPACE"] = "1"
    return True


def has_address(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        try:
            s.bind((address, 0))
            return True
        except OSError:
            return False


def can_bind(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.bind((address, port))
            return True
        except OSError as e:
            if e.errno not in (errno.EACCES, errno.EADDRINUSE):
                raise
            return False


class Process:
    """A server process of ours, its output in a file."""

    def __init__(self, name, argv, directory, cpu=None, env=None, preexec_fn=die_with_parent):
        self.name, self.argv = name, argv
        self.log_path = os.path.join(directory, name + ".log")
        if cpu is not None:
            argv = ["taskset", "-c", str(cpu)] + argv
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          cwd=directory, preexec_fn=preexec_fn,
                                          env=dict(os.environ, **(env or {})))
        self.pid = self.popen.pid

    def log_tail(self, n=30):
        with open(self.log_path, errors="replace") as f:
            return "".join(f.readlines()[-n:])

    def check(self):
        if self.popen.poll() is not None:
            raise LabError(f"{self.name} ended with {self.popen.returncode}:\n{self.log_tail()}")

    def stop(self, limit_s=10):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(limit_s)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        return self.popen.returncode

    def kill(self):
        self.popen.kill()
        self.popen.wait()


def ask(address, name, rdtype="A", port=53, timeout_s=2.0, tcp=False, source=None, **message_options):
    """One question, one answer, over TCP if UDP did not hold it; dns.exception.Timeout if none comes.

    tcp: False, True (only TCP), or None (only UDP: a truncated answer is the answer).
    """
    message_options.setdefault("use_edns", 0)
    query = dns.message.make_query(name, rdtype, **message_options)
    if tcp:
        return dns.query.tcp(query, address, timeout=timeout_s, port=port, source=source)
    reply = dns.query.udp(query, address, timeout=timeout_s, port=port, source=source,
                              ignore_unexpected=True)
    if tcp is False and reply.flags & dns.flags.TC:
        reply = dns.query.tcp(query, address, timeout=timeout_s, port=port, source=source)
    return reply


def probe(address, port, name, rdtype):
    """One question from a connected socket, which hears at once that nobody listens; None then."""
    query = dns.message.make_query(name, rdtype)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(0.25)
        try:
            s.connect((address, port))
            s.send(query.to_wire())
            reply = dns.message.from_wire(s.recv(65535))
            return reply if query.is_response(reply) else None
        except (OSError, dns.exception.DNSException):
            return None


def wait_until_answers(process, address, port, name, rdtype="SOA", limit_s=START_LIMIT_S, accept=None):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        process.check()
        reply = probe(address, port, name, rdtype)
        if reply is not None and (accept is None or accept(reply)):
            return
        time.sleep(0.005)
    raise LabError(f"{process.name} does not answer on {address} port {port}:\n{process.log_tail()}")


class Lab:
    """The authoritative side: five real servers and badserver.py."""

    def __init__(self, directory, port=53, more=()):
        """more: zones that are delegated, too."""
        self.directory, self.port = directory, port
        self.v6 = next((a for a in (lab_zones.V6_IN_NAMESPACE, lab_zones.V6_PLAIN)
                        if has_address(a)), lab_zones.V6_PLAIN)
        self.has_v6 = has_address(self.v6)
        self.bind = lab_zones.bind_addresses("WEIR_LAB_NAMESPACE" in os.environ)
        self.zones = lab_zones.build(self.v6, self.bind) + list(more)
        self.processes = []
        self.root_hints = os.path.join(directory, "root.hints")
        self.bad_log_path = os.path.join(directory, "badserver.jsonl")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def zone(self, name):
        return next(z for z in self.zones if z.name == name)

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        self._write_hints()
        try:
            self._start_python()
            self._start_knot("root", [z for z in self.zones if z.at == "root"])
            self._start_knot("knot", [z for z in self.zones if z.at == "knot"])
            self._start_nsd("tld", [z for z in self.zones if z.at == "tld"])
            self._start_nsd("nsd", [z for z in self.zones if z.at == "nsd"])
            self._start_bind("bind", [z for z in self.zones if z.at == "bind"])
            for process, address, zone in self.waiting:
                wait_until_answers(process, address, self.port, zone.name + ".",
                                   accept=lambda r: bool(r.answer))
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for p in self.processes:
            if p.popen.poll() is None:
                p.popen.terminate()
        for p in self.processes:
            p.stop()
        self.processes = []

    # What badserver.py received, oldest first, names in lower case (they come in random case);
    # `mark` is what bad_log_mark() gave before.
    def bad_log_mark(self):
        return os.path.getsize(self.bad_log_path)

    def bad_log(self, mark=0, behaviour=None):
        with open(self.bad_log_path) as f:
            f.seek(mark)
            entries = [json.loads(line) for line in f if line.endswith("\n")]
        for e in entries:
            e["name"] = e["name"] and e["name"].lower()
        return [e for e in entries if behaviour is None or e["behaviour"] == behaviour]

    def _write_hints(self):
        with open(self.root_hints, "w") as f:
            for i, a in enumerate(lab_zones.ADDRESSES["root"]):
                f.write(f".\t3600000\tNS\tns{i + 1}.\nns{i + 1}.\t3600000\tA\t{a}\n")

    def _dir(self, name):
        path = os.path.join(self.directory, name)
        os.makedirs(path, exist_ok=True)
        return path

    def _write_zones(self, directory, zones):
        files = {}
        for z in zones:
            files[z] = os.path.join(directory, (z.name or "root") + ".zone")
            with open(files[z], "w") as f:
                f.write(lab_zones.zone_text(z, self.zones))
        return files

    def _run(self, name, argv, directory, address, zones):
        p = Process(name, argv, directory)
        self.processes.append(p)
        self.waiting = getattr(self, "waiting", []) + [(p, address, z) for z in (zones[0], zones[-1])]

    def _addresses(self, key):
        if key == "bind":
            return self.bind
        return lab_zones.ADDRESSES[key] + ([self.v6] if key == "knot" and self.has_v6 else [])

    def _start_python(self):
        open(self.bad_log_path, "a").close()
        self._run("badserver", [sys.executable, os.path.join(HERE, "badserver.py"), str(self.port),
                                self.bad_log_path, self.v6, self.bind[0]], self.directory,
                  self.zone("good.test").addrs[0], [self.zone("good.test")])

    def _start_knot(self, key, zones):
        d = self._dir(key)
        files = self._write_zones(d, zones)
        conf = ["server:", f"  rundir: {d}", "  udp-workers: 1", "  tcp-workers: 1",
                "  background-workers: 1"]
        conf += [f"  listen: {a}@{self.port}" for a in self._addresses(key)]
        conf += ["log:", "  - target: stdout", "    any: warning", "database:", f"  storage: {d}",
                 "policy:", "  - id: nsec", "    algorithm: ecdsap256sha256", "    manual: off",
                 "  - id: nsec3", "    algorithm: ecdsap256sha256", "    nsec3: on",
                 "template:", "  - id: default", f"    storage: {d}", "    zonefile-sync: -1",
                 "    zonefile-load: whole", "    journal-content: none", "    semantic-checks: soft",
                 "zone:"]
        for z, path in files.items():
            conf += [f"  - domain: {z.name}.", f"    file: {path}"]
            if z.signed:
                conf += ["    dnssec-signing: on", f"    dnssec-policy: {z.signed}"]
        path = os.path.join(d, "knot.conf")
        with open(path, "w") as f:
            f.write("\n".join(c for c in conf if c) + "\n")
        signed = [z for z in zones if z.signed]
        self._run(key, [tool("knotd"), "-c", path], d, self._addresses(key)[0], signed + zones[-1:])

    def _start_nsd(self, key, zones):
        d = self._dir(key)
        files = self._write_zones(d, zones)
        conf = ["server:", "  server-count: 1", f"  port: {self.port}", '  username: ""', '  chroot: ""',
                f'  zonesdir: "{d}"', '  database: ""', f'  pidfile: "{d}/nsd.pid"',
                f'  xfrdfile: "{d}/xfrd.state"', f'  zonelistfile: "{d}/zone.list"',
                f'  xfrdir: "{d}"', "  hide-version: yes", "  rrl-ratelimit: 0", "  verbosity: 1"]
        conf += [f"  ip-address: {a}" for a in self._addresses(key)]
        conf += ["remote-control:", "  control-enable: no"]
        for z, path in files.items():
            conf += ["zone:", f'  name: "{z.name}"', f'  zonefile: "{path}"']
        path = os.path.join(d, "nsd.conf")
        with open(path, "w") as f:
            f.write("\n".join(conf) + "\n")
        self._run(key, [unconfined("nsd", d), "-d", "-c", path], d, self._addresses(key)[0], zones)

    def _start_bind(self, key, zones):
        d = self._dir(key)
        files = self._write_zones(d, zones)
        listen = " ".join(a + ";" for a in self._addresses(key))
        conf = [f'options {{ directory "{d}"; pid-file none; session-keyfile none; recursion no;',
                f"  listen-on port {self.port} {{ {listen} }}; listen-on-v6 {{ none; }};",
                "  check-names master ignore; notify no; allow-query { any; };",
                f'  managed-keys-directory "{d}"; lock-file none;',
                "  empty-zones-enable no; dnssec-validation no; };", "controls { };",
                "logging { category default { default_stderr; }; };"]
        conf += [f'zone "{z.name}" {{ type primary; file "{p}"; }};' for z, p in files.items()]
        path = os.path.join(d, "named.conf")
        with open(path, "w") as f:
            f.write("\n".join(conf) + "\n")
        self._run(key, [unconfined("named", d), "-g", "-n", "1", "-c", path], d, self.bind[0], zones)


HELP = """
The lab is up.  A resolver answers on {at}; its internet is this machine.  Type for example:

  an ordinary name           {dig} www.plain.com
  an alias of nine hops      {dig} next.c06.test
  a signed name              {dig} +dnssec www.signed.test
  ten delegations deep       {dig} www.d9.d8.d7.d6.d5.d4.d3.d2.d1.deep.test
  an answer that needs TCP   {dig} TXT long.big.com
  a name that is not there   {dig} nothing.plain.com
  a server that is lame      {dig} www.refused.test
  an alias loop              {dig} self.loop.org
{policy}
Files, logs and zones are in {directory}.  What the name servers of the *.test zones that
misbehave received is in {directory}/badserver.jsonl.
Ctrl-C ends it.
"""

POLICY_HELP = """
  blocked by a list          {dig} evil.site00.com
  blocked as an alias        {dig} deep.alias.net         (its last alias is listed)
  blocked by an answer       {dig} bad.answers.test
  blocked by a name server   {dig} secret-data.attacker.test   (and nothing was sent to it)
  why                        {weir} explain -c {conf} evil.site00.com
  block one name, one hour   {weir} block -c {conf} www.plain.com --for 1h --reason "a try"
"""


def main():
    from resolvers import Unbound, Weir
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--resolver", choices=("weir", "unbound"), default="weir")
    p.add_argument("--weir", default=os.environ.get("WEIR", os.path.join(HERE, "../../build/weir")))
    p.add_argument("--port", type=int, default=5300, help="of the name servers (default 5300)")
    p.add_argument("--listen-port", type=int, default=5353, help="of the resolver (default 5353)")
    p.add_argument("--directory", help="for files; default: a temporary one, removed at the end")
    args = p.parse_args()
    directory = args.directory or tempfile.mkdtemp(prefix="weir-lab.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        begin = time.monotonic()
        with Lab(directory, args.port) as lab:
            if args.resolver == "weir":
                front = Weir(lab, os.path.join(directory, "weir"), binary=args.weir,
                             port=args.listen_port, config=demo_policy(directory))
            else:
                front = Unbound(lab, os.path.join(directory, "unbound"), port=args.listen_port)
            front.start()
            dig = f"dig @127.0.0.1 -p {args.listen_port}"
            policy = POLICY_HELP.format(dig=dig, weir=os.path.relpath(args.weir), conf=front.conf_path) \
                if args.resolver == "weir" else ""
            print(f"({time.monotonic() - begin:.1f} s)")
            print(HELP.format(at=f"127.0.0.1 port {args.listen_port}", dig=dig, policy=policy,
                              directory=directory), flush=True)
            try:
                while front.process.popen.poll() is None:
                    time.sleep(0.5)
                print(f"the resolver ended with {front.process.popen.returncode}:\n"
                      + front.process.log_tail())
            finally:
                front.stop()
    except KeyboardInterrupt:
        print()
    except LabError as e:
        print(f"lab: {e}", file=sys.stderr)
        return 1
    finally:
        if args.directory is None:
            shutil.rmtree(directory, ignore_errors=True)
    return 0


def demo_policy(directory):
    """Lists that show each kind of match on the names of the lab."""
    os.makedirs(directory, exist_ok=True)
    files = {"names": "evil.site00.com\nads.wild.org\n",
             "targets": "deepest.alias.net\n", "answers": "203.0.113.0/24\n2001:db8:bad::/48\n",
             "servers": "ns1.attacker.test\n"}
    for name, text in files.items():
        with open(os.path.join(directory, name + ".list"), "w") as f:
            f.write(text)

    def entry(name, fmt, match):
        return {"name": name, "file": os.path.join(directory, name + ".list"), "format": fmt,
                "action": "nxdomain", "match": match}
    return {"lists": [entry("names", "domains", "name"), entry("targets", "domains", "name"),
                      entry("answers", "addresses", "answer"), entry("servers", "domains", "nameserver")],
            "groups": [{"name": "default", "clients": ["127.0.0.0/8", "::1"],
                        "lists": list(files), "default": "allow"}]}


if __name__ == "__main__":
    sys.exit(main())
