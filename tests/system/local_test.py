# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of our own, with Unbound as the oracle: special-use names, local zones, DNS64.

Both get the same zones. Where Weir means to differ from Unbound, the row says why.
"""

import os

import dns.edns
import dns.exception
import dns.flags
import dns.rdatatype
import dns.reversename
import pytest

import resolvers
from replies import addresses, data, ede_codes, rcode

# Unbound's name for a type of zone, and ours.
TYPES = {"static": "static", "transparent": "transparent", "typetransparent": "typetransparent",
         "redirect": "redirect", "refuse": "refuse", "deny": "drop",
         "always_nxdomain": "nxdomain", "always_nodata": "nodata"}
# Unbound's always_nodata hides records; ours, which resolver.arpa needs, does not.
RECORDS = {"redirect": ["@ A 192.0.2.77", "@ TXT hello"], "always_nodata": []}
DEFAULT_RECORDS = ["www A 192.0.2.70", "www TXT hello", "a.b A 192.0.2.71"]


def zone_of(kind):
    return f"{kind.replace('_', '-')}.wild.org"  # what is not local there resolves, by a wildcard


def oracle_lines():
    out = ['local-zone: "signed.test." nodefault']
    for kind in TYPES:
        out.append(f'local-zone: "{zone_of(kind)}." {kind}')
        for record in RECORDS.get(kind, DEFAULT_RECORDS):
            owner, rest = record.split(" ", 1)
            name = zone_of(kind) if owner == "@" else f"{owner}.{zone_of(kind)}"
            out.append(f"local-data: '{name}. 3600 {rest}'")
    return out


def weir_zones():
    return [{"zone": zone_of(kind), "type": ours, "records": RECORDS.get(kind, DEFAULT_RECORDS)}
            for kind, ours in TYPES.items()]


@pytest.fixture(scope="module")
def local_oracle(lab, tmp_path_factory):
    if lab.port != 53:
        pytest.skip("the oracle needs port 53: root, or a user namespace")
    unbound = resolvers.Unbound(lab, str(tmp_path_factory.mktemp("unbound")), port=5354)
    unbound.lines = oracle_lines() + ["dns64-prefix: 2001:db8:64::/96"]
    unbound.modules = "dns64 iterator"
    with unbound:
        yield unbound


@pytest.fixture(scope="module")
def local_weir(start_weir):
    w = start_weir()
    w.stop()
    w.config["local"]["zones"] += weir_zones()
    w.config["local"]["hosts"] = "hosts"
    w.config["server"]["nsid"] = "here"
    w.config["dns64"] = {"enable": True, "prefix": ["2001:db8:64::/96"]}
    w.config["events"]["all"] = True
    with open(os.path.join(w.directory, "hosts"), "w") as f:
        f.write("192.168.7.1 nas nas.lan\n")
    w.start()
    return w


def summary(reply):
    """What has to agree: rcode, AA, and the answer's records but for TTLs and class."""
    records = sorted((s.name.to_text().lower(), dns.rdatatype.to_text(s.rdtype), r.to_text().lower())
                     for s in reply.answer for r in s)
    # Unbound claims authority for refusals too; ours are none, as BIND's.
    is_aa = bool(reply.flags & dns.flags.AA) and rcode(reply) != "REFUSED"
    return rcode(reply), is_aa, records


def ask(server, name, rdtype):
    try:
        return summary(server.ask(name, rdtype, timeout_s=0.4 if "deny" in name else 3.0))
    except dns.exception.Timeout:
        return "no answer"


SPECIAL = [(n, t) for n in ("localhost.", "invalid.", "www.invalid.", "onion.", "x.y.onion.",
                            "home.arpa.", "x.home.arpa.", "10.in-addr.arpa.",
                            "9.8.7.10.in-addr.arpa.", "1.0.0.127.in-addr.arpa.",
                            "5.0.0.127.in-addr.arpa.", "1.1.168.192.in-addr.arpa.",
                            "1.20.172.in-addr.arpa.", "1.64.100.in-addr.arpa.",
                            "1.254.169.in-addr.arpa.", "255.255.255.255.in-addr.arpa.",
                            "1.d.f.ip6.arpa.", "1.a.e.f.ip6.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa.",
                            dns.reversename.from_address("::1").to_text(),
                            dns.reversename.from_address("::").to_text())
           for t in ("A", "AAAA", "PTR", "TXT", "MX")]


def test_special_use_names_as_unbound_answers_them(local_oracle, local_weir):
    differences = [(q, a, b) for q in SPECIAL
                   if (a := ask(local_oracle, *q)) != (b := ask(local_weir, *q))]
    assert not differences, differences


