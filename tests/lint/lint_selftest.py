#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the lints find what they are for? A small clean tree, then one wrong thing at a time."""
import json
import pathlib
import subprocess
import sys
import tempfile

TOOLS = pathlib.Path(__file__).resolve().parent.parent.parent / "tools"
SPDX = "/* SPDX-License-Identifier: GPL-3.0-or-later */\n"
HEADER = SPDX + """/*
 * base/thing.h - a thing.
 *
 * What:      a thing (RFC 1035).
 * Threads:   pure.
 * Memory:    none.
 * Tests:     tests/unit/base/thing_test.c
 */
#pragma once

int thing_count(void);
"""
CLEAN = {
    "src/base/thing.h": HEADER,
    "src/base/thing.c": SPDX + '#include "base/thing.h"\n\nint thing_count(void)\n{\n\treturn 1;\n}\n',
    "src/base/meson.build": "# SPDX-License-Identifier: GPL-3.0-or-later\nx = files('thing.c')\n",
    "src/policy/policy.h": SPDX + """/*
 * policy/policy.h - the door.
 *
 * What:      the door.
 * Threads:   pure.
 * Memory:    none.
 * Cost:      none.
 * Tests:     tests/unit/policy/
 */
#pragma once
""",
    "src/policy/inner.h": SPDX + """/*
 * policy/inner.h - inside.
 *
 * What:      inside.
 * Threads:   pure.
 * Memory:    none.
 */
#pragma once
""",
    "tests/unit/base/thing_test.c": SPDX + "int main(void)\n{\n\treturn 0;\n}\n",
    "tests/unit/base/meson.build":
        "# SPDX-License-Identifier: GPL-3.0-or-later\nt = files('thing_test.c')\n",
    "tests/unit/policy/inner_test.c": SPDX,
    "tests/unit/policy/meson.build":
        "# SPDX-License-Identifier: GPL-3.0-or-later\nt = files('inner_test.c')\n",
    "tests/fuzz/meson.build": "# SPDX-License-Identifier: GPL-3.0-or-later\n",
    "docs/rfcs.md": "RFC 1035 done\n",
}
C = CLEAN["src/base/thing.c"]
# tool, file, its wrong text (None: removed), what the tool must say
ROWS = [
    ("layers", "src/base/thing.c", C + '#include "policy/policy.h"\n', "policy/ stands above"),
    ("layers", "src/cache/a.c", SPDX + '#include "policy/inner.h"\n', "only the front door"),
    ("layers", "src/base/thing.c", C.replace('base/thing.h', 'thing.h'), "own"),
    ("layers", "src/base/other.c", SPDX + '#include "thing.h"\n', "must be written folder/file.h"),
    ("layers", "src/base/other.c", SPDX + '#include <base/thing.h>\n', "with quotes"),
    ("layers", "src/wrong/a.c", SPDX, "not in one of the folders"),
    ("headers", "src/base/thing.h", HEADER.replace(SPDX, ""), "SPDX"),
    ("headers", "src/base/thing.h", HEADER.replace(" * Threads:   pure.\n", ""), "field Threads"),
    ("headers", "src/base/thing.h", HEADER.replace("base/thing.h -", "base/thong.h -"), "begin"),
    ("headers", "src/base/thing.h", HEADER.replace("#pragma once\n", ""), "pragma once"),
    ("headers", "src/base/thing.h", HEADER.replace("void", "size_t n"), "does not compile alone"),
    ("headers", "src/base/thing.h", HEADER.replace("thing_test.c", "thong_test.c"),
     "does not exist"),
    ("headers", "src/policy/policy.h",
     CLEAN["src/policy/policy.h"].replace(" * Cost:      none.\n", ""), "field Cost"),
    ("headers", "tools/x", "#!/bin/sh\ntrue\n", "SPDX"),
    ("source", "src/base/other.c", SPDX, "no tests/unit/base/other_test.c"),
    ("source", "src/base/meson.build", "# nothing\n", "stands in no meson.build of its folder"),
    ("source", "tests/unit/base/meson.build", "# nothing\n", "so it never runs"),
    ("source", "tests/fuzz/x_fuzz.c", SPDX, "so it never runs"),
    ("source", "tests/fuzz/x_fuzz.c", SPDX, "has no inputs"),
    ("source", "src/base/thing.h", HEADER.replace("1035", "1035 3.1, 9999 2"), "RFC 9999"),
    ("source", "src/base/thing.h", HEADER.replace("1035", "7777"), "RFC 7777"),
    ("source", "src/base/thing.c", C.replace("1;", "atoi(s);"), "atoi() is banned"),
    ("source", "src/base/thing.c", C.replace("\treturn 1;\n", "\tx();\n" * 121), "has 121 lines"),
    ("source", "src/base/thing.c", C + "int x;\n" * 800, "800 are the most"),
    ("source", "src/base/misc.c", SPDX, "this name says nothing"),
    ("source", "docs/a.md", "see /wor" + "k/x\n", "somebody's machine"),
    ("source", "src/base/thing.c", C.replace("1;", "1; "), "blanks at the end"),
    ("source", "src/base/thing.c", C + "int x;", "no newline at the end"),
    ("source", "src/base/thing.c", C + "int x;\r\n", "carriage return"),
    ("source", "docs/a.md", "[a](b.md)\n", "link to b.md"),
]
# What must not be found: words in comments and strings, longer names, members.
INNOCENT = [
    ("source", "src/base/thing.c", C + '/* atoi(x) */ const char *s = "system(x)";\n'),
    ("source", "src/base/thing.c", C.replace("1;", "x->random(y) + my_atoi(z);")),
]


