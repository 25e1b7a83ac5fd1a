# SPDX-License-Identifier: GPL-3.0-or-later
"""The draft's section 5, word by word and with no thought of speed: which rule wins, and what comes of it.

judge() gives the one rule of some policy zones that rewrites an answer; expected() what a client
sees then, in the words of observed().  Ids in comments are those of statements.tsv.
"""

import dataclasses
import ipaddress
import itertools

import dns.name
import dns.rdatatype

from policyzone import CLIENT_IP, IP, NSDNAME, NSIP, QNAME

TRIGGERS = [CLIENT_IP, QNAME, IP, NSDNAME, NSIP]  # P6
ADDRESSES = (dns.rdatatype.A, dns.rdatatype.AAAA)
GARDEN = dns.name.from_text("garden.org.")


def _as_128(network):
    """(prefix length, address) as of 128 bits: P8, P9. IPv4 zero-extended."""
    bits = network.prefixlen + (96 if network.version == 4 else 0)
    return bits, int(network.network_address)


def _name_key(rule):
    """P5: exact before wildcard, more labels before fewer."""
    return (rule.is_wildcard, -len(rule.what.labels))


def _address_key(rule):
    bits, address = _as_128(rule.what)
    return (-bits, address)


def _address_keys(zone, rule, addresses, way):
    """The keys of a rule, for the addresses that it covers."""
    for a in addresses:
        if a not in rule.what:  # which holds no address of the other family
            continue
        if way.is_owner_compared:
            best = min((r for r in zone if r.trigger == rule.trigger and a in r.what), key=_address_key)
            if best is rule:
                yield dns.name.from_text(rule.owner()).to_wire()
        else:
            yield _address_key(rule)


class _Last:
    """Turns the order of names round: the last in canonical order first (P7)."""

    def __init__(self, name):
        self.name = name.canonicalize()

    def __lt__(self, other):
        return self.name > other.name

    def __eq__(self, other):
        return self.name == other.name


def _addresses(stage):
    return [ipaddress.ip_address(r.address) for s in stage.rrsets if s.rdtype in ADDRESSES for r in s]


def _servers(stage, min_ns_dots):
    """(name, [addresses]) of every delegation above the stage's name: T7, T8, T9, T11."""
    for zone, servers in stage.cuts:
        if max(len(zone.labels) - 2, 0) >= min_ns_dots:  # labels: with the root's empty one
            yield from servers


def _existing(zone, trigger):
    """All names of a policy zone as a zone has them, empty non-terminals too."""
    out = set()
    for rule in zone:
        if rule.trigger == trigger:
            for up in range(len(rule.what.labels)):
                out.add(rule.what.labels[up:])
    return out


def _is_hidden(zone, rule, name):
    """RFC 4592: a wildcard is not used for names below a closer one that exists (T2)."""
    if not rule.is_wildcard:
        return False
    existing = _existing(zone, rule.trigger)
    for up in range(len(name.labels)):
        labels = name.labels[up:]
        if labels in existing:
            return len(labels) > len(rule.what.labels)
    return False


def _hits(zone, stage, is_first, client, way, min_ns_dots):
    """[(sort key, rule)] of one zone at one stage."""
    for rule in zone:
        rank = TRIGGERS.index(rule.trigger)
        if way.has_ents and rule.trigger == QNAME and _is_hidden(zone, rule, stage.name):
            continue
        if rule.trigger == CLIENT_IP:
            if is_first and client.version == rule.what.version and client in rule.what:
                yield (rank, _address_key(rule)), rule
        elif rule.trigger == QNAME:
            if rule.matches_name(stage.name):
                yield (rank, _name_key(rule)), rule
        elif rule.trigger == IP:
            for key in _address_keys(zone, rule, _addresses(stage), way):
                yield (rank, key), rule
        elif rule.trigger == NSDNAME:
            names = [n for n, _ in _servers(stage, min_ns_dots) if rule.matches_name(n)
                     and not (way.has_ents and _is_hidden(zone, rule, n))]
            if names and way.is_server_first:
                yield (rank, min(_Last(n) for n in names), _name_key(rule)), rule
            elif names:
                yield (rank, _name_key(rule), min(_Last(n) for n in names)), rule
        elif rule.trigger == NSIP:
            servers = [a for _, held in _servers(stage, min_ns_dots) for a in held]
            for key in _address_keys(zone, rule, servers, way):
                yield (rank, key), rule


