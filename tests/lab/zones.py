#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zones of the lab: what the private internet holds, and who serves it.

A Zone says its name, its server and its records; SOA, NS, glue and the delegation in the zone
above are made from that.  The servers are real ones (SERVERS below) or one of the behaviours of
badserver.py, each of which gets an address of its own.
"""

import dataclasses

# Where the real servers listen.  All of them, and badserver.py, use the same port.
ADDRESSES = {
    "root": ["127.53.0.1", "127.53.0.2"],  # Knot DNS: the root, signed
    "tld": ["127.53.1.1", "127.53.1.2"],  # NSD: the top-level domains
    "knot": ["127.53.2.1", "127.53.2.2"],  # Knot DNS: leaf zones, signed ones among them
    "bind": ["127.53.3.1", "127.53.3.2"],  # BIND: leaf zones; see bind_addresses()
    "nsd": ["127.53.4.1", "127.53.4.2"],  # NSD: leaf zones
}
BAD_NET = "127.53.5."  # badserver.py, one address a behaviour
DEEP_NET = "127.53.6."  # badserver.py, well behaved, one address a zone
CLOSED = ["127.53.9.1", "127.53.9.2"]  # nobody listens here
V6_IN_NAMESPACE = "fd00:53::6"  # where the lab owns the machine's addresses
V6_PLAIN = "::1"


@dataclasses.dataclass(eq=False)
class Zone:
    name: str  # without the trailing dot; "" is the root
    at: str  # a key of ADDRESSES, or "py:BEHAVIOUR" for badserver.py, or "closed"
    body: str = ""  # records, relative to the zone
    addrs: list = None  # where its name servers are; by default those of `at`
    ns: list = None  # names of the servers, absolute with a dot; default: ns1, ns2 in the zone
    glue: bool = True  # the parent and the zone carry addresses for ns below the zone
    parent_ns: list = None  # [(name, [addr])]: what the parent says, if that differs
    signed: str = ""  # "", "nsec" or "nsec3"
    # yes: the oracle resolves it; weir: the oracle does not, Weir does; no: nobody can;
    # oracle: what the oracle resolves Weir must resolve too, the rest may fail.
    resolves: str = "yes"
    arg: str = ""  # for the behaviour

    def servers(self):
        """[(absolute name, [addresses])] of the zone's own NS records."""
        if self.ns is not None:
            return [(n, []) for n in self.ns]
        dot = self.name + "." if self.name else ""
        return [(f"ns{i + 1}.{dot}", [a] if self.glue else []) for i, a in enumerate(self.addrs)]


def _record(addr):
    return ("AAAA" if ":" in addr else "A") + " " + addr


def zone_text(zone, zones):
    """The zone as a file: SOA, NS, glue, its records, the delegations below it."""
    dot = zone.name + "." if zone.name else "."
    own = zone.servers()
    lines = [f"$ORIGIN {dot}", "$TTL 300",
             f"@ 3600 SOA {own[0][0]} hostmaster.{dot.lstrip('.')} 2026112201 3600 600 864000 60"]
    seen = set()
    for name, addrs in own:
        lines.append(f"@ 3600 NS {name}")
        for a in addrs:
            seen.add(name)
            lines.append(f"{name} 3600 {_record(a)}")
    lines.append(zone.body)
    for child in zones:
        if child is zone or parent_of(child, zones) is not zone:
            continue
        for name, addrs in child.parent_ns or child.servers():
            lines.append(f"{child.name}. 3600 NS {name}")
            for a in addrs:
                if (name, a) not in seen:
                    seen.add((name, a))
                    lines.append(f"{name} 3600 {_record(a)}")
    return "\n".join(lines) + "\n"


def parent_of(zone, zones):
    """The zone that delegates this one: the longest other whose name is an ancestor."""
    if zone.name == "":
        return None
    best = None
    for z in zones:
        if z.name != zone.name and (z.name == "" or zone.name.endswith("." + z.name)):
            if best is None or len(z.name) > len(best.name):
                best = z
    return best


