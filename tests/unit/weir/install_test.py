#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""install_test.py WEIR SOURCE-FOLDER BUILD-FOLDER: what packaging/ installs is whole and good."""
import os
import subprocess
import sys
import tempfile
import unittest

WEIR, SOURCE, BUILD = (os.path.abspath(a) for a in sys.argv[1:4])


def install(folder):
    """packaging/install-config as meson would run it."""
    p = subprocess.run([os.path.join(SOURCE, "packaging/install-config"), "/etc"],
                       env={**os.environ, "DESTDIR": folder}, stdout=subprocess.PIPE, text=True,
                       timeout=20, check=True)
    return p.stdout


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Install(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.config = os.path.join(self.folder.name, "etc/weir/weir.yaml")

    def check(self):
        return subprocess.run([WEIR, "check", self.config], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=20, check=False)

    def test_default_configuration_is_good(self):
        install(self.folder.name)
        p = self.check()
        self.assertEqual((p.returncode, p.stderr), (0, ""))
        self.assertIn("good; lists: 3, groups: 1, warnings: 0", p.stdout)
        self.assertIn("list test: 2 names", p.stdout)

    def test_an_edited_file_stays(self):
        install(self.folder.name)
        with open(self.config, "a", encoding="utf-8") as f:
            f.write("# ours\n")
        edited = read(self.config)
        out = install(self.folder.name)
        self.assertIn("Keeping", out)
        self.assertEqual(read(self.config), edited)
        self.assertEqual(read(self.config + ".new"), read(os.path.join(SOURCE, "packaging/weir.yaml")))
        self.assertFalse(os.path.exists(self.config.replace("weir.yaml", "lists/allow.txt.new")))

    def test_commented_examples_are_good_too(self):
        """What the comments suggest, uncommented, is accepted."""
        install(self.folder.name)
        lists = os.path.join(self.folder.name, "etc/weir/lists")
        for name in ("malware.txt.gz", "bad-networks.txt", "bad-name-servers.txt"):
            with open(os.path.join(lists, name), "w", encoding="utf-8"):
                pass
        with open(os.path.join(self.folder.name, "etc/weir/transfer.key"), "w", encoding="utf-8") as f:
            f.write("c2VjcmV0IG9mIHRoZSBleGFtcGxl\n")
        lines = []
        for line in read(self.config).splitlines():
            stripped = line.lstrip()
            if stripped.startswith("# ") and (":" in stripped or stripped.startswith("# - ")):
                body = stripped[2:]
                words = body.split(":")[0].strip(" -")
                if " " not in words and "/" not in words:
                    indent = len(line) - len(stripped)
                    line = " " * indent + body
            lines.append(line)
        text = "\n".join(lines) + "\n"
        self.assertIn("\n      to: [", text)
        self.assertIn("\n  - name: servers", text)
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text)
        p = subprocess.run([WEIR, "check", "--no-lists", self.config], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, timeout=20, check=False)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("lists: 7, groups: 2", p.stdout)

    def test_unit_file(self):
        text = read(os.path.join(BUILD, "packaging/weir.service"))
        self.assertNotIn("@bindir@", text)
        self.assertRegex(text, r"(?m)^ExecStart=/\S+/weir serve -c /\S*etc/weir/weir.yaml$")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
