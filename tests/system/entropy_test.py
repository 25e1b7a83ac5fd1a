# SPDX-License-Identifier: GPL-3.0-or-later
"""What an off-path forger has to guess, over a capture of 5000 questions at a name server."""

import math
import os
import socket
import struct
import threading
import time

import pytest

import wire

pytestmark = pytest.mark.skipif("WEIR_LAB_NAMESPACE" not in os.environ,
                                reason="needs a namespace: root, or user namespaces")
SERVER, WEIR = "127.99.0.1", "127.99.0.2"
N, BURST, PAUSE_S = 5000, 40, 0.09  # some 11 s: sockets live 5 to 10 s, so several lives are seen
WORKERS, PORTS_FIRST, PORTS = 4, 1024, 64512
PREFIX, SUFFIX = b"entropy", b"abc"  # ten letters, as example.com has
COOKIE = 10


class Root(threading.Thread):
    """A root server that has an address for each name, keeps case, gives cookies, and notes what it gets."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((SERVER, 53))
        self.socket.settimeout(0.2)
        self.seen, self.is_ending = [], False
        self.start()

    def run(self):
        while not self.is_ending:
            try:
                query, peer = self.socket.recvfrom(4096)
            except socket.timeout:
                continue
            self.seen.append((time.monotonic(), peer[1], query))
            end = question_end(query)
            cookie = options_of(query).get(COOKIE, b"")
            answer = b"" if end == 17 else b"\xc0\x0c" + struct.pack(">HHIH4s", 1, 1, 300, 4, bytes([192, 0, 2, 1]))
            options = wire.option(COOKIE, cookie[:8] + bytes(b ^ 0x5a for b in cookie[:8])) if cookie else b""
            self.socket.sendto(query[:2] + struct.pack(">HHHHH", 0x8400, 1, bool(answer), 0, 1) + query[12:end] +
                               answer + wire.opt(options=options), peer)
        self.socket.close()


def question_end(query):
    at = 12
    while query[at] != 0:
        at += query[at] + 1
    return at + 5


def options_of(query):
    """{code: data} of the OPT record, which is all there is behind the question; its size under None."""
    at = question_end(query)
    if at == len(query):
        return {}
    out = {None: struct.unpack_from(">H", query, at + 3)[0]}
    at += 11
    while at < len(query):
        code, n = struct.unpack_from(">HH", query, at)
        out[code] = query[at + 4:at + 4 + n]
        at += 4 + n
    return out


def chi_square(values, bins, size):
    """How uneven values of 0 to size - 1 are over so many bins."""
    seen = [0] * bins
    for v in values:
        seen[v * bins // size] += 1
    expected = len(values) / bins
    return sum((s - expected) ** 2 / expected for s in seen)


def chance(df):
    """What true chance exceeds about once in a million runs."""
    return df + 5 * math.sqrt(2 * df) + 10


def collision_bits(values):
    """Bits to guess, by how often two of the values are the same."""
    counts = {}
    for v in values:
        counts[v] = counts.get(v, 0) + 1
    same = sum(n * (n - 1) for n in counts.values())
    return math.log2(len(values) * (len(values) - 1) / max(same, 1))


def ask_all(port):
    """5000 names, in bursts, from so many sockets that every worker gets its share: the kernel hashes them."""
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(200)]
    for i in range(N):
        name = PREFIX + b"%05d" % i + SUFFIX
        q = wire.message(ident=i % 65536, questions=[wire.question(bytes([len(name)]) + name + b"\0")])
        clients[i % len(clients)].sendto(q, ("127.0.0.1", port))
        if i % BURST == BURST - 1:
            time.sleep(PAUSE_S)
    time.sleep(1)
    for c in clients:
        c.close()


@pytest.fixture(scope="module")
def seen(start_weir):
    """(when, port, query) of each question for one of the names."""
    root = Root()

    def prepare(w):
        path = os.path.join(w.directory, "hints")
        with open(path, "w") as f:
            f.write(f". 3600000 NS ns.\nns. 3600000 A {SERVER}\n")
        w.config["server"]["workers"] = WORKERS
        w.config["resolver"].update({"root-hints": path, "source-addresses": [WEIR]})
    weir = start_weir(prepare=prepare)
    assert weir.ask("first").answer
    ask_all(weir.port)
    root.is_ending = True
    root.join()
    weir.stop()
    got = [s for s in root.seen if s[2][13:20].lower() == PREFIX]
    assert N <= len(got) < N * 1.05, len(got)  # each name once, but for what a busy machine repeats
    return got


def ids_of(seen):
    return [struct.unpack(">H", q[:2])[0] for _, _, q in seen]


def case_of(query):
    name = query[13:13 + query[12]]
    return tuple(chr(b).isupper() for b in name if chr(b).isalpha())


def test_ids(seen):
    ids = ids_of(seen)
    for what in (ids, [a ^ b for a, b in zip(ids, ids[1:])], [(b - a) % 65536 for a, b in zip(ids, ids[1:])]):
        assert chi_square(what, 256, 65536) < chance(255)
        assert chi_square([v % 256 for v in what], 256, 256) < chance(255)
    assert collision_bits(ids) > 15.5


def test_ports(seen):
    drawn = sorted({p for _, p, _ in seen})
    assert drawn[0] >= PORTS_FIRST
    assert len(drawn) > WORKERS * 64 * 1.2, "sockets are not replaced"
    assert chi_square([p - PORTS_FIRST for p in drawn], 16, PORTS) < chance(15)
    assert chi_square([p % 16 for p in drawn], 16, 16) < chance(15)
    last_seen = {}
    for at, p, _ in seen:
        first, _ = last_seen.get(p, (at, at))
        last_seen[p] = (first, at)
    assert max(b - a for a, b in last_seen.values()) < 10.5, "a port lives for 10 s at most"


def test_case(seen):
    letters = list(zip(*[case_of(q) for _, _, q in seen]))
    assert len(letters) == 10
    for i, a in enumerate(letters):
        assert abs(sum(a) / len(a) - 0.5) < 0.05, i
        for b in letters[:i]:
            assert abs(sum(x == y for x, y in zip(a, b)) / len(a) - 0.5) < 0.05
    assert collision_bits([case_of(q) for _, _, q in seen]) > 9.9


def test_cookies_and_size(seen):
    options = [options_of(q) for _, _, q in seen]
    assert {o.get(None) for o in options} == {1232}
    assert all(len(o.get(COOKIE, b"")) in (8, 16) for o in options)
    assert len({o[COOKIE][:8] for o in options}) <= 2, "one a server and hour"
    assert sum(len(o[COOKIE]) == 16 for o in options) > 0.9 * N, "the server's half comes back"


def test_what_is_to_be_guessed(seen):
    """Neither id, port nor case tells of another; the sum of the bits."""
    ids, case = ids_of(seen), [case_of(q) for _, _, q in seen]
    drawn = {p for _, p, _ in seen}
    mixed = [i ^ p ^ sum(c << k for k, c in enumerate(bits)) << 6 & 0xffff
             for i, (_, p, _), bits in zip(ids, seen, case)]
    assert chi_square(mixed, 256, 65536) < chance(255)
    now = [p for at, p, _ in seen if at - seen[0][0] < 4]
    port_bits, open_bits = math.log2(PORTS), collision_bits(now)
    id_bits, case_bits = collision_bits(ids), collision_bits(case)
    print(f"""
questions               {len(seen)}
ports                   {len(drawn)} of {PORTS}, chi-square {chi_square([p - 1024 for p in drawn], 16, PORTS):.1f} (15)
ports open together     {open_bits:.1f} bits
ids                     {len(set(ids))} different, {id_bits:.1f} bits, chi-square {chi_square(ids, 256, 65536):.0f} (255)
case of ten letters     {case_bits:.1f} bits
cookie                  {sum(COOKIE in options_of(q) for _, _, q in seen) * 100 / len(seen):.1f} % of questions, 64 bits
he knows nothing        {port_bits + id_bits + case_bits:.1f} bits
he knows the open ports {open_bits + id_bits + case_bits:.1f} bits
he knows the port       {id_bits + case_bits:.1f} bits""")
    assert port_bits + id_bits + case_bits > 41
    assert open_bits > 5.5