SITE = """
@        A     192.0.2.{n}
@        AAAA  2001:db8::{n}
@        MX    10 mail
@        MX    20 mail2
@        TXT   "v=spf1 mx -all"
@        CAA   0 issue "ca.example"
www      CNAME @
mail     A     192.0.2.{n}
mail2    AAAA  2001:db8:2::{n}
a.b.c    A     192.0.2.{n}
_sip._udp SRV  10 60 5060 mail
_sip._udp SRV  20 0  5060 mail2
"""

# What a server that misbehaves would answer if it were well.
SMALL = """
@     A     198.51.100.{n}
www   A     198.51.100.{n}
www   AAAA  2001:db8:5::{n}
text  TXT   "text of zone {n}"
alias CNAME www
a.b   A     198.51.100.{n}
"""

LONG_TXT = "\n".join(f'long TXT "{i:03d} {"x" * 200}"' for i in range(12))
MANY_A = "\n".join(f"many A 198.18.{i // 250}.{i % 250 + 1}" for i in range(240))
CHAIN = 16  # next.c00.test -> next.c01.test -> ... -> next.c15.test


def bind_addresses(has_namespace):
    """BIND listens only on addresses that interfaces have, and 127.0.0.1 is all there is outside."""
    return ADDRESSES["bind"] if has_namespace else ["127.0.0.1"]


def build(v6_address, bind):
    """All zones of the lab."""
    zones = [Zone("", "root", signed="nsec")]
    for tld in ("com", "net", "org", "test", "arpa", "uk", "co.uk", "in-addr.arpa"):
        zones.append(Zone(tld, "tld"))
    zones += _sites() + _content(v6_address, bind) + _aliases() + _delegations() + _misbehaving()
    _place(zones, bind)
    return zones


def _sites():
    """Ordinary zones, over all servers and top-level domains."""
    out = []
    servers = ("nsd", "knot", "bind")
    tlds = ("com", "net", "org", "test", "co.uk")
    for i in range(20):
        out.append(Zone(f"site{i:02d}.{tlds[i % 5]}", servers[i % 3], SITE.format(n=i + 1)))
    return out


