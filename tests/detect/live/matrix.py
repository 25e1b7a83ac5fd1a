#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""matrix.py [--only tools,exfiltrator,case,slow,grid,evade] [--at-once 4] [--minutes 12] [--speed 60] [--write FILE]

Real tunnels and senders through a real Weir, in network namespaces of their own; beside Unbound, and beside Weir
without detection, which show that the tunnels work:

  tools        iodine with each record type, several lengths of names, with and without probing; dns2tcp
  exfiltrator  a sender like DNSExfiltrator, with the request sizes of its captures
  slow         slow senders against a Weir whose clock runs --speed times as fast (libfaketime), side by side
  case         data in upper and lower case
  grid         all slow senders, 48 hours each, through the detectors alone on a clock of their own (tests/detect/slow)
  evade        ways around the leak budget, likewise

"Weir" is as it comes, with detection. "Weir, bare": without QNAME minimisation and without its own case of letters in
what servers are asked (0x20), which by themselves break most tunnels; so are the others beside it. Unbound, too, is
without QNAME minimisation. "Leak budget alone": as if nobody knew the tool by its signs. (-L 0 is iodine without lazy mode, in which servers leave questions unanswered.)

What is counted is what reached the attacker's server. The exit status is 1 where Weir misses a bar.
"""
import argparse
import collections
import concurrent.futures
import dataclasses
import datetime
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
sys.path[:0] = [os.path.join(HERE, "..", "..", "lab"), HERE]
import lab as lab_module  # noqa: E402
import resolvers  # noqa: E402
import senders  # noqa: E402
import tunnels  # noqa: E402
import zones as lab_zones  # noqa: E402
from attacker import Answerer, Elsewhere, Relay  # noqa: E402
from sites import Bystander  # noqa: E402

WEIR = os.environ.get("WEIR", os.path.join(ROOT, "build", "weir"))
FAKETIME = next((p for p in (f"/usr/lib/{m}-linux-gnu/faketime/libfaketime.so.1" for m in ("x86_64", "aarch64"))
                 if os.path.exists(p)), None)
SLOTS_MAX = 8
# The bars: bytes before the block; of slow senders, bytes an hour, and beyond that once.
NAME_BYTES_MAX, RATE_MAX, BURST_MAX = 1000, 60, 512
SAME, OTHER = "127.0.0.1", "127.0.0.2"  # the client with the tunnel, and another one
QUIET_S, WEIR_LIMIT_S, OPEN_LIMIT_S, HANDSHAKE_LIMIT_S = 8, 45, 10, 40
NEEDED = ("iodine", "iodined", "dns2tcpc", "dns2tcpd", "unshare", "nsenter", "ip")
BARS = ("bytes", "handshake", "sites")
MUST_CARRY = ("iodine NULL -m 200 -M 255 -L 0",)  # through Weir without detection


def slot_domain(slot):
    return f"t{slot}.test"


def slot_address(slot):
    return f"127.53.20.{slot + 1}"


def extra_zones(cells):
    """Delegations of the attacker: one for each slot, those of the slow senders."""
    out = [lab_zones.Zone(slot_domain(i), "closed", addrs=[slot_address(i)], resolves="no") for i in range(SLOTS_MAX)]
    for c in cells:
        for i, (domain, address) in enumerate(zip(c.domains(), c.addresses())):
            ns = [f"ns.{c.domains()[0]}."] if c.is_shared and i > 0 else None
            out.append(lab_zones.Zone(domain, "closed", addrs=[address], resolves="no", ns=ns))
            if c.is_shared and i == 0 and len(c.domains()) > 1:
                out[-1].ns = None
    return out


# ---- what stands in front ----

BARE = {"qname-minimisation": False, "case-randomisation": False}  # what breaks most tunnels by itself


def weir_in_front(lab, directory, address):
    return resolvers.Weir(lab, directory, WEIR, 53, address, config={"detect": {"enable": True}})


def bare_in_front(lab, directory, address):
    return resolvers.Weir(lab, directory, WEIR, 53, address, config={"detect": {"enable": True}, "resolver": BARE})


def unknown_in_front(lab, directory, address):
    detect = {"enable": True, "tunnel": {"enable": False}}
    return resolvers.Weir(lab, directory, WEIR, 53, address, config={"detect": detect, "resolver": BARE})


def open_in_front(lab, directory, address):
    return resolvers.Weir(lab, directory, WEIR, 53, address, config={"detect": {"enable": False}, "resolver": BARE})


def unbound_in_front(lab, directory, address):
    u = resolvers.Unbound(lab, directory, 53, address)
    u.lines = ("qname-minimisation: no",)
    return u


FRONTS = {"weir": weir_in_front, "bare": bare_in_front, "unknown": unknown_in_front, "open": open_in_front,
          "unbound": unbound_in_front}
FRONT_NAMES = {"weir": "Weir", "bare": "Weir, bare", "unknown": "Weir, bare, leak budget alone",
               "open": "Weir, detection off", "unbound": "Unbound"}
WATCHED = ("weir", "bare", "unknown")  # where there is detection
ALL_OF_THEM = ("weir", "bare")  # through which each case goes; through the others some do


def verdict_times(front, since_wall):
    """Seconds from then to the first packet held back, and to the first blocked; None: never."""
    first = {}
    if isinstance(front, resolvers.Weir):
        for e in front.events():
            if e["event"].get("action") in ("throttled", "blocked") and e["weir"].get("detections"):
                at = datetime.datetime.fromisoformat(e["@timestamp"].replace("Z", "+00:00")).timestamp()
                first.setdefault(e["event"]["action"], max(0.0, at - since_wall))
    return first.get("throttled"), first.get("blocked")


def findings_of(front):
    """Which detectors had to do with it: "leak, tool"."""
    if not isinstance(front, resolvers.Weir):
        return ""
    names = [d["detector"] for e in front.events() for d in e["weir"].get("detections", [])]
    return ", ".join(n for n, _ in collections.Counter(names).most_common())


@dataclasses.dataclass
class Row:
    what: str
    front: str
    handshake: str  # "yes", "no", or "-" where there is none
    packets: int
    name_bytes: int  # of different names, what is in several of them once
    all_bytes: int  # of different names
    payload: int
    last_s: float = None  # when the last packet reached the attacker's server
    throttled_s: float = None
    blocked_s: float = None
    same: str = ""  # the twenty sites, asked by the same client: answered/late/failed
    other: str = ""
    detectors: str = ""

    def misses(self, judged=BARS):
        """What of the bars was missed."""
        out = []
        if self.front == "open" and "bytes" in judged and self.what in MUST_CARRY and self.payload < NAME_BYTES_MAX:
            out.append(f"carried only {self.payload} bytes: the others show nothing")
        if self.front not in WATCHED:
            return "; ".join(out)
        if "bytes" in judged and self.name_bytes > NAME_BYTES_MAX:
            out.append(f"{self.name_bytes} bytes of names")
        if "handshake" in judged and self.handshake == "yes" and self.front != "unknown":
            out.append("handshake")
        for who, text in (("same", self.same), ("other", self.other)):
            if "sites" in judged and not text.endswith("/0"):
                out.append(f"sites of the {who} client {text}")
        return "; ".join(out)


def site_names(lab, host):
    return [f"{host}{z.name}" for z in lab.zones if z.name.startswith("site")][:20]


class Case:
    """One slot: a resolver of its own, the attacker's server, and the two clients that ask for sites."""

    def __init__(self, lab, directory, slot, front):
        self.lab, self.slot = lab, slot
        self.directory = tempfile.mkdtemp(dir=directory)
        self.front_name, self.address = front, f"127.0.1.{slot + 1}"
        self.front = FRONTS[front](lab, os.path.join(self.directory, "front"), self.address)

    def begin(self):
        self.front.start()
        self.since, self.since_wall = time.monotonic(), time.time()
        self.same = Bystander(self.address, SAME, site_names(self.lab, "www."), 0.3)
        self.other = Bystander(self.address, OTHER, site_names(self.lab, "mail."), 0.3)

    def row(self, what, handshake, server, payload):
        same, other = self.same.finish(), self.other.finish()
        new_bytes = server.count_new()
        packets, all_bytes = server.count()
        throttled, blocked = verdict_times(self.front, self.since_wall)
        last = server.last_at - self.since if server.last_at is not None else None
        return Row(what, self.front_name, handshake, packets, new_bytes, all_bytes, payload, last,
                   throttled, blocked, same, other, findings_of(self.front))


