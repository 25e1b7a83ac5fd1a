# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of policy zones: what they match, what they do, and how they are written in a zone."""

import dataclasses
import ipaddress

import dns.name

CLIENT_IP, QNAME, IP, NSDNAME, NSIP = "client-ip", "qname", "ip", "nsdname", "nsip"
READY_ADDRESS = "203.0.113.250"
SPECIAL = {"nxdomain": ".", "nodata": "*.", "passthru": "rpz-passthru.", "drop": "rpz-drop.",
           "tcp-only": "rpz-tcp-only."}


def address_owner(network):
    """A prefix as labels: 24.0.2.0.192, 64.zz.db8.2001."""
    if network.version == 4:
        parts = str(network.network_address).split(".")
    else:
        words = [f"{int(w, 16):x}" for w in network.network_address.exploded.split(":")]
        best, run = (0, 0), 0  # the longest run of zeros, the last among equals, as (length, end)
        for i, w in enumerate(words + ["end"]):
            run = run + 1 if w == "0" else 0
            if run >= 2 and run >= best[0]:
                best = (run, i + 1)
        if best[0]:
            words[best[1] - best[0]:best[1]] = ["zz"]
        parts = words
    return ".".join([str(network.prefixlen)] + parts[::-1])


@dataclasses.dataclass(frozen=True)
class Rule:
    trigger: str
    what: object  # dns.name.Name (QNAME, NSDNAME) or ip_network
    is_wildcard: bool
    action: str  # a key of SPECIAL, or data, cname, suffix
    data: tuple = ()  # data: ((type, text), ...); cname, suffix: (target,)

    def owner(self):
        if self.trigger in (QNAME, NSDNAME):
            text = ("*." if self.is_wildcard else "") + self.what.to_text().rstrip(".")
        else:
            text = address_owner(self.what)
        return text + ("" if self.trigger == QNAME else ".rpz-" + self.trigger)

    def lines(self):
        if self.action in SPECIAL:
            return [f"{self.owner()} CNAME {SPECIAL[self.action]}"]
        if self.action == "cname":
            return [f"{self.owner()} CNAME {self.data[0]}"]
        if self.action == "suffix":
            return [f"{self.owner()} CNAME *.{self.data[0]}"]
        return [f"{self.owner()} {kind} {text}" for kind, text in self.data]

    def matches_name(self, name):
        if not self.is_wildcard:
            return name == self.what
        return name.is_subdomain(self.what) and name != self.what


def name_rule(trigger, text, action, data=()):
    wild = text.startswith("*.")
    return Rule(trigger, dns.name.from_text(text[2:] if wild else text), wild, action, tuple(data))


def address_rule(trigger, text, action, data=()):
    return Rule(trigger, ipaddress.ip_network(text), False, action, tuple(data))


def zone_text(apex, lines, serial=1, ttl=60):
    """A policy zone as a file. Lines: relative to the apex, or with dots at their ends."""
    head = [f"$TTL {ttl}", f"$ORIGIN {apex}.", f"@ SOA localhost. hostmaster.localhost. {serial} 3600 600 86400 60",
            "@ NS localhost."]
    return "\n".join(head + list(lines)) + "\n"


def ready_name(apex):
    return f"{apex}.ready."


def ready_line(apex):
    """A rule that no other touches: when it holds, the zone is in force."""
    return f"{ready_name(apex)[:-1]} A {READY_ADDRESS}"
