#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""doc_test.py OPTIONS-DOC OPTIONS.MD: is docs/options.md what src/config/options.def says?"""
import difflib
import subprocess
import sys

tool, path = sys.argv[1:]
made = subprocess.run([tool, "markdown"], check=True, stdout=subprocess.PIPE, text=True).stdout
with open(path, encoding="utf-8") as f:
    kept = f.read()
if len(made) < 5000:
    sys.exit("options-doc printed next to nothing")
if made != kept:
    sys.stdout.writelines(
        difflib.unified_diff(kept.splitlines(True), made.splitlines(True), path, "options.def"))
    sys.exit("docs/options.md is not current: src/config/options-doc markdown >docs/options.md")
