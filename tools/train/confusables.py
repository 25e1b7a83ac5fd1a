#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""confusables.py OUT: which letters look like ASCII ones, and the script of every letter.

Makes src/detect/confusables.def from the data of Unicode as Debian's libicu has it (python3-icu):
the skeletons of UTS 39, and the property Script. Kept are letters, digits and marks that can stand
in a domain name (lower case, unchanged by NFKC) and whose skeleton is ASCII but for marks; combining
marks themselves are not in the table.
"""
import sys
import unicodedata

import icu

# UTS 39's skeletons are for all text; names are lower case, and so is what they are compared with.
COMMON = {icu.Script.getScript(ch).getShortName() for ch in ("1", "\u0300")}
LAST = 0x3FFFF  # beyond are no letters
# What UTS 39 does not take for alike, because it compares with the serif forms, and people do.
ALSO = {"\u0432": "b", "\u043a": "k", "\u043c": "m", "\u043d": "h", "\u0442": "t", "\u044c": "b",
        "\u03ba": "k", "\u03c4": "t", "\u03c9": "w", "\u03b5": "e", "\u03b7": "n"}


def can_stand_in_a_name(c):
    ch = chr(c)
    return (unicodedata.category(ch) in ("Ll", "Lo", "Lm", "Nd")
            and unicodedata.normalize("NFKC", ch.casefold()) == ch)


def fold(checker, c):
    """(ASCII, has it marks?); None: it does not look like ASCII."""
    if chr(c) in ALSO:
        return ALSO[chr(c)], False
    skeleton = unicodedata.normalize("NFD", checker.getSkeleton(0, chr(c)))
    base = "".join(x for x in skeleton if unicodedata.category(x) not in ("Mn", "Me")).lower()
    if not base.isascii() or not base.isalnum():
        return None
    return base, base != skeleton.lower()


def write(out, items):
    """Several a line."""
    line = ""
    for item in items:
        if len(line) + 1 + len(item) > 100:
            print(line, file=out)
            line = ""
        line += (" " if line else "") + item
    print(line, file=out)


checker = icu.SpoofChecker()
rows, ranges = [], []
for c in range(0x80, LAST + 1):
    if 0xD800 <= c < 0xE000 or unicodedata.category(chr(c)) == "Cn":
        continue
    script = icu.Script.getScript(chr(c)).getShortName()
    if script not in COMMON and script != "Zyyy" and script != "Zinh":
        if ranges and ranges[-1][2] == script:
            ranges[-1][1] = c
        else:
            ranges.append([c, c, script])
    if can_stand_in_a_name(c):
        found = fold(checker, c)
        if found and len(found[0]) <= 3:
            rows.append((c, *found))

scripts = sorted({r[2] for r in ranges})
with open(sys.argv[1], "w", encoding="ascii") as out:
    print(f"""/* SPDX-License-Identifier: GPL-3.0-or-later AND Unicode-DFS-2016 */
/*
 * Letters that look like ASCII ones, CONFUSABLE(code point, ASCII, has marks), and the scripts of all
 * letters, SCRIPT(first, last, name), both ascending. Made by tools/train/confusables.py from Unicode
 * {icu.UNICODE_VERSION} (ICU {icu.ICU_VERSION}): UTS 39 confusables, Scripts. Do not edit.
 * Data of Unicode: Copyright 1991-2022 Unicode, Inc., https://www.unicode.org/license.txt
 */
#ifndef CONFUSABLE
#define CONFUSABLE(...)
#endif
#ifndef SCRIPT
#define SCRIPT(...)
#endif
#ifndef SCRIPT_NAME
#define SCRIPT_NAME(...)
#endif
/* clang-format off */""", file=out)
    write(out, [f"SCRIPT_NAME({name})" for name in scripts])
    write(out, [f'CONFUSABLE(0x{c:04x}, "{base}", {int(marks)})' for c, base, marks in rows])
    write(out, [f"SCRIPT(0x{first:04x}, 0x{last:04x}, {name})" for first, last, name in ranges])
    print("""/* clang-format on */
#undef CONFUSABLE
#undef SCRIPT
#undef SCRIPT_NAME""", file=out)
print(f"{len(rows)} letters, {len(ranges)} ranges of {len(scripts)} scripts")