def run_tunnel(lab, directory, slot, front, make):
    """One tool through one resolver, until it has been quiet for a while or its time is up."""
    case = Case(lab, directory, slot, front)
    tunnel = make(slot, slot_domain(slot), os.path.join(case.directory, "tool"))
    far = Elsewhere(slot)
    try:
        with Relay(slot_address(slot), far.there) as relay:
            tunnel.server(far)
            time.sleep(0.5)
            case.begin()
            tunnel.client(case.address)
            wait_for(tunnel, relay, case, is_open=front not in WATCHED)
            row = case.row(tunnel.name, "yes" if tunnel.has_handshake() else "no", relay, tunnel.payload)
            tunnel.stop()
            return row
    finally:
        tunnel.stop()
        far.stop()
        case.front.stop()
        shutil.rmtree(case.directory, ignore_errors=True)


def wait_for(tunnel, relay, case, is_open):
    end = case.since + (HANDSHAKE_LIMIT_S if is_open else WEIR_LIMIT_S)
    last, last_at, has_begun = -1, time.monotonic(), False
    while time.monotonic() < end and not tunnel.is_over():
        n = relay.count()[0]
        if n != last:
            last, last_at = n, time.monotonic()
        if time.monotonic() - last_at > QUIET_S and not is_open:
            return
        if not has_begun and tunnel.has_handshake():
            has_begun = True
            tunnel.push()
            if is_open:
                end = time.monotonic() + OPEN_LIMIT_S
        time.sleep(0.3)


