#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an attacking question costs: packets sent to name servers, and CPU time, resolver by resolver.

usage: attacks.py [--weir PATH] [--only NAME,...] [--resolvers weir,unbound,bind,kresd] [--output FILE]
                  [--questions N] [--slow FACTOR]

Each attack of attackers.py is put to each resolver in turn, freshly started, in a network namespace.
Status 1 if Weir is the worst of all at anything, beyond what measuring makes of equals, or over the
bounds of the attack (packets_max, cpu_max_us in attackers.py); 77 where no namespace may be made.
"""

import argparse
import concurrent.futures
import os
import shutil
import statistics
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import dns.exception  # noqa: E402
import dns.rcode  # noqa: E402

from lab import LabError, Process, ask, enter_namespace, tool, unconfined, wait_until_answers  # noqa: E402

import attackers  # noqa: E402

AT_ONCE = 10
PATIENCE_S = 15
NOISE = 1.25  # measured CPU of equals differs by so much
CPU_FREE_US = 2000  # below this a question's CPU is no attack
PACKETS_FREE = 3  # nor so few packets


class Resolver:
    def __init__(self, directory, internet, binary=None):
        self.directory, self.internet, self.binary = directory, internet, binary
        os.makedirs(directory, exist_ok=True)
        self.hints = self.file("root.hints", f". 3600000 NS ns.\nns. 3600000 A {attackers.ROOT}\n")
        self.ds = internet.root.key.ds().to_text()
        self.anchor = self.file("root.ds", f". 3600 IN DS {self.ds}\n")

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def start(self):
        self.process = Process(self.name, self.command(), self.directory)
        wait_until_answers(self.process, "127.0.0.1", self.port, "benign.", "A",
                           accept=lambda r: r.rcode() == 0)

    def stop(self):
        self.process.stop()

    def cpu_us(self):
        total = 0
        tasks = f"/proc/{self.process.pid}/task"
        for t in os.listdir(tasks):
            with open(f"{tasks}/{t}/schedstat") as f:
                total += int(f.read().split()[0])
        return total / 1000


class Weir(Resolver):
    name, port = "weir", 5301

    def command(self):
        path = self.file("weir.yaml", f"""
server: {{ listen: ["127.0.0.1@{self.port}"], workers: 1 }}
resolver: {{ root-hints: {self.hints}, trust-anchors: {self.anchor} }}
groups: [ {{ name: all, clients: [127.0.0.0/8] }} ]
detect: {{ enable: false }}
""")
        return [self.binary, "serve", "-c", path]


class Unbound(Resolver):
    name, port = "unbound", 5302

    def command(self):
        path = self.file("unbound.conf", f"""server:
  interface: 127.0.0.1@{self.port}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "{self.directory}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  root-hints: "{self.hints}"
  trust-anchor-file: "{self.anchor}"
  do-not-query-localhost: no
  do-ip6: yes
remote-control:
  control-enable: no
""")
        return [unconfined("unbound", self.directory), "-d", "-p", "-c", path]


class Bind(Resolver):
    name, port = "bind", 5303

    def command(self):
        tag, algorithm, digest, data = self.ds.split(None, 3)
        path = self.file("named.conf", f"""options {{ directory "{self.directory}"; pid-file none;
 session-keyfile none; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
 recursion yes; allow-query {{ any; }}; managed-keys-directory "{self.directory}"; lock-file none;
 dnssec-validation yes; empty-zones-enable no; }};
controls {{ }};
trust-anchors {{ . static-ds {tag} {algorithm} {digest} "{data.replace(' ', '')}"; }};
logging {{ category default {{ default_stderr; }}; }};
zone "." {{ type hint; file "{self.hints}"; }};
""")
        return [unconfined("named", self.directory), "-g", "-n", "1", "-c", path]


class Kresd(Resolver):
    name, port = "kresd", 5304

    def command(self):
        path = self.file("kresd.conf", f"""net.listen('127.0.0.1', {self.port}, {{ kind = 'dns' }})
