# SPDX-License-Identifier: GPL-3.0-or-later
"""Small MaxMind databases: write(path, {"192.0.2.0/24": {"country": {"iso_code": "RU"}}, ...}).

The format is that of https://maxmind.github.io/MaxMind-DB/: a tree of nodes (32 bits a record), a
data section, and metadata at the end.
"""

import ipaddress
import struct

MARK = b"\xab\xcd\xefMaxMind.com"


def control(kind, size):
    """The first bytes of a value: type and size (below 285 is enough here)."""
    extended = b"" if kind <= 7 else bytes([kind - 7])
    first = kind << 5 if kind <= 7 else 0
    if size < 29:
        return bytes([first | size]) + extended
    return bytes([first | 29]) + extended + bytes([size - 29])


def encode(value, kind=6):
    """kind: of whole numbers: 5 uint16, 6 uint32, 9 uint64."""
    if isinstance(value, str):
        text = value.encode()
        return control(2, len(text)) + text
    if isinstance(value, int):
        size = (value.bit_length() + 7) // 8
        return control(kind, size) + value.to_bytes(size, "big")
    if isinstance(value, list):
        return control(11, len(value)) + b"".join(encode(v) for v in value)
    return control(7, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())


def path_of(prefix, ip_version):
    net = ipaddress.ip_network(prefix)
    width = net.max_prefixlen
    bits = f"{int(net.network_address):0{width}b}"[:net.prefixlen]
    return "0" * 96 + bits if ip_version == 6 and net.version == 4 else bits


def write(path, prefixes, ip_version=6, alias=True):
    """alias: 2002::/16 leads to the addresses of IPv4, as in the databases of MaxMind."""
    nodes = [[None, None]]  # None, a node's number, or the place of its data

    def follow(bits):
        at = 0
        for bit in bits:
            if nodes[at][int(bit)] is None:
                nodes.append([None, None])
                nodes[at][int(bit)] = len(nodes) - 1
            at = nodes[at][int(bit)]
        return at

    data, places = b"", {}
    for prefix, value in prefixes.items():
        bits = path_of(prefix, ip_version)
        encoded = encode(value)
        if encoded not in places:
            places[encoded] = len(data)
            data += encoded
        nodes[follow(bits[:-1])][int(bits[-1])] = ("data", places[encoded])
    if alias and ip_version == 6:
        v4 = follow("0" * 96)
        bits = f"{0x2002:016b}"
        nodes[follow(bits[:-1])][int(bits[-1])] = v4
    count = len(nodes)

    def record(r):
        return count if r is None else r if isinstance(r, int) else count + 16 + r[1]

    tree = b"".join(struct.pack(">II", record(a), record(b)) for a, b in nodes)
    meta = {"node_count": encode(count), "record_size": encode(32, 5),
            "ip_version": encode(ip_version, 5), "database_type": encode("Weir-Test"),
            "languages": encode(["en"]), "binary_format_major_version": encode(2, 5),
            "binary_format_minor_version": encode(0, 5), "build_epoch": encode(1795000000, 9),
            "description": encode({"en": "made by tests"})}
    encoded = control(7, len(meta)) + b"".join(encode(k) + v for k, v in meta.items())
    with open(path, "wb") as f:
        f.write(tree + bytes(16) + data + MARK + encoded)


if __name__ == "__main__":  # the corpora of tests/fuzz/mmdb_fuzz.c and owners_fuzz.c
    import sys
    RU, NL = {"country": {"iso_code": "RU"}}, {"country": {"iso_code": "NL"}}
    write(sys.argv[1] + "/countries", {
        "192.0.2.0/25": RU, "192.0.2.128/25": NL, "203.0.113.0/24": RU,
        "2001:db8:1::/48": RU, "2001:db8:2::/48": NL})
    write(sys.argv[1] + "/networks", {
        "198.51.100.0/24": {"autonomous_system_number": 64500,
                            "autonomous_system_organization": "Example"},
        "198.51.101.0/24": {"autonomous_system_number": 64501},
        "198.51.102.0/24": {"asn": "AS64500", "country_code": "KP"}}, ip_version=4)
    write(sys.argv[1] + "/five", {f"{i}.0.0.0/8": {"autonomous_system_number": 64500 + i % 5}
                                  for i in range(60, 157) if i != 127}, ip_version=4)
    with open(sys.argv[1] + "/countries", "rb") as f:
        whole = bytearray(f.read())
    with open(sys.argv[1] + "/cut", "wb") as f:
        f.write(whole[:len(whole) // 2])
    whole[12:16] = bytes([0, 0, 0, 1])  # a node leads to itself
    with open(sys.argv[1] + "/loop", "wb") as f:
        f.write(whole)
