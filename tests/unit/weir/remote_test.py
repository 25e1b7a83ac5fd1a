#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""remote_test.py WEIR: the commands that talk to a running server, and explain --offline."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

WEIR = os.path.abspath(sys.argv[1])

CONFIG = """\
server:
  listen: ["127.0.0.1@{port}"]
  workers: 1
resolver:
  forward:
    - zone: "."
      to: ["127.0.0.1@{nobody}"]
lists:
  - name: malware
    file: malware.txt
  - name: partners
    file: partners.txt
    action: allow
groups:
  - name: default
    clients: ["127.0.0.0/8"]
    lists: [malware, partners]
  - name: kids
    clients: ["10.1.0.0/16"]
    lists: [partners]
    default: deny
control: control.sock
state: state
"""


def free_port():
    """Free for UDP and for TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            udp.bind(("127.0.0.1", 0))
            try:
                tcp.bind(("127.0.0.1", udp.getsockname()[1]))
            except OSError:
                continue
            return udp.getsockname()[1]


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.write("weir.yaml", CONFIG.format(port=free_port(), nobody=free_port()))
        self.write("malware.txt", "# bad\nevil.example\n")
        self.write("partners.txt", "good.evil.example\n")
        self.server = None

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def run_weir(self, *args, config=True):
        extra = ["-c", self.path("weir.yaml")] if config else []
        p = subprocess.run([WEIR, *args, *extra], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
        return p.returncode, p.stdout, p.stderr

    def json_of(self, *args):
        code, out, err = self.run_weir(*args, "--json")
        self.assertEqual(code, 0, err)
        return json.loads(out)

    def verdict(self, name, *args):
        return self.json_of("explain", name, *args)["explain"]["verdict"]

    def start(self):
        self.addCleanup(self.stop, signal.SIGKILL)
        with open(self.path("log"), "w", encoding="utf-8") as log:
            self.server = subprocess.Popen([WEIR, "serve", "-c", self.path("weir.yaml")],
                                           stdout=log, stderr=log)
        until = time.monotonic() + 20
        while self.run_weir("status")[0] != 0:
            if self.server.poll() is not None:
                with open(self.path("log"), encoding="utf-8") as log:
                    said = log.read()
                if "in use" not in said:
                    self.fail("the server has ended: " + said)
                # somebody took the port in between: another one
                self.write("weir.yaml", CONFIG.format(port=free_port(), nobody=free_port()))
                self.start()
                return
            self.assertLess(time.monotonic(), until, "the server does not answer")
            time.sleep(0.05)

    def stop(self, sig):
        if self.server is not None:
            self.server.send_signal(sig)
            self.server.wait(timeout=20)
            self.server = None


class Offline(Base):
    def test_walk(self):
        v = self.verdict("www.evil.example", "--offline")
        self.assertEqual((v["action"], v["list"], v["ede"]["code"]), ("nxdomain", "malware", 15))
        code, out, err = self.run_weir("explain", "www.evil.example", "--offline")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("malware.txt line 2", out)
        self.assertIn("Cache     unknown", out)
        v = self.verdict("x.org", "--offline", "--client", "10.1.0.7")
        self.assertEqual((v["by"], v["ede"]["code"]), ("default", 18))
        self.assertIn("REFUSED", self.verdict("x.org", "--offline", "--client", "::1")["sentence"])

    def test_leaves_the_state_folder_alone(self):
        self.start()
        self.assertEqual(self.run_weir("block", "new.org", "--reason", "x")[0], 0)
        self.stop(signal.SIGTERM)
        before = {f: os.stat(self.path("state/" + f)).st_mtime_ns
                  for f in os.listdir(self.path("state"))}
        self.assertEqual(self.verdict("a.new.org", "--offline")["by"], "edit")
        self.write("malware.txt", "other.example\n")
        code, out, err = self.run_weir("explain", "other.example", "--offline")
        self.assertEqual(code, 0)
        self.assertIn("NXDOMAIN", out)
        self.assertIn("lists have changed", err)
        after = {f: os.stat(self.path("state/" + f)).st_mtime_ns
                 for f in os.listdir(self.path("state"))}
        self.assertEqual(before, after)

    def test_bad_configuration(self):
        self.write("weir.yaml", "lists: 7\n")
        code, out, err = self.run_weir("explain", "a", "--offline")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("weir.yaml:1:8", err)


class BrokenConfiguration(Base):
    """Somebody is half way through an edit of the file: the server that runs can be asked all the same."""

    def test_the_running_server_is_asked(self):
        self.start()
        with open(self.path("weir.yaml"), "a", encoding="utf-8") as f:
            f.write("bogus: 1\n")
        for args in (("status",), ("block", "urgent.example"), ("explain", "urgent.example")):
            code, out, err = self.run_weir(*args)
            self.assertEqual(code, 0, err)
            self.assertIn("weir.yaml has mistakes (weir check shows them)", err)
        code, out, err = self.run_weir("reload")
        self.assertEqual(code, 1)
        self.assertIn("bogus", out + err)
        self.assertIn("everything stays as it was", out + err)

    def test_without_a_socket_the_mistakes_are_told(self):
        self.write("weir.yaml", "bogus: 1\n")
        code, out, err = self.run_weir("status")
        self.assertEqual(code, 1)
        self.assertIn("weir.yaml:1:1: unknown key 'bogus'", err)


class NoServer(Base):
    def test_says_so(self):
        for args in (("status",), ("edits",), ("reload",), ("block", "a"), ("allow", "a"),
                     ("undo", "a"), ("explain", "a"), ("query", "a")):
            code, out, err = self.run_weir(*args)
            self.assertEqual((code, out), (3, ""), args)
            self.assertIn("no running server answers on the control socket", err)
            self.assertIn("weir serve", err)

    def test_wrong_use(self):
        for args, said in ((("block",), "a NAME is missing"), (("undo",), "a NAME is missing"),
                           (("explain",), "a NAME is missing"),
                           (("block", "a", "--for", "soon"), "'soon' is not a time"),
                           (("block", "a", "--for", "0"), "'0' is not a time"),
                           (("block", "a", "b"), "extra operand 'b'"),
                           (("allow", "a", "--action", "drop"), "unrecognized option"),
                           (("status", "x"), "extra operand 'x'")):
            code, out, err = self.run_weir(*args)
            self.assertEqual((code, out), (2, ""), args)
            self.assertIn(said, err)

    def test_no_socket_configured(self):
        self.write("weir.yaml", "server:\n  workers: 1\n")
        code, _, err = self.run_weir("status")
        self.assertEqual(code, 1)
        self.assertIn("names no control socket", err)


class Running(Base):
    def setUp(self):
        super().setUp()
        self.start()

    def test_query_goes_through_the_real_pipeline(self):
        code, out, _ = self.run_weir("query", "www.evil.example")
        self.assertEqual(code, 0)
        self.assertIn("NXDOMAIN", out)
        self.assertIn("extended error 15 (Blocked): list malware: rule evil.example", out)
        # as a client of another group, of none, and where the forwarder does not answer
        self.assertIn("error 18", self.run_weir("query", "x.org", "--client", "10.1.0.7")[1])
        self.assertIn("REFUSED", self.run_weir("query", "x.org", "--client", "192.0.2.1")[1])
        self.assertIn("SERVFAIL", self.run_weir("query", "good.evil.example")[1])

    def test_edits(self):
        code, out, err = self.run_weir("block", "Bücher.example", "--for", "2h", "--reason", "why")
        self.assertEqual((code, err), (0, ""))
        self.assertIn("Blocked: xn--bcher-kva.example and everything below it", out)
        self.assertIn("(2h)", out)
        v = self.verdict("www.xn--bcher-kva.example")
        self.assertEqual((v["action"], v["by"], v["edit"]["reason"]), ("nxdomain", "edit", "why"))
        self.assertIn(f"({os.getuid()})", v["edit"]["who"])
        self.assertEqual(self.run_weir("allow", "evil.example", "--exact")[0], 0)
        self.assertEqual(self.verdict("evil.example")["action"], "allow")
        self.assertEqual(self.verdict("a.evil.example")["action"], "nxdomain")
        names = {e["name"] for e in self.json_of("edits")["edits"]}
        self.assertEqual(names, {"xn--bcher-kva.example", "evil.example"})
        # They are there after a crash.
        self.stop(signal.SIGKILL)
        self.start()
        self.assertEqual(self.verdict("evil.example")["action"], "allow")
        self.assertEqual(self.run_weir("undo", "evil.example")[0], 0)
        code, _, err = self.run_weir("undo", "evil.example")
        self.assertEqual(code, 1)
        self.assertIn("there is no edit of evil.example", err)
        self.assertEqual(self.verdict("evil.example")["action"], "nxdomain")

    def test_expiry(self):
        self.assertEqual(self.run_weir("block", "soon.org", "--for", "1s")[0], 0)
        self.assertEqual(self.verdict("soon.org")["action"], "nxdomain")
        until = time.monotonic() + 10
        while self.verdict("soon.org")["action"] is not None:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.1)

    def test_reload(self):
        self.write("malware.txt", "other.example\n")
        code, out, err = self.run_weir("reload")
        self.assertEqual((code, err), (0, ""), out)
        self.assertIn("Reloaded in", out)
        self.assertEqual(self.verdict("other.example")["action"], "nxdomain")
        self.assertEqual(self.verdict("evil.example")["action"], None)
        with open(self.path("weir.yaml"), encoding="utf-8") as f:
            good = f.read()
        self.write("weir.yaml", good + "nonsense: 1\n")
        # The socket is named, for the configuration is not good.
        code, out, err = self.run_weir("reload", "-s", self.path("control.sock"), config=False)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("nonsense", err)
        self.assertIn("still is", err)

    def test_status(self):
        s = self.json_of("status")["status"]
        self.assertEqual([x["name"] for x in s["policy"]["lists"]], ["malware", "partners"])
        self.assertEqual(len(s["workers"]), 1)
        code, out, _ = self.run_weir("status")
        self.assertEqual(code, 0)
        self.assertIn("Questions   ", out)

    def test_refusals_are_json_too(self):
        code, out, err = self.run_weir("explain", "a..b", "--json")
        self.assertEqual((code, err), (1, ""))
        self.assertEqual(json.loads(out)["error"]["code"], "bad-name")

    def test_second_server(self):
        p = subprocess.run([WEIR, "serve", "-c", self.path("weir.yaml")], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
        self.assertEqual(p.returncode, 1)
        self.assertEqual(self.run_weir("status")[0], 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