# ---- tools ----

def tool_cases():
    """[(function(slot, domain, directory), is it for all resolvers?)]"""
    out = []

    def add(rdtype, more, is_for_all):
        out.append((lambda slot, domain, at: tunnels.Iodine(slot, domain, at, rdtype, more), is_for_all))
    for rdtype in ("NULL", "PRIVATE", "TXT", "SRV", "MX", "CNAME", "A"):
        add(rdtype, ("-m", "200"), False)  # lazy mode: no resolver that waits for answers with care carries it long
        for length in ("255", "100", "50"):
            for probing in (("-m", "200"), ()):
                add(rdtype, (*probing, "-M", length, "-L", "0"), length == "255")
    for rdtype in ("TXT", "KEY"):
        for more in ((), ("-c",)):
            out.append((lambda s, d, at, t=rdtype, m=more: tunnels.Dns2tcp(s, d, at, t, m), not more))
    return out


def sampled(what, front):
    """Is it in the part that each test run has?"""
    return front in {"iodine NULL -m 200 -M 255 -L 0": ("weir", "bare", "unknown", "open"), "iodine TXT -M 255 -L 0": ("unknown",),
                     "iodine CNAME -m 200 -M 255 -L 0": ("bare",), "dns2tcp TXT": ("bare", "unknown"), "dns2tcp KEY": ("bare",),
                     "exfiltrator base64 145": ("weir",), "exfiltrator base32 250": ("bare", "unknown")}.get(what, ())


def side_by_side(o, jobs):
    """jobs: [function(slot)], as many at once as there are slots; the results in order."""
    free = list(range(o.at_once))

    def run(job):
        slot = free.pop()
        try:
            return job(slot)
        finally:
            free.append(slot)
    with concurrent.futures.ThreadPoolExecutor(o.at_once) as pool:
        rows = []
        for row in pool.map(run, jobs):
            rows.append(row)
            say(o, line_of(o, row))
        return rows


