#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""command_test.py WEIR SOURCE-FOLDER: the command line of weir, and weir check."""
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest

WEIR, SOURCE = (os.path.abspath(a) for a in sys.argv[1:3])


def run(*args, cwd=None):
    p = subprocess.run([WEIR, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       stdin=subprocess.DEVNULL, timeout=20, cwd=cwd)
    return p.returncode, p.stdout, p.stderr


def commands():
    with open(os.path.join(SOURCE, "src/weir/commands.def"), encoding="utf-8") as f:
        return re.findall(r'^COMMAND\((\w+), "(.+)"\)', f.read(), re.M)


class Usage(unittest.TestCase):
    def test_help_lists_every_command(self):
        code, out, err = run("--help")
        self.assertEqual((code, err), (0, ""))
        self.assertTrue(out.startswith("Usage: weir COMMAND"))
        self.assertGreater(len(commands()), 0)
        for name, summary in commands():
            self.assertRegex(out, rf"(?m)^  {name} +{re.escape(summary)}$")

    def test_help_of_each_command(self):
        for name, _ in commands():
            code, out, err = run(name, "--help")
            self.assertEqual((code, err), (0, ""), name)
            self.assertTrue(out.startswith(f"Usage: weir {name}"), name)
            self.assertIn("--help", out)
            self.assertTrue(all(len(line) <= 100 for line in out.splitlines()), name)
        for args in (("check", "-h"), ("help", "check"), ("check", "x", "--help")):
            self.assertEqual(run(*args), run("check", "--help"))

    def test_manual_names_every_command(self):
        with open(os.path.join(SOURCE, "man/weir.8"), encoding="utf-8") as f:
            text = f.read()
        for name, _ in commands():
            self.assertRegex(text, rf"(?m)^\.BI? {name}\b")

    def test_version(self):
        for option in ("--version", "-V"):
            code, out, err = run(option)
            self.assertEqual((code, err), (0, ""))
            self.assertRegex(out, r"^weir \d+\.\d+\.\d+\n")

    def test_wrong_use(self):
        for args, said in (((), "a command is missing"), (("nosuch",), "'nosuch' is not a command"),
                           (("--nosuch",), "unrecognized option '--nosuch'"),
                           (("check", "--nosuch"), "weir check: unrecognized option"),
                           (("check", "a", "b"), "weir check: extra operand 'b'"),
                           (("check", "-c"), "option requires an argument")):
            code, out, err = run(*args)
            self.assertEqual((code, out), (2, ""), args)
            self.assertIn(said, err)
            self.assertIn("--help' for more information.", err)

    def test_full_disk(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            p = subprocess.run([WEIR, "--help"], stdout=full, stderr=subprocess.PIPE, timeout=20,
                               check=False)
        self.assertEqual(p.returncode, 1)
        self.assertIn(b"No space left", p.stderr)


class Check(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def test_our_own_configurations(self):
        code, out, err = run("check", os.path.join(SOURCE, "conf/run.yaml"))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("good; lists: 11, groups: 1, warnings: 0", out)
        self.assertNotIn("skipped 1", out)

    def test_all_problems_at_once(self):
        path = self.write("weir.yaml", "server:\n  workers: many\ncache:\n  seize: 1MiB\n"
                                       "lists:\n  - {name: a, file: gone.txt}\n")
        code, out, err = run("check", "-c", path)
        self.assertEqual((code, out), (1, ""))
        self.assertIn(f"{path}:2:12: server.workers: 'many' is not a whole number", err)
        self.assertIn(f"{path}:4:3: unknown key 'seize' in cache; did you mean 'size'?", err)
        self.assertIn(f"{path}:6:21: lists[].file: cannot read", err)
        self.assertIn("No such file or directory", err)
        self.assertTrue(err.endswith(f"{path}: not good; errors: 3, warnings: 0\n"))

    def test_no_file(self):
        code, _, err = run("check", os.path.join(self.folder.name, "gone.yaml"))
        self.assertEqual(code, 1)
        self.assertIn("No such file or directory", err)

    def test_looks_into_lists(self):
        self.write("good.txt", "# a list\nexample.com\nexample.net\n-_-.b..ad\n")
        self.write("bad.txt", "".join(f"<p>{i}</p>\n" for i in range(100)))
        good = self.write("good.yaml", "lists: [{name: a, file: good.txt}]\n")
        bad = self.write("bad.yaml", "lists:\n- {name: a, file: good.txt}\n"
                                     "- {name: b, file: bad.txt}\n")
        code, out, err = run("check", good)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("list a: 2 names", out)
        self.assertIn("line 4: ", out)
        code, out, err = run("check", bad)
        self.assertEqual(code, 1)
        self.assertIn(f"{bad}:3:3: list 'b': {self.folder.name}/bad.txt:1: has lines, but none of them is a rule", err)
        self.assertEqual(run("check", "--no-lists", bad)[0], 0)
        self.assertEqual(run("check", "-q", good), (0, "", ""))

    def test_relative_paths(self):
        os.mkdir(os.path.join(self.folder.name, "etc"))
        self.write("etc/list.txt", "example.com\n")
        self.write("etc/weir.yaml", "lists: [{name: a, file: list.txt}]\nstate: ../state\n")
        code, out, _ = run("check", "--print", "etc/weir.yaml", cwd=self.folder.name)
        self.assertEqual(code, 0)
        self.assertIn(f'file: "{os.path.realpath(self.folder.name)}/etc/list.txt"', out)
        self.assertIn(f'state: "{os.path.realpath(self.folder.name)}/etc/../state"', out)

    def test_print_shows_no_secrets(self):
        text = """
            state: /nonexistent
            keys:
              - {name: k, algorithm: hmac-sha256, secret: c2VjcmV0c2VjcmV0}
            lists:
              - name: a
                url: "https://x.example/l?user=me&api_key=c2VjcmV0&x=1"
                mirrors: ["https://y.example/l?Token=c2VjcmV0"]
                headers: ["X-Api-Key: c2VjcmV0"]
                proxy: "http://me:c2VjcmV0@proxy.example:3128"
            groups: [{name: g, clients: [127.0.0.0/8], lists: [a]}]
            alerts:
              - {name: chat, to: "https://hooks.example/services/c2VjcmV0", format: slack, secret: c2VjcmV0}
              - {name: log, to: "tls://log.example:6514"}
            """
        code, out, err = run("check", "--print", self.write("secrets.yaml", textwrap.dedent(text)))
        self.assertEqual(code, 0, err)
        self.assertNotIn("c2VjcmV0", out)
        for shown in ('"https://x.example/l?user=me&api_key=(hidden)&x=1"', '"X-Api-Key: (hidden)"',
                      '"http://(hidden)@proxy.example:3128"', '"https://hooks.example/(hidden)"',
                      '"tls://log.example:6514"', 'secret: "(hidden)"'):
            self.assertIn(shown, out)

    def test_print_and_defaults_are_good(self):
        code, out, _ = run("check", "--print", os.path.join(SOURCE, "conf/run.yaml"))
        self.assertEqual(code, 0)
        again = run("check", "--print", self.write("printed.yaml", out))
        self.assertEqual(again, (0, out, ""))
        code, defaults, _ = run("check", "--defaults")
        self.assertEqual(code, 0)
        in_force = run("check", "--print", self.write("defaults.yaml", defaults))
        empty = run("check", "--print", self.write("empty.yaml", "{}\n"))
        self.assertEqual(in_force, empty)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
