# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones that Weir publishes over TLS (RFC 9103): who gets in, who follows, what is refused."""

import os
import socket
import ssl
import struct
import subprocess
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from conftest import next_port
from dot_test import Authority, NAME
from lab import tool
from publish_test import (BindFollower, KEY, NsdFollower, ZONE, blocked, follow, has_published, publishing, raw,
                          soa)
from transfer_test import log_of, until


@pytest.fixture
def authority(tmp_path):
    return Authority(str(tmp_path))


def over_tls(authority, named=False, **more):
    """Prepare a Weir that publishes its edits over TLS, to followers known by name where named."""
    certificate, key, _ = authority.server("weir")

    def prepare(w):
        w.tls_port = next(next_port)
        publishing(w, **({"tls-names": [NAME]} if named else {"tls": True}), **more)
        w.config["publish-tls"] = {"listen": [f"127.0.0.1@{w.tls_port}"], "certificate": certificate, "key": key}
        if named:
            w.config["publish-tls"]["client-ca"] = authority.file
    return prepare


class Connection:
    """A follower's connection, message by message."""

    def __init__(self, w, authority, alpn=("dot",), shown=None, source="127.0.0.1"):
        context = ssl.create_default_context(cafile=authority.file)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if shown:
            context.load_cert_chain(*shown[:2])
        plain = socket.create_connection(("127.0.0.1", w.tls_port), 5, (source, 0))
        self.socket = context.wrap_socket(plain, server_hostname=NAME)
        self.socket.settimeout(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, query):
        wire = query.to_wire()
        self.socket.sendall(struct.pack("!H", len(wire)) + wire)

    def receive(self, query):
        def take(n):
            got = b""
            while len(got) < n:
                more = self.socket.recv(n - len(got))
                if not more:
                    raise EOFError
                got += more
            return got
        keyring = query.keyring
        return dns.message.from_wire(take(struct.unpack("!H", take(2))[0]), keyring=keyring,
                                     request_mac=query.mac, ignore_trailing=True, one_rr_per_rrset=True)

    def ask(self, name, rdtype, key=KEY):
        query = dns.message.make_query(name, rdtype)
        if key:
            query.use_tsig(key.ring())
        self.send(query)
        return self.receive(query)


def names(reply):
    return {r.name.to_text().removesuffix(f".{ZONE}.") for r in reply.answer if r.rdtype == dns.rdatatype.CNAME}


def refusal(reply):
    assert not reply.answer
    return dns.rcode.to_text(reply.rcode())


def has_version(w, key=KEY):
    return until(lambda: soa(w, key).rcode() == 0)


# ---- what is given, and to whom ----

def test_several_on_one_connection_and_nothing_in_clear_text(start_weir, authority):
    w = start_weir(prepare=over_tls(authority))
    assert has_version(w)
    w.cli("block", "evil.example")
    with Connection(w, authority) as c:
        assert until(lambda: "evil.example" in names(c.ask(ZONE, "AXFR")), 5), log_of(w)
        assert c.ask(ZONE, "SOA").answer
        assert names(c.ask(ZONE, "AXFR")) == {"evil.example", "*.evil.example"}
        assert refusal(c.ask(ZONE, "AXFR", key=None)) == "REFUSED"
        assert refusal(c.ask("www.plain.com", "A", key=None)) == "REFUSED"
        assert c.ask(ZONE, "SOA").answer
    # Over TCP: the serial, which followers of other makes look at first, and nothing else.
    assert not has_published(w, lambda z: True, 0.3)
    assert soa(w, tcp=True).answer and soa(w).answer
    assert "over TLS" in log_of(w)


def test_who_does_not_speak_it(start_weir, authority):
    w = start_weir(prepare=over_tls(authority))
    assert has_version(w)
    for alpn in ([], ["h2"]):  # RFC 9103 7.1: "dot" must be chosen
        with pytest.raises((ssl.SSLError, EOFError, ConnectionError)):
            with Connection(w, authority, alpn) as c:
                c.ask(ZONE, "AXFR")
    s = socket.create_connection(("127.0.0.1", w.tls_port), 5)
    s.sendall(b"\x00\x20GET / HTTP/1.1\r\n\r\n" + bytes(64))
    s.settimeout(8)
    with pytest.raises((EOFError, ConnectionError)):
        while True:
            if not s.recv(4096):
                raise EOFError
    with Connection(w, authority) as c:
        assert c.ask(ZONE, "SOA").answer
        c.socket.sendall(b"\x00\x03abc")  # shorter than a header
        assert c.socket.recv(10) == b""
    with Connection(w, authority) as c:
        assert c.ask(ZONE, "AXFR").answer
    assert "dot" in log_of(w)


