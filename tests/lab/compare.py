#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weir beside Unbound, Knot Resolver and BIND: many questions to an internet of our own.

Where the three agree and Weir does not is a finding; those that differences.txt explains are
counted, and any other makes the run fail (exit status 1).  Where the three differ among
themselves, a table says which side Weir takes.  Exit status 77: it cannot run here.
"""

import argparse
import asyncio
import collections
import fnmatch
import json
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import asking  # noqa: E402
import drawing  # noqa: E402
import internet  # noqa: E402
import lab  # noqa: E402
import oracles  # noqa: E402

THREE = ("unbound", "kresd", "bind")
ASPECTS = ("rcode", "ad", "ad of CD", "answer", "soa", "denial")
WORDED = ("rcode", "ad", "ad of CD")
NEGATIVE = ("NXDOMAIN", "NOERROR")


class Difference:
    """One question, one aspect, in which resolvers differ."""

    def __init__(self, aspect, zones, question, values):
        self.aspect, self.zones, self.question, self.values = aspect, zones, question, values
        self.case = " > ".join(z.case for z in zones)

    def sides(self, names=THREE + ("weir",)):
        """(who says the same, ...) as words: "unbound bind | kresd weir"."""
        groups = {}
        for n in names:
            groups.setdefault(self.values[n], []).append(n)
        return " | ".join(" ".join(g) for g in groups.values())

    def words(self, name):
        value = self.values[name]
        return value if isinstance(value, str) else "yes" if value is True else "no" if value is False \
            else _described(value)

    def key(self):
        """What patterns of differences.txt are held against."""
        three = self.words(THREE[0]) if self.aspect in WORDED else "*"
        own = self.words("weir") if self.aspect in WORDED else "*"
        return f"{self.aspect} {self.case} {self.question.rdtype} {three} {own}"


def _described(records):
    """Sets of records, short."""
    import dns.rdatatype
    out = []
    for r in sorted(records, key=str):
        if isinstance(r, str):
            out.append(r)
        else:
            kind = dns.rdatatype.to_text(r[1]) + (f"({dns.rdatatype.to_text(r[2])})" if r[2] else "")
            out.append(f"{r[0]} {kind} {r[3].hex()[:12]}")
    return "{" + ", ".join(out) + "}"


def aspects_of(question, replies):
    """[(aspect, {resolver: value})], for what can be compared."""
    yield "rcode", {n: r.rcode for n, r in replies.items()}
    if any(r.rcode not in NEGATIVE for r in replies.values()):
        return
    if question.do or question.ad:
        yield "ad of CD" if question.cd else "ad", {n: r.ad for n, r in replies.items()}
    yield "answer", {n: r.answer for n, r in replies.items()}
    if all(not r.answer for r in replies.values()):
        yield "soa", {n: r.soa for n, r in replies.items()}
    if question.do:
        yield "denial", {n: r.denial for n, r in replies.items()}


def compare(net, pairs, said):
    """(findings, disputes): where Weir is alone, and where the three differ; and counts of agreement."""
    findings, disputes, agreed = [], [], collections.Counter()
    for i, (_, question) in enumerate(pairs):
        replies = {n: said[n][i] for n in said}
        zones = net.zones_on_the_way(question.name, question.rdtype)
        for aspect, values in aspects_of(question, replies):
            three = {values[n] for n in THREE}
            if len(three) > 1:
                disputes.append(Difference(aspect, zones, question, values))
            elif values["weir"] not in three:
                findings.append(Difference(aspect, zones, question, values))
                break  # the rest follows from it
            else:
                agreed[aspect] += 1
            if aspect == "rcode" and len(set(values.values())) > 1:
                break
    return findings, disputes, agreed


def flaws(net, pairs, said, seconds):
    """What Weir may never do, and TTLs that are longer than the zone says."""
    longest, out = {}, []
    for n in THREE:
        for r in said[n]:
            for rrset, ttl in (r.ttls or {}).items():
                longest[rrset[0]] = max(ttl + int(seconds), longest.get(rrset[0], 0))
    held = net.ttls()
    for (zone, question), reply in zip(pairs, said["weir"]):
        if reply.flaw:
            out.append((zone, question, reply.flaw))
        for (owner, rdtype, covers), ttl in (reply.ttls or {}).items():
            if covers and question.cd:
                continue  # as the server gave it; the RFC 4034 3 rule is about good signatures
            limit = wildcard_ttl(held, owner, covers or rdtype) or longest.get(owner, ttl)
            if ttl > limit:
                out.append((zone, question, f"TTL {ttl} at {owner}, which has {limit}"))
    return out


def wildcard_ttl(held, owner, rdtype):
    """What the zones have for an RRset, or for the wildcard that it may come from."""
    found, above = held.get((owner, rdtype)), owner
    while found is None and above:
        above = above.partition(".")[2]
        found = held.get(("*." + above, rdtype))
    return found


class Explained:
    """differences.txt: pattern of Difference.key(), a colon, the reason."""

    def __init__(self, path):
        self.rows, self.used = [], collections.Counter()
        with open(path) as f:
            for line in f:
                line = line.split("#")[0].strip()
                if line:
                    pattern, _, reason = line.partition(" : ")
                    self.rows.append((" ".join(pattern.split()), reason.strip()))

    def reason(self, difference):
        for pattern, reason in self.rows:
            if fnmatch.fnmatchcase(difference.key(), pattern):
                self.used[pattern] += 1
                return reason
        return None


def grouped(differences, words):
    """{words of it: [differences]}, the largest groups first."""
    groups = collections.defaultdict(list)
    for d in differences:
        groups[words(d)].append(d)
    return sorted(groups.items(), key=lambda g: -len(g[1]))


def print_findings(findings, examples):
    for (aspect, case, three, own), held in grouped(
            findings, lambda d: (d.aspect, d.zones[-1].case) + (
                (d.words(THREE[0]), d.words("weir")) if d.aspect in WORDED else ("", ""))):
        print(f"  {len(held):5d}  {aspect:7s} {case}" + (f": the three {three}, weir {own}" if three else ""))
        for d in held[:examples]:
            print(f"           {d.question}  [{d.case}; {d.zones[-1].at}]")
            if not three:
                print(f"             three {d.words(THREE[0])[:300]}\n             weir  {d.words('weir')[:300]}")


def print_disputes(disputes, full):
    print("\nWhere the three differ (who says the same stands together):\n")
    for (aspect, sides), held in grouped(disputes, lambda d: (d.aspect, d.sides())):
        print(f"  {len(held):5d}  {aspect:7s} {sides}")
        if full:
            for case, some in grouped(held, lambda d: d.zones[-1].case + (
                    ": " + ", ".join(f"{n} {d.words(n)}" for n in d.values) if d.aspect in WORDED else ""))[:full]:
                print(f"           {len(some):5d}  {case}   e.g. {some[0].question}")


async def ask_everybody(resolvers, questions):
    done = await asyncio.gather(*[asking.ask_all(r.address, questions) for r in resolvers.values()])
    return dict(zip(resolvers, done))


def summary(args, net, pairs, said, agreed, findings, disputes, seconds):
    n = len(pairs)
    lines = [f"{len(net.zones)} zones, {n} questions to each of {len(said)} resolvers, seed {args.seed}, "
             f"{seconds:.0f} s", "",
             "| compared | all four alike | Weir alone differs | the three differ |", "|---|---|---|---|"]
    alone = collections.Counter(d.aspect for d in findings)
    split = collections.Counter(d.aspect for d in disputes)
    for a in ASPECTS:
        lines.append(f"| {a} | {agreed[a]} | {alone[a]} | {split[a]} |")
    lines += ["", "| | " + " | ".join(said) + " |", "|---" * (len(said) + 1) + "|"]
    for what, test in (("NOERROR", lambda r: r.rcode == "NOERROR"), ("NXDOMAIN", lambda r: r.rcode == "NXDOMAIN"),
                       ("SERVFAIL", lambda r: r.rcode == "SERVFAIL"), ("no answer in time", lambda r: r.rcode == "timeout"),
                       ("with AD", lambda r: r.ad)):
        lines.append(f"| {what} | " + " | ".join(str(sum(map(test, said[n]))) for n in said) + " |")
    out = collections.Counter(d.sides(THREE).count("|") == 2 and "all" or _outsider(d) for d in disputes)
    lines += ["", "Alone among the three: " + ", ".join(f"{w} {c}" for w, c in out.most_common())]
    return "\n".join(lines)


def _outsider(d):
    for n in THREE:
        if list(d.values[m] for m in THREE).count(d.values[n]) == 1:
            return n
    return "nobody"


def run(args, directory):
    begin = time.monotonic()
    with internet.Internet(os.path.join(directory, "net"), args.seed) as net:
        pairs = drawing.draw(net, args.seed, args.scale)
        if args.only:
            pairs = [(z, q) for z, q in pairs if fnmatch.fnmatchcase(z.case, args.only)
                     or fnmatch.fnmatchcase(z.name, args.only)]
        resolvers = oracles.all_of(net, os.path.join(directory, "resolvers"), args.weir)
        try:
            for r in resolvers.values():
                r.start()
            print(f"{len(net.zones)} zones, {len(pairs)} questions; all is up after "
                  f"{time.monotonic() - begin:.1f} s", flush=True)
            said = asyncio.run(ask_everybody(resolvers, [q for _, q in pairs]))
            again = second_look(net, pairs, said, resolvers)
            for r in resolvers.values():
                r.process.check()
        finally:
            for r in resolvers.values():
                r.stop()
        return report(args, net, pairs, said, again, time.monotonic() - begin)


def second_look(net, pairs, said, resolvers):
    """The questions of all findings once more: those that differ again. A busy machine is no finding."""
    asked = {d.question for d in compare(net, pairs, said)[0]}
    some = [(z, q) for z, q in pairs if q in asked]
    if not some:
        return set()
    later = asyncio.run(ask_everybody(resolvers, [q for _, q in some]))
    return {(d.aspect, d.question) for d in compare(net, some, later)[0]}


def report(args, net, pairs, said, again, seconds):
    findings, disputes, agreed = compare(net, pairs, said)
    explained = Explained(args.differences)
    unknown = [d for d in findings if explained.reason(d) is None]
    open_ones = [d for d in unknown if (d.aspect, d.question) in again]
    passing = [d for d in unknown if (d.aspect, d.question) not in again]
    wrong = flaws(net, pairs, said, seconds)
    print("\n" + summary(args, net, pairs, said, agreed, findings, disputes, seconds))
    print_disputes(disputes, args.disputes)
    print(f"\nWeir alone: {len(findings)}, of which explained {len(findings) - len(unknown)}")
    for pattern, count in explained.used.most_common():
        print(f"  {count:5d}  {pattern}")
    print(f"\nUnexplained: {len(open_ones)}")
    print_findings(open_ones, args.examples)
    print(f"\nUnexplained, and gone when asked again: {len(passing)}")
    print_findings(passing, args.examples)
    print(f"\nFlaws: {len(wrong)}")
    for zone, question, what in wrong[:40]:
        print(f"  {zone.case}: {question}: {what}")
    unused = [p for p, _ in explained.rows if p not in explained.used]
    if args.scale >= 1 and not args.only and unused:
        print("\nExplanations that explain nothing any more:\n  " + "\n  ".join(unused))
    if args.json:
        with open(args.json, "w") as f:
            json.dump([{"aspect": d.aspect, "case": d.case, "question": str(d.question),
                        "values": {n: d.words(n) for n in d.values}} for d in findings + disputes], f, indent=1)
    return 1 if open_ones or wrong else 0


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--scale", type=float, default=1.0, help="how many questions; 1 is about 25,000")
    p.add_argument("--limit", type=float, default=asking.LIMIT_S, help="seconds to wait for a reply")
    p.add_argument("--only", help="zones whose case or name fits this pattern")
    p.add_argument("--weir", default=os.environ.get("WEIR", os.path.join(HERE, "../../build/weir")))
    p.add_argument("--differences", default=os.path.join(HERE, "differences.txt"))
    p.add_argument("--directory", help="for files; default: a temporary one, removed at the end")
    p.add_argument("--disputes", type=int, default=0, help="cases to list in each group where the three differ")
    p.add_argument("--examples", type=int, default=2, help="questions to list for each finding")
    p.add_argument("--json", help="write all differences there")
    args = p.parse_args()
    args.weir, asking.LIMIT_S = os.path.abspath(args.weir), args.limit
    try:
        for needed in ("unbound", "kresd", "named", "knotd", "nsd"):
            lab.tool(needed)
    except lab.LabError as e:
        print(f"compare: {e}")
        return 77
    if not internet.enter():
        print("compare: no namespace: this needs root, or user namespaces, and iproute2")
        return 77
    directory = args.directory or tempfile.mkdtemp(prefix="weir-compare.")
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
