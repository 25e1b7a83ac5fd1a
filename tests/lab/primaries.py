#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers that have a policy zone to give: Knot DNS, BIND, NSD. And a way to change it."""

import os
import re
import signal
import struct

import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.zone

from lab import Process, tool, unconfined, wait_until_answers

ALGORITHMS = ("hmac-sha1", "hmac-sha256", "hmac-sha512")


class Key:
    """A shared secret."""

    def __init__(self, name="transfer-key", algorithm="hmac-sha256",
                 secret="bQtmmx4Rp0FPTf4CG5iM1xUcs7Wv1wJvDkbpaX3vw8k="):
        self.name, self.algorithm, self.secret = name, algorithm, secret

    def ring(self):
        return dns.tsigkeyring.from_text({self.name: (self.algorithm, self.secret)})

    def weir(self):
        return {"name": self.name, "algorithm": self.algorithm, "secret": self.secret}


def zone_text(zone, serial, records, refresh=3600, retry=2, expire=86400):
    """records: lines such as "bad.example CNAME ."; owners are below the zone."""
    lines = [f"$ORIGIN {zone}.", "$TTL 300",
             f"@ SOA ns.{zone}. admin.{zone}. {serial} {refresh} {retry} {expire} 60",
             "@ NS localhost."]
    return "\n".join(lines + list(records)) + "\n"


class Primary:
    """Serves `zone` on address@port to whoever has the key (None: whoever asks)."""

    def __init__(self, directory, zone, port, key=None, address="127.0.0.1", notify=(), timers=None):
        self.directory, self.zone, self.port, self.key = directory, zone, port, key
        self.address, self.notify, self.timers = address, list(notify), timers or {}
        self.zone_path = os.path.join(directory, "zone")
        self.process = None
        self.serial = 0
        os.makedirs(directory, exist_ok=True)

    def write(self, records, serial=None):
        """A new version, not told to the server yet."""
        self.serial = self.serial + 1 if serial is None else serial
        with open(self.zone_path + ".new", "w") as f:
            f.write(zone_text(self.zone, self.serial, records, **self.timers))
        os.rename(self.zone_path + ".new", self.zone_path)

    def publish(self, records, serial=None):
        self.write(records, serial)
        os.kill(self.process.pid, signal.SIGHUP)

    def start(self):
        self.process = Process(self.name, self.command(), self.directory)
        wait_until_answers(self.process, self.address, self.port, self.zone + ".", "SOA")
        return self

    def stop(self):
        if self.process is not None:
            self.process.stop()

    def transfer(self):
        """All of the zone, as dnspython sees it: a set of lines, without SOA."""
        ring = self.key.ring() if self.key else None
        messages = dns.query.xfr(self.address, self.zone, port=self.port, keyring=ring, lifetime=20,
                                  relativize=False)
        zone = dns.zone.from_xfr(messages, relativize=False, check_origin=False)
        return {f"{name.to_text().lower()} {ttl} {rdata.rdtype.name} {rdata.to_text().lower()}"
                for name, ttl, rdata in zone.iterate_rdatas() if rdata.rdtype.name != "SOA"}


class Knot(Primary):
    name = "knotd"

    def command(self):
        d, key = self.directory, self.key
        conf = ["server:", f"  rundir: {d}", "  udp-workers: 1", "  tcp-workers: 1",
                "  background-workers: 1", f"  listen: {self.address}@{self.port}",
                "log:", "  - target: stdout", "    any: info", "database:", f"  storage: {d}"]
        if key:
            conf += ["key:", f"  - id: {key.name}", f"    algorithm: {key.algorithm}",
                     f"    secret: {key.secret}"]
        conf += ["acl:", "  - id: give", "    action: transfer"]
        conf += [f"    key: {key.name}"] if key else ["    address: 127.0.0.0/8"]
        if self.notify:
            conf += ["remote:"]
        for i, to in enumerate(self.notify):
            conf += [f"  - id: to{i}", f"    address: {to}"] + ([f"    key: {key.name}"] if key else [])
        conf += ["zone:", f"  - domain: {self.zone}.", f"    file: {self.zone_path}", "    acl: give",
                 "    zonefile-sync: -1", "    zonefile-load: difference", "    journal-content: changes",
                 "    semantic-checks: off"]
        if self.notify:
            conf += [f"    notify: [{', '.join(f'to{i}' for i in range(len(self.notify)))}]"]
        path = os.path.join(d, "knot.conf")
        with open(path, "w") as f:
            f.write("\n".join(conf) + "\n")
        return [tool("knotd"), "-c", path]