def _content(v6_address, bind):
    """Zones for one kind of content each."""
    return [
        Zone("plain.com", "nsd", SITE.format(n=100) + "\ntwo A 192.0.2.101\ntwo A 192.0.2.102\n"),
        Zone("hoster.net", "bind", f"ns A {bind[0]}\nns2 A {bind[-1]}\nnsknot A 127.53.2.1\n"
             "nsnsd A 127.53.4.1\nns-alias CNAME nsnsd\n@ A 192.0.2.103\n"),
        Zone("big.com", "nsd", f"@ A 192.0.2.104\n{LONG_TXT}\n{MANY_A}\n"
             'quote TXT "say \\"hi\\"" "\\000\\255;" ""\n'),
        Zone("bigknot.com", "knot", f"@ A 192.0.2.104\n{LONG_TXT}\n{MANY_A}\n"),
        Zone("wild.org", "knot", '* A 192.0.2.105\n* TXT "any"\n*.sub AAAA 2001:db8::105\n'
             "real A 192.0.2.106\nx.ent.deep A 192.0.2.107\n*.alias CNAME www.plain.com.\n"),
        Zone("wildbind.org", "bind", "* A 192.0.2.108\n*.sub MX 5 mail\nreal A 192.0.2.109\n"),
        Zone("svcb.net", "knot",
             '@ A 192.0.2.110\n@ HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.110,192.0.2.111 '
             'ipv6hint=2001:db8::110\nwww HTTPS 0 svc.svcb.net.\n'
             'svc HTTPS 1 . alpn=h2 port=8443\nsvc A 192.0.2.112\n'
             '_dns SVCB 1 dot.svcb.net. alpn=dot\ndot A 192.0.2.113\n'
             'hint HTTPS 1 . ipv4hint=203.0.113.7\nhint6 HTTPS 1 . ipv6hint=2001:db8:bad::7\n'
             'alias CNAME hint\n'),
        Zone("types.org", "bind",
             '@ A 192.0.2.114\nloc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\n'
             'naptr NAPTR 100 10 "U" "E2U+sip" "!^.*$!sip:info@types.org!" .\n'
             'sshfp SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789\n'
             '_443._tcp TLSA 3 1 1 0d6fce3397f2ea6b0f0b5e4b8ab0e1d9c3b3b1c0f7a0c6a4e1f2d3c4b5a69788\n'
             'unknown TYPE65400 \\# 4 0A000001\nhinfo HINFO "PDP-11" "UNIX"\n'
             'rp RP admin.types.org. text.types.org.\nptr PTR www.plain.com.\n'
             'uri URI 10 1 "https://types.org/"\nmx0 MX 0 .\ncaa CAA 128 iodef "mailto:a@types.org"\n'),
        Zone("signed.test", "knot", SITE.format(n=120) + "\n* TXT \"wild\"\n", signed="nsec"),
        Zone("nsec3.test", "knot", SITE.format(n=121) + "\nlong TXT " +
             " ".join('"' + "y" * 200 + '"' for _ in range(4)) + "\n", signed="nsec3"),
        Zone("ent.net", "nsd", "x.y.z A 192.0.2.122\na.x.y.z A 192.0.2.123\n"),
        Zone("zerottl.net", "nsd", "@ 0 A 192.0.2.124\nwww 0 CNAME @\nshort 1 A 192.0.2.125\n"),
        Zone("labels.org", "bind", "* A 192.0.2.126\n" + ".".join("abcdefghij" * 10) +
             " A 192.0.2.127\n" + ".".join(["x" * 63, "y" * 63, "z" * 63]) + " A 192.0.2.128\n"
             "under_score A 192.0.2.129\n\\046dot A 192.0.2.130\nsp\\032ace A 192.0.2.131\n"
             "\\000nul A 192.0.2.132\nUPPER.Case A 192.0.2.133\n"),
        Zone("xn--bcher-kva.com", "nsd", "@ A 192.0.2.134\nwww A 192.0.2.134\n"),
        Zone("2.0.192.in-addr.arpa", "bind",
             "\n".join(f"{i} PTR host{i}.plain.com." for i in range(1, 20)) + "\n"),
        Zone("v6only.test", "knot", SMALL.format(n=1), addrs=[v6_address]),
        Zone("local.test", "nsd", "@ A 10.1.2.3\nloop A 127.0.0.1\nzero A 0.0.0.0\n"),
        Zone("answers.test", "nsd",
             "good A 192.0.2.150\nbad A 203.0.113.66\nbad6 AAAA 2001:db8:bad::66\n"
             "mixed A 192.0.2.151\nmixed A 203.0.113.67\nhint HTTPS 1 . ipv4hint=203.0.113.68\n"
             "hint6 HTTPS 1 . ipv6hint=2001:db8:bad::68\nfar CNAME bad\ntxt TXT \"203.0.113.66\"\n"),
    ]


