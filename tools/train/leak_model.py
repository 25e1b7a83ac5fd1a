#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""leak_model.py OUT FILE...: how surprising a label of a host name is, as a table of trigrams.

Makes src/detect/data/trigrams.bin: 40*40*40 bytes, [before last][last][next] -> cost in sixteenths of
a bit, rounded up. Symbols: a-z, 0-9, '-', '_', everything else, the border of the label. So the costs
of all labels, their ends included, are those of a prefix code: 2^-cost adds up to 1 at most.

Each FILE is text, or xz, with names: one a line; the last column where there are several (tabs); lists
in hosts, domains, wildcard or AdBlock syntax; CSV "rank,name". Of each name the labels below the last
two are host labels, the second last is a domain label, which counts less. The words of
tools/train/host_labels.txt, "label count", are how often the commonest host labels are used, which
lists of distinct names do not tell.
"""
import collections
import lzma
import math
import pathlib
import re
import sys

SYMBOLS = {**{c: i for i, c in enumerate("abcdefghijklmnopqrstuvwxyz0123456789-_")}}
OTHER, BORDER, N = 38, 39, 40
DOMAIN_WEIGHT = 0.05  # of a domain label, beside a host label
UNITS = 16
NAME = re.compile(r"^[a-z0-9_-]+(\.[a-z0-9_-]+)+$")


def names(path):
    data = path.read_bytes()
    if path.suffix == ".xz":
        data = lzma.decompress(data)
    for line in data.decode("utf-8", "replace").splitlines():
        line = line.strip().lower()
        if not line or line[0] in "#!;[":
            continue
        line = line.split("\t")[-1].split("#")[0].strip()
        word = re.split(r"[,\s]+", line)[-1] if line else ""
        word = word.lstrip("|*.").rstrip("^.")
        if NAME.match(word) and not word.replace(".", "").isdigit():
            yield word


def labels_of(paths):
    """Each label with a weight; the same host label below many domains counts for each."""
    weights = collections.Counter()
    seen = set()
    for path in paths:
        for name in names(path):
            if name in seen:
                continue
            seen.add(name)
            parts = name.split(".")
            for label in parts[:-2]:
                weights[label] += 1.0
            weights[parts[-2]] += DOMAIN_WEIGHT
    return weights, len(seen)


def count(weights):
    counts = [collections.Counter() for _ in range(3)]
    for label, weight in weights.items():
        symbols = [BORDER, BORDER, *(SYMBOLS.get(c, OTHER) for c in label), BORDER]
        for i in range(2, len(symbols)):
            a, b, c = symbols[i - 2:i + 1]
            counts[0][c] += weight
            counts[1][b, c] += weight
            counts[2][a, b, c] += weight
    return counts


def probabilities(counts):
    """Interpolated (Witten and Bell); every symbol is possible everywhere."""
    total1 = sum(counts[0].values())
    p1 = [(counts[0][c] + 1) / (total1 + N) for c in range(N)]
    p2 = {}
    for b in range(N):
        row = [counts[1][b, c] for c in range(N)]
        total, kinds = sum(row), sum(1 for x in row if x > 0) + 1
        p2[b] = [(row[c] + kinds * p1[c]) / (total + kinds) for c in range(N)]
    for a in range(N):
        for b in range(N):
            row = [counts[2][a, b, c] for c in range(N)]
            total, kinds = sum(row), sum(1 for x in row if x > 0) + 1
            p = [(row[c] + kinds * p2[b][c]) / (total + kinds) for c in range(N)]
            floor = 2.0 ** -15
            p = [(x + floor) / (1 + N * floor) for x in p]
            yield p


def main():
    out, *files = map(pathlib.Path, sys.argv[1:])
    weights, n_names = labels_of(files)
    for line in (pathlib.Path(__file__).parent / "host_labels.txt").read_text().splitlines():
        if line and line[0] != "#":
            label, n = line.split()
            weights[label] += float(n)
    table = bytearray()
    for p in probabilities(count(weights)):
        costs = [math.ceil(-math.log2(x) * UNITS) for x in p]
        assert sum(2.0 ** (-c / UNITS) for c in costs) <= 1
        table += bytes(min(c, 255) for c in costs)
        assert max(costs) <= 255
    out.write_bytes(table)

    def bits(label):
        s = [BORDER, BORDER, *(SYMBOLS.get(c, OTHER) for c in label), BORDER]
        return sum(table[(s[i - 2] * N + s[i - 1]) * N + s[i]] for i in range(2, len(s))) / UNITS
    print(f"{n_names} names, {len(weights)} labels, {len(table)} bytes")
    for label in ("www", "mail", "api", "cdn", "images", "login", "static-assets", "d3f7abc12xyz99",
                  "6b86b273ff34fce19d6b804eff5a3f57", "mfrggzdfmztwq2lkobyxg5dpovzxs"):
        print(f"{label:34} {bits(label):6.1f} bits {bits(label) / len(label):5.2f} a character")


main()
