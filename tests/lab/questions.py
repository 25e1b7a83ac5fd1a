#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of the lab, made from its zones, and how two answers are compared."""

import dns.name
import dns.rcode
import dns.rdatatype
import dns.zone

import zones as lab_zones

SKIPPED_TYPES = {"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY"}
NODATA_TYPE = "PX"


def _absolute(labels, zone):
    return dns.name.from_text(labels, dns.name.from_text(zone + ".")).to_text()


def of_zone(zone, all_zones):
    """[(name, type)]: every RRset of the zone, and for each of its owners a type it lacks."""
    out = []
    origin = dns.name.from_text(zone.name + "." if zone.name else ".")
    parsed = dns.zone.from_text(lab_zones.zone_text(zone, all_zones), origin=origin,
                                relativize=False, check_origin=False)
    cuts = [dns.name.from_text(z.name + ".") for z in all_zones
            if z is not zone and z.name and dns.name.from_text(z.name + ".").is_subdomain(origin)]
    for name, node in parsed.nodes.items():
        if any(name.is_subdomain(c) for c in cuts):
            continue
        asked = name
        if name.labels[0] == b"*":
            asked = dns.name.Name((b"some", b"thing") + name.labels[1:])
        for rdataset in node:
            rdtype = dns.rdatatype.to_text(rdataset.rdtype)
            if rdtype == "DNAME":
                out.append((dns.name.Name((b"www",) + asked.labels).to_text(), "A"))
            if rdtype == "CNAME":
                out += [(asked.to_text(), "A"), (asked.to_text(), "AAAA")]
            out.append((asked.to_text(), rdtype))
        out.append((asked.to_text(), NODATA_TYPE))
    return out


def extra(zone):
    """Names that the zone does not have."""
    if zone.name == "":
        return [("nothing-here.", "A"), ("a.b.c.nothing-here.", "AAAA")]
    return [(_absolute("nope", zone.name), "A"), (_absolute("a.b.c.d.e.nope", zone.name), "TXT")]


def all_of(zones, resolves):
    """The questions of the zones that resolve so ("yes", "no", "oracle"), each once, in order."""
    out = {}
    for z in zones:
        if z.resolves == resolves:
            for q in of_zone(z, zones) + extra(z):
                out.setdefault(q, z)
    return out


def summary(reply):
    """An answer without order, TTLs and what is optional: (rcode, set of records, has SOA)."""
    records = set()
    for rrset in reply.answer:
        for rdata in rrset:
            records.add((rrset.name.to_text().lower(), dns.rdatatype.to_text(rrset.rdtype),
                         rdata.to_text().lower() if rrset.rdtype in (2, 5, 6, 12, 15, 33, 39)
                         else rdata.to_text()))
    has_soa = any(r.rdtype == dns.rdatatype.SOA for r in reply.authority)
    return dns.rcode.to_text(reply.rcode()), frozenset(records), has_soa


