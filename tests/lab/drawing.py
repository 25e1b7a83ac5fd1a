# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the internet: questions drawn from its zones, by the seed."""

import dataclasses
import random

PLAIN_TYPES = ("A", "AAAA", "MX", "TXT", "HTTPS", "CNAME", "SRV", "CAA", "NS", "PTR", "TLSA", "SVCB", "DS",
               "SOA", "LOC", "TYPE65400", "DNSKEY", "NAPTR")
APEX_TYPES = ("SOA", "NS", "DS", "DNSKEY", "ANY", "A", "MX", "TXT", "HTTPS", "AAAA", "NSEC3PARAM", "CDS", "CNAME",
              "CAA", "NSEC")
USUAL = 32  # questions for a zone


@dataclasses.dataclass(frozen=True)
class Question:
    name: str  # in the letters as sent
    rdtype: str
    do: bool
    cd: bool
    ad: bool
    edns: bool

    def __str__(self):
        flags = " ".join(f for f in ("do", "cd", "ad") if getattr(self, f))
        return f"{self.name} {self.rdtype} {flags or ('-' if self.edns else 'plain')}"


def _mixed(name, rng):
    return "".join(c.upper() if c.isalpha() and rng.random() < 0.5 else c for c in name)


def _flagged(name, rdtype, rng):
    do, cd, ad = rng.random() < 0.6, rng.random() < 0.18, rng.random() < 0.15
    edns = do or rng.random() < 0.7
    if rng.random() < 0.12 and "\\" not in name:
        name = _mixed(name, rng)
    return Question(name, rdtype, do, cd, ad, edns)


class Zonewise:
    """The names of one zone, sorted by what they are good for."""

    def __init__(self, zone, children):
        self.dot = zone.name + "." if zone.name else "."
        self.sets, self.wild, self.dnames, self.inner = [], [], [], []
        for line in zone.body.splitlines():
            if not line.strip():
                continue
            owner, rdtype = line.split()[:2]
            if owner.startswith("*"):
                self.wild.append((owner, rdtype))
            elif rdtype == "DNAME":
                self.dnames.append(owner)
            self.sets.append((owner, rdtype))
            above = owner.partition(".")[2]
            if above and "\\" not in owner:
                self.inner.append(above)
        self.children = [c.name + "." for c in children]

    def full(self, owner):
        if owner == "@":
            return self.dot
        return f"{owner}.{self.dot}" if self.dot != "." else f"{owner}."

    def draw(self, rng):
        """One (name, type)."""
        dice = rng.random()
        if dice < 0.24 or not self.sets:
            return self.dot, rng.choice(APEX_TYPES)
        owner, rdtype = rng.choice(self.sets)
        if dice < 0.34:
            return self.full(rng.choice((f"nope{rng.randrange(40)}", f"a.b.no{rng.randrange(9)}", f"{'z' * 63}"))), \
                rng.choice(PLAIN_TYPES)
        if dice < 0.39:
            return self.full(f"under{rng.randrange(5)}.{owner}" if owner != "@" else "under"), rng.choice(PLAIN_TYPES)
        if dice < 0.48 and self.wild:
            owner, rdtype = rng.choice(self.wild)
            instead = rng.choice((f"w{rng.randrange(6)}", f"w{rng.randrange(6)}", "a.b.w", "*"))
            return self.full(instead + owner[1:]), rng.choice((rdtype, rdtype, rng.choice(PLAIN_TYPES)))
        if dice < 0.52 and self.inner:
            return self.full(rng.choice(self.inner)), rng.choice(PLAIN_TYPES)
        if dice < 0.56 and self.dnames:
            return self.full(rng.choice(("www.", "nope.", "a.b.", "")) + rng.choice(self.dnames)), \
                rng.choice(("A", "AAAA", "DNAME", "TXT"))
        if dice < 0.58 and self.children:
            return rng.choice(self.children), rng.choice(("DS", "NS", "A", "SOA"))
        if rdtype == "CNAME":
            rdtype = rng.choice(("A", "A", "AAAA", "TXT", "CNAME", "MX", "ANY"))
        elif dice > 0.87:
            rdtype = rng.choice(PLAIN_TYPES + ("ANY",))
        return self.full(owner), rdtype


def draw(net, seed, scale=1.0):
    """[(zone, Question)], shuffled; scale: how many of the usual number."""
    out = {}
    for zone in net.zones:
        rng = random.Random(f"{seed}/questions/{zone.name}")
        names = Zonewise(zone, net.children.get(zone.name, ()))
        wanted = zone.questions or (USUAL * 3 if zone.family == "top" else USUAL)
        wanted = int(wanted * scale + rng.random())
        for _ in range(wanted):
            out.setdefault(_flagged(*names.draw(rng), rng), zone)
    pairs = [(z, q) for q, z in out.items()]
    random.Random(f"{seed}/order").shuffle(pairs)
    return pairs
