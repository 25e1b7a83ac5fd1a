# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust anchors over time: a zone rolls its keys (RFC 5011), signs badly (RFC 7646), and weir trust."""

import json
import os
import re
import socket
import threading
import time

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

ZONE = dns.name.from_text("island.test")
WWW = dns.name.from_text("www.island.test")
DNSKEY, A = dns.rdatatype.DNSKEY, dns.rdatatype.A
TTL_S = 3600
REVOKED = 0x0080


class Key:
    def __init__(self):
        self.private = ed25519.Ed25519PrivateKey.generate()
        self.is_revoked = False

    @property
    def rdata(self):
        return dns.dnssec.make_dnskey(self.private.public_key(), dns.dnssec.Algorithm.ED25519,
                                      257 | (REVOKED if self.is_revoked else 0))

    @property
    def tag(self):
        """As it was before it was revoked: what weir calls it."""
        plain = dns.dnssec.make_dnskey(self.private.public_key(), dns.dnssec.Algorithm.ED25519, 257)
        return dns.dnssec.key_id(plain)

    def ds(self):
        return f"{ZONE} DS {dns.dnssec.make_ds(ZONE, self.rdata, 'SHA256').to_text()}\n"


class Island(threading.Thread):
    """A zone's server on a loopback port: its DNSKEYs, and one address, signed by all its keys."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.2)
        self.port = self.socket.getsockname()[1]
        self.keys, self.is_broken, self.is_ending = [Key()], False, False
        self.start()

    def signed(self, rrset):
        out = [rrset]
        for key in self.keys:
            now = int(time.time())
            sig = dns.dnssec.sign(rrset, key.private, ZONE, key.rdata, inception=now - 86400,
                                  expiration=now + 20 * 86400)
            if self.is_broken and rrset.rdtype != DNSKEY:
                sig = sig.replace(signature=bytes(64))
            out.append(dns.rrset.from_rdata(rrset.name, TTL_S, sig))
        return out

    def answer(self, query):
        q = query.question[0]
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA | dns.flags.RA
        if q.name == ZONE and q.rdtype == DNSKEY:
            reply.answer = self.signed(dns.rrset.from_rdata_list(ZONE, TTL_S,
                                                                 [k.rdata for k in self.keys]))
        elif q.name == WWW and q.rdtype == A:
            reply.answer = self.signed(dns.rrset.from_text(WWW, TTL_S, "IN", "A", "192.0.2.80"))
        else:
            reply.set_rcode(dns.rcode.REFUSED)
        return reply.to_wire()

    def run(self):
        while not self.is_ending:
            try:
                wire, peer = self.socket.recvfrom(4096)
            except socket.timeout:
                continue
            self.socket.sendto(self.answer(dns.message.from_wire(wire)), peer)
        self.socket.close()


@pytest.fixture
def island():
    server = Island()
    yield server
    server.is_ending = True
    server.join()


@pytest.fixture
def follow(start_weir, island):
    """follow(): a Weir whose only trust anchor is the island's first key, as a DS record."""
    def start(**resolver):
        def prepare(w):
            path = os.path.join(w.directory, "anchors")
            with open(path, "w") as f:
                f.write("; the island\n" + island.keys[0].ds())
            w.config["resolver"]["trust-anchors"] = path
        return start_weir(config={"resolver": {
            "forward": [{"zone": "island.test", "to": [f"127.0.0.1@{island.port}"]}], **resolver}},
            prepare=prepare)
    return start


def trust(weir):
    return json.loads(weir.cli("trust", "list", "--json").stdout)["trust"]


def states(weir):
    return {(a["type"], a["tag"]): a["state"] for a in trust(weir)["anchors"]}


def refresh(weir, wanted, limit_s=10):
    """Ask for the keys until wanted(states) holds."""
    end = time.monotonic() + limit_s
    weir.cli("trust", "refresh")
    while not wanted(states(weir)):
        assert time.monotonic() < end, (states(weir), weir.process.log_tail())
        time.sleep(0.2)


def ask(weir, name="www.island.test"):
    return weir.ask(name, "A", want_dnssec=True)


def is_ad(reply):
    return bool(reply.flags & dns.flags.AD)


def state_path(weir):
    return os.path.join(weir.state_dir, "trust-anchors.zone")


def has_event(weir, action, **fields):
    return weir.wait_event(lambda e: e["event"]["action"] == action and
                           all(e["weir"].get(k) == v for k, v in fields.items()))


def test_roll_over(follow, island):
    weir = follow()
    old, new = island.keys[0], Key()
    assert is_ad(ask(weir))
    assert states(weir) == {("DS", old.tag): "valid"}
    island.keys.append(new)
    refresh(weir, lambda s: s.get(("DNSKEY", new.tag)) == "pending")
    assert states(weir) == {("DS", old.tag): "seen", ("DNSKEY", old.tag): "valid",
                            ("DNSKEY", new.tag): "pending"}
    anchor = next(a for a in trust(weir)["anchors"] if a["state"] == "pending")
    assert abs(anchor["until_s"] - time.time() - 30 * 86400) < 60
    assert has_event(weir, "trust-key-pending", zone="island.test", key_tag=new.tag)
    # What must be remembered is on the disk; 30 days go by while Weir does not run.
    weir.stop()
    with open(state_path(weir)) as f:
        text = f.read()
    assert re.search(rf"DNSKEY 257 3 15 \S+ ; state=pending since=\S+ until=\S+ tag={new.tag}\n", text)
    text = re.sub(r"(state=pending since=\S+ until=)\S+", r"\g<1>2026-01-01T00:00:00Z", text)
    with open(state_path(weir), "w") as f:
        f.write(text)
    weir.start()
    refresh(weir, lambda s: s.get(("DNSKEY", new.tag)) == "valid")
    event = has_event(weir, "trust-key-added", key_tag=new.tag)
    assert event["event"]["kind"] == "alert" and str(new.tag) in event["message"]
    # The old key goes, by its own word; the new one alone is enough.
    old.is_revoked = True
    refresh(weir, lambda s: s.get(("DNSKEY", old.tag)) == "revoked")
    assert has_event(weir, "trust-key-revoked", key_tag=old.tag)
    island.keys.remove(old)
    weir.restart()
    assert is_ad(ask(weir))
    assert states(weir)[("DNSKEY", old.tag)] == "revoked"
    # and the configuration, which still names it, does not bring it back
    island.keys = [old]
    old.is_revoked = False
    weir.restart()
    assert ask(weir).rcode() == dns.rcode.SERVFAIL


