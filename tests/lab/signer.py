# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs a zone, well or badly: NSEC, NSEC3 and RRSIG records as told.

Why not a signer of the trade: half of the zones here have to be wrong in one place each.  What is
right is held against dnssec-verify by tests/system/internet_test.py.
"""

import dataclasses
import hashlib
import struct

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.NSEC
import dns.rdtypes.ANY.NSEC3

IN = dns.rdataclass.IN
NS, SOA, DS, RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM, DNAME = (
    dns.rdatatype.NS, dns.rdatatype.SOA, dns.rdatatype.DS, dns.rdatatype.RRSIG, dns.rdatatype.NSEC,
    dns.rdatatype.DNSKEY, dns.rdatatype.NSEC3, dns.rdatatype.NSEC3PARAM, dns.rdatatype.DNAME)
DAY_S = 86400
NEGATIVE_TTL_S = 60
BASE32HEX = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHIJKLMNOPQRSTUV")


@dataclasses.dataclass(frozen=True)
class Denial:
    """How a zone says that something does not exist."""

    kind: str = "nsec"  # or "nsec3", "none"
    iterations: int = 0
    salt: bytes = b""
    opt_out: bool = False
    hash: int = 1
    flags: int = 0  # beyond opt-out: bits that nobody knows


@dataclasses.dataclass
class Signature:
    """One RRSIG as it will be made; what an `adjust` function may bend."""

    key: object
    covers: int
    algorithm: int
    labels: int
    original_ttl: int
    expiration: int
    inception: int
    tag: int
    signer: dns.name.Name
    flip: bool = False  # a bit of the signature is turned
    lies: dict = dataclasses.field(default_factory=dict)  # fields changed after signing


class Contents:
    """The records of a zone: (name, type) -> (ttl, [rdata]), and the RRSIGs over them."""

    def __init__(self, origin):
        self.origin, self.sets, self.sigs = origin, {}, {}

    def add(self, name, rdtype, ttl, rdata):
        held = self.sets.setdefault((name, rdtype), (ttl, []))[1]
        if rdata not in held:
            held.append(rdata)

    def names(self):
        return {n for n, _ in self.sets}

    def types_at(self, name):
        return [t for n, t in self.sets if n == name]

    def text(self):
        """The zone as a file."""
        lines = []
        for held in (self.sets, self.sigs):
            for (name, rdtype), (ttl, rdatas) in held.items():
                kind = dns.rdatatype.to_text(rdtype) if held is self.sets else "RRSIG"
                lines += [f"{name} {ttl} IN {kind} {r.to_text()}" for r in rdatas]
        lines.sort(key=lambda line: " SOA " not in line)  # the SOA first
        return "\n".join(lines) + "\n"


def nsec3_hash(name, salt, iterations):
    """RFC 5155 5."""
    digest = hashlib.sha1(name.canonicalize().to_wire() + salt).digest()
    for _ in range(iterations):
        digest = hashlib.sha1(digest + salt).digest()
    return digest


def _hash_label(digest):
    import base64
    return base64.b32encode(digest).translate(BASE32HEX).lower()


def bit_maps(types):
    """Type bit maps (RFC 4034 4.1.2), as dnspython wants them."""
    windows = {}
    for t in types:
        window = windows.setdefault(t >> 8, bytearray(32))
        window[(t & 255) >> 3] |= 128 >> (t & 7)
    return [(n, bytes(w).rstrip(b"\x00")) for n, w in sorted(windows.items())]


def cuts_of(contents):
    return {n for n, t in contents.sets if t == NS and n != contents.origin}


def _is_occluded(name, cuts, dnames):
    """Below a zone cut or a DNAME."""
    while len(name.labels) > 1:
        name = name.parent()
        if name in cuts or name in dnames:
            return True
    return False


def authoritative(contents):
    """{name: types that are signed there or stand in bit maps}."""
    cuts = cuts_of(contents)
    dnames = {n for n, t in contents.sets if t == DNAME}
    out = {}
    for name, rdtype in contents.sets:
        if not _is_occluded(name, cuts, dnames) and (name not in cuts or rdtype in (NS, DS, NSEC)):
            out.setdefault(name, set()).add(rdtype)
    return out, cuts


def _add_nsec(contents):
    types, _ = authoritative(contents)
    order = sorted(types)
    for i, name in enumerate(order):
        following = order[(i + 1) % len(order)]
        bits = bit_maps(types[name] | {NSEC, RRSIG})
        contents.add(name, NSEC, NEGATIVE_TTL_S, dns.rdtypes.ANY.NSEC.NSEC(IN, NSEC, following, bits))


def _add_nsec3(contents, denial):
    wire = struct.pack("!BBHB", denial.hash, 0, denial.iterations, len(denial.salt)) + denial.salt
    contents.add(contents.origin, NSEC3PARAM, 0, dns.rdata.from_wire(IN, NSEC3PARAM, wire, 0, len(wire)))
    types, cuts = authoritative(contents)
    if denial.opt_out:
        types = {n: t for n, t in types.items() if n not in cuts or DS in t}
    for name in list(types):  # empty non-terminals have records too
        while name != contents.origin:
            name = name.parent()
            types.setdefault(name, set())
    hashed = {}
    for name, held in types.items():
        bits = set(held)
        if held and (name not in cuts or DS in held):
            bits.add(RRSIG)
        hashed[nsec3_hash(name, denial.salt, denial.iterations)] = bits
    order = sorted(hashed)
    flags = denial.flags | (1 if denial.opt_out else 0)
    for i, digest in enumerate(order):
        owner = dns.name.Name((_hash_label(digest),) + contents.origin.labels)
        contents.add(owner, NSEC3, NEGATIVE_TTL_S, dns.rdtypes.ANY.NSEC3.NSEC3(
            IN, NSEC3, denial.hash, flags, denial.iterations, denial.salt,
            order[(i + 1) % len(order)], bit_maps(hashed[digest])))


def _rrsig(name, ttl, rdatas, s):
    """The RRSIG record over an RRset (RFC 4034 3.1.8.1, 6.2)."""
    def head(**lies):
        v = dict(covers=s.covers, algorithm=s.algorithm, labels=s.labels, original_ttl=s.original_ttl,
                 expiration=s.expiration, inception=s.inception, tag=s.tag, signer=s.signer)
        v.update(lies)
        return struct.pack("!HBBIIIH", v["covers"], v["algorithm"], v["labels"], v["original_ttl"],
                           v["expiration"] & 0xffffffff, v["inception"] & 0xffffffff, v["tag"]) \
            + v["signer"].canonicalize().to_wire()

    owner = name
    if s.labels < len(name.labels) - 1:
        owner = dns.name.Name((b"*",) + name.labels[len(name.labels) - 1 - s.labels:])
    prefix = owner.canonicalize().to_wire() + struct.pack("!HHI", s.covers, IN, s.original_ttl)
    data = head()
    for wire in sorted({r.to_digestable() for r in rdatas}):
        data += prefix + struct.pack("!H", len(wire)) + wire
    signature = bytearray(s.key.sign(data))
    if s.flip:
        signature[len(signature) // 2] ^= 0x10
    wire = head(**s.lies) + bytes(signature)
    return dns.rdata.from_wire(IN, RRSIG, wire, 0, len(wire))


def sign(contents, keys, denial, now_s, adjust=None, before=None):
    """Add DNSKEY, denial and RRSIG records.

    keys:   Key objects, with roles
    adjust: function(name, rdtype, Signature) -> Signature, None (no signature) or a list of them
    before: function(contents), called when all records are there and nothing is signed
    """
    for key in keys:
        if key.spec.published:
            contents.add(contents.origin, DNSKEY, 3600, key.rdata)
    if denial.kind == "nsec3":
        _add_nsec3(contents, denial)
    elif denial.kind == "nsec":
        _add_nsec(contents)
    if before is not None:
        before(contents)
    types, cuts = authoritative(contents)
    for (name, rdtype), (ttl, rdatas) in list(contents.sets.items()):
        if rdtype not in types.get(name, ()) or name in cuts and rdtype == NS:
            continue
        labels = len(name.labels) - 1 - (name.labels[0] == b"*")
        for key in keys:
            if not key.spec.signs(rdtype):
                continue
            s = Signature(key, rdtype, key.algorithm, labels, ttl, now_s + 14 * DAY_S, now_s - DAY_S,
                          key.tag, contents.origin)
            made = adjust(name, rdtype, s) if adjust is not None else s
            for one in made if isinstance(made, list) else [made]:
                if one is not None:
                    contents.sigs.setdefault((name, rdtype), (ttl, []))[1].append(
                        _rrsig(name, ttl, rdatas, one))
