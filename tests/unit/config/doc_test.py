#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""doc_test.py OPTIONS-DOC SOURCE-FOLDER: are docs/options.md and docs/detectors.md
what the tables say, and is every option of use to somebody?"""
import difflib
import pathlib
import re
import subprocess
import sys

# Read inside src/config, or accepted for a version to come.
USED_ELSEWHERE = {"root_hints": "config/load.c", "timezone": "config/hours.c",
                  **dict.fromkeys(("special_names", "mdns", "doh_canary", "block_relay"),
                                  "local/builtin.def")}


def check_document(tool, what, path, least):
    made = subprocess.run([tool, what], check=True, stdout=subprocess.PIPE, text=True).stdout
    kept = path.read_text(encoding="utf-8")
    if len(made) < least:
        sys.exit("options-doc printed next to nothing")
    if made != kept:
        sys.stdout.writelines(difflib.unified_diff(kept.splitlines(True), made.splitlines(True),
                                                   str(path), "made"))
        sys.exit(f"{path} is not current: src/config/options-doc {what} >{path.name}")


def check_use(source):
    table = (source / "src/config/options.def").read_text(encoding="utf-8")
    fields = re.findall(r'^OPTION_[A-Z]+\("[a-z0-9-]+", (\w+), ', table, re.M)
    table = (source / "src/config/detectors.def").read_text(encoding="utf-8")
    fields += re.findall(r'^DETECT_OPTION\("[a-z0-9.-]+", (\w+), ', table, re.M)
    if len(fields) < 40:
        sys.exit("options.def: hardly any option found; has its shape changed?")
    code = "".join(p.read_text(encoding="utf-8") for p in (source / "src").rglob("*.c")
                   if p.parent.name != "config")
    idle = [f for f in fields
            if f not in USED_ELSEWHERE and not re.search(rf"(\.|->){f}\b", code)]
    if idle:
        sys.exit("options that nobody reads: " + ", ".join(idle))


check_document(sys.argv[1], "markdown", pathlib.Path(sys.argv[2]) / "docs/options.md", 5000)
check_document(sys.argv[1], "detectors", pathlib.Path(sys.argv[2]) / "docs/detectors.md", 500)
check_use(pathlib.Path(sys.argv[2]))