net.ipv6 = false
modules.unload('ta_signal_query')
modules.unload('ta_update')
modules.unload('priming')
modules.unload('detect_time_skew')
modules.unload('detect_time_jump')
modules.load('hints > iterate')
option('ALLOW_LOCAL', true)
hints.root_file('{self.hints}')
trust_anchors.remove('.')
trust_anchors.add_file('{self.anchor}', true)
cache.size = 64 * MB
""")
        return [tool("kresd"), "-n", "-c", path, self.directory]


RESOLVERS = {c.name: c for c in (Weir, Unbound, Bind, Kresd)}


def ask_one(resolver, question):
    begin = time.monotonic()
    try:
        reply = ask("127.0.0.1", question[0], question[1], resolver.port, PATIENCE_S)
        return dns.rcode.to_text(reply.rcode()), time.monotonic() - begin
    except dns.exception.Timeout:
        return "none", time.monotonic() - begin


def measure(resolver, internet, zone, n):
    """One attack on one resolver: what a question of it costs, of n."""
    resolver.start()
    try:
        time.sleep(0.5)
        ask_one(resolver, (zone.apex, "SOA"))
        packets, cpu = internet.packets(), resolver.cpu_us()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            got = list(pool.map(lambda i: ask_one(resolver, zone.question(i)), range(n)))
        time.sleep(1)  # what still goes on
        return {"packets": (internet.packets() - packets) / n, "cpu_us": (resolver.cpu_us() - cpu) / n,
                "seconds": statistics.median(s for _, s in got),
                "rcode": "/".join(sorted({r for r, _ in got}))}
    finally:
        resolver.stop()


def is_worst(weir, others, key, slack, free):
    return bool(others) and weir[key] > free and weir[key] > max(o[key] for o in others) * slack


def judge(zone, results, slow):
    """Texts of what is wrong with Weir's row."""
    title = zone.apex[:-1]
    weir = results.get("weir")
    others = [r for n, r in results.items() if n != "weir"]
    wrong = []
    if weir is None:
        return wrong
    if weir["packets"] > zone.packets_max:
        wrong.append(f"{title}: {weir['packets']:.1f} packets a question, over {zone.packets_max}")
    if weir["cpu_us"] > zone.cpu_max_us * slow:
        wrong.append(f"{title}: {weir['cpu_us']:.0f} us of CPU a question, over {zone.cpu_max_us * slow}")
    if weir["rcode"] != zone.rcode:
        wrong.append(f"{title}: {weir['rcode']} in place of {zone.rcode}")
    if is_worst(weir, others, "packets", 1.0, PACKETS_FREE):
        wrong.append(f"{title}: Weir sends the most packets")
    if is_worst(weir, others, "cpu_us", NOISE, CPU_FREE_US):
        wrong.append(f"{title}: Weir needs the most CPU")
    return wrong


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--weir", default=os.environ.get("WEIR", os.path.join(HERE, "../../build/weir")))
    p.add_argument("--only", help="names of attacks: " + ",".join(c.__name__.lower()
                                                                  for c in attackers.ATTACKS))
    p.add_argument("--resolvers", default="weir,unbound,bind,kresd")
    p.add_argument("--output")
    p.add_argument("--questions", type=int, help="of each attack, at most")
    p.add_argument("--slow", type=int, default=1, help="Weir may take so many times the CPU (sanitizers)")
    args = p.parse_args()
    if not enter_namespace():
        print("attacks: no network namespace may be made here", file=sys.stderr)
        return 77
    internet = attackers.Internet()
    internet.start()
    directory = tempfile.mkdtemp(prefix="weir-attacks.")
    lines = []
    wrong = []

    def say(line):
        print(line, flush=True)
        lines.append(line)

    say(f"{'':10} {'packets':>8} {'CPU us':>8} {'median s':>8}  (a question)")
    try:
        for zone in internet.zones:
            if not zone.attack or (args.only and zone.apex[:-1] not in args.only.split(",")):
                continue
            say(f"{zone.apex[:-1]}: {zone.attack}")
            results = {}
            for n in args.resolvers.split(","):
                resolver = RESOLVERS[n](os.path.join(directory, n), internet, os.path.abspath(args.weir))
                try:
                    r = results[n] = measure(resolver, internet, zone,
                                               min(zone.questions, args.questions or zone.questions))
                except LabError as e:
                    say(f"{n:10} {str(e).splitlines()[0]}")
                    wrong += [f"{n}: {e}"] if n == "weir" else []
                    continue
                say(f"{n:10} {r['packets']:8.1f} {r['cpu_us']:8.0f} {r['seconds']:8.2f}  {r['rcode']}")
            wrong += judge(zone, results, args.slow)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if args.output:
        with open(args.output, "w") as f:
            f.write("\n".join(lines) + "\n")
    for text in wrong:
        print(f"attacks: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