@dataclasses.dataclass(frozen=True)
class Way:
    """Where the draft is read in more than one way, or is not kept to."""

    has_ents: bool = False  # T2: rules are looked up as in a zone: empty non-terminals hide wildcards
    # P8: of two addresses the one whose rule's owner is less as bytes of its labels, whatever the prefixes.
    is_owner_compared: bool = False
    # P4: in each stage what is known first: client and name, the servers of each cut from the top, the answer.
    is_early: bool = False
    is_server_first: bool = False  # P7 before P5: the last name server, then what matches it best


DRAFT, EARLY = Way(), Way(is_early=True)
# What BIND does otherwise, by the statements' ids; each alone and together, the fewest first.
BIND_DEVIATIONS = {"T2": "has_ents", "P7": "is_server_first", "P8": "is_owner_compared"}
BIND_WAYS = {"+".join(ids): Way(**{BIND_DEVIATIONS[i]: True for i in ids})
             for n in (1, 2, 3) for ids in itertools.combinations(BIND_DEVIATIONS, n)}


def _early_parts(stage):
    """[(triggers, a stage with only what they need)] in the order in which it is known."""
    yield (0, 1), stage
    for cut in reversed(stage.cuts):
        yield (3, 4), dataclasses.replace(stage, cuts=[cut])
    yield (2,), stage


def judge(zones, client, truth, min_ns_dots=1, way=DRAFT):
    """(stage, zone's number, rule), or None. zones: [[Rule]] in order."""
    for i, stage in enumerate(truth.stages):  # P2: stages before zones
        for wanted, part in _early_parts(stage) if way.is_early else [(range(len(TRIGGERS)), stage)]:
            for z, zone in enumerate(zones):  # P4: zones before triggers
                hits = [h for h in _hits(zone, part, i == 0, client, way, min_ns_dots) if h[0][0] in wanted]
                if hits:
                    return stage, z, min(hits, key=lambda h: h[0])[1]
    return None


def seen(rcode, is_truncated, records, qtype):
    """What is compared of a reply. records: [(type, text)]."""
    if is_truncated:
        return "tcp-only"
    if rcode != "NOERROR":
        return rcode.lower()
    garden = sorted(t for k, t in records if k == "CNAME" and dns.name.from_text(t).is_subdomain(GARDEN))
    own = sorted(t for k, t in records if k == qtype and not (k == "CNAME" and t in garden))
    words = [f"cname {t}" for t in garden] + own
    return " ".join(words) if words else "nodata"


def _texts(rrsets):
    return [(dns.rdatatype.to_text(s.rdtype), r.to_text()) for s in rrsets for r in s]


def expected(world, zones, client, qname, qtype, min_ns_dots=1, way=DRAFT):
    """(what the client sees, why), by the draft."""
    truth = world.truth(qname, qtype)
    if qtype in ("CNAME", "ANY"):  # P3, T13: targets do not count
        truth.stages = truth.stages[:1]
    real = seen(truth.rcode, False, _texts(truth.answer), qtype)
    won = judge(zones, client, truth, min_ns_dots, way)
    if won is None:
        return real, "no rule"
    stage, z, rule = won
    why = f"zone {z} at {stage.name}: {rule.lines()[0]}"
    if rule.action == "passthru":
        return real, why
    if rule.action in ("nxdomain", "nodata", "drop", "tcp-only"):
        return rule.action, why
    if rule.action == "data":
        held = [(k, t) for k, t in rule.data if k == qtype or qtype == "ANY"]
        return seen("NOERROR", False, held, qtype), why  # A6
    target = dns.name.from_text(rule.data[0])
    if rule.action == "suffix":  # A8
        try:
            target = dns.name.Name(stage.name.labels[:-1] + target.labels)
        except dns.name.NameTooLong:
            return "too long", why
    records = [("CNAME", target.to_text())]
    rcode = "NOERROR"
    if qtype != "CNAME":
        behind = world.truth(target.to_text(), qtype)  # A9, A10
        records += _texts(behind.answer)
        rcode = behind.rcode
    return seen(rcode, False, records, qtype), why