def test_addresses_that_may_have_nothing_are_not_let_in(start_weir, authority):
    w = start_weir(prepare=over_tls(authority, key=None, allow=["127.0.0.2/32"]))
    with pytest.raises((OSError, EOFError)):
        with Connection(w, authority) as c:
            c.ask(ZONE, "AXFR", None)
    with Connection(w, authority, source="127.0.0.2") as c:
        assert until(lambda: c.ask(ZONE, "AXFR", None).answer)


def test_certificates_of_followers(start_weir, authority, tmp_path):
    w = start_weir(prepare=over_tls(authority, named=True, key=None))
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    other = Authority(str(other_folder))
    with Connection(w, authority, shown=authority.server("follower")) as c:
        assert until(lambda: c.ask(ZONE, "AXFR", None).answer), log_of(w)
    with Connection(w, authority) as c:  # shows none
        assert refusal(c.ask(ZONE, "AXFR", None)) == "REFUSED"
    for shown in (other.server("stranger"), authority.server("old", -3, -1)):
        with pytest.raises((OSError, EOFError)):
            with Connection(w, authority, shown=shown) as c:
                c.ask(ZONE, "AXFR", None)
    assert raw(w, "AXFR") == "REFUSED" and raw(w, "SOA") == "REFUSED"
    assert until(lambda: "cannot be verified" in log_of(w) and "has expired" in log_of(w)), log_of(w)


def test_one_address_does_not_keep_the_others_out(start_weir, authority):
    w = start_weir(prepare=over_tls(authority))
    assert has_version(w)
    idle = [socket.create_connection(("127.0.0.1", w.tls_port), 5) for _ in range(20)]
    with Connection(w, authority, source="127.0.0.2") as c:
        assert c.ask(ZONE, "AXFR").answer
    assert "no more are taken" in log_of(w)
    for s in idle:
        s.close()

    def again():
        try:
            with Connection(w, authority) as c:
                return bool(c.ask(ZONE, "AXFR").answer)
        except (OSError, EOFError):
            return False
    assert until(again)


def test_a_new_certificate_with_a_reload_and_a_bad_one_is_told(start_weir, authority):
    w = start_weir(prepare=over_tls(authority))
    assert has_version(w)

    def serial():
        with Connection(w, authority) as c:
            return c.socket.getpeercert()["serialNumber"]
    first = serial()
    authority.server("weir")
    w.cli("reload")
    assert until(lambda: serial() != first)
    second = serial()
    with open(w.config["publish-tls"]["certificate"], "w") as f:
        f.write("no certificate\n")
    w.cli("reload")
    assert until(lambda: "the one of before is shown" in log_of(w)), log_of(w)
    assert serial() == second


def test_it_ends_with_connections_open(start_weir, authority):
    w = start_weir(prepare=over_tls(authority))
    assert has_version(w)
    silent = socket.create_connection(("127.0.0.1", w.tls_port), 5)
    with Connection(w, authority) as c:
        assert c.ask(ZONE, "SOA").answer
        start = time.monotonic()
        w.stop()
        assert time.monotonic() - start < 5
    silent.close()


# ---- programs of others ----

@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_asked_by(start_weir, authority, program):
    try:
        path = tool(program)
    except Exception:
        pytest.skip(f"no {program}")
    w = start_weir(prepare=over_tls(authority, key=None, allow=["127.0.0.0/8"]))
    assert has_version(w, None)
    w.cli("block", "evil.example")

    def ask():
        return subprocess.run([path, "+tls", "-p", str(w.tls_port), "@127.0.0.1", ZONE, "AXFR"],
                              capture_output=True, text=True, timeout=20).stdout
    assert until(lambda: f"*.evil.example.{ZONE}." in ask(), 10), ask() + log_of(w)


