#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""suffixes.py LIST - the public suffix list as the table that dns/registered.c walks.

LIST is public_suffix_list.dat (https://publicsuffix.org/list/; Debian: publicsuffix). Written to
standard output, as C. A node is a label below another node; the nodes are all rules and what is above
them. Each has its slot in an open table, by a hash of the labels down to it.
"""
import sys
import unicodedata

RULE, EXCEPTION, WILDCARD, BELOW, REGISTRY, PRIVATE = 1, 2, 4, 8, 16, 32
SLOTS = 1 << 15
ROOT = SLOTS  # the number of the node above the top-level domains
FULL = (1 << 64) - 1
FACTOR = 0x9E3779B97F4A7C15
PROBES_MAX = 32
DEPTH_MAX = 8
LABEL_MAX = 63


def fail(path, number, text):
    sys.exit(f"{path}:{number}: {text}")


def to_wire(label):
    """A label of the list as it stands in questions."""
    label = unicodedata.normalize("NFC", label).lower()
    if not label.isascii():
        label = "xn--" + label.encode("punycode").decode()
    wire = label.encode()
    if not 0 < len(wire) <= LABEL_MAX or not all(c == 45 or c == 95 or chr(c).isalnum() for c in wire):
        raise ValueError(f"'{label}' is no label")
    return wire


def read(path):
    """{labels from the top down: flags}"""
    nodes, section = {}, 0
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            for word, flag in (("ICANN", REGISTRY), ("PRIVATE", PRIVATE)):
                if f"===BEGIN {word} DOMAINS===" in line:
                    section = flag
                elif f"===END {word} DOMAINS===" in line:
                    section = 0
            words = line.split()
            if not words or words[0].startswith("//"):
                continue
            rule = words[0]
            if section == 0:
                fail(path, number, f"'{rule}' stands in no section")
            flags = RULE
            if rule.startswith("!"):
                rule, flags = rule[1:], EXCEPTION
            elif rule.startswith("*."):
                # That what is above the star is a suffix too is how browsers and libpsl have it.
                rule, flags = rule[2:], RULE | WILDCARD | BELOW
            try:
                labels = tuple(to_wire(label) for label in reversed(rule.split(".")))
            except ValueError as e:
                fail(path, number, str(e))
            if len(labels) > DEPTH_MAX:
                fail(path, number, f"more than {DEPTH_MAX} labels")
            nodes[labels] = nodes.get(labels, 0) | flags | section
            for n in range(1, len(labels)):
                nodes[labels[:n]] = nodes.get(labels[:n], 0) | BELOW
    if len(nodes) < 1000 or len(nodes) > SLOTS // 2:
        fail(path, 1, f"{len(nodes)} names: that is not the list")
    return nodes


def hash_step(h, label):
    """As in registered.c."""
    h ^= len(label)
    for at in range(0, len(label), 8):
        h = (h + int.from_bytes(label[at:at + 8], "little")) * FACTOR & FULL
        h ^= h >> 32
    return h


def place(nodes):
    """The slots: (hash, number of the node above, flags, label)."""
    slots, hashes, numbers = [None] * SLOTS, {(): 0}, {(): ROOT}
    for labels in sorted(nodes, key=lambda labels: (len(labels), labels)):
        h = hashes[labels] = hash_step(hashes[labels[:-1]], labels[-1])
        at = h % SLOTS
        while slots[at] is not None:
            at = (at + 1) % SLOTS
        slots[at] = (h, numbers[labels[:-1]], nodes[labels], labels[-1])
        numbers[labels] = at
    run, longest = 0, 0
    for slot in slots + slots:
        run = run + 1 if slot is not None else 0
        longest = max(longest, run)
    if longest > PROBES_MAX:
        sys.exit(f"suffixes.py: a search takes {longest} steps: more SLOTS are needed")
    return slots


def main():
    slots = place(read(sys.argv[1]))
    texts, at = {}, 1
    for label in sorted({slot[3] for slot in slots if slot is not None}):
        texts[label] = at
        at += len(label) + 1
    if at > 1 << 16:
        sys.exit(f"suffixes.py: {at} bytes of labels are too many")
    print("/* Made by suffixes.py. */")
    print(f"enum {{\n\tSUFFIX_SLOTS = {SLOTS},\n\tSUFFIX_ROOT = {ROOT},")
    print(f"\tSUFFIX_LABEL_MAX = {max(map(len, texts))},\n}};")
    print(f"#define SUFFIX_FACTOR UINT64_C({FACTOR:#x})")
    print(f"static const uint8_t suffix_texts[{at}] =\n\t\"\\0\"")
    for label in texts:
        print(f"\t\"\\{len(label):o}\" \"{label.decode()}\"")
    print("\t;\nstatic const struct suffix_slot suffix_slots[SUFFIX_SLOTS] = {")
    for i, slot in enumerate(slots):
        if slot is not None:
            print(f"\t[{i}] = {{ {slot[0] >> 48:#x}, {slot[1]}, {texts[slot[3]]}, {slot[2]} }},")
    print("};")


main()