def test_last_key_revoked(follow, island):
    weir = follow()
    assert is_ad(ask(weir))
    island.keys[0].is_revoked = True
    refresh(weir, lambda s: s.get(("DNSKEY", island.keys[0].tag)) == "revoked")
    assert has_event(weir, "trust-no-anchor", zone="island.test")
    assert "NO LONGER VALIDATED" in weir.process.log_tail()
    reply = ask(weir)  # RFC 5011 5: as if it never had been configured
    assert reply.rcode() == dns.rcode.NOERROR and not is_ad(reply)


def test_broken_state_file(follow, island):
    weir = follow()
    weir.stop()
    with open(state_path(weir), "a") as f:
        f.write("what is this?\n")
    weir.start()
    assert "cannot be used" in weir.process.log_tail()
    assert os.path.exists(state_path(weir) + ".broken")
    assert is_ad(ask(weir))


def test_negative_anchor(follow, island):
    weir = follow()
    island.is_broken = True
    assert ask(weir).rcode() == dns.rcode.SERVFAIL
    done = weir.cli("trust", "add", "Island.test.", "--for", "1h", "--reason", "their mistake")
    assert "island.test and everything below it is not validated until" in done.stdout
    reply = ask(weir)  # at once, although the failure was remembered
    assert reply.rcode() == dns.rcode.NOERROR and not is_ad(reply)
    assert has_event(weir, "trust-negative-added", zone="island.test")
    listed = trust(weir)["negative"]
    assert [n["name"] for n in listed] == ["island.test"]
    assert listed[0]["reason"] == "their mistake"
    assert abs(listed[0]["expires_s"] - time.time() - 3600) < 60
    assert "their mistake" in weir.cli("trust", "list").stdout
    weir.restart()
    assert ask(weir).rcode() == dns.rcode.NOERROR
    weir.cli("trust", "remove", "island.test")
    assert ask(weir).rcode() == dns.rcode.SERVFAIL
    assert weir.cli("trust", "remove", "island.test", check=False).returncode == 1


def test_negative_anchor_ends_by_itself(follow, island):
    weir = follow()
    island.is_broken = True
    weir.cli("trust", "add", "island.test", "--for", "2s")
    assert ask(weir).rcode() == dns.rcode.NOERROR
    assert has_event(weir, "trust-negative-over", zone="island.test")
    assert ask(weir).rcode() == dns.rcode.SERVFAIL


def test_configured_negative_anchor(follow, island):
    weir = follow(**{"negative-trust-anchors": ["island.test"]})
    island.is_broken = True
    reply = ask(weir)
    assert reply.rcode() == dns.rcode.NOERROR and not is_ad(reply)
    for args in (["remove", "island.test"], ["add", "island.test"]):
        assert "configuration" in weir.cli("trust", *args, check=False).stderr


@pytest.mark.parametrize("args, status, says", [
    (["add", "island.test", "--for", "8d"], 1, "7 days"),
    (["add", "island.test", "--for", "soon"], 2, "not a time"),
    (["add", "island..test"], 1, "not a domain name"),
    (["add", "*.island.test"], 1, "not a domain name"),
    (["add"], 2, "NAME is missing"),
    (["add", "a", "b"], 2, "extra operand"),
    (["add", "a", "--reason", "\n"], 1, "control characters"),
    (["list", "--for", "1h"], 2, "belong to add"),
    (["frobnicate"], 2, "there is no"),
    ([], 2, "is missing"),
])
def test_command_line(start_weir_once, args, status, says):
    done = start_weir_once.cli("trust", *args, check=False)
    assert (done.returncode, says in done.stderr) == (status, True), done.stderr


@pytest.fixture(scope="module")
def start_weir_once(start_weir):
    def prepare(w):
        del w.config["resolver"]["trust-anchors"]  # the root's, built in
    return start_weir(prepare=prepare)


def test_built_in(start_weir_once):
    # Nothing answers for the real keys here: they stay as they were configured.
    assert states(start_weir_once) == {("DNSKEY", 20326): "valid", ("DNSKEY", 38696): "valid"}


def test_switched_off(weir):
    done = weir.cli("trust", "list", check=False)
    assert done.returncode == 1 and "trust-anchors: none" in done.stderr


def test_check(start_weir, tmp_path):
    weir = start_weir(run=False)
    path = tmp_path / "anchors"
    weir.config["resolver"]["trust-anchors"] = str(path)
    path.write_text("example. DS what\n" + Key().ds() + "example. A 192.0.2.1\n")
    weir.write_config()
    done = weir.cli("check")
    assert done.stderr.startswith(f"{path}:1: warning: ")
    assert f"{path}:3: warning: a record that is neither DS nor DNSKEY" in done.stderr
    path.write_text("example. A 192.0.2.1\n")
    done = weir.cli("check", check=False)
    assert done.returncode == 1 and "no usable trust anchor" in done.stderr