ZONE_QUESTIONS = [(f"{n}{zone_of(kind)}.", t) for kind in TYPES
                  for n in ("", "www.", "x.", "b.", "a.b.", "x.www.") for t in ("A", "TXT")]


@pytest.mark.parametrize("kind", TYPES)
def test_types_of_zones_as_unbound_has_them(local_oracle, local_weir, kind):
    asked = [q for q in ZONE_QUESTIONS if q[0].endswith(zone_of(kind) + ".")]
    differences = [(q, a, b) for q in asked
                   if (a := ask(local_oracle, *q)) != (b := ask(local_weir, *q))]
    assert not differences, differences


DNS64 = [(n, "AAAA") for n in ("www.site01.net.", "site01.net.", "www.alias.net.", "x.wild.org.",
                               "nope.site01.net.", "mail2.site01.net.", "www.site02.net.",
                               "deep.alias.net.", "a.alias.net.", "dname2.org.")]


def test_dns64_as_unbound_does_it(local_oracle, local_weir):
    made = 0
    for name, rdtype in DNS64:
        a, b = local_oracle.ask(name, rdtype), local_weir.ask(name, rdtype)
        aliases = [[x.lower() for x in data(r, "CNAME")] for r in (a, b)]
        assert (rcode(a), addresses(a), aliases[0]) == (rcode(b), addresses(b), aliases[1]), name
        assert not b.flags & dns.flags.AD
        made += any(x.startswith("2001:db8:64::") for x in addresses(b))
    assert made >= 2  # the comparison must have had something to compare


def test_dns64_reverse(local_weir):
    name = dns.reversename.from_address("2001:db8:64::192.168.7.1").to_text()
    reply = local_weir.ask(name, "PTR")
    assert data(reply, "CNAME") == ["1.7.168.192.in-addr.arpa."] and data(reply, "PTR") == ["nas."]


def test_hosts_file_and_its_reload(local_weir):
    assert addresses(local_weir.ask("nas.lan.", "A")) == ["192.168.7.1"]
    assert data(local_weir.ask("1.7.168.192.in-addr.arpa.", "PTR"), "PTR") == ["nas."]
    with open(os.path.join(local_weir.directory, "hosts"), "w") as f:
        f.write("192.168.7.2 nas.lan\nno good\n")
    told = local_weir.cli("reload").stdout
    assert "hosts:2: a line begins with an address; this does not" in told
    assert addresses(local_weir.ask("nas.lan.", "A")) == ["192.168.7.2"]
    assert rcode(local_weir.ask("1.7.168.192.in-addr.arpa.", "PTR")) == "NXDOMAIN"
    with open(os.path.join(local_weir.directory, "hosts"), "w") as f:
        f.write("192.168.7.1 nas nas.lan\n")
    local_weir.cli("reload")


def test_explain_and_events_say_where_it_comes_from(local_weir):
    assert "local: special-use name localhost (RFC 6761)" in \
        " ".join(local_weir.cli("explain", "localhost").stdout.split())
    local_weir.ask("events.localhost.", "A")
    event = local_weir.wait_event(lambda e: e["dns"]["question"]["name"] == "events.localhost")
    assert event["weir"]["own"] == "special-use name localhost (RFC 6761)"


def test_rebinding_protection(start_weir):
    """local.test is a zone of the public DNS whose names have private addresses."""
    w = start_weir(config={"rebinding": {"protection": True, "allow": ["zero.local.test"]}})
    for name in ("local.test.", "loop.local.test."):
        for _ in ("cold", "warm"):
            reply = w.ask(name, "A")
            assert rcode(reply) == "NOERROR" and not reply.answer and ede_codes(reply) == [15]
    assert addresses(w.ask("zero.local.test.", "A")) == ["0.0.0.0"]
    event = w.wait_event(lambda e: e["dns"]["question"]["name"] == "local.test")
    assert event["weir"]["trigger"] == "rebinding" and event["weir"]["matched"] == "10.1.2.3"
    assert event["event"]["kind"] == "alert"


def test_minimal_any(start_weir):
    w = start_weir(config={"server": {"minimal-any": True}})
    whole = w.ask("hoster.net.", "ANY", tcp=True)
    small = w.ask("hoster.net.", "ANY")
    assert len(whole.answer) > 1 and len(small.answer) == 1
    assert small.answer[0] in whole.answer


def test_no_client_subnet_leaves(local_weir):
    option = dns.edns.ECSOption("198.51.100.0", 24)
    reply = local_weir.ask("ecs.wild.org.", "A", options=[option])
    assert rcode(reply) == "NOERROR" and not [o for o in reply.options if o.otype == dns.edns.ECS]