def part_tools(o, lab, directory):
    jobs = []
    for front in o.fronts:
        for make, is_for_all in tool_cases():
            name = make(0, "", o.scratch).name
            if sampled(name, front) if o.sample else front in ALL_OF_THEM or is_for_all:
                jobs.append(lambda slot, f=front, m=make: run_tunnel(lab, directory, slot, f, m))
    heading(o, "Tools", TUNNEL_COLUMNS)
    return side_by_side(o, jobs)


# ---- a sender like DNSExfiltrator ----

def run_exfiltrator(lab, directory, slot, front, size, encode):
    case = Case(lab, directory, slot, front)
    try:
        with Answerer([slot_address(slot)]) as server:
            case.begin()
            limit_s = 20 if front in WATCHED else OPEN_LIMIT_S
            sender = senders.Exfiltrator(case.address, SAME, slot_domain(slot), server, size, encode, limit_s)
            sender.run()
            return case.row(f"exfiltrator {encode} {size}", "-", server, sender.payload())
    finally:
        case.front.stop()
        shutil.rmtree(case.directory, ignore_errors=True)


def part_exfiltrator(o, lab, directory):
    jobs = []
    for front in o.fronts:
        for size in (65, 105, 145, 250):
            for encode in ("base64", "base32"):
                name = f"exfiltrator {encode} {size}"
                if sampled(name, front) if o.sample else front in ALL_OF_THEM or size == 250:
                    jobs.append(lambda slot, f=front, s=size, e=encode: run_exfiltrator(lab, directory, slot, f, s, e))
    heading(o, "A sender like DNSExfiltrator, of a file of 20,000 bytes", TUNNEL_COLUMNS)
    return side_by_side(o, jobs)


# ---- slow senders ----

@dataclasses.dataclass(frozen=True)
class Cell:
    number: int
    spacing_s: float
    size: int
    n_domains: int
    is_shared: bool
    encode: str

    def domains(self):
        tops = ("test", "net", "org")
        return [f"s{self.number:02d}x{i}.{tops[i % 3]}" for i in range(self.n_domains)]

    def addresses(self):
        return [f"127.54.{self.number}.{1 if self.is_shared else i + 1}" for i in range(self.n_domains)]

    def text(self):
        where = "" if self.n_domains == 1 else ", one name server" if self.is_shared else ", servers apart"
        return f"{self.size} bytes each {self.spacing_s:g} s, {self.encode}, {self.n_domains} domains{where}"


SLOW = [Cell(i, *c) for i, c in enumerate((
    (1, 32, 1, False, "hex"), (1, 8, 10, False, "words"), (1, 16, 10, True, "base32"),
    (10, 16, 3, False, "base64"), (10, 8, 1, False, "words"), (10, 32, 10, True, "ipv6"), (10, 16, 1, False, "base32"),
    (60, 8, 1, False, "hex"), (60, 16, 3, True, "base64"), (60, 32, 10, False, "words"), (60, 16, 10, False, "ipv6"),
    (600, 8, 1, False, "words"), (600, 16, 10, False, "base32"), (600, 32, 3, True, "ipv6"), (600, 32, 10, False, "hex"),
))]


def burst_of(arrivals, begin, speed):
    """The least B such that at no time more than B + 60 bytes an hour had arrived."""
    worst = total = 0
    for at, size in arrivals:
        total += size
        worst = max(worst, total - RATE_MAX * (at - begin) * speed / 3600)
    return worst


