#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""popular.py OUT FILE...: the registered domains that many people use, as a sorted list of hashes.

Makes src/detect/data/popular.bin: 6 bytes a domain, big end first, ascending: the upper 48 bits of
SipHash-2-4 (key of zeros) of the name in wire form, lower case. Each FILE is text, or xz: one domain a
line; "rank,domain"; or the last of several columns (tabs).
"""
import lzma
import pathlib
import re
import sys

MASK = (1 << 64) - 1
DOMAIN = re.compile(r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$")


def rotate(x, n):
    return (x << n | x >> (64 - n)) & MASK


def siphash24(data):
    v0, v1, v2, v3 = 0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261, 0x7465646279746573

    def rounds(n):
        nonlocal v0, v1, v2, v3
        for _ in range(n):
            v0 = (v0 + v1) & MASK
            v1 = rotate(v1, 13) ^ v0
            v0 = rotate(v0, 32)
            v2 = (v2 + v3) & MASK
            v3 = rotate(v3, 16) ^ v2
            v0 = (v0 + v3) & MASK
            v3 = rotate(v3, 21) ^ v0
            v2 = (v2 + v1) & MASK
            v1 = rotate(v1, 17) ^ v2
            v2 = rotate(v2, 32)

    whole = len(data) // 8 * 8
    for i in range(0, whole, 8):
        m = int.from_bytes(data[i:i + 8], "little")
        v3 ^= m
        rounds(2)
        v0 ^= m
    m = int.from_bytes(data[whole:], "little") | (len(data) & 255) << 56
    v3 ^= m
    rounds(2)
    v0 ^= m
    v2 ^= 255
    rounds(4)
    return v0 ^ v1 ^ v2 ^ v3


def domains(path):
    data = path.read_bytes()
    if path.suffix == ".xz":
        data = lzma.decompress(data)
    for line in data.decode("utf-8", "replace").splitlines():
        name = re.split(r"[\t,]", line.strip().lower())[-1]
        if DOMAIN.match(name):
            yield name


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


assert siphash24(b"") == 0x1e924b9d737700d7
names = {name for path in sys.argv[2:] for name in domains(pathlib.Path(path))}
hashes = sorted({siphash24(wire(name)) >> 16 for name in names})
pathlib.Path(sys.argv[1]).write_bytes(b"".join(h.to_bytes(6, "big") for h in hashes))
print(f"{len(names)} domains, {len(hashes) * 6} bytes")
