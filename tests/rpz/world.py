# SPDX-License-Identifier: GPL-3.0-or-later
"""A small internet for policy zones, and what is true in it.

The zones are served by NSD and Knot DNS on loopback addresses, four levels so that every delegation
is really met: the root, the top-level domains, zones, zones below those.  `World.truth()` says of a
question what reference.py judges: the stages of the alias chain, with the records and name servers.
"""

import dataclasses
import ipaddress
import os
import subprocess
import sys

import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import lab  # noqa: E402
import zones as lab_zones  # noqa: E402
from zones import Zone  # noqa: E402

NETS = {"root": "127.60.0.", "tld": "127.60.1.", "zone": "127.60.2.", "below": "127.60.3."}
CLOSED = "127.60.9.9"  # nobody listens here
WATCH = "127.60.9.8"
V6_NET = "fd00:60::"  # 2:N beside 127.60.2.N, for some
N_ADDRESSES = 60
N_REGULAR = 14  # zones gNN


def at(level, *hosts):
    return [NETS[level] + str(h) for h in hosts]


SITE = """
@       A     192.0.2.1
@       MX    10 mail
www     A     192.0.2.1
www     AAAA  2001:db8::1
www     TXT   "truth"
mail    A     192.0.2.2
two     A     192.0.2.10
two     A     192.0.2.200
six     AAAA  2001:db8::1
six     AAAA  2001:db8:0:1::1
mixed   A     192.0.2.1
mixed   AAAA  2001:db8::c000:280
a.b.c   A     192.0.2.3
alias   CNAME www
far     CNAME www.other.net.
hop     CNAME far
toseen  CNAME www.seen.org.
tobroken CNAME www.broken.org.
tosigned CNAME www.signed.com.
unasked CNAME www.seen.org.
tonone  CNAME none.other.net.
loop1   CNAME loop2
loop2   CNAME loop1
runs    AAAA  2001:db8::1:0:0:1
hint    HTTPS 1 . ipv4hint=203.0.113.9
*.w     A     192.0.2.5
*.w     TXT   "wild"
d       DNAME other.net.
long    CNAME {long}.other.net.
"""
LONG = ".".join(["l" * 60] * 3)

SLOW_HOSTS = {i: [f"ns{4 * i + k}.watch.org." for k in range(4)] for i in (1, 2)}

# The hosts of name servers in the draft's example of section 5.5, in its order: the first goes last.
CANONICAL = ["z.example", "zABC.a.EXAMPLE", "Z.a.example", "yljkjljk.a.example", "a.example", "example"]


def build():
    """The zones by hand; the regular ones are regular()."""
    zones = [Zone("", "root", addrs=at("root", 1, 2))]
    for i, tld in enumerate(("com", "net", "org")):
        zones.append(Zone(tld, "tld", addrs=at("tld", 2 * i + 1, 2 * i + 2)))
    zones += [
        Zone("site.com", "zone", SITE.format(long=LONG), addrs=at("zone", 1, 2)),
        Zone("sub.site.com", "below", "www A 192.0.2.20\nup CNAME www.site.com.\n", addrs=at("below", 1)),
        Zone("deep.sub.site.com", "deep", "www A 192.0.2.21\n", addrs=[CLOSED]),
        Zone("other.net", "zone", f"@ A 198.51.100.1\nwww A 198.51.100.1\nwww AAAA 2001:db8:2::1\n"
             f"www TXT \"other\"\nback CNAME www.site.com.\nx.y A 198.51.100.2\n{LONG} A 198.51.100.3\n",
             ns=["ns1.hoster.org.", "ns2.hoster.org."]),
        Zone("hoster.org", "zone", f"@ A 198.51.100.10\nsix AAAA {V6_NET}2:13\nlone A {NETS['zone']}14\n",
             addrs=at("zone", 11, 12)),
        # Servers with an address each that nothing else has.
        Zone("seen.org", "zone", "www A 198.51.100.20\nwww TXT \"seen\"\n*.any A 198.51.100.21\n",
             ns=["lone.hoster.org."]),
        Zone("sixns.org", "zone", "www A 198.51.100.22\n", ns=["six.hoster.org.", "ns1.hoster.org."]),
        # The parent knows other name servers than the zone.
        Zone("split.org", "zone", f"www A 198.51.100.30\nchild A {NETS['zone']}16\nparent A {NETS['zone']}15\n",
             ns=["child.split.org."], parent_ns=[("parent.split.org.", at("zone", 15))]),
        Zone("broken.org", "nowhere", addrs=[CLOSED]),
        # One of two name servers has no address that can be found.
        Zone("half.org", "zone", f"www A 198.51.100.40\nns1 A {NETS['zone']}17\n",
             ns=["ns1.half.org.", "ns.broken.org."],
             parent_ns=[("ns1.half.org.", at("zone", 17)), ("ns.broken.org.", [])]),
        # Answered by a test, which sees what it is asked.
        Zone("watch.org", "test", addrs=[WATCH]),
        *[z for i in range(1, 5) for z in (
            # Nobody else has these servers: nothing is known of their addresses at first.
            Zone(f"cold{i}.org", "zone", "www A 198.51.100.70\n", ns=[f"a.chost{i}.org.", f"b.chost{i}.org."]),
            Zone(f"chost{i}.org", "zone", f"a A {NETS['zone']}{2 * i + 1}\nb A {NETS['zone']}{2 * i + 2}\n",
                 addrs=at("zone", 8)))],
        # The addresses of all servers but one are known to a test only.
        *[Zone(f"slow{i}.org", "zone", f"www A 198.51.100.7{i}\nns1 A {NETS['zone']}{40 + i}\n",
               ns=[f"ns1.slow{i}.org."] + hosts,
               parent_ns=[(f"ns1.slow{i}.org.", at("zone", 40 + i))] + [(h, []) for h in hosts])
          for i, hosts in SLOW_HOSTS.items()],
        Zone("canonical.org", "zone", "www A 198.51.100.50\n",
             ns=["ns." + n.lower() + ".names.org." for n in CANONICAL]),
        Zone("names.org", "zone", "".join(f"ns.{n.lower()} A {NETS['zone']}{20 + i}\n"
                                          for i, n in enumerate(CANONICAL)), addrs=at("zone", 18)),
        Zone("signed.com", "zone", "www A 192.0.2.60\nwww AAAA 2001:db8::60\nwww TXT \"signed\"\n"
             "alias CNAME www\nout CNAME www.site.com.\n", addrs=at("zone", 19), signed="nsec"),
        Zone("garden.org", "zone", "walled A 203.0.113.80\nwalled AAAA 2001:db8:ff::80\n* A 203.0.113.81\n"
             "alias CNAME walled\nalias2 CNAME www.seen.org.\n", addrs=at("zone", 9)),
    ]
    return zones + regular()


