#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signed internet of many hundred zones, sound and broken, made from a seed.

cases.py says what is in it; here are the files, the servers (Knot DNS, NSD, BIND, and fronts.py
before those that misbehave) and the addresses.  It lives in a network namespace, on port 53.

As a program: brings it up and stays until Ctrl-C; `--write DIR` only writes the zones.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import dns.name
import dns.rdata
import dns.rdatatype

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import cases  # noqa: E402
import lab  # noqa: E402
import signer  # noqa: E402
from keys import SEP, ZONE, Keyring, ds_rdata  # noqa: E402

NET4 = "198.18.0.0/15"
SERVERS = {  # who serves from where; the root and most of the top have servers of their own
    "root": ["198.18.0.1", "198.18.0.2"],
    "topknot": ["198.18.0.11", "198.18.0.12"],
    "topnsd": ["198.18.0.21", "198.18.0.22"],
    "knot": ["198.18.1.1", "198.18.1.2", "198.18.1.3", "198.18.1.4"],
    "nsd": ["198.18.2.1", "198.18.2.2", "198.18.2.3", "198.18.2.4"],
    "bind": ["198.18.3.1", "198.18.3.2", "198.18.3.3", "198.18.3.4"],
}
PLACES = {"": "root", "nsec": "topknot", "rsa": "topknot", "nsec3": "topnsd", "plain": "topnsd"}
FRONT_NET, BEHIND = "198.18.5.", "198.18.1.1"
SILENT = ["198.18.5.250", "198.18.5.249", "198.18.5.248"]  # fronts that never answer
RESOLVERS = {n: (f"198.18.100.{i}", f"fd53::64:{i}")
             for i, n in enumerate(("weir", "unbound", "kresd", "bind"), 1)}
CLIENT = "198.18.200.1"
TTL_S = 3600
PROCESSES = 2


def v6_of(address):
    """The IPv6 address of a server."""
    a, b = address.split(".")[2:]
    return f"fd53::{a}:{b}"


def enter():
    """Into a namespace of our own where all of NET4 is here. True if that was allowed."""
    if not lab.enter_namespace():
        return False
    add_addresses()
    return True


def add_addresses():
    """NET4, in the namespace that this process is in; again does no harm."""
    lines = [f"route replace local {NET4} dev lo"]
    lines += [f"addr replace {a}/32 dev lo" for a in SERVERS["bind"] + [RESOLVERS["bind"][0]]]  # BIND looks there
    six = [v6_of(a) for held in SERVERS.values() for a in held] + [a for _, a in RESOLVERS.values()]
    lines += [f"addr replace {a}/128 dev lo nodad" for a in six]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)