def part_slow(o, lab, directory):
    heading(o, f"Slow senders, side by side, {o.minutes * o.speed / 60:.1f} h by Weir's clock (x {o.speed}): payload bytes "
            "that arrived", ["sender", "sent", "arrived", "first hour", "second half, bytes/h", "burst*", "bar"])
    if FAKETIME is None:
        say(o, "(left out: the package faketime is not here)")
        return []
    weir = weir_in_front(lab, os.path.join(directory, "slow"), "127.0.1.200")
    weir.write_config()
    weir.process = lab_module.Process("weir", [weir.binary, "serve", "-c", weir.conf_path], weir.directory, env={
        "LD_PRELOAD": FAKETIME, "FAKETIME": f"+0 x{o.speed}", "FAKETIME_DONT_FAKE_MONOTONIC": "0"})
    try:
        weir.wait_ready(60)
        servers = [Answerer(sorted(set(c.addresses()))) for c in SLOW]
        begin = time.monotonic()
        slow = [senders.Slow(weir.address, f"127.0.2.{c.number + 1}", c.domains(), s, c, o.speed)
                for c, s in zip(SLOW, servers)]
        for s in slow:
            s.thread.start()
        others = Bystander(weir.address, OTHER, site_names(lab, "www.") * 3, o.minutes * 60 / 60)
        time.sleep(o.minutes * 60)
        for s in slow:
            s.is_ending = True
        rows = [slow_row(o, c, s, begin) for c, s in zip(SLOW, slow)]
        say(o, f"\n\\* the least B such that never more than B + {RATE_MAX} bytes an hour had arrived; the bar: {BURST_MAX}")
        say(o, f"\nsites of another client meanwhile (answered/late/failed): {others.finish()}")
        for s in servers:
            s.stop()
        return rows
    finally:
        weir.stop()


def slow_row(o, cell, sender, begin):
    arrivals = sender.arrivals()
    hours = o.minutes * o.speed / 60
    middle = begin + o.minutes * 30
    first = sum(size for at, size in arrivals if (at - begin) * o.speed <= 3600)
    late = sum(size for at, size in arrivals if at > middle) / (hours / 2)
    burst = burst_of(arrivals, begin, o.speed)
    is_good = burst <= BURST_MAX
    say(o, table_line([cell.text(), sum(sender.sent.values()), f"{sum(s for _, s in arrivals):.0f}", f"{first:.0f}", f"{late:.0f}",
                       f"{burst:.0f}", "" if is_good else f"MISSED: over {BURST_MAX} + {RATE_MAX} an hour"]))
    return "" if is_good else f"slow {cell.text()}: {burst:.0f} bytes more than {RATE_MAX} an hour"


# ---- data in upper and lower case ----

def part_case(o, lab, directory):
    """How many of the letters arrive in the case that the client wrote them in; by chance: half of them."""
    heading(o, "Data in the case of letters", ["resolver", "letters", "arrived as written", "bits a letter"])
    for front in o.fronts:
        case = Case(lab, directory, 0, front)
        rng = random.Random(5)
        same = n = 0
        try:
            case.front.start()
            with Answerer([slot_address(0)]) as server:
                for i in range(40):
                    written = "".join(rng.choice((c, c.upper())) for c in f"static-{chr(97 + i % 20)}")
                    lab_module.ask(case.address, f"{written}.{slot_domain(0)}", "TXT", timeout_s=5, source=SAME)
                    got = server.as_written.get(f"{written}.{slot_domain(0)}".lower())
                    if got is not None:
                        pairs = [(a, b) for a, b in zip(written, got[1:].decode("latin-1")) if a.isalpha()]
                        n += len(pairs)
                        same += sum(a == b for a, b in pairs)
        finally:
            case.front.stop()
        share = same / n if n else 0
        say(o, table_line([FRONT_NAMES[front], n, f"{share:.0%}", "1" if share > 0.95 else "0"]))
    return []


# ---- telling ----

TUNNEL_COLUMNS = ["what", "through", "handshake", "packets", "bytes of names", "with tails", "payload bytes", "last packet s", "held s",
                  "blocked s", "same client", "another", "detectors", "bar"]


def say(o, line):
    print(line, flush=True)
    o.lines.append(line)


def table_line(cells):
    return "| " + " | ".join(str(c) for c in cells) + " |"


