# SPDX-License-Identifier: GPL-3.0-or-later
"""DNSSEC keys of every algorithm, made from a seed: the same names give the same keys.

Not for anything outside of the lab: RSA keys are short, come from a small pool, and everybody can
make them again.
"""

import dataclasses
import hashlib
import math
import random
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype

RSA_HASH = {1: hashes.MD5(), 5: hashes.SHA1(), 7: hashes.SHA1(), 8: hashes.SHA256(), 10: hashes.SHA512()}
EC_CURVE = {13: (ec.SECP256R1(), hashes.SHA256(), 32), 14: (ec.SECP384R1(), hashes.SHA384(), 48)}
SIGNABLE = (5, 7, 8, 10, 13, 14, 15, 16)  # what validators know
RSA_POOL = 6  # keys of each size; zones draw from them
SMALL_PRIMES = math.prod(p for p in range(3, 2000) if all(p % q for q in range(2, int(p**.5) + 1)))
SEP, ZONE, REVOKE = 1, 256, 128


@dataclasses.dataclass(frozen=True)
class KeySpec:
    """A key of a zone, before it is made."""

    algorithm: int = 13
    role: str = "csk"  # csk: signs all; ksk: the DNSKEY RRset; zsk: the rest; none: nothing
    which: int = 0  # tells keys of the same zone apart
    bits: int = 1024  # RSA
    flags: int = -1  # -1: as the role says
    protocol: int = 3
    published: bool = True  # in the DNSKEY RRset

    def flag_bits(self):
        return self.flags if self.flags >= 0 else ZONE + (SEP if self.role in ("csk", "ksk") else 0)

    def signs(self, rdtype):
        is_keys = rdtype in (dns.rdatatype.DNSKEY, dns.rdatatype.CDS, dns.rdatatype.CDNSKEY)
        return self.role == "csk" or (self.role == "ksk") == is_keys and self.role in ("ksk", "zsk")


def _is_prime(n, rng):
    if math.gcd(n, SMALL_PRIMES) != 1 or pow(2, n - 1, n) != 1:
        return False
    d, s = n - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for _ in range(2):
        x = pow(rng.randrange(2, n - 1), d, n)
        if x in (1, n - 1):
            continue
        for _ in range(s - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def _prime(bits, rng):
    while True:
        n = rng.getrandbits(bits) | 3 << (bits - 2) | 1
        if n % 65537 != 1 and _is_prime(n, rng):
            return n


class Keyring:
    """Makes keys; remembers those it made."""

    def __init__(self, seed):
        self.seed, self.rsa, self.made = seed, {}, {}

    def _bytes(self, text, n):
        return hashlib.shake_256(f"{self.seed}/{text}".encode()).digest(n)

    def _rsa(self, bits, which):
        if (bits, which) not in self.rsa:
            rng = random.Random(f"{self.seed}/rsa/{bits}/{which}")
            p, q = _prime(bits // 2, rng), _prime(bits // 2, rng)
            d = pow(65537, -1, (p - 1) * (q - 1))
            numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p),
                                            rsa.RSAPublicNumbers(65537, p * q))
            self.rsa[bits, which] = numbers.private_key()
        return self.rsa[bits, which]

    def key(self, zone, spec):
        """The key of a zone for a KeySpec."""
        if (zone, spec) not in self.made:
            text = f"{zone}/{spec.algorithm}/{spec.which}/{spec.role}"
            self.made[zone, spec] = Key(spec, self._private(spec, text), self._bytes(text, 64))
        return self.made[zone, spec]

    def _private(self, spec, text):
        if spec.algorithm in RSA_HASH:
            pool = RSA_POOL if spec.bits <= 1280 else RSA_POOL // 3
            return self._rsa(spec.bits, self._bytes(text, 1)[0] % pool)
        if spec.algorithm in EC_CURVE:
            curve, _, size = EC_CURVE[spec.algorithm]
            return ec.derive_private_key(int.from_bytes(self._bytes(text, size), "big") >> 8, curve)
        if spec.algorithm == 15:
            return ed25519.Ed25519PrivateKey.from_private_bytes(self._bytes(text, 32))
        if spec.algorithm == 16:
            return ed448.Ed448PrivateKey.from_private_bytes(self._bytes(text, 57))
        return None  # an algorithm that nobody knows: its signatures are bytes by chance


class Key:
    """One key: its DNSKEY and what it signs."""

    def __init__(self, spec, private, noise):
        self.spec, self.private, self.noise = spec, private, noise
        self.algorithm, self.flags = spec.algorithm, spec.flag_bits()
        head = struct.pack("!HBB", self.flags, spec.protocol, self.algorithm)
        self.wire = head + self._public()
        self.rdata = dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.DNSKEY, self.wire, 0,
                                         len(self.wire))
        self.tag = tag_of(self.wire)

    def _public(self):
        if self.private is None:
            prefix = b"\x07private\x00" if self.algorithm == 253 else b""
            return prefix + self.noise
        if self.algorithm in RSA_HASH:
            n = self.private.public_key().public_numbers().n
            return b"\x03\x01\x00\x01" + n.to_bytes((n.bit_length() + 7) // 8, "big")
        if self.algorithm in EC_CURVE:
            size = EC_CURVE[self.algorithm][2]
            numbers = self.private.public_key().public_numbers()
            return numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, data):
        if self.private is None:
            return self.noise
        if self.algorithm in RSA_HASH:
            return self.private.sign(data, padding.PKCS1v15(), RSA_HASH[self.algorithm])
        if self.algorithm in EC_CURVE:
            _, digest, size = EC_CURVE[self.algorithm]
            r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return self.private.sign(data)

    def ds(self, owner, digest=2):
        """(tag, algorithm, digest type, digest) of its DS record."""
        data = owner.canonicalize().to_wire() + self.wire
        function = {1: hashlib.sha1, 2: hashlib.sha256, 4: hashlib.sha384}.get(digest, hashlib.sha256)
        return [self.tag, self.algorithm, digest, function(data).digest()]


def tag_of(wire):
    """RFC 4034 appendix B (and B.1 for algorithm 1)."""
    if wire[3] == 1:
        return int.from_bytes(wire[-3:-1], "big")
    total = sum(b << 8 if i % 2 == 0 else b for i, b in enumerate(wire))
    return (total + (total >> 16)) & 0xffff


def ds_rdata(fields):
    tag, algorithm, digest_type, digest = fields
    wire = struct.pack("!HBB", tag, algorithm, digest_type) + digest
    try:
        return dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.DS, wire, 0, len(wire))
    except dns.exception.DNSException:  # a digest of a wrong length
        return dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.DS, wire)