class Internet:
    """The zones, their files and their servers."""

    def __init__(self, directory, seed=1, keep=None):
        """keep: function(zone), of the zones to have; the top ones are needed."""
        self.directory, self.seed, self.port = directory, seed, 53
        self.now_s = int(time.time())
        self.zones = [z for z in cases.catalogue(seed) if keep is None or keep(z)]
        self.by_name = {z.name: z for z in self.zones}
        self.ring = Keyring(seed)
        self.processes, self.fronts = [], []
        self.root_hints = os.path.join(directory, "root.hints")
        self.anchors = os.path.join(directory, "root.ds")
        self.children = {}
        self._place()
        self.aliases = self._aliases()

    # ---- who serves what ----

    def _place(self):
        rng = random.Random(f"{self.seed}/place")
        for z in self.zones:
            if z.name:
                self.children.setdefault(self.parent_of(z.name).name, []).append(z)
            z.at = PLACES.get(z.name, z.at)
            front = None
            if z.at.startswith("front:"):
                front = f"{FRONT_NET}{len(self.fronts) + 1}"
                self.fronts.append((front, z.at[6:], BEHIND))
                z.at, z.addrs = "knot", z.addrs or ["front"]
            if z.addrs is None:
                held = SERVERS[z.at]
                z.addrs = held if len(held) == 2 else rng.sample(held, 2)
            z.addrs = [front if a == "front" else a for a in z.addrs]
            if z.families == "46" and (z.family in ("server", "top") or rng.random() < 0.6):
                z.families = "4"
            if z.at in ("topknot", "topnsd"):
                z.families = "46"
        self.fronts += [(a, "hole", BEHIND) for a in SILENT]

    def parent_of(self, name):
        while name:
            name = name.partition(".")[2]
            if name in self.by_name:
                return self.by_name[name]
        raise KeyError(name)

    def zone_of(self, name):
        """The zone that holds a name (text, lower case, with the dot)."""
        name = name.rstrip(".")
        while name not in self.by_name:
            name = name.partition(".")[2]
        return self.by_name[name]

    def _aliases(self):
        """{owner in lower case: target} of all CNAME records, and of DNAME records with a dot before."""
        out = {}
        for z in self.zones:
            for line in z.body.splitlines():
                fields = line.split()
                if len(fields) == 3 and fields[1] in ("CNAME", "DNAME"):
                    target = fields[2] if fields[2].endswith(".") else f"{fields[2]}.{z.name}."
                    out[f"{'.' * (fields[1] == 'DNAME')}{fields[0]}.{z.name}.".lower()] = target.lower()
        return out

    def zones_on_the_way(self, name, rdtype):
        """The zones that an answer takes records from, alias by alias."""
        out = []
        for _ in range(12):
            name = name.lower()
            zone = self.zone_of(name)
            if zone not in out:
                out.append(zone)
            parent = name.partition(".")[2]
            target = self.aliases.get(name) if rdtype not in ("CNAME", "ANY") else None
            if target is None and rdtype not in ("CNAME", "ANY"):
                target = self.aliases.get("*." + parent)
            while target is None and parent:
                if "." + parent in self.aliases:
                    target = name[:-len(parent)] + self.aliases["." + parent]
                parent = parent.partition(".")[2]
            if target is None or rdtype == "DS" and name.rstrip(".") in self.by_name:
                break
            name = target
        return out

    def servers_of(self, zone):
        """[(name, [address])]: what the zone says."""
        if zone.ns is not None:
            return [(n, []) for n in zone.ns]
        dot = zone.name + "." if zone.name else ""
        out = []
        for i, a in enumerate(zone.addrs):
            if ":" in a:
                held = [a]
            else:
                held = [a] * ("4" in zone.families) + [v6_of(a)] * ("6" in zone.families)
            out.append((f"ns{i + 1}.{dot}", held))
        return out

    # ---- contents ----

    def keys_of(self, zone):
        return [self.ring.key(zone.name, spec) for spec in zone.keys]

    def ds_of(self, zone):
        """The DS records that its parent holds: [DS fields]."""
        origin, keys = dns.name.from_text(zone.name + "."), self.keys_of(zone)
        if zone.ds is not None:
            return zone.ds(zone, keys, origin)
        return [k.ds(origin) for k in keys
                if k.flags & (SEP | ZONE) == SEP | ZONE and k.spec.role in ("csk", "ksk")]

    def contents(self, zone):
        origin = dns.name.from_text(zone.name + ".")
        held = signer.Contents(origin)

        def add(name, rdtype, text, ttl=TTL_S):
            held.add(dns.name.from_text(name, origin), dns.rdatatype.from_text(rdtype), ttl,
                     dns.rdata.from_text("IN", rdtype, text, origin=origin, relativize=False))

        def add_servers(owner, servers):
            for name, addresses in servers:
                add(owner, "NS", name)
                for a in addresses:
                    add(name, "AAAA" if ":" in a else "A", a)

        own = self.servers_of(zone)
        add("@", "SOA", f"{own[0][0]} hostmaster 1 3600 600 864000 {signer.NEGATIVE_TTL_S}")
        add_servers("@", own)
        for line in zone.body.splitlines():
            if line.strip():
                name, rdtype, text = line.split(None, 2)
                add(name, rdtype, text, 300)
        for child in self.children.get(zone.name, ()):
            add_servers(child.name + ".", child.parent_ns or self.servers_of(child))
            for fields in self.ds_of(child):
                held.add(dns.name.from_text(child.name + "."), dns.rdatatype.DS, TTL_S, ds_rdata(fields))
        if zone.keys:
            signer.sign(held, self.keys_of(zone), zone.denial, self.now_s, zone.adjust, zone.before)
        if zone.after is not None:
            zone.after(held)
        return held

    def path_of(self, zone):
        return os.path.join(self.directory, zone.at, (zone.name or "root") + ".zone")

    def _write_some(self, part):
        for z in self.zones[part::PROCESSES]:
            with open(self.path_of(z), "w") as f:
                f.write(self.contents(z).text())

    def ttls(self):
        """{(owner, type): the longest TTL that a zone file has for it}."""
        out = {}
        for z in self.zones:
            with open(self.path_of(z)) as f:
                for line in f:
                    owner, ttl, _, rdtype, rest = line.split(None, 4)
                    rdtype = rest.split()[0] if rdtype == "RRSIG" else rdtype
                    key = (owner.lower(), int(dns.rdatatype.from_text(rdtype)))
                    out[key] = max(int(ttl), out.get(key, 0))
        return out

    def write(self):
        """Sign everything, into files."""
        for at in SERVERS:
            os.makedirs(os.path.join(self.directory, at), exist_ok=True)
        for z in self.zones:  # the keys, before the processes part
            self.keys_of(z)
        workers = [multiprocessing.get_context("fork").Process(target=self._write_some, args=(i,))
                   for i in range(PROCESSES)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        if any(w.exitcode for w in workers):
            raise lab.LabError("signing failed")
        with open(self.root_hints, "w") as f:
            for name, addresses in self.servers_of(self.by_name[""]):
                f.write(f". 3600000 NS {name}\n{name} 3600000 A {addresses[0]}\n")
        with open(self.anchors, "w") as f:
            for fields in self.ds_of(self.by_name[""]):
                f.write(f". 3600 IN DS {ds_rdata(fields)}\n")

    # ---- servers ----

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.write()
        self.start_servers()

    def start_servers(self):
        """For zones that are written."""
        try:
            for at in ("root", "topknot", "knot"):
                self._start_knot(at)
            for at in ("topnsd", "nsd"):
                self._start_nsd(at)
            self._start_bind("bind")
            self._start_fronts()
            self._wait()
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

    def _held(self, at):
        return [z for z in self.zones if z.at == at]

    def _listen(self, at):
        return SERVERS[at] + [v6_of(a) for a in SERVERS[at]]

    def _run(self, name, argv, directory, conf_name, lines):
        with open(os.path.join(directory, conf_name), "w") as f:
            f.write("\n".join(lines) + "\n")
        self.processes.append(lab.Process(name, argv, directory))

    def _start_knot(self, at):
        d = os.path.join(self.directory, at)
        conf = ["server:", f"  rundir: {d}", "  udp-workers: 1", "  tcp-workers: 1", "  background-workers: 1"]
        conf += [f"  listen: {a}@{self.port}" for a in self._listen(at)]
        conf += ["log:", "  - target: stdout", "    any: error", "database:", f"  storage: {d}",
                 "template:", "  - id: default", f"    storage: {d}", "    zonefile-sync: -1",
                 "    zonefile-load: whole", "    journal-content: none", "    semantic-checks: off", "zone:"]
        for z in self._held(at):
            conf += [f'  - domain: "{z.name}."', f'    file: "{self.path_of(z)}"']
        self._run(at, [lab.tool("knotd"), "-c", "knot.conf"], d, "knot.conf", conf)

    def _start_nsd(self, at):
        d = os.path.join(self.directory, at)
        conf = ["server:", "  server-count: 1", f"  port: {self.port}", '  username: ""', '  chroot: ""',
                f'  zonesdir: "{d}"', '  database: ""', f'  pidfile: "{d}/nsd.pid"',
                f'  xfrdfile: "{d}/xfrd.state"', f'  zonelistfile: "{d}/zone.list"', f'  xfrdir: "{d}"',
                "  rrl-ratelimit: 0", "  verbosity: 1"]
        conf += [f"  ip-address: {a}" for a in self._listen(at)]
        conf += ["remote-control:", "  control-enable: no"]
        for z in self._held(at):
            conf += ["zone:", f'  name: "{z.name or "."}"', f'  zonefile: "{self.path_of(z)}"']
        self._run(at, [lab.unconfined("nsd", d), "-d", "-c", os.path.join(d, "nsd.conf")], d, "nsd.conf", conf)

    def _start_bind(self, at):
        d = os.path.join(self.directory, at)
        four, six = "; ".join(SERVERS[at]), "; ".join(v6_of(a) for a in SERVERS[at])
        conf = [f'options {{ directory "{d}"; pid-file none; session-keyfile none; recursion no;',
                f"  listen-on port {self.port} {{ {four}; }}; listen-on-v6 port {self.port} {{ {six}; }};",
                "  check-names master ignore; notify no; allow-query { any; }; check-integrity no;",
                "  check-mx ignore; check-srv-cname ignore; check-mx-cname ignore; check-sibling no;",
                f'  managed-keys-directory "{d}"; lock-file none; minimal-responses no;',
                "  empty-zones-enable no; dnssec-validation no; };", "controls { };",
                "logging { category default { default_stderr; }; };"]
        conf += [f'zone "{z.name}" {{ type primary; file "{self.path_of(z)}"; }};' for z in self._held(at)]
        self._run(at, [lab.unconfined("named", d), "-g", "-n", "1", "-c", os.path.join(d, "named.conf")], d,
                  "named.conf", conf)

    def _start_fronts(self):
        self._run("fronts", [sys.executable, os.path.join(HERE, "fronts.py"), "fronts.json"], self.directory,
                  "fronts.json", [json.dumps(self.fronts)])

    def _is_loaded(self, zone):
        reply = lab.probe(SERVERS[zone.at][0], self.port, zone.name + ".", "SOA")
        return reply is not None and bool(reply.answer)

    def _wait(self):
        """Every zone answers where it is held."""
        processes = {os.path.basename(p.name): p for p in self.processes}
        first = {z.at: z for z in reversed(self.zones)}
        for at, z in first.items():
            lab.wait_until_answers(processes[at], SERVERS[at][0], self.port, z.name + ".", accept=lambda r: True)
        waiting, end = self.zones, time.monotonic() + lab.START_LIMIT_S
        while waiting and time.monotonic() < end:
            time.sleep(0.1)
            waiting = [z for z in waiting if not self._is_loaded(z)]
        if waiting:
            raise lab.LabError("not loaded: " + " ".join(f"{z.name} ({z.at})" for z in waiting[:20]))
        for address, behaviour, _ in self.fronts:
            if behaviour == "good":
                lab.wait_until_answers(processes["fronts"], address, self.port, ".", "SOA",
                                       accept=lambda r: True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--write", metavar="DIR", help="write the zones and configurations, start nothing")
    args = p.parse_args()
    if args.write:
        Internet(args.write, args.seed).write()
        return 0
    if not enter():
        print("internet: no namespace: this needs root, or user namespaces, and iproute2", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="weir-internet.") as directory:
        begin = time.monotonic()
        with Internet(directory, args.seed) as net:
            print(f"{len(net.zones)} zones ({time.monotonic() - begin:.1f} s); hints {net.root_hints}, "
                  f"anchor {net.anchors}\nnsenter -t {os.getpid()} -n -U --preserve-credentials "
                  f"dig @{SERVERS['root'][0]} . SOA", flush=True)
            try:
                while True:
                    time.sleep(1)
            except KeyboardInterrupt:
                print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