def heading(o, title, columns):
    say(o, f"\n## {title}\n")
    say(o, table_line(columns))
    say(o, "|" + "---|" * len(columns))


def seconds(x):
    return "-" if x is None else f"{x:.1f}"


def line_of(o, row):
    return table_line([row.what, FRONT_NAMES[row.front], row.handshake, row.packets, row.name_bytes, row.all_bytes, row.payload,
                       seconds(row.last_s), seconds(row.throttled_s), seconds(row.blocked_s), row.same, row.other,
                       row.detectors, "MISSED: " + row.misses(o.judged) if row.misses(o.judged) else ""])


def versions():
    def first_line(*argv):
        try:
            out = subprocess.run(argv, capture_output=True, text=True, check=False)
            return ((out.stdout + out.stderr).splitlines() or ["?"])[0]
        except OSError:
            return "?"
    with open("/proc/cpuinfo") as f:
        cpu = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "?")
    commit = first_line("git", "-C", ROOT, "describe", "--always", "--dirty")
    return [f"{first_line(WEIR, '--version')}, commit {commit}; {first_line('iodine', '-v')}; "
            f"dns2tcp {first_line('dpkg-query', '-W', '-f', '${Version}', 'dns2tcp')}; {first_line('unbound', '-V')}",
            f"{cpu}, {os.cpu_count()} CPUs, Linux {platform.release()}; {datetime.date.today()}"]


# ---- the same detectors on a clock of their own: tests/detect/slow/ ----

def part_program(name, *more):
    def run(o, lab, directory):
        program = os.path.join(os.path.dirname(WEIR), "tests", "detect", name)
        if not os.path.exists(program):
            say(o, f"\n({program} is not built: left out)")
            return []
        say(o, "")
        done = subprocess.run([program, ROOT, *more], capture_output=True, text=True, check=False)
        say(o, done.stdout.rstrip("\n"))
        return [] if done.returncode == 0 else [f"{name}: see the table; {done.stderr.strip()}"]
    return run


PARTS = {"tools": part_tools, "exfiltrator": part_exfiltrator, "case": part_case, "slow": part_slow,
         "grid": part_program("slow"), "evade": part_program("evade")}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", default=",".join(PARTS))
    p.add_argument("--fronts", default=",".join(FRONTS))
    p.add_argument("--at-once", type=int, default=4)
    p.add_argument("--minutes", type=float, default=12, help="for the slow senders")
    p.add_argument("--speed", type=int, default=60, help="of the clock of Weir, for the slow senders")
    p.add_argument("--sample", action="store_true", help="what each test run has")
    p.add_argument("--judge", default=",".join(BARS))
    p.add_argument("--write", help="the tables, too, into this file")
    o = p.parse_args()
    o.judged, o.fronts, o.lines, o.at_once = o.judge.split(","), o.fronts.split(","), [], min(o.at_once, SLOTS_MAX)
    lacking = [t for t in NEEDED if shutil.which(t, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None]
    if os.getuid() != 0 or not os.path.exists("/dev/net/tun") or lacking or not lab_module.enter_namespace():
        print(f"skipped: needs root, network namespaces, /dev/net/tun, {', '.join(NEEDED)}; lacking: {lacking}")
        return 77
    directory = tempfile.mkdtemp(prefix="weir-live.")
    o.scratch = os.path.join(directory, "scratch")
    missed = []
    try:
        for line in versions():
            say(o, line)
        with lab_module.Lab(os.path.join(directory, "lab"), 53, extra_zones(SLOW)) as lab:
            for name in o.only.split(","):
                for r in PARTS[name](o, lab, directory):
                    text = r if isinstance(r, str) else f"{r.what}, {FRONT_NAMES[r.front]}: {r.misses(o.judged)}" \
                        if r.misses(o.judged) else ""
                    if text:
                        missed.append(text)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    say(o, f"\nbars missed: {len(missed)}" + "".join(f"\n- {m}" for m in missed))
    if o.write:
        with open(o.write, "w") as f:
            f.write("\n".join(o.lines) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