def _aliases():
    """CNAME and DNAME chains and loops."""
    servers = ("nsd", "knot", "bind")
    out = [Zone("alias.com", "bind",
                "one CNAME www.plain.com.\ntwo CNAME one\nthree CNAME two\n"
                "nx CNAME nothing.plain.com.\nnodata CNAME only-a.alias.com.\nonly-a A 192.0.2.140\n"
                "out CNAME next.c13.test.\nbroken CNAME www.refused.test.\n"
                "tobad CNAME bad.answers.test.\ntolisted CNAME listed.alias.net.\n"),
           Zone("alias.net", "nsd", "listed A 192.0.2.141\ndeep CNAME deeper\ndeeper CNAME deepest\n"
                "deepest A 192.0.2.142\nvia CNAME www.attacker.test.\nfromallowed CNAME listed\n"),
           Zone("dname.org", "bind", "old DNAME plain.com.\nnew DNAME dname2.org.\nself A 192.0.2.143\n"
                "hop DNAME old.dname.org.\n" + ".".join(["l" * 60] * 2) + " DNAME " +
                ".".join(["m" * 60] * 3) + ".dname.org.\n"),
           Zone("dname2.org", "knot", "www A 192.0.2.144\nwww.old A 192.0.2.145\n"
                "same DNAME dname.org.\n"),
           Zone("loop.org", "nsd", "self CNAME self\na CNAME b\nb CNAME a\n"
                "far CNAME far.loop.net.\ngrow DNAME x.grow2.loop.net.\nd DNAME d.loop.net.\n",
                resolves="no"),
           Zone("loop.net", "bind", "far CNAME far.loop.org.\ngrow2 DNAME grow.loop.org.\n"
                "d DNAME d.loop.org.\n", resolves="no")]
    for i in range(CHAIN):
        body = f"next CNAME next.c{i + 1:02d}.test.\n" if i < CHAIN - 1 else "next A 192.0.2.160\n"
        out.append(Zone(f"c{i:02d}.test", servers[i % 3], body,
                        resolves="yes" if i >= CHAIN - 11 else "oracle"))
    return out


def _delegations():
    """Delegations of every shape; those below are sound, the broken ones come after."""
    deep, out = "deep.test", []
    for i in range(10):
        out.append(Zone(deep, "py:good", SMALL.format(n=i + 1) if i in (0, 4, 9) else "www A 192.0.2.9\n",
                        addrs=[f"{DEEP_NET}{i + 1}"]))
        deep = f"d{i + 1}.{deep}"
    victim = [f"n{i}.victim.test." for i in range(100)]
    out += [
        Zone("glueless.test", "bind", SITE.format(n=170), ns=["ns.hoster.net.", "ns2.hoster.net."]),
        Zone("chain1.test", "nsd", SMALL.format(n=171), ns=["ns.chain2.net."]),
        Zone("chain2.net", "nsd", "ns A 127.53.4.1\n", ns=["ns.chain3.org."]),
        Zone("chain3.org", "nsd", "ns A 127.53.4.2\n", ns=["nsnsd.hoster.net."]),
        Zone("sub.site00.com", "bind", SMALL.format(n=172)),
        Zone("a.b.c.site05.com", "nsd", SMALL.format(n=173)),
        Zone("noglue.test", "nsd", SMALL.format(n=174), ns=["ns.noglue.test."], glue=False,
             resolves="no"),
        Zone("cyca.test", "nsd", SMALL.format(n=175) + "ns A 127.53.4.2\n", ns=["ns.cycb.net."], resolves="no"),
        Zone("cycb.net", "nsd", "ns A 127.53.4.1\n", ns=["ns.cyca.test."], resolves="no"),
        Zone("nxns.test", "py:good", SMALL.format(n=176), ns=victim, resolves="no"),
        Zone("nsnx.test", "nsd", SMALL.format(n=177), ns=["ns.nothing-here.plain.com."],
             resolves="no"),
        Zone("nscname.test", "nsd", SMALL.format(n=178), ns=["ns-alias.hoster.net."],
             resolves="oracle"),
        Zone("childns.test", "nsd", SMALL.format(n=179), ns=["nsnsd.hoster.net."],
             parent_ns=[("ns1.childns.test.", ["127.53.4.1"])]),
        Zone("childdead.test", "nsd", SMALL.format(n=180),
             addrs=["127.53.4.1", CLOSED[0]], parent_ns=[("ns1.childdead.test.", ["127.53.4.1"])],
             resolves="yes"),
        Zone("halfdead.test", "nsd", SMALL.format(n=181), addrs=[CLOSED[0], "127.53.4.2"]),
        Zone("onealive.test", "nsd", SMALL.format(n=182),
             addrs=CLOSED + ["127.53.9.3", "127.53.9.4", "127.53.4.1"], resolves="weir"),
        Zone("closed.test", "closed", SMALL.format(n=183), resolves="no"),
        Zone("tunnel.test", "closed", addrs=["127.53.7.1"], resolves="no"),  # of detect_test.py
        Zone("notthere.test", "nsd-without", SMALL.format(n=184), addrs=["127.53.4.1"], resolves="no"),
    ]
    return out