def regular():
    """g00.com, g01.net, ...: many names, addresses close to each other, servers in common."""
    out, tlds = [], ("com", "net", "org")
    for i in range(N_REGULAR):
        name = f"g{i:02d}.{tlds[i % 3]}"
        body = []
        for h in range(6):
            n = (37 * i + 11 * h) % 64
            body.append(f"h{h} A 192.0.2.{128 + n}")
            if h % 2:
                body.append(f"h{h} A 198.51.100.{128 + n // 2}")
            if h % 3 == 0:
                body.append(f"h{h} AAAA 2001:db8:7::{n:x}")
            if h == 3:
                body.append(f"h{h} TXT \"text of {name}\"")
        for c in range(4):
            target = (5 * i + 3 * c + 1) % N_REGULAR
            where = f"g{target:02d}.{tlds[target % 3]}"
            body.append(f"c{c} CNAME " + (f"h{c + 1}.{where}." if c < 2 else f"c{c - 2}.{where}."))
        body += [f"a.b.h0 A 192.0.2.{140 + i}", f"*.w A 198.51.100.{140 + i}", f"*.wc CNAME h1.{name}.",
                 f"none CNAME nothere.{name}."]
        if i % 4 == 1:
            body.append(f"dn DNAME g{(i + 1) % N_REGULAR:02d}.{tlds[(i + 1) % N_REGULAR % 3]}.")
        kind = i % 3
        if kind == 0:
            out.append(Zone(name, "zone", "\n".join(body), addrs=at("zone", 30 + i, 31 + i)))
        else:
            k = i % 4
            out.append(Zone(name, "zone", "\n".join(body),
                            ns=[f"ns1.host{k}.org.", f"ns{2 + i % 2}.host{(k + kind) % 4}.org."]))
        if i % 3 == 0:
            out.append(Zone(f"s.{name}", "below", f"www A 192.0.2.{150 + i}\nup CNAME h1.{name}.\n"
                            f"x.y A 192.0.2.{151 + i}\n", addrs=at("below", 10 + i)))
    for k in range(4):
        out.append(Zone(f"host{k}.org", "zone", "@ A 198.51.100.99\n",
                        addrs=at("zone", *[50 + (2 * k + j) % 9 for j in (1, 2, 3)])))
    return out


@dataclasses.dataclass
class Stage:
    """A name of the alias chain and what belongs to it."""

    name: dns.name.Name
    # (zone, [(server's name, [addresses])]) from the closest zone upwards, when the name has records.
    cuts: list
    rrsets: list  # in the answer section with this owner (and the DNAME's)


@dataclasses.dataclass
class Truth:
    stages: list
    rcode: str  # NOERROR, NXDOMAIN, SERVFAIL
    answer: list  # RRsets of the whole chain

    def addresses(self):
        return [ipaddress.ip_address(r.address) for s in self.answer
                if s.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA) for r in s]