class BindOverTls(BindFollower):
    def command(self):
        command = super().command()
        path = os.path.join(self.directory, "named.conf")
        with open(path) as f:
            conf = f.read()
        conf = conf.replace(f"port {self.w.port} key {KEY.name};", f"port {self.w.tls_port} key {KEY.name} tls fleet;")
        conf += f"""tls fleet {{ ca-file "{self.w.ca}"; remote-hostname "{NAME}";
  cert-file "{self.w.follower[0]}"; key-file "{self.w.follower[1]}"; }};
"""
        with open(path, "w") as f:
            f.write(conf)
        return command


class NsdOverTls(NsdFollower):
    def command(self):
        command = super().command()
        path = os.path.join(self.directory, "nsd.conf")
        with open(path) as f:
            conf = f.read()
        conf = conf.replace(f"@{self.w.port} {KEY.name}", f"@{self.w.tls_port} {KEY.name} fleet")
        conf = conf.replace("server-count: 1", f'server-count: 1\n  tls-cert-bundle: "{self.w.ca}"')
        conf = conf.replace("zone:\n", f"tls-auth:\n  name: fleet\n  auth-domain-name: {NAME}\nzone:\n")
        with open(path, "w") as f:
            f.write(conf)
        return command


@pytest.mark.parametrize("kind", [BindOverTls, NsdOverTls], ids=lambda k: k.name)
def test_others_follow_over_tls(start_weir, authority, tmp_path, kind):
    port = next(next_port)
    # NSD shows no certificates: it is known by the key alone.
    w = start_weir(prepare=over_tls(authority, named=kind is BindOverTls, notify=[f"127.0.0.1@{port}"]))
    w.ca, w.follower = authority.file, authority.server("follower")
    w.cli("block", "www.plain.com")
    assert has_version(w)
    f = kind(str(tmp_path / kind.name), w, port).start()
    try:
        assert until(lambda: f.blocks("www.plain.com"), 15), f.process.log_tail(60) + log_of(w)
        w.cli("block", "www.signed.test")
        assert until(lambda: f.blocks("www.signed.test"), 10), f.process.log_tail(60) + log_of(w)
        assert "over TLS" in log_of(w), log_of(w)
    finally:
        f.stop()


def test_a_weir_follows_a_weir_over_tls(start_weir, authority):
    port = next(next_port)
    w = start_weir(prepare=over_tls(authority, named=True, notify=[f"127.0.0.1@{port}"]))
    certificate, key, _ = authority.server("follower")

    def prepare(f):
        follow(f, [f"127.0.0.1@{w.tls_port}"], **{"tls": "true", "tls-name": NAME, "tls-ca": authority.file,
                                                  "tls-certificate": certificate, "tls-key": key})
        f.port = port
        f.config["server"].update(listen=[f"127.0.0.1@{port}"])
    f = start_weir(prepare=prepare)
    for i in range(3):
        w.cli("block", f"edit{i}.example")
        assert until(lambda: blocked(f, f"edit{i}.example"), 5), log_of(f) + log_of(w)
    assert "what changed, over TLS" in log_of(w), log_of(w)
    assert "by IXFR" in log_of(f)


# ---- what cannot be ----

@pytest.mark.parametrize("text, expected", [
    ("publish: [{zone: a.example, edits: true, allow: [127.0.0.1], tls: true}]", "over TLS nowhere"),
    ("publish-tls: {listen: [127.0.0.1@853]}", "needs a certificate"),
    ("publish-tls: {listen: [127.0.0.1]}", "ADDRESS@853"),
    ("publish-tls: {certificate: %(here)s, key: %(here)s}", "nothing listens"),
    ("publish-tls: {listen: [127.0.0.1@853], certificate: %(here)s, key: %(here)s}\n"
     "publish: [{zone: a.example, edits: true, tls-names: [b.example]}]", "nobody vouches"),
    ("lists: [{name: l, format: rpz, zone: z, primaries: [127.0.0.1], tls-certificate: %(here)s}]",
     "with its key only"),
])
def test_mistakes_are_told(start_weir, tmp_path, text, expected):
    w = start_weir(run=False)
    path = tmp_path / "weir.yaml"
    path.write_text(f"state: {tmp_path}\n" + text % {"here": __file__} + "\n")
    done = subprocess.run([w.binary if hasattr(w, "binary") else os.environ["WEIR"], "check", "-c", str(path)],
                          capture_output=True, text=True)
    assert done.returncode != 0 and expected in done.stdout + done.stderr, done.stdout + done.stderr