class Bind(Primary):
    name = "named"
    tls_port = None  # set it, with certificate and key files, for transfer over TLS
    certificate = tls_key = None

    def command(self):
        d, key = self.directory, self.key
        whom = f"key {key.name};" if key else "any;"
        signed = f" key {key.name}" if key else ""
        notify = " ".join(f"{a} port {p}{signed};" for a, p in (n.split("@") for n in self.notify))
        conf = []
        if key:
            conf += [f'key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};']
        if self.tls_port:
            conf += [f'tls here {{ cert-file "{self.certificate}"; key-file "{self.tls_key}"; }};']
        transfer = f"allow-transfer {{ {whom} }};"
        if self.tls_port:
            transfer = f"allow-transfer port {self.tls_port} transport tls {{ {whom} }};"
        conf += [f'options {{ directory "{d}"; pid-file none; session-keyfile none; recursion no;',
                 f"  listen-on port {self.port} {{ {self.address}; }}; listen-on-v6 {{ none; }};"]
        if self.tls_port:
            conf += [f"  listen-on port {self.tls_port} tls here {{ {self.address}; }};"]
        conf += ["  allow-query { any; }; notify explicit; notify-delay 0; serial-query-rate 1000;",
                 "  startup-notify-rate 1000; notify-rate 1000; check-names primary ignore;",
                 f'  managed-keys-directory "{d}"; lock-file none; max-journal-size 1m;',
                 "  empty-zones-enable no; dnssec-validation no; };", "controls { };",
                 "logging { category default { default_stderr; }; };",
                 f'zone "{self.zone}" {{ type primary; file "{self.zone_path}";',
                 f"  ixfr-from-differences yes; {transfer}",
                 f"  also-notify {{ {notify} }}; }};"]
        path = os.path.join(d, "named.conf")
        with open(path, "w") as f:
            f.write("\n".join(conf) + "\n")
        return [unconfined("named", d), "-g", "-n", "1", "-c", path]


class Nsd(Primary):
    name = "nsd"

    def command(self):
        d, key = self.directory, self.key
        signed = key.name if key else "NOKEY"
        conf = ["server:", "  server-count: 1", f"  port: {self.port}", '  username: ""',
                '  chroot: ""', f'  zonesdir: "{d}"', '  database: ""', f'  pidfile: "{d}/nsd.pid"',
                f'  xfrdfile: "{d}/xfrd.state"', f'  zonelistfile: "{d}/zone.list"',
                f'  xfrdir: "{d}"', "  rrl-ratelimit: 0", "  verbosity: 2",
                f"  ip-address: {self.address}", "remote-control:", "  control-enable: no"]
        if key:
            conf += ["key:", f"  name: {key.name}", f"  algorithm: {key.algorithm}",
                     f'  secret: "{key.secret}"']
        conf += ["zone:", f'  name: "{self.zone}"', f'  zonefile: "{self.zone_path}"',
                 f"  provide-xfr: 127.0.0.0/8 {signed}", "  create-ixfr: yes", "  store-ixfr: yes",
                 "  notify-retry: 2"]
        conf += [f"  notify: {n} {signed}" for n in self.notify]
        path = os.path.join(d, "nsd.conf")
        with open(path, "w") as f:
            f.write("\n".join(conf) + "\n")
        return [unconfined("nsd", d), "-d", "-c", path]


KINDS = {"knot": Knot, "bind": Bind, "nsd": Nsd}


def layer_paths(path):
    """The layers of a zone that Weir follows (src/io/layers.h), from the ground up."""
    with open(path) as f:
        for line in f:
            if line.startswith("; weir-layers 1 "):
                return [os.path.join(os.path.dirname(path), "..", "layers", name) for name in line.split()[6:]]
    return []


def layered_lines(path):
    """What the layers of a zone come to."""
    lines = set()
    for layer in layer_paths(path):
        with open(layer, "rb") as f:
            bytes_ = f.read()
        n = struct.unpack_from("=Q", bytes_, len(bytes_) - 48)[0]  # behind the magic of the tail
        for entry in bytes_[:n].decode().splitlines():
            (lines.add if entry[0] == "+" else lines.remove)(entry[1:])
    return lines


def stored(path):
    """(serial, set of lines) of a zone file that Weir keeps; (None, empty) if there is none."""
    for _ in range(5):
        serial, lines = None, set()
        try:
            with open(path) as f:
                text = f.read().splitlines()
            for line in text + sorted(layered_lines(path)):
                if line.startswith(";"):
                    continue
                owner, ttl, rdtype, data = line.split("\t", 3)
                if rdtype == "SOA":
                    serial = int(re.split(r"\s+", data)[2])
                else:
                    lines.add(f"{owner} {ttl} {rdtype} {data.lower()}")
            with open(path) as f:
                if f.read().splitlines() == text:
                    break  # else the layers may be another version's
        except (FileNotFoundError, UnicodeDecodeError, KeyError, struct.error):  # none, or damaged
            serial, lines = None, set()
    return serial, lines
