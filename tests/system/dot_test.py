# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding over TLS to Unbound and Knot Resolver: who is believed, and that sessions last."""

import base64
import datetime
import hashlib
import json
import os
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conftest import next_port
from lab import Process, unconfined, wait_until_answers
from replies import addresses, ede_codes, rcode

NAME = "dot.lab.invalid"
ANSWER = "192.0.2.80"
PEM = serialization.Encoding.PEM


class Authority:
    """Makes certificates for NAME, and writes them and their keys as files."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lab CA")])
        crt = self.make(self.key, self.name, -10, 10, is_ca=True)
        self.file = self.write("ca.pem", crt.public_bytes(PEM))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(text)
        return path

    def make(self, key, subject, from_days, to_days, is_ca=False):
        now = datetime.datetime.utcnow()
        builder = x509.CertificateBuilder(
            issuer_name=self.name, subject_name=subject, public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now + datetime.timedelta(days=from_days),
            not_valid_after=now + datetime.timedelta(days=to_days))
        builder = builder.add_extension(x509.BasicConstraints(is_ca, None), True)
        if not is_ca:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(NAME)]), False)
        return builder.sign(self.key, hashes.SHA256())

    def server(self, what, from_days=-1, to_days=1):
        """(certificate file, key file, pin)"""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
        crt = self.make(key, subject, from_days, to_days)
        spki = key.public_key().public_bytes(serialization.Encoding.DER,
                                             serialization.PublicFormat.SubjectPublicKeyInfo)
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
        return (self.write(what + ".pem", crt.public_bytes(PEM)),
                self.write(what + ".key", private),
                base64.b64encode(hashlib.sha256(spki).digest()).decode())


class DotServer:
    """Answers every A question below test. with ANSWER, over TLS at `tls_port`."""

    address = "127.0.0.1"

    def __init__(self, folder, certificate):
        self.folder = folder
        self.crt, self.key, self.pin = certificate
        self.port, self.tls_port = next(next_port), next(next_port)

    def stop(self):
        self.process.stop()


class UnboundDot(DotServer):
    def start(self):
        path = os.path.join(self.folder, "unbound.conf")
        with open(path, "w") as f:
            f.write(f"""server:
  interface: {self.address}@{self.port}
  interface: {self.address}@{self.tls_port}
  tls-port: {self.tls_port}
  tls-service-pem: "{self.crt}"
  tls-service-key: "{self.key}"
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "{self.folder}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "iterator"
  local-zone: "test." redirect
  local-data: "test. 300 A {ANSWER}"
remote-control:
  control-enable: no
""")
        self.process = Process("unbound-dot", [unconfined("unbound", self.folder), "-d", "-p",
                                               "-c", path], self.folder)
        wait_until_answers(self.process, self.address, self.port, "ready.test.", "A", 10)


class KnotDot(DotServer):
    def start(self):
        path = os.path.join(self.folder, "kresd.conf")
        with open(path, "w") as f:
            f.write(f"""net.listen('{self.address}', {self.port}, {{ kind = 'dns' }})
net.listen('{self.address}', {self.tls_port}, {{ kind = 'tls' }})
net.tls('{self.crt}', '{self.key}')
trust_anchors.remove('.')
cache.size = 10 * MB
policy.add(policy.suffix(policy.ANSWER({{
  [kres.type.A] = {{ rdata = kres.str2ip('{ANSWER}'), ttl = 300 }} }}), {{ todname('test.') }}))
