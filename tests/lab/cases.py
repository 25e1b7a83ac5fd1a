# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of the internet: zone after zone, what is in it and what is wrong with it.

catalogue(seed, now_s) gives all Zones.  internet.py makes files and servers of them.
"""

import dataclasses
import random

import dns.name
import dns.rdatatype

from keys import SIGNABLE, KeySpec
from signer import DAY_S, Denial, bit_maps

NSEC, NSEC3 = Denial("nsec"), Denial("nsec3")
OPT_OUT = Denial("nsec3", opt_out=True)
DENIALS = {"nsec": NSEC, "nsec3": NSEC3, "optout": OPT_OUT}
CSK = (KeySpec(13),)
HOUR_S = 3600


@dataclasses.dataclass(eq=False)
class Zone:
    name: str  # without the trailing dot; "" is the root
    case: str  # what it is there for: family/variant
    at: str = ""  # knot, nsd, bind, front:BEHAVIOUR; "": drawn
    body: str = "slim"  # slim, rich, or records
    keys: tuple = ()  # KeySpecs; () is an unsigned zone
    denial: Denial = NSEC
    ds: object = None  # function(zone, keys, origin) -> [DS fields]; None: SHA-256 of each SEP key
    adjust: object = None  # signer.sign
    before: object = None  # signer.sign
    after: object = None  # function(contents), when all is signed
    addrs: list = None  # addresses of its servers, in place of those of `at`
    ns: list = None  # names of its servers elsewhere
    parent_ns: list = None  # [(name, [address])]: what the parent says, if that differs
    families: str = "46"  # of the addresses of its servers
    questions: int = 0  # how many to ask; 0: the usual number

    @property
    def family(self):
        return self.case.split("/")[0]


def slug(text):
    return "".join(c if c.isalnum() else "-" for c in str(text)).strip("-").lower()


def two(algorithm, **more):
    """A KSK and a ZSK."""
    return (KeySpec(algorithm, "ksk", **more), KeySpec(algorithm, "zsk", **more))


# ---- the top ----

def top():
    return [
        Zone("", "top/root", "knot", "", two(13)),
        Zone("nsec", "top/nsec", "knot", "", two(13)),
        Zone("nsec3", "top/nsec3", "nsd", "", two(13), Denial("nsec3", 5, b"\xab\xcd")),
        Zone("optout", "top/optout", "bind", "", two(8, bits=1280), OPT_OUT),
        Zone("rsa", "top/rsa", "nsd", "", two(8, bits=2048)),
        Zone("ed", "top/ed", "knot", "", (KeySpec(15),), NSEC3),
        Zone("plain", "top/plain", "bind", ""),
        Zone("hoster.plain", "top/hoster", "nsd",
             "one A 198.18.1.1\ntwo A 198.18.1.2\nlame A 198.18.2.1\n"),
    ]


# ---- sound zones ----

def algorithms():
    out = []
    for algorithm in SIGNABLE:
        for kind, denial in DENIALS.items():
            if algorithm == 5 and kind != "nsec":
                continue  # RFC 5155 2: algorithm 5 says NSEC
            for tld in ("nsec", "nsec3", "optout", "rsa", "ed", "plain"):
                layout = (KeySpec(algorithm),) if tld in ("nsec3", "ed") else two(algorithm)
                out.append(Zone(f"a{algorithm}-{kind}.{tld}", f"algorithm/{algorithm} {kind}",
                                body="rich" if tld in ("nsec", "optout") else "slim",
                                keys=layout, denial=denial))
    for algorithm in (8, 10):
        for bits in (512, 768, 1536, 2048):
            if (algorithm, bits) != (10, 512):  # too short for its hash
                out.append(Zone(f"a{algorithm}-rsa{bits}.nsec", f"algorithm/{algorithm} RSA-{bits}",
                                keys=two(algorithm, bits=bits)))
    return out


def several_algorithms():
    """RFC 6840 5.11: any one of them is enough for a validator."""
    out = []
    for pair in ((8, 13), (13, 15), (7, 8), (5, 8), (10, 14), (15, 16), (8, 13, 15), (5, 7, 8, 10, 13, 14, 15, 16)):
        specs = tuple(k for a in pair for k in two(a))
        word = "-".join(map(str, pair))
        out.append(Zone(f"several-{word}.nsec", f"several/{word}", keys=specs))
        out.append(Zone(f"several-{word}.optout", f"several/{word}", keys=specs, denial=NSEC3))
    for good, bad in ((13, 8), (8, 13), (15, 10)):
        specs = (KeySpec(good), KeySpec(bad, "none", flags=257))
        word = f"{good} signs, {bad} does not"
        out.append(Zone(f"half-{good}-{bad}.nsec", f"several/{word}", keys=specs))
        out.append(Zone(f"half-{good}-{bad}-ds.nsec3", f"several/{word}, DS of the first only",
                        keys=specs, ds=lambda z, k, o: [k[0].ds(o)]))
    broken_one = only(every, flip, algorithm=8)
    out.append(Zone("one-broken.nsec", "several/8 broken, 13 good", keys=(KeySpec(8), KeySpec(13)),
                    adjust=broken_one))
    out.append(Zone("one-broken.nsec3", "several/8 broken, 13 good", keys=(KeySpec(8), KeySpec(13)),
                    adjust=broken_one, denial=NSEC3))
    for unknown in (12, 200):
        out.append(Zone(f"with-{unknown}.nsec", f"several/13 and {unknown}",
                        keys=(KeySpec(13), KeySpec(unknown))))
        out.append(Zone(f"with-{unknown}-broken.nsec", f"several/13 broken and {unknown}",
                        keys=(KeySpec(13), KeySpec(unknown)), adjust=only(every, flip, algorithm=13)))
    return out


def unsupported():
    """RFC 4035 5.2: nothing but algorithms or digests that nobody knows is insecure."""
    out = []
    for algorithm in (1, 3, 6, 12, 17, 100, 123, 200, 252, 253, 254, 255, 0):
        for tld in ("nsec", "optout"):
            out.append(Zone(f"alg{algorithm}.{tld}", f"unsupported/algorithm {algorithm}",
                            keys=(KeySpec(algorithm),)))
    for digest in (0, 3, 5, 6, 100, 255):
        out.append(Zone(f"digest{digest}.nsec", f"unsupported/digest {digest}", keys=CSK,
                        ds=lambda z, k, o, d=digest: [k[0].ds(o, d)]))
        out.append(Zone(f"digest{digest}-and-2.nsec3", f"unsupported/digest {digest} and 2", keys=CSK,
                        ds=lambda z, k, o, d=digest: [k[0].ds(o, d), k[0].ds(o, 2)]))
        out.append(Zone(f"digest{digest}-and-bad.nsec", f"unsupported/digest {digest} and a wrong 2",
                        keys=CSK, ds=lambda z, k, o, d=digest: [k[0].ds(o, d), wrong(k[0].ds(o, 2))]))
    for digest in (1, 4):
        for algorithm in (8, 13):
            out.append(Zone(f"digest{digest}-a{algorithm}.nsec", f"digest/{digest}", keys=two(algorithm),
                            ds=lambda z, k, o, d=digest: [k[0].ds(o, d)]))
    out.append(Zone("digest-all.nsec", "digest/1, 2 and 4", keys=CSK,
                    ds=lambda z, k, o: [k[0].ds(o, d) for d in (1, 2, 4)]))
    out.append(Zone("digest-1-good-2-bad.nsec", "digest/1 good, 2 wrong", keys=CSK,  # RFC 4509 3
                    ds=lambda z, k, o: [k[0].ds(o, 1), wrong(k[0].ds(o, 2))]))
    out.append(Zone("digest-1-bad-2-good.nsec", "digest/1 wrong, 2 good", keys=CSK,
                    ds=lambda z, k, o: [wrong(k[0].ds(o, 1)), k[0].ds(o, 2)]))
    out.append(Zone("digest-2-good-4-bad.nsec", "digest/2 good, 4 wrong", keys=CSK,
                    ds=lambda z, k, o: [k[0].ds(o, 2), wrong(k[0].ds(o, 4))]))
    out.append(Zone("ds-unknown-good.nsec", "digest/DS of algorithm 200 and a good one", keys=CSK,
                    ds=lambda z, k, o: [[1, 200, 2, b"x" * 32], k[0].ds(o, 2)]))
    out.append(Zone("ds-unknown-bad.nsec", "digest/DS of algorithm 200 and a wrong one", keys=CSK,
                    ds=lambda z, k, o: [[1, 200, 2, b"x" * 32], wrong(k[0].ds(o, 2))]))
    return out


def nsec3_parameters():
    out = []
    for iterations in (0, 1, 10, 50, 51, 100, 150, 151, 500):
        for salt in (b"", bytes(range(8))):
            for opt_out in (False, True):
                word = f"{iterations} iterations" + (", salt" if salt else "") + (", opt-out" if opt_out else "")
                name = f"i{iterations}{'-s' if salt else ''}{'-oo' if opt_out else ''}"
                denial = Denial("nsec3", iterations, salt, opt_out)
                out.append(Zone(name + ".nsec", f"nsec3/{word}", keys=CSK, denial=denial, body="rich"))
    out.append(Zone("salt255.nsec", "nsec3/salt of 255", keys=CSK, denial=Denial("nsec3", 1, b"s" * 255)))
    out.append(Zone("hash2.nsec", "nsec3/unknown hash", keys=CSK, denial=Denial("nsec3", hash=2), at="nsd"))
    out.append(Zone("flags2.nsec", "nsec3/unknown flag", keys=CSK, denial=Denial("nsec3", flags=2), at="knot"))
    for iterations in (50, 51, 100, 101, 150, 151, 500):
        parent = f"par{iterations}.nsec"
        out.append(Zone(parent, f"nsec3 parent/{iterations} iterations", keys=CSK,
                        denial=Denial("nsec3", iterations), body=""))
        out.append(Zone("signed." + parent, f"nsec3 parent/{iterations} iterations, signed child", keys=CSK))
        out.append(Zone("plain." + parent, f"nsec3 parent/{iterations} iterations, unsigned child"))
        out.append(Zone("bogus." + parent, f"nsec3 parent/{iterations} iterations, broken child", keys=CSK,
                        adjust=only(every, flip)))
        out.append(Zone("nods." + parent, f"nsec3 parent/{iterations} iterations, child without DS",
                        keys=CSK, ds=no_ds))
    return out


def rollovers():
    """RFC 6781 4, RFC 7583: each half way."""
    out = []
    for a in (8, 13, 15):
        for tld, denial in (("nsec", NSEC), ("optout", NSEC3)):
            ksk, zsk, ksk2, zsk2 = (KeySpec(a, "ksk"), KeySpec(a, "zsk"), KeySpec(a, "ksk", 1),
                                    KeySpec(a, "zsk", 1))
            rows = {
                "ZSK pre-published": (ksk, zsk, KeySpec(a, "none", 1, flags=256)),
                "ZSK double signature": (ksk, zsk, zsk2),
                "old ZSK still there": (ksk, KeySpec(a, "none", 0, flags=256), zsk2),
                "KSK double signature": (ksk, ksk2, zsk),
                "KSK pre-published": (ksk, KeySpec(a, "none", 1, flags=257), zsk),
                "CSK double signature": (KeySpec(a), KeySpec(a, "csk", 1)),
                "CSK to KSK and ZSK": (KeySpec(a), ksk2, zsk2),
            }
            for what, keys in rows.items():
                first = (lambda z, k, o: [k[0].ds(o)])
                out.append(Zone(f"r{a}-{slug(what)}.{tld}", f"rollover/{what}", keys=keys, denial=denial,
                                ds=first))
            out.append(Zone(f"r{a}-standby.{tld}", "rollover/DS for a standby key", keys=(ksk, zsk, KeySpec(
                a, "ksk", 9, published=False)), denial=denial, adjust=drop_of(9),
                ds=lambda z, k, o: [k[0].ds(o), k[2].ds(o)]))
            out.append(Zone(f"r{a}-standby-only.{tld}", "rollover/DS for a missing key only", keys=(
                ksk, zsk, KeySpec(a, "ksk", 9, published=False)), denial=denial, adjust=drop_of(9),
                ds=lambda z, k, o: [k[2].ds(o)]))
            out.append(Zone(f"r{a}-ds-not-signing.{tld}", "rollover/DS for a key that signs nothing", keys=(
                ksk, zsk, KeySpec(a, "none", 7, flags=257)), denial=denial,
                ds=lambda z, k, o: [k[2].ds(o)]))
            out.append(Zone(f"r{a}-removed-zsk.{tld}", "rollover/signed by a key no more published", keys=(
                ksk, KeySpec(a, "zsk", published=False), KeySpec(a, "none", 3, flags=256)), denial=denial))
    for old, new in ((8, 13), (5, 8), (13, 15), (7, 13)):
        keys = two(old) + two(new)
        out.append(Zone(f"alg-{old}-{new}.nsec", "rollover/algorithm, DS of the old", keys=keys,
                        ds=lambda z, k, o: [k[0].ds(o)]))
        out.append(Zone(f"alg-{old}-{new}-new.nsec", "rollover/algorithm, DS of the new", keys=keys,
                        ds=lambda z, k, o: [k[2].ds(o)]))
        out.append(Zone(f"alg-{old}-{new}-both.nsec", "rollover/algorithm, DS of both", keys=keys))
        liberal = two(old) + (KeySpec(new, "none", flags=257), KeySpec(new, "zsk"))
        out.append(Zone(f"alg-{old}-{new}-sigs.nsec", "rollover/algorithm, signatures first", keys=(
            KeySpec(old, "ksk"), KeySpec(old, "zsk"), KeySpec(new, "zsk", published=False)),
            ds=lambda z, k, o: [k[0].ds(o)]))
        out.append(Zone(f"alg-{old}-{new}-lib.nsec", "rollover/algorithm, DS of a key that signs no keys",
                        keys=liberal, ds=lambda z, k, o: [k[0].ds(o), k[2].ds(o)]))
    return out


# ---- broken zones: what an RRset must be, and what happens to its signature ----

def every(name, rdtype, origin):
    return True


def data_only(name, rdtype, origin):
    return rdtype != dns.rdatatype.DNSKEY


def of_type(*types):
    wanted = {dns.rdatatype.from_text(t) for t in types}
    return lambda name, rdtype, origin: rdtype in wanted


def of_label(label, *types):
    inner = of_type(*types) if types else every
    return lambda name, rdtype, origin: name.labels[0] == label and inner(name, rdtype, origin)


def only(selects, change, algorithm=None):
    """An adjust function: change the signatures over the RRsets that are selected."""
    def adjust(name, rdtype, s):
        if selects(name, rdtype, s.signer) and algorithm in (None, s.algorithm):
            return change(s)
        return s
    return adjust


def drop_of(which):
    return lambda name, rdtype, s: None if s.key.spec.which == which else s


def flip(s):
    s.flip = True
    return s


def drop(s):
    return None


def with_times(begins_s, ends_s):
    """Seconds from now; the signature is good but for its times."""
    def change(s):
        now_s = s.inception + DAY_S
        s.inception, s.expiration = now_s + begins_s, now_s + ends_s
        return s
    return change


def lying(**fields):
    """Fields changed after signing."""
    def change(s):
        s.lies = {k: v(s) if callable(v) else v for k, v in fields.items()}
        return s
    return change


def signed_as(signer):
    """A signature that is right, but for whose it says it is."""
    def change(s):
        s.signer = signer(s.signer)
        return s
    return change


def twice(change):
    """A bad signature before the good one."""
    def both(s):
        return [change(dataclasses.replace(s)), s]
    return both


def wrong(ds):
    return ds[:3] + [bytes([ds[3][0] ^ 1]) + ds[3][1:]]


def no_ds(zone, keys, origin):
    return []


EXPIRED = with_times(-16 * DAY_S, -3 * DAY_S)
FUTURE = with_times(5 * DAY_S, 20 * DAY_S)
SIGNATURES = {
    "expired": EXPIRED,
    "not yet valid": FUTURE,
    "ends before it begins": with_times(-1 * DAY_S, -2 * DAY_S),
    "missing": drop,
    "wrong": flip,
    "wrong signer, the parent": signed_as(lambda n: n.parent()),
    "wrong signer, a sibling": signed_as(lambda n: dns.name.Name((b"a13-nsec",) + n.labels[1:])),
    "wrong tag": lying(tag=lambda s: s.tag ^ 1),
    "wrong algorithm": lying(algorithm=lambda s: 10 if s.algorithm != 10 else 8),
    "more labels": lying(labels=lambda s: s.labels + 1),
    "fewer labels": lying(labels=lambda s: max(0, s.labels - 1)),
    "original TTL": lying(original_ttl=lambda s: s.original_ttl + 7),
    "two, the first expired": twice(EXPIRED),
    "two, the first wrong": twice(flip),
}
PARTS = {"all": every, "data": data_only, "keys": of_type("DNSKEY"), "www": of_label(b"www", "A"),
         "denial": of_type("NSEC", "NSEC3"), "SOA": of_type("SOA"), "wildcard": of_label(b"*")}


def signatures():
    out = []
    layouts = ((8, "nsec", NSEC), (13, "nsec3", NSEC3), (13, "optout", NSEC))
    for i, (what, change) in enumerate(SIGNATURES.items()):
        for j, (part, selects) in enumerate(PARTS.items()):
            a, tld, denial = layouts[(i + j) % 3]
            out.append(Zone(f"s-{slug(what)[:30]}-{slug(part)}.{tld}", f"signature/{what}: {part}",
                            "knot" if "labels" in what else "", keys=two(a) if tld != "optout" else (KeySpec(a),), denial=denial,
                            adjust=only(selects, change)))
    for word, change in (("missing", drop), ("wrong", flip), ("expired", EXPIRED)):
        for kind, denial in DENIALS.items():
            out.append(Zone(f"den-{word}-{kind}.nsec", f"signature/{word}: denial {kind}", keys=CSK,
                            denial=denial, adjust=only(PARTS["denial"], change)))
            out.append(Zone(f"whole-{word}-{kind}.rsa", f"signature/{word}: all", keys=CSK,
                            denial=denial, adjust=only(every, change)))
    return out


# ---- broken denials, keys and DS records ----

def without(rdtype_text, label=None):
    rdtype = dns.rdatatype.from_text(rdtype_text)

    def remove(contents):
        for held in (contents.sets, contents.sigs):
            for key in [k for k in held if k[1] == rdtype and label in (None, k[0].labels[0])]:
                del held[key]
    return remove


def gap(contents):
    """Every other NSEC or NSEC3 record is gone."""
    for rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3):
        for name in sorted(n for n, t in contents.sets if t == rdtype)[1::2]:
            del contents.sets[name, rdtype]


MANY_TYPES = tuple(bit_maps(dns.rdatatype.from_text(t) for t in (
    "A", "PTR", "MX", "TXT", "AAAA", "SRV", "DS", "RRSIG", "NSEC", "DNSKEY", "SVCB", "HTTPS", "CAA")))


def lie_about(change):
    """Type bit maps of all NSEC and NSEC3 records, changed before signing."""
    def edit(contents):
        for (name, rdtype), (ttl, rdatas) in contents.sets.items():
            if rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3):
                rdatas[0] = rdatas[0].replace(windows=change(rdatas[0].windows))
    return edit


def alter(label, rdtype_text, text):
    """Other data under the old signature."""
    rdtype = dns.rdatatype.from_text(rdtype_text)

    def change(contents):
        key = (dns.name.Name((label,) + contents.origin.labels), rdtype)
        contents.sets[key] = (contents.sets[key][0], [dns.rdata.from_text("IN", rdtype_text, text)])
    return change


def denials():
    out = []
    maps = {
        "empty bit maps": lambda w: (),
        "all types in bit maps": lambda w: MANY_TYPES,
        "CNAME in bit maps": lambda w: ((0, bytes([w[0][1][0] | 4]) + w[0][1][1:]),) + tuple(w[1:]) if w else w,
    }
    for kind, denial in DENIALS.items():
        for what, change in maps.items():
            out.append(Zone(f"d-{slug(what)}-{kind}.nsec", f"denial/{what}, {kind}", "knot", keys=CSK,
                            denial=denial, before=lie_about(change)))
        out.append(Zone(f"d-gap-{kind}.nsec", f"denial/every other record is missing, {kind}", "knot",
                        keys=CSK, denial=denial, before=gap))
        out.append(Zone(f"d-other-{kind}.nsec", f"denial/none, {kind} zone", "knot", keys=CSK,
                        denial=Denial("none"), body="rich"))
    out.append(Zone("d-none.nsec3", "denial/none", "knot", keys=CSK, denial=Denial("none")))
    out.append(Zone("d-altered.nsec", "data/altered after signing", "knot", keys=CSK,
                    after=alter(b"www", "A", "192.0.2.99")))
    out.append(Zone("d-altered.nsec3", "data/altered after signing", "knot", keys=two(8), denial=NSEC3,
                    after=alter(b"www", "A", "192.0.2.99")))
    return out


def ds_and_keys():
    rows = {
        "wrong digest": dict(ds=lambda z, k, o: [wrong(k[0].ds(o))]),
        "wrong tag": dict(ds=lambda z, k, o: [[k[0].tag ^ 1] + k[0].ds(o)[1:]]),
        "wrong algorithm": dict(ds=lambda z, k, o: [[k[0].tag, 10 if k[0].algorithm != 10 else 8] + k[0].ds(o)[2:]]),
        "short digest": dict(ds=lambda z, k, o: [k[0].ds(o)[:3] + [k[0].ds(o)[3][:20]]]),
        "long digest": dict(ds=lambda z, k, o: [k[0].ds(o)[:3] + [k[0].ds(o)[3] + b"x"]]),
        "one wrong, one right": dict(ds=lambda z, k, o: [wrong(k[0].ds(o)), k[0].ds(o)]),
        "of the ZSK": dict(ds=lambda z, k, o: [k[1].ds(o)]),
        "of the ZSK, which signs keys": dict(keys=(KeySpec(13, "csk", flags=256),),
                                             ds=lambda z, k, o: [k[0].ds(o)]),
        "ten, one of them right": dict(ds=lambda z, k, o: [
            [(k[0].tag + i) % 65536, k[0].algorithm, 2, bytes([i]) * 32] for i in range(1, 10)] + [k[0].ds(o)]),
        "DS, but no keys": dict(keys=CSK, after=without("DNSKEY")),
        "DS, but the zone is not signed": dict(keys=(), ds=lambda z, k, o: [[12345, 13, 2, b"x" * 32]]),
        "DS, but no signatures": dict(keys=CSK, adjust=only(every, drop)),
        "key is no zone key": dict(keys=(KeySpec(13, "csk", flags=1),), ds=lambda z, k, o: [k[0].ds(o)]),
        "key has another protocol": dict(keys=(KeySpec(13, "csk", protocol=4),)),
        "revoked key alone": dict(keys=(KeySpec(13, "csk", flags=385),), ds=lambda z, k, o: [k[0].ds(o)]),
        "revoked key beside a good one": dict(keys=(KeySpec(13), KeySpec(13, "csk", 1, flags=385)),
                                              ds=lambda z, k, o: [k[0].ds(o)]),
        "revoked key has the DS": dict(keys=(KeySpec(13), KeySpec(13, "csk", 1, flags=385)),
                                       ds=lambda z, k, o: [k[1].ds(o)]),
        "keys signed by the ZSK only": dict(keys=(KeySpec(13, "none", flags=257), KeySpec(13, "csk", 1, flags=256)),
                                            ds=lambda z, k, o: [k[0].ds(o)]),
        "data signed by the KSK": dict(keys=(KeySpec(13, "csk"), KeySpec(13, "none", 1, flags=256))),
        "ten keys": dict(keys=two(13) + tuple(KeySpec(13, "none", i, flags=256) for i in range(10, 18))),
        "odd flags": dict(keys=(KeySpec(13, "csk", flags=0x0101 | 0x4000),), ds=lambda z, k, o: [k[0].ds(o)]),
    }
    out = []
    for what, options in rows.items():
        for tld, denial, a in (("nsec", NSEC, 13), ("nsec3", NSEC3, 8)):
            options = dict(options)
            options.setdefault("keys", two(a))
            at = "knot" if "no keys" in what or "protocol" in what or "flags" in what else ""
            out.append(Zone(f"k-{slug(what)[:40]}.{tld}", f"keys/{what}", at, denial=denial, **options))
    return out


# ---- delegations ----

def children():
    """Secure, insecure and broken ones below each other; on the same server and not."""
    out = []
    for tld in ("nsec", "nsec3", "optout", "rsa", "ed", "plain"):
        for i in range(5):
            out.append(Zone(f"u{i}.{tld}", "child/unsigned", body="rich" if i == 0 else "slim"))
        out.append(Zone(f"island.{tld}", "child/signed, no DS", keys=CSK, ds=no_ds, body="rich"))
        out.append(Zone(f"below.island.{tld}", "child/below an island", keys=CSK))
        out.append(Zone(f"below.u1.{tld}", "child/signed with DS below unsigned", "knot", keys=CSK))
        out.append(Zone(f"cut.a.b.{tld}", "child/below empty non-terminals", keys=CSK))
        out.append(Zone(f"cut2.a.b.{tld}", "child/unsigned below empty non-terminals"))
        out.append(Zone(f"only.x.y.{tld}", "child/unsigned, alone below empty non-terminals"))
    for kind, denial in DENIALS.items():
        for at in ("knot", "nsd", "bind"):
            up = f"same-{at}-{kind}.nsec"
            out.append(Zone(up, "same server/parent", at, keys=two(13), denial=denial))
            out.append(Zone(f"signed.{up}", "same server/signed child", at, keys=CSK, denial=denial))
            out.append(Zone(f"plain.{up}", "same server/unsigned child", at))
            out.append(Zone(f"deep.er.{up}", "same server/child two labels below", at, keys=CSK))
            out.append(Zone(f"x.signed.{up}", "same server/grandchild", at, keys=CSK, denial=denial))
            out.append(Zone(f"x.plain.{up}", "same server/signed, below unsigned", at, keys=CSK))
    name = "deep.nsec"
    for i in range(9):
        out.append(Zone(name, f"deep/{i} below", keys=(KeySpec((13, 8, 15)[i % 3]),),
                        denial=(NSEC, NSEC3, OPT_OUT)[i % 3]))
        name = f"d{i}.{name}"
    out.append(Zone("broken-mid.nsec", "child/broken parent", keys=CSK, adjust=only(every, flip)))
    out.append(Zone("child.broken-mid.nsec", "child/good below broken", keys=CSK))
    out.append(Zone("plain.broken-mid.nsec", "child/unsigned below broken"))
    for kind, denial in DENIALS.items():  # the DS denial itself is wrong
        out.append(Zone(f"nods-{kind}.rsa", "child/parent whose denials are wrong", keys=CSK, denial=denial,
                        adjust=only(PARTS["denial"], flip)))
        out.append(Zone(f"plain.nods-{kind}.rsa", "child/unsigned, no DS not proven"))
        out.append(Zone(f"signed.nods-{kind}.rsa", "child/signed below wrong denials", keys=CSK))
    return out


def servers():
    """Delegations that differ, lead away, or partly lead nowhere."""
    dead, knot, nsd, bind = "198.18.5.250", "198.18.1.1", "198.18.2.1", "198.18.3.1"
    out = []
    for tld, keys in (("nsec", CSK), ("plain", ())):
        here = [(f"ns1.{{}}.{tld}.", [knot])]

        def zone(name, what, **options):
            if "parent_ns" in options:
                options["parent_ns"] = [(n.format(name), a) for n, a in options["parent_ns"]]
            out.append(Zone(f"{name}.{tld}", f"delegation/{what}", options.pop("at", "knot"), keys=keys,
                            **options))
        zone("hosted", "servers elsewhere", ns=["one.hoster.plain.", "two.hoster.plain."])
        zone("hosted1", "servers elsewhere, one of them gone", ns=["nosuch.hoster.plain.", "two.hoster.plain."])
        zone("hosted2", "servers elsewhere, one of them lame", ns=["lame.hoster.plain.", "one.hoster.plain."])
        zone("onedead", "one of two is silent", addrs=[dead, knot])
        zone("threedead", "three of four are silent", addrs=[dead, "198.18.5.249", "198.18.5.248", knot])
        zone("onelame", "one of two is lame", addrs=[nsd, knot])
        zone("alllame", "all lame", at="knot", addrs=[nsd, bind], questions=6)
        zone("fewer", "the parent knows fewer", addrs=["198.18.1.1", "198.18.1.2"], parent_ns=here)
        zone("more", "the parent knows more, and they are lame", addrs=[knot],
             parent_ns=here + [(f"ns2.{{}}.{tld}.", [nsd])])
        zone("other", "the child names others", addrs=["198.18.1.2"], parent_ns=[(f"old.{{}}.{tld}.", [knot])])
        zone("childdead", "the child names a silent one", addrs=[dead], parent_ns=here)
        zone("v6only", "IPv6 only", families="6")
        zone("v4only", "IPv4 only", families="4")
        zone("v6dead", "IPv6 is silent", addrs=["fd53::5:250", knot])
        zone("big", "big answers", body=BIG)
        zone("odd", "odd types", body=ODD)
        zone("labels", "many labels", body=LABELS)
    out.append(Zone("bigkeys.nsec", "delegation/big keys", keys=tuple(
        KeySpec(8, "csk", i, bits=2048) for i in range(4)) + tuple(KeySpec(16, "none", i) for i in range(30))))
    return out


# What a front does with the answers of a good server behind it (badserver.py), and how much to ask.
FRONTS = {"good": 0, "noaa": 12, "recursive": 12, "refused": 5, "servfail": 5, "notimp": 5, "upward": 5, "hole": 3,
          "ednsdrop": 10, "ednsformerr": 12, "ednsnotimp": 12, "ednsservfail": 12, "ednsecho": 12,
          "tcponly": 6, "alwaystc": 0, "tcnotcp": 4, "tchalf": 4, "cuts": 12, "wrongid": 0,
          "wrongquestion": 0, "slow": 12, "flapping": 12, "lowercase": 0, "garbage": 3, "empty": 3, "short": 3,
          "noquestion": 5, "nosoa": 12, "nsrefused": 12, "stripped": 12, "mangled": 12}


def fronts():
    out = []
    for behaviour, questions in FRONTS.items():
        for tld, keys in (("nsec", CSK), ("plain", ())):
            out.append(Zone(f"f-{behaviour}.{tld}", f"server/{behaviour}", "front:" + behaviour, keys=keys,
                            questions=questions))
        out.append(Zone(f"h-{behaviour}.optout", f"server/{behaviour} beside a good one", "front:" + behaviour,
                        keys=two(13), denial=NSEC3, addrs=["front", "198.18.1.3"], questions=min(questions, 12)))
    return out


# ---- content ----

SLIM = """
@      A     192.0.2.{n}
@      MX    10 www
www    A     192.0.2.{n}
www    AAAA  2001:db8::{n}
www    TXT   "{name}"
alias  CNAME www
*.wild A     192.0.2.{n}
a.b.ent TXT  "an empty non-terminal above"
"""
RICH = SLIM + """
@      AAAA  2001:db8::{n}
@      TXT   "v=spf1 mx -all" "second string"
@      CAA   0 issue "ca.example"
@      HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.{n}
two    A     192.0.2.1
two    A     192.0.2.2
alias2 CNAME alias
mail   A     192.0.2.{n}
_sip._udp SRV 10 60 5060 mail
svc    SVCB  1 www port=8443
_443._tcp.www TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
spot   LOC   52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
type   TYPE65400 \\# 4 deadbeef
host.wild A  192.0.2.{n}
*.wild TXT   "wild"
*.cw   CNAME www
*.out  CNAME www.u0.plain.
*.x.y  MX    10 mail
into   DNAME below
www.below A  192.0.2.{n}
*.below TXT  "below"
under  A     192.0.2.{n}
loop   CNAME loop2
loop2  CNAME loop
gone   CNAME nothere
"""
BIG = SLIM + "\n".join(f'long TXT "{i:03d} {"x" * 240}"' for i in range(24)) + "\n" + "\n".join(
    f"many A 198.51.{i // 250}.{i % 250 + 1}" for i in range(400)) + "\n"
ODD = SLIM + """
h   HINFO "cpu" "os"
r   RP    mbox.example. txt.example.
f   AFSDB 1 www
n   NAPTR 100 50 "s" "z3950+I2L+I2C" "" _z3950._tcp
k   KX    10 www
c   CERT  PKIX 1 8 MxFcby9k
s   SSHFP 2 1 123456789abcdef67890123456789abcdef67890
e   EUI48 00-00-5e-00-53-2a
u   URI   10 1 "ftp://ftp1.example.com/public"
t   TYPE65400 \\# 4 deadbeef
t   TYPE65280 \\# 0
p   PTR   WWW.Mixed.Case.
@   OPENPGPKEY mQCNAy8AAAE=
x   CSYNC 66 3 A NS AAAA
esc\\.aped TXT "dot"
sp\\032ace TXT "space"
nul\\000x  TXT "nul"
UPPER A  192.0.2.7
_dmarc TXT "v=DMARC1"
"""
LABELS = SLIM + "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p A 192.0.2.3\n" + ".".join(["x" * 50] * 4) + " A 192.0.2.4\n*.a.b.c A 192.0.2.5\n"
BODIES = {"slim": SLIM, "rich": RICH}
HOPS = 4  # hopN leads to hopN-1 of another zone


def add_links(zones, rng):
    """Aliases from each zone to others: secure to insecure and back, to broken ones."""
    leaves = [z for z in zones if z.body and z.family != "top"]
    calm = [z for z in leaves if not z.at.startswith("front")]
    for z in leaves:
        lines = [f"hop0 CNAME www.{rng.choice(calm).name}."]
        lines += [f"hop{i} CNAME hop{i - 1}.{rng.choice(calm).name}." for i in range(1, HOPS)]
        if z.body.count("\n") > 12:
            lines += [f"dn DNAME {rng.choice(calm).name}.", f"mx MX 10 www.{rng.choice(calm).name}."]
        z.body += "\n".join(lines) + "\n"


def catalogue(seed):
    rng = random.Random(f"{seed}/catalogue")
    zones = top() + algorithms() + several_algorithms() + unsupported() + nsec3_parameters() + rollovers() \
        + signatures() + denials() + ds_and_keys() + children() + servers() + fronts()
    for n, z in enumerate(zones):
        z.body = BODIES.get(z.body, z.body).replace("{n}", str(n % 250 + 1)).replace("{name}", z.name)
        if not z.at:
            z.at = rng.choice(("knot", "knot", "nsd", "bind"))
    add_links(zones, rng)
    names = [z.name for z in zones]
    assert len(names) == len(set(names)), [n for n in names if names.count(n) > 1]
    return zones
