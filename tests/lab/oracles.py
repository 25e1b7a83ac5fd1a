# SPDX-License-Identifier: GPL-3.0-or-later
"""The resolvers that Weir is held against, each validating, with the internet's root and anchor.

Options make them comparable, not better: no additional records, no prefetch, no refusal of the
addresses that the internet uses.
"""

import os

from internet import RESOLVERS
from lab import tool, unconfined
from resolvers import Resolver, Weir



class Oracle(Resolver):
    def __init__(self, net, directory):
        self.own4, self.own6 = RESOLVERS[self.name]
        super().__init__(net, directory, 53, self.own4)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as f:
            f.write(text)
        return path


class Unbound(Oracle):
    name = "unbound"

    def start(self):
        path = self.write("unbound.conf", f"""server:
  interface: {self.address}@53
  outgoing-interface: {self.own4}
  outgoing-interface: {self.own6}
  access-control: 0.0.0.0/0 allow
  username: ""
  chroot: ""
  directory: "{self.directory}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "validator iterator"
  root-hints: "{self.lab.root_hints}"
  trust-anchor-file: "{self.lab.anchors}"
  trust-anchor-signaling: no
  val-log-level: 2
  do-not-query-localhost: no
  minimal-responses: yes
  msg-cache-size: 64m
  rrset-cache-size: 64m
  outgoing-range: 900
  num-queries-per-thread: 1024
  so-rcvbuf: 0
  so-sndbuf: 0
  prefetch: no
remote-control:
  control-enable: no
""")
        self.run([unconfined("unbound", self.directory), "-d", "-p", "-c", path])


class Kresd(Oracle):
    name = "kresd"

    def start(self):
        path = self.write("kresd.conf", f"""
net.ipv6 = true
net.listen('{self.address}', 53)
net.outgoing_v4('{self.own4}')
net.outgoing_v6('{self.own6}')
modules.unload('ta_signal_query')
modules.unload('ta_update')
modules.unload('priming')
modules.unload('detect_time_skew')
modules.unload('detect_time_jump')
modules.load('hints > iterate')
option('ALLOW_LOCAL', true)
cache.size = 200 * MB
hints.root_file('{self.lab.root_hints}')
trust_anchors.remove('.')
trust_anchors.add_file('{self.lab.anchors}', true)
""")
        self.run([tool("kresd"), "-n", "-c", path, self.directory])


class Bind(Oracle):
    name = "bind"

    def start(self):
        with open(self.lab.anchors) as f:
            anchors = [line.split() for line in f if line.strip()]
        trusted = " ".join(f'. static-ds {f[4]} {f[5]} {f[6]} "{"".join(f[7:])}";' for f in anchors)
        path = self.write("named.conf", f"""options {{
  directory "{self.directory}"; pid-file none; session-keyfile none; lock-file none;
  managed-keys-directory "{self.directory}";
  listen-on {{ {self.address}; }}; listen-on-v6 {{ none; }};
  query-source address {self.own4}; query-source-v6 address {self.own6};
  allow-query {{ any; }}; allow-recursion {{ any; }}; recursion yes; notify no;
  dnssec-validation yes; trust-anchor-telemetry no;
  minimal-responses yes; empty-zones-enable no; prefetch 0;
  recursive-clients 10000; max-cache-size 200m; servfail-ttl 1;
}};
controls {{ }};
trust-anchors {{ {trusted} }};
zone "." {{ type hint; file "{self.lab.root_hints}"; }};
logging {{ category default {{ default_stderr; }}; category lame-servers {{ null; }};
  category resolver {{ null; }}; category edns-disabled {{ null; }}; }};
""")
        self.run([unconfined("named", self.directory), "-g", "-n", "1", "-c", path])


def weir(net, directory, binary):
    own4, own6 = RESOLVERS["weir"]
    return Weir(net, directory, binary, 53, own4, config={
        "resolver": {"root-hints": net.root_hints, "trust-anchors": net.anchors,
                     "source-addresses": [own4, own6]},
        "groups": [{"name": "default", "clients": ["0.0.0.0/0"], "lists": [], "default": "allow"}],
        "server": {"listen": [f"{own4}@53"], "workers": 1},
    })


def all_of(net, directory, binary):
    """{name: resolver}, Weir first."""
    def at(name):
        return os.path.join(directory, name)
    return {"weir": weir(net, at("weir"), binary), "unbound": Unbound(net, at("unbound")),
            "kresd": Kresd(net, at("kresd")), "bind": Bind(net, at("bind"))}
