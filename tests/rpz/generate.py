# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws policies whose rules overlap, and questions that meet them. A seed gives the same for ever.

A policy has some questions in its focus; its rules are made from what is true of those: the names of
their alias chains and the names above, the addresses of their answers, their name servers, the clients.
"""

import dataclasses
import ipaddress
import os
import random

import dns.name

from policyzone import CLIENT_IP, IP, NSDNAME, NSIP, QNAME, SPECIAL, Rule, ready_line, zone_text
from world import N_REGULAR

QUESTIONS = 40  # of each policy
TYPES = ["A"] * 12 + ["AAAA"] * 4 + ["TXT"] * 2 + ["MX", "CNAME"]
TARGETS = ["walled.garden.org.", "alias.garden.org.", "alias2.garden.org.", "any.garden.org."]
WEIGHTS = {CLIENT_IP: 2, QNAME: 6, IP: 4, NSDNAME: 3, NSIP: 3}


@dataclasses.dataclass
class Question:
    client: str
    name: str
    rdtype: str

    def __str__(self):
        return f"{self.name} {self.rdtype} from {self.client}"


@dataclasses.dataclass
class Drawn:
    """A policy with its questions."""

    number: int
    prefix: str
    zones: list  # of [Rule]
    questions: list
    min_ns_dots: int
    # Of each question, by the reference: (verdict, why); verdict of early; whether either is silence.
    draft: list = None
    early: list = None
    may_drop: list = None

    def names(self):
        return [f"rpz-{self.number}-{i}" for i in range(len(self.zones))]

    def write(self, directory):
        paths = []
        for name, rules in zip(self.names(), self.zones):
            paths.append(os.path.join(directory, name + ".zone"))
            with open(paths[-1], "w") as f:
                f.write(zone_text(name, [line for r in rules for line in r.lines()] + [ready_line(name)]))
        return paths


def _question_names(rng):
    """A name of the world, mostly one that exists."""
    tlds = ("com", "net", "org")
    i = rng.randrange(N_REGULAR)
    zone = f"g{i:02d}.{tlds[i % 3]}"
    label = rng.choice(["h0", "h1", "h2", "h3", "h4", "h5", "c0", "c1", "c2", "c3", "c2", "c3", "a.b.h0", "b.h0",
                        "x.w", "y.z.w", "x.wc", "none", "nothere", "www.s", "up.s", "x.y.s", "h1.dn", "h2.dn",
                        "", "www.s"])
    if rng.random() < 0.2:
        return rng.choice(["www.site.com.", "two.site.com.", "mixed.site.com.", "hop.site.com.", "far.site.com.",
                           "alias.site.com.", "toseen.site.com.", "www.d.site.com.", "six.site.com.",
                           "www.sub.site.com.", "up.sub.site.com.", "www.other.net.", "back.other.net.",
                           "www.seen.org.", "www.canonical.org.", "tonone.site.com."])
    return f"{label}.{zone}.".lstrip(".")


class _Pool:
    """What rules can be about."""

    def __init__(self, world, rng, focus, clients):
        self.names, self.addresses, self.servers, self.server_addresses = [], [], [], []
        self.clients = [ipaddress.ip_address(c) for c in clients]
        for name, rdtype in focus:
            truth = world.truth(name, rdtype)
            self.addresses += truth.addresses()
            for stage in truth.stages:
                self.names.append(stage.name)
                for _, servers in stage.cuts[:-1]:  # not the root's
                    for n, held in servers:
                        self.servers.append(n)
                        self.server_addresses += held

    def name(self, rng, held):
        """(name, is_wildcard): the name itself, or a wildcard some labels above it."""
        name = rng.choice(held)
        if rng.random() < 0.5:
            return name, False
        up = rng.randrange(1, max(2, min(4, len(name.labels) - 1)))
        return dns.name.Name(name.labels[up:]), True

    def network(self, rng, held, is_client=False):
        address = rng.choice(held)
        full = 32 if address.version == 4 else 128
        shorter = [full] * 3 + [full - d for d in ((2, 3, 5, 7) if is_client else (1, 2, 3, 4, 6, 8, 16))]
        return ipaddress.ip_network((address, rng.choice(shorter)), strict=False)

    def what(self, rng, trigger):
        if trigger == QNAME:
            return self.name(rng, self.names)
        if trigger == NSDNAME:
            return self.name(rng, self.servers)
        held = {CLIENT_IP: self.clients, IP: self.addresses, NSIP: self.server_addresses}[trigger]
        return (self.network(rng, held, trigger == CLIENT_IP), False) if held else None


def _action(rng):
    """(action, data)"""
    action = rng.choice(["nxdomain"] * 3 + ["nodata"] * 2 + ["passthru"] * 3 + ["drop", "tcp-only"]
                        + ["data"] * 4 + ["cname"] * 2 + ["suffix"])
    if action in SPECIAL:
        return action, ()
    if action == "cname":
        return action, (rng.choice(TARGETS),)
    if action == "suffix":
        return action, ("garden.org.",)
    data = [("A", f"203.0.113.{rng.randrange(1, 70)}")]
    if rng.random() < 0.3:
        data.append(("A", f"203.0.113.{rng.randrange(100, 170)}"))
    if rng.random() < 0.4:
        data.append(("AAAA", f"2001:db8:ff::{rng.randrange(1, 99)}"))
    if rng.random() < 0.3:
        data.append(("TXT", f'"local {rng.randrange(99)}"'))
    return action, tuple(data)


def _zone(rng, pool):
    rules, owners = [], set()
    kinds = rng.sample(list(WEIGHTS), rng.randrange(1, len(WEIGHTS) + 1))
    for _ in range(rng.randrange(2, 16)):
        trigger = rng.choices(kinds, [WEIGHTS[k] for k in kinds])[0]
        found = pool.what(rng, trigger)
        if found is None:
            continue
        action, data = _action(rng)
        rule = Rule(trigger, found[0], found[1], action, data)
        if rule.owner().lower() not in owners and len(rule.owner()) < 200:
            owners.add(rule.owner().lower())
            rules.append(rule)
    return rules


def draw(world, number, seed):
    rng = random.Random(f"rpz/{seed}/{number}")
    net = f"127.{100 + number // 200}.{number % 200}."
    clients = [net + str(rng.randrange(1, 128)) for _ in range(6)]
    focus = [(_question_names(rng), rng.choice(TYPES)) for _ in range(7)]
    pool = _Pool(world, rng, focus, clients)
    zones = [_zone(rng, pool) for _ in range(rng.randrange(1, 5))]
    questions = []
    for _ in range(QUESTIONS):
        name, rdtype = rng.choice(focus)
        if rng.random() < 0.3:
            rdtype = rng.choice(TYPES)
        if rng.random() < 0.15:
            name = _question_names(rng)
        questions.append(Question(rng.choice(clients), name, rdtype))
    return Drawn(number, net + "0/24", zones, questions, 0 if rng.random() < 0.2 else 1)