class World(lab.Lab):
    """with World(directory): ... the servers answer. Needs a namespace (lab.enter_namespace)."""

    def __init__(self, directory):
        super().__init__(directory, 53)
        self.zones = build()
        self.has_v6 = False
        self.parsed = {}
        for z in self.zones:
            if z.addrs is None:
                z.addrs = []
        self.by_name = {dns.name.from_text(z.name + "."): z for z in self.zones}

    def _write_hints(self):
        with open(self.root_hints, "w") as f:
            for i, a in enumerate(at("root", 1, 2)):
                f.write(f".\t3600000\tNS\tns{i + 1}.\nns{i + 1}.\t3600000\tA\t{a}\n")

    def _addresses(self, key):
        if key == "zone":
            return at(key, *range(1, N_ADDRESSES)) + [a for a in [V6_NET + "2:13"] if lab.has_address(a)]
        return at(key, *range(1, 30 if key == "below" else 8))

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        # Where the kernel has no IPv6 these records are there all the same, and nobody at the address.
        subprocess.run(["ip", "addr", "replace", V6_NET + "2:13/128", "dev", "lo", "nodad"], check=False,
                       stderr=subprocess.DEVNULL)
        self._write_hints()
        try:
            for key, start in (("root", self._start_nsd), ("tld", self._start_nsd),
                               ("zone", self._start_knot), ("below", self._start_nsd)):
                start(key, [z for z in self.zones if z.at == key])
            # Each zone: Knot DNS answers before it has read all of them.
            for process, zone in [(p, z) for p in self.processes for z in self.zones if z.at == p.name]:
                lab.wait_until_answers(process, self._addresses(zone.at)[0], 53, zone.name + ".",
                                       accept=lambda r: bool(r.answer))
        except BaseException:
            self.stop()
            raise

    # ---- what is true ----

    def _contents(self, name):
        if name not in self.parsed:
            text = lab_zones.zone_text(self.by_name[name], self.zones)
            self.parsed[name] = dns.zone.from_text(text, name, relativize=False, check_origin=False)
        return self.parsed[name]

    def enclosing(self, name):
        """The zones that hold a name, the closest first."""
        return [n for n in sorted(self.by_name, key=lambda n: -len(n.labels)) if name.is_subdomain(n)]

    def servers(self, zone_name):
        """[(name, [addresses])] of a zone, as the zone itself says."""
        out = []
        for name, glue in self.by_name[zone_name].servers():
            name = dns.name.from_text(name)
            found = list(glue)
            if not found:
                for kind in ("A", "AAAA"):
                    rrset = self._rrset(name, dns.rdatatype.from_text(kind))
                    found += [r.address for r in rrset] if rrset else []
            out.append((name, [ipaddress.ip_address(a) for a in found]))
        return out

    def _rrset(self, name, rdtype):
        kind, rrset = self._find(name, rdtype)
        return rrset if kind == "data" else None

    def _find(self, name, rdtype):
        """(data | alias | dname | nodata | nxdomain | broken, RRset or None) in the closest zone."""
        closest = self.enclosing(name)[0]
        if self.by_name[closest].at not in NETS:
            return "broken", None
        zone = self._contents(closest)
        for depth in range(len(closest.labels), len(name.labels)):
            above = dns.name.Name(name.labels[len(name.labels) - depth:])
            dname = zone.get_rdataset(above, dns.rdatatype.DNAME)
            if dname:
                return "dname", dns.rrset.from_rdata_list(above, dname.ttl, list(dname))
        owner, node = name, zone.get_node(name)
        if node is None:
            if any(n.is_subdomain(name) for n in zone.nodes):
                return "nodata", None
            encloser = name.parent()
            while not any(n.is_subdomain(encloser) for n in zone.nodes):
                encloser = encloser.parent()
            owner = dns.name.Name((b"*",) + encloser.labels)
            node = zone.get_node(owner)
            if node is None:
                return "nxdomain", None
        held = node.get_rdataset(dns.rdataclass.IN, rdtype)
        if held:
            return "data", dns.rrset.from_rdata_list(name, held.ttl, list(held))
        alias = node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.CNAME)
        if alias:
            return "alias", dns.rrset.from_rdata_list(name, alias.ttl, list(alias))
        return "nodata", None

    def truth(self, qname, qtype):
        """What a resolver finds out about a question."""
        name, rdtype = dns.name.from_text(qname), dns.rdatatype.from_text(qtype)
        stages, answer, seen = [], [], set()
        while name not in seen:
            seen.add(name)
            kind, rrset = self._find(name, rdtype)
            cuts = [(z, self.servers(z)) for z in self.enclosing(name)]
            target, rrsets = None, []
            if kind == "alias":
                rrsets, target = [rrset], rrset[0].target
            elif kind == "dname":
                target = dns.name.Name(name.labels[:len(name.labels) - len(rrset.name.labels)]
                                       + rrset[0].target.labels)
                rrsets = [rrset, dns.rrset.from_text(name, rrset.ttl, "IN", "CNAME", target.to_text())]
            elif kind == "data":
                rrsets = [rrset]
            stages.append(Stage(name, cuts, rrsets))
            answer += rrsets
            if kind == "broken":
                return Truth(stages, "SERVFAIL", [])
            if target is None:
                return Truth(stages, "NXDOMAIN" if kind == "nxdomain" else "NOERROR", answer)
            name = target
        return Truth(stages, "SERVFAIL", [])
