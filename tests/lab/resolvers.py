#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resolvers that stand in front of the lab: Weir, and Unbound as the oracle."""

import json
import os
import signal
import subprocess
import time

import lab as lab_module
from lab import LabError, Process, ask, unconfined, wait_until_answers

READY_NAME = "ready-probe.invalid."


class Resolver:
    """What all of them have: an address, a port, start, stop, ask."""

    name = "resolver"

    def __init__(self, lab, directory, port=5353, address="127.0.0.1", cpu=None):
        self.lab, self.directory, self.port, self.address, self.cpu = lab, directory, port, address, cpu
        self.process = None
        os.makedirs(directory, exist_ok=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def ask(self, name, rdtype="A", timeout_s=15.0, **options):
        return ask(options.pop("address", self.address), name, rdtype, self.port, timeout_s, **options)

    def run(self, argv, limit_s=lab_module.START_LIMIT_S):
        self.process = Process(self.name, argv, self.directory, self.cpu)
        try:
            self.wait_ready(limit_s)
        except BaseException:
            self.process.kill()
            raise

    def wait_ready(self, limit_s):
        wait_until_answers(self.process, self.address, self.port, READY_NAME, "A", limit_s)

    def stop(self):
        return self.process.stop() if self.process is not None else None


class Unbound(Resolver):
    """The oracle: no validation, no refusal of loopback or private addresses, nothing added."""

    name = "unbound"
    modules = "iterator"
    lines = ()  # more of the section server:

    def start(self):
        path = os.path.join(self.directory, "unbound.conf")
        if self.lab.port != 53:
            raise LabError("Unbound asks name servers on port 53 only: the oracle needs root or a "
                           "namespace")
        with open(path, "w") as f:
            f.write(f"""server:
  interface: {self.address}@{self.port}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "{self.directory}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "{self.modules}"
  root-hints: "{self.lab.root_hints}"
  do-not-query-localhost: no
  do-ip6: yes
  minimal-responses: yes
  prefetch: no
  qname-minimisation: yes
  harden-below-nxdomain: yes
  local-zone: "test." nodefault
  local-zone: "2.0.192.in-addr.arpa." nodefault
{"".join(f"  {line}" + chr(10) for line in self.lines)}remote-control:
  control-enable: no
""")
        self.run([unconfined("unbound", self.directory), "-d", "-p", "-c", path])


class Weir(Resolver):
    """The daemon under test. `config` is laid over the defaults below, section by section."""

    name = "weir"

    def __init__(self, lab, directory, binary, port=5353, address="127.0.0.1", cpu=None, config=None):
        super().__init__(lab, directory, port, address, cpu)
        self.binary = os.path.abspath(binary)
        self.conf_path = os.path.join(directory, "weir.yaml")
        self.events_path = os.path.join(directory, "events.jsonl")
        self.control_path = os.path.join(directory, "control")
        self.state_dir = os.path.join(directory, "state")
        self.config = self.defaults()
        for section, value in (config or {}).items():
            if isinstance(value, dict) and isinstance(self.config.get(section), dict):
                self.config[section].update(value)
            else:
                self.config[section] = value

    def defaults(self):
        listen = [f"{self.address}@{self.port}"]
        if self.address == "127.0.0.1" and lab_module.has_address("::1"):
            listen.append(f"::1@{self.port}")
        return {
            "server": {"listen": listen, "workers": int(os.environ.get("WEIR_WORKERS", "1"))},
            "resolver": {"root-hints": self.lab.root_hints, "trust-anchors": "none",
                         "upstream-port": self.lab.port},
            "cache": {"size": "64MiB"},
            # One client that asks for all there is looks like a tunnel; detect_test.py has tunnels.
            "detect": {"enable": False},
            # Names of the lab that a resolver answers by itself otherwise.
            "local": {"zones": [{"zone": z, "type": "resolve"}
                                for z in ("test", "2.0.192.in-addr.arpa")]},
            "lists": [],
            "groups": [{"name": "default", "clients": ["127.0.0.0/8", "::1"], "lists": [],
                        "default": "allow"}],
            "events": {"file": self.events_path},
            "control": self.control_path,
            "state": self.state_dir,
        }

    def write_config(self):
        os.makedirs(self.state_dir, exist_ok=True)
        with open(self.conf_path, "w") as f:
            f.write(json.dumps(self.config, indent=1) + "\n")  # YAML holds JSON

    def start(self, limit_s=lab_module.START_LIMIT_S):
        if not os.path.exists(self.binary):
            raise LabError(f"there is no {self.binary}; build it first (make), or set WEIR=PATH")
        self.write_config()
        self.run([self.binary, "serve", "-c", self.conf_path], limit_s)

    def restart(self):
        self.stop()
        self.start()

    def cli(self, *args, check=True, timeout_s=20):
        """weir COMMAND -c CONF ARGS..."""
        done = subprocess.run([self.binary, args[0], "-c", self.conf_path, *args[1:]],
                              capture_output=True, text=True, timeout=timeout_s)
        if check and done.returncode != 0:
            raise LabError(f"weir {' '.join(args)}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def hup(self):
        os.kill(self.process.pid, signal.SIGHUP)

    def events(self):
        if not os.path.exists(self.events_path):
            return []
        with open(self.events_path) as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def wait_event(self, wanted, limit_s=3.0):
        """The first event for which wanted(event) holds; None if none comes in time."""
        end = time.monotonic() + limit_s
        while True:
            for e in self.events():
                if wanted(e):
                    return e
            if time.monotonic() > end:
                return None
            time.sleep(0.05)
