#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same policy zones in Weir, BIND, PowerDNS Recursor and Unbound, and a reference of the draft.

Generated cases (zones, client, question) with overlapping rules; the verdict of each.  Where Weir in
its mode `strict` differs from BIND, a line of differences.txt must say why, by a statement's id; what
none explains makes the run fail (exit status 1).  Exit status 77: it cannot run here.
"""

import argparse
import asyncio
import collections
import fnmatch
import ipaddress
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import dns.exception  # noqa: E402
import dns.flags  # noqa: E402
import dns.message  # noqa: E402
import dns.rcode  # noqa: E402
import dns.rdatatype  # noqa: E402

import generate  # noqa: E402
import engines  # noqa: E402
import lab  # noqa: E402
import reference  # noqa: E402
import world as world_module  # noqa: E402

OTHERS = {"bind": engines.Bind, "pdns": engines.PowerDNS, "unbound": engines.Unbound}
WEIR_PORT, OTHER_PORTS = 100, 110  # below 1024: the servers' own random ports are above
AT_ONCE = 10  # policies that Weir is asked about
WAIT_S = (1.0, 0.7)  # for a reply; then, when there was none, once more: dropped is dropped twice
PATIENCE_S = 6  # for a reply that the draft says should come


class _Client(asyncio.DatagramProtocol):
    def __init__(self):
        self.waiting, self.transport = {}, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, wire, peer):
        future = self.waiting.pop(int.from_bytes(wire[:2], "big"), None)
        if future is not None and not future.done():
            future.set_result(wire)


async def _ask_each(address, port, questions, limit_s):
    """[verdict in reference.seen()'s words], in order."""
    loop, clients = asyncio.get_running_loop(), {}
    for source in {q.client for q in questions}:
        _, clients[source] = await loop.create_datagram_endpoint(
            _Client, local_addr=(source, 0), remote_addr=(address, port))

    async def one(i, q):
        client = clients[q.client]
        query = dns.message.make_query(q.name, q.rdtype, use_edns=0, payload=4096)
        query.id = i + 1
        future = client.waiting[query.id] = loop.create_future()
        client.transport.sendto(query.to_wire())
        try:
            reply = dns.message.from_wire(await asyncio.wait_for(future, limit_s))
        except asyncio.TimeoutError:
            return "drop"
        records = [(dns.rdatatype.to_text(s.rdtype), r.to_text()) for s in reply.answer for r in s]
        return reference.seen(dns.rcode.to_text(reply.rcode()), bool(reply.flags & dns.flags.TC), records, q.rdtype)

    said = await asyncio.gather(*[one(i, q) for i, q in enumerate(questions)])
    for c in clients.values():
        c.transport.close()
    return said


async def ask_all(address, port, questions, may_drop):
    """The verdicts; silence is believed when it was met twice, and longer where nobody foresees it.

    may_drop: for each question, whether the reference says so.
    """
    said = await _ask_each(address, port, questions, WAIT_S[0])
    for limit_s, believes in ((WAIT_S[1], True), (PATIENCE_S, False)):
        silent = [i for i, v in enumerate(said) if v == "drop" and (believes or not may_drop[i])]
        again = await _ask_each(address, port, [questions[i] for i in silent], limit_s) if silent else []
        for i, verdict in zip(silent, again):
            said[i] = verdict
    return said


class Explained:
    """differences.txt: pattern of key(), a colon, the statement and the reason."""

    def __init__(self, path):
        self.rows, self.used = [], collections.Counter()
        with open(path) as f:
            for line in f:
                line = line.split("#")[0].strip()
                if line:
                    pattern, _, reason = line.partition(" : ")
                    self.rows.append((" ".join(pattern.split()), reason.strip()))

    def reason(self, case):
        for pattern, reason in self.rows:
            if fnmatch.fnmatchcase(case.key(), pattern):
                self.used[pattern] += 1
                return reason
        return None


class Case:
    """ways: what BIND should say, by the reference, if it deviates so."""

    def __init__(self, drawn, question, said, why, ways):
        self.drawn, self.question, self.said, self.why, self.ways = drawn, question, said, why, ways

    def bind_way(self):
        """The deviations that predict BIND's verdict, "none" or "unknown"."""
        if self.said["bind"] == self.said["draft"]:
            return "none"
        return next((ids for ids, v in self.ways.items() if v == self.said["bind"]), "unknown")

    def key(self):
        """What patterns of differences.txt are held against."""
        kind = {n: v.split()[0] for n, v in self.said.items()}
        return (f"{self.bind_way()} {self.question.rdtype} bind={kind['bind']} weir={kind['strict']} "
                f"draft={kind['draft']} {self.why.replace(' ', '_')}")

    def show(self):
        print(f"  policy {self.drawn.number}: {self.question}")
        for n, v in self.said.items():
            print(f"    {n:8s} {v}")
        print(f"    why      {self.why}")


async def _ask_together(some):
    return await asyncio.gather(*[ask_all("127.0.0.1", WEIR_PORT, d.questions, d.may_drop) for d in some])


def _policy(d, files):
    return engines.Policy(f"p{d.number}", d.prefix, d.names(), files)


def ask_weir(args, world, directory, drawn, files):
    """{mode: {policy's number: verdicts}}: one daemon has all the policies."""
    out = {}
    for mode in args.modes:
        # min-ns-dots is an option of a list: two daemons would do, but lists have it each.
        policies = [_policy(d, files[d.number]) for d in drawn]
        w = engines.Weir(world, os.path.join(directory, "weir-" + mode), WEIR_PORT, policies, args.weir, mode)
        dots = {n: d.min_ns_dots for d in drawn for n in d.names()}
        for one in w.config["lists"]:
            one["min-ns-dots"] = dots[one["name"]]
        w.start()
        try:
            out[mode] = {}
            for i in range(0, len(drawn), AT_ONCE):
                some = drawn[i:i + AT_ONCE]
                said = asyncio.run(_ask_together(some))
                out[mode].update({d.number: v for d, v in zip(some, said)})
            w.process.check()
        finally:
            w.stop()
    return out


def ask_others(args, world, directory, d, files):
    """{name: verdicts}: each policy has daemons of its own."""
    started = []
    try:
        for i, n in enumerate(args.engines):
            e = OTHERS[n](world, os.path.join(directory, f"{n}-{d.number}"), OTHER_PORTS + i,
                          [_policy(d, files)], d.min_ns_dots)
            started.append(e)
            e.start()

        async def ask():
            return await asyncio.gather(*[ask_all(e.address, e.port, d.questions, d.may_drop) for e in started])
        out = dict(zip(args.engines, asyncio.run(ask())))
        for n, e in zip(args.engines, started):
            if e.process.popen.poll() is not None:  # what it did not answer is no verdict
                print(f"policy {d.number}: {n} ended by itself with {e.process.popen.returncode}")
                out[n] = ["died" if v == "drop" else v for v in out[n]]
        return out
    finally:
        for e in started:
            e.stop()


def judged(world, drawn, q, way):
    """(verdict, why) by the reference."""
    return reference.expected(world, drawn.zones, ipaddress.ip_address(q.client), q.name, q.rdtype,
                              drawn.min_ns_dots, way)


def run(args, directory):
    begin = time.monotonic()
    with world_module.World(os.path.join(directory, "world")) as world:
        drawn = [generate.draw(world, n, args.seed) for n in args.numbers]
        for d in drawn:
            d.draft = [judged(world, d, q, reference.DRAFT) for q in d.questions]
            d.early = [judged(world, d, q, reference.EARLY)[0] for q in d.questions]
            d.may_drop = [a == "drop" or b == "drop" for (a, _), b in zip(d.draft, d.early)]
        zones = os.path.join(directory, "zones")
        os.makedirs(zones)
        files = {d.number: d.write(zones) for d in drawn}
        weir = ask_weir(args, world, directory, drawn, files) if args.modes else {}
        cases = []
        for d in drawn:
            said = ask_others(args, world, directory, d, files[d.number])
            for i, q in enumerate(d.questions):
                draft, why = d.draft[i]
                ways = {n: judged(world, d, q, w)[0] for n, w in reference.BIND_WAYS.items()}
                verdicts = {"draft": draft, "draft early": d.early[i], **{m: weir[m][d.number][i] for m in weir},
                            **{n: said[n][i] for n in said}}
                cases.append(Case(d, q, verdicts, why, ways))
            if args.verbose:
                print(f"policy {d.number}: {time.monotonic() - begin:.0f} s", flush=True)
    return report(args, cases, time.monotonic() - begin)


def table(cases):
    """How often each two say the same."""
    names = list(cases[0].said)
    lines = ["| the same verdict as | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for a in names:
        row = [str(sum(c.said[a] == c.said[b] for c in cases)) for b in names]
        lines.append(f"| {a} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def trigger_of(case):
    """What the winning rule is compared with, by the draft."""
    owner = case.why.rpartition(": ")[2].split(" ")[0]
    return owner.rpartition(".rpz-")[2] if ".rpz-" in owner else "no rule" if case.why == "no rule" else "qname"


def table_of_triggers(cases):
    """How often each says what the draft says, by the trigger that should win."""
    names = [n for n in cases[0].said if n != "draft"]
    lines = ["| as the draft says, where this wins | cases | " + " | ".join(names) + " |",
             "|---" * (len(names) + 2) + "|"]
    for t in ("client-ip", "qname", "ip", "nsdname", "nsip", "no rule"):
        some = [c for c in cases if trigger_of(c) == t]
        row = [str(sum(c.said[n] == c.said["draft"] for c in some)) for n in names]
        lines.append(f"| {t} | {len(some)} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def print_kinds(cases):
    kinds = collections.Counter()
    for c in cases:
        word = c.said["draft"].split()[0]
        kinds["no rule" if c.why == "no rule" else word if word.isalpha() or word == "tcp-only" else "records"] += 1
    print("By the draft: " + ", ".join(f"{n} {k}" for k, n in kinds.most_common()) + "\n")


def print_some(what, cases, examples):
    print(f"{what}: {len(cases)}")
    for c in cases[:examples]:
        c.show()


def bind_is_known(args, cases):
    """Does the reference with its known deviations say what BIND says? Cases in which it does not."""
    ways = collections.Counter(c.bind_way() for c in cases)
    print("BIND and the draft: " + ", ".join(f"{n} {w if w != 'none' else 'alike'}" for w, n in ways.most_common()))
    print_some("Nothing known predicts BIND", [c for c in cases if c.bind_way() == "unknown"], args.examples)


def weir_against_bind(args, cases):
    """The cases that differences.txt does not explain."""
    explained = Explained(args.differences)
    differing = [c for c in cases if c.said["strict"] != c.said["bind"]]
    unknown = [c for c in differing if explained.reason(c) is None]
    print(f"\nWeir and BIND differ: {len(differing)}, explained {len(differing) - len(unknown)}")
    for pattern, n in explained.used.most_common():
        print(f"  {n:5d}  {pattern} : {dict(explained.rows)[pattern]}")
    print_some("Unexplained", unknown, args.examples)
    for c in unknown[:args.examples]:
        print(f"    key      {c.key()}")
    return unknown


def report(args, cases, seconds):
    zones = sum(len(d.zones) for d in {id(c.drawn): c.drawn for c in cases}.values())
    print(f"{len(args.numbers)} policies, {zones} zones, {len(cases)} cases, seed {args.seed}, {seconds:.0f} s\n")
    print(table(cases) + "\n\n" + table_of_triggers(cases) + "\n")
    print_kinds(cases)
    for a, b in args.show:
        print_some(f"{a} and {b} differ", [c for c in cases if c.said[a] != c.said[b]], args.examples)
    wrong = []
    if "bind" in cases[0].said:
        bind_is_known(args, cases)
    if "strict" in cases[0].said:
        if "bind" in cases[0].said:
            wrong += weir_against_bind(args, cases)
        against = [c for c in cases if c.said["strict"] != c.said["draft"]]
        print_some("Weir and the draft differ", against, args.examples)
        wrong += against
    if "early" in cases[0].said:
        against = [c for c in cases if c.said["early"] != c.said["draft early"]]
        print_some("Weir's mode early and the reference of it differ", against, args.examples)
        wrong += against
    return 1 if wrong else 0


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--policies", type=int, default=50, help=f"{generate.QUESTIONS} cases each")
    p.add_argument("--only", type=int, help="the policy of this number")
    p.add_argument("--engines", default="bind,pdns,unbound")
    p.add_argument("--modes", default="strict,early", help="of Weir")
    p.add_argument("--show", action="append", default=[], metavar="A,B", help="cases where these differ")
    p.add_argument("--weir", default=os.environ.get("WEIR", os.path.join(HERE, "../../build/weir")))
    p.add_argument("--differences", default=os.path.join(HERE, "differences.txt"))
    p.add_argument("--directory", help="for files; default: a temporary one, removed at the end")
    p.add_argument("--examples", type=int, default=5)
    p.add_argument("--verbose", action="store_true")
    args = p.parse_args()
    args.weir = os.path.abspath(args.weir)
    args.engines, args.modes = ([w for w in s.split(",") if w] for s in (args.engines, args.modes))
    args.show = [s.split(",") for s in args.show]
    args.numbers = range(args.policies) if args.only is None else [args.only]
    try:
        for needed in ("named", "pdns_recursor", "unbound", "knotd", "nsd"):
            lab.tool(needed)
    except lab.LabError as e:
        print(f"compare: {e}")
        return 77
    if not lab.enter_namespace():
        print("compare: no namespace: this needs root, or user namespaces, and iproute2")
        return 77
    directory = args.directory or tempfile.mkdtemp(prefix="weir-rpz.")
    try:
        return run(args, directory)
    except lab.LabError as e:
        print(f"compare: {e}", file=sys.stderr)
        return 1
    finally:
        if args.directory is None:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