# name, behaviour, resolves (see badserver.py for what each does)
MISBEHAVING = [
    ("good.test", "good", "yes"),
    ("refused.test", "refused", "no"),
    ("servfail.test", "servfail", "no"),
    ("notimp.test", "notimp", "no"),
    ("upward.test", "upward", "no"),
    ("sideways.test", "sideways", "no"),
    ("noaa.test", "noaa", "oracle"),
    ("recursive.test", "recursive", "oracle"),
    ("hole.test", "hole", "no"),
    ("ednsdrop.test", "ednsdrop", "weir"),
    ("ednsformerr.test", "ednsformerr", "yes"),
    ("ednsnotimp.test", "ednsnotimp", "yes"),
    ("ednsservfail.test", "ednsservfail", "oracle"),
    ("ednsecho.test", "ednsecho", "yes"),
    ("tcponly.test", "tcponly", "oracle"),
    ("alwaystc.test", "alwaystc", "yes"),
    ("tcnotcp.test", "tcnotcp", "no"),
    ("tchang.test", "tchang", "no"),
    ("tchalf.test", "tchalf", "no"),
    ("cuts.test", "cuts", "yes"),
    ("wrongid.test", "wrongid", "yes"),
    ("wrongquestion.test", "wrongquestion", "weir"),
    ("wrongsource.test", "wrongsource", "yes"),
    ("slow.test", "slow", "yes"),
    ("flapping.test", "flapping", "yes"),
    ("lowercase.test", "lowercase", "yes"),
    ("junk.test", "junk", "yes"),
    ("garbage.test", "garbage", "no"),
    ("empty.test", "empty", "no"),
    ("short.test", "short", "no"),
    ("noquestion.test", "noquestion", "oracle"),
    ("nosoa.test", "nosoa", "oracle"),
    ("entnx.test", "entnx", "oracle"),
    ("nsrefused.test", "nsrefused", "yes"),
    ("manyrecords.test", "manyrecords", "oracle"),
    ("loopptr.test", "loopptr", "no"),
    ("garden.test", "garden", "oracle"),
    ("attacker.test", "attacker", "oracle"),
    ("victim.test", "victim", "oracle"),
]


def _misbehaving():
    out = []
    for i, (name, behaviour, resolves) in enumerate(MISBEHAVING):
        out.append(Zone(name, "py:" + behaviour, SMALL.format(n=i + 1), addrs=[f"{BAD_NET}{i + 1}"],
                        resolves=resolves))
    at = {z.name: z.addrs[0] for z in out}
    out += [
        Zone("halflame.test", "py:good", SMALL.format(n=90), addrs=[at["refused.test"], at["good.test"]]),
        Zone("halfhole.test", "py:good", SMALL.format(n=91), addrs=[at["hole.test"], at["good.test"]]),
        Zone("halfslow.test", "py:good", SMALL.format(n=92), addrs=[at["slow.test"], at["good.test"]]),
    ]
    return out


def _place(zones, bind):
    for z in zones:
        if z.addrs is None:
            if z.at == "closed":
                z.addrs = CLOSED
            elif z.at == "py:good":
                z.addrs = [f"{DEEP_NET}200"]
            else:
                z.addrs = bind if z.at == "bind" else ADDRESSES[z.at]


def python_servers(zones):
    """{address: (behaviour, [zones])} for badserver.py."""
    out = {}
    for z in zones:
        if z.at.startswith("py:"):
            for a in z.addrs:
                if a.startswith(BAD_NET) or a.startswith(DEEP_NET):
                    behaviour, held = out.setdefault(a, ["", []])
                    held.append(z)
    for a, entry in out.items():
        own = [z for z in entry[1] if len(z.addrs) == 1]
        entry[0] = (own or entry[1])[0].at[3:]
    return out