def run(tool, files):
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for path, text in files.items():
            if text is not None:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, newline="")
        done = subprocess.run([TOOLS / f"lint-{tool}", root], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


# lines of meson's log, and what tools/count-tests must say of them
COUNTS = [
    ([("OK", "")], 0, "1 passed, 0 failed"),
    ([], 1, "0 passed, 0 failed"),
    ([("OK", "[  PASSED  ] 7 test(s).\n"), ("SKIP", "")], 0, "7 passed, 0 failed, 1 skipped"),
    ([("FAIL", "[  PASSED  ] 7 test(s).\n[  FAILED  ] 2 test(s), listed below:\n")], 1,
     "7 passed, 2 failed"),
    ([("FAIL", "[  PASSED  ] 7 test(s).\n")], 1, "7 passed, 1 failed"),
    ([("TIMEOUT", "")], 1, "0 passed, 1 failed"),
    ([("OK", "=== 5 passed, 2 skipped, 1 warning in 3.21s ===\n")], 0,
     "5 passed, 0 failed, 2 skipped"),
    ([("FAIL", "= 1 failed, 5 passed, 1 error in 61.10s (0:01:01) =\n")], 1, "5 passed, 2 failed"),
]


def count(rows):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        for result, stdout in rows:
            log.write(json.dumps({"name": "x", "result": result, "stdout": stdout}) + "\n")
        log.flush()
        done = subprocess.run([TOOLS / "count-tests", log.name], capture_output=True, text=True)
        return done.returncode, done.stdout.splitlines()[-1]


def main():
    wrong = []
    for rows, status, line in COUNTS:
        if count(rows) != (status, line):
            wrong.append(f"count-tests of {rows}: wanted '{line}', got {count(rows)}")
    for tool in ("layers", "headers", "source"):
        status, said = run(tool, CLEAN)
        if status != 0:
            wrong.append(f"lint-{tool} finds something in a clean tree: {said}")
    for tool, path, text, expected in ROWS:
        status, said = run(tool, {**CLEAN, path: text})
        if status != 1 or expected not in said:
            wrong.append(f"lint-{tool} with a wrong {path}: wanted '{expected}', got {status}: {said}")
    for tool, path, text in INNOCENT:
        status, said = run(tool, {**CLEAN, path: text})
        if status != 0:
            wrong.append(f"lint-{tool}: false finding: {said}")
    for line in wrong:
        print(line)
    print(f"selftest: {len(ROWS) + len(INNOCENT) + len(COUNTS) + 3} cases, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