""")
        self.process = Process("kresd-dot", ["kresd", "-n", "-c", path, self.folder], self.folder)
        wait_until_answers(self.process, self.address, self.port, "ready.test.", "A", 10)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("authority")))


def running(kind, authority, tmp_path_factory, what, **days):
    server = kind(str(tmp_path_factory.mktemp(what)), authority.server(what, **days))
    server.start()
    return server


@pytest.fixture(scope="module", params=[UnboundDot, KnotDot], ids=["unbound", "kresd"])
def dot(request, authority, tmp_path_factory):
    server = running(request.param, authority, tmp_path_factory, "good" + request.param.__name__)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def expired_dot(authority, tmp_path_factory):
    server = running(UnboundDot, authority, tmp_path_factory, "expired", from_days=-5, to_days=-1)
    yield server
    server.stop()


@pytest.fixture
def forwarding(start_weir, authority):
    """forwarding(server, tls-name=...) -> a Weir that forwards everything to it over TLS."""
    def start(server, port=None, **keys):
        zone = {"zone": ".", "to": [f"{server.address}@{port or server.tls_port}"], "tls": "true"}
        zone.update({k.replace("_", "-"): v for k, v in keys.items()})
        if "tls-name" in zone:
            zone.setdefault("tls-ca", authority.file)
        return start_weir(config={"resolver": {"forward": [zone]}})
    return start


def upstream(weir):
    return json.loads(weir.cli("status", "--json").stdout)["status"]["upstream"]


def test_answers(dot, forwarding):
    weir = forwarding(dot, tls_name=NAME, tls_pins=[dot.pin])
    for i in range(30):
        reply = weir.ask(f"n{i}.test.")
        assert addresses(reply) == [ANSWER], reply
    counts = upstream(weir)
    assert counts["tls_opened"] == 1 and counts["tcp_connections"] == 1
    assert counts["tcp_reused"] >= 29


@pytest.mark.parametrize("keys, why", [
    ({"tls_name": "other.invalid"}, "its certificate is for another name"),
    ({"tls_pins": [base64.b64encode(bytes(32)).decode()]}, "its key is none of the pinned ones"),
])
def test_not_believed(dot, forwarding, keys, why):
    refused(forwarding(dot, **keys), why)


def refused(weir, why):
    reply = weir.ask("x.test.")
    assert rcode(reply) == "SERVFAIL" and 23 in ede_codes(reply)
    assert any(why in option.text for option in reply.options), reply
    assert why in weir.process.log_tail()


def test_expired(expired_dot, forwarding):
    refused(forwarding(expired_dot, tls_name=NAME), "its certificate has expired")


def test_pinned_though_expired(expired_dot, forwarding):
    assert addresses(forwarding(expired_dot, tls_pins=[expired_dot.pin]).ask("x.test.")) == [ANSWER]


def test_no_tls_there(dot, forwarding):
    weir = forwarding(dot, port=dot.port, tls_name=NAME)
    reply = weir.ask("x.test.")  # which takes the first bytes of TLS for a length, and waits
    assert rcode(reply) == "SERVFAIL" and 22 in ede_codes(reply)
    assert any("no TLS handshake in time" in option.text for option in reply.options), reply


def test_opportunistic(expired_dot, forwarding):
    """Anybody's certificate; and clear text where there is no TLS."""
    weir = forwarding(expired_dot, tls="opportunistic")
    assert addresses(weir.ask("x.test.")) == [ANSWER]
    assert upstream(weir)["tls_opened"] == 1
    weir = forwarding(expired_dot, port=expired_dot.port, tls="opportunistic")
    assert addresses(weir.ask("x.test.")) == [ANSWER]
    assert upstream(weir)["tls_opened"] == 0


def test_forwarder_restarts(dot, forwarding):
    """The forwarder comes back: a session is opened anew, and questions are answered."""
    weir = forwarding(dot, tls_name=NAME)
    assert addresses(weir.ask("one.test.")) == [ANSWER]
    dot.stop()
    dot.start()
    for i in range(20):  # it may have been found gone: then it is left alone for a second or two
        reply = weir.ask(f"two{i}.test.")
        if rcode(reply) == "NOERROR":
            break
        time.sleep(0.2)
    assert addresses(reply) == [ANSWER], reply
    assert upstream(weir)["tls_opened"] == 2
