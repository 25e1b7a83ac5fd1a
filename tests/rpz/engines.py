# SPDX-License-Identifier: GPL-3.0-or-later
"""The resolvers that read policy zones, made comparable: BIND, PowerDNS Recursor, Unbound, and Weir.

Each gets the same files. An Engine serves one policy (zones in order) to all clients; Weir, and
BIND through views, can hold many policies at once, each for a prefix of client addresses.
"""

import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import dns.exception  # noqa: E402

import policyzone  # noqa: E402
import resolvers  # noqa: E402
from lab import LabError, tool, unconfined  # noqa: E402


class Policy:
    """Policy zones in order, for the clients of a prefix."""

    def __init__(self, name, prefix, zones, files):
        self.name, self.prefix, self.zones, self.files = name, prefix, zones, files


class Engine(resolvers.Resolver):
    def __init__(self, world, directory, port, policies, min_ns_dots=1):
        super().__init__(world, directory, port)
        self.policies, self.min_ns_dots = policies, min_ns_dots

    def wait_ready(self, limit_s):
        """All policy zones are in force: BIND puts them there some time after it answers."""
        super().wait_ready(limit_s)
        for p in self.policies:
            source = p.prefix.replace("0/24", "255")
            for z in p.zones:
                end = time.monotonic() + limit_s
                while not self._is_in_force(z, source):
                    if time.monotonic() > end:
                        raise LabError(f"{self.name}: the policy zone {z} is not in force:\n{self.process.log_tail()}")
                    time.sleep(0.01)

    def _is_in_force(self, zone, source):
        try:
            reply = self.ask(policyzone.ready_name(zone), timeout_s=1, source=source)
            return any(r.address == policyzone.READY_ADDRESS for s in reply.answer for r in s)
        except dns.exception.Timeout:
            return False

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as f:
            f.write(text)
        return path


class Bind(Engine):
    """The closest to the draft. Many policies are views."""

    name = "bind"

    def view(self, p):
        zones = " ".join(f'zone "{z}" add-soa no;' for z in p.zones)
        policy = (f"response-policy {{ {zones} }} qname-wait-recurse yes nsip-wait-recurse yes "
                  f"nsdname-wait-recurse yes break-dnssec yes min-ns-dots {self.min_ns_dots} "
                  "max-policy-ttl 3600 min-update-interval 0;" if p.zones else "")
        files = "\n".join(f'  zone "{z}" {{ type primary; file "{f}"; allow-query {{ none; }}; }};'
                          for z, f in zip(p.zones, p.files))
        return f"""view "{p.name}" {{
  match-clients {{ {p.prefix}; }};
  zone "." {{ type hint; file "{self.lab.root_hints}"; }};
  {policy}
{files}
}};
"""

    def start(self):
        path = self.write("named.conf", f"""options {{
  directory "{self.directory}"; pid-file none; session-keyfile none; lock-file none;
  managed-keys-directory "{self.directory}";
  listen-on port {self.port} {{ {self.address}; }}; listen-on-v6 {{ none; }};
  allow-query {{ any; }}; allow-recursion {{ any; }}; recursion yes; notify no;
  dnssec-validation no; minimal-responses yes; minimal-any no; empty-zones-enable no; prefetch 0;
  recursive-clients 10000; max-cache-size 20m; servfail-ttl 0; check-names primary ignore;
}};
controls {{ }};
logging {{ category default {{ default_stderr; }}; category lame-servers {{ null; }};
  category resolver {{ null; }}; category edns-disabled {{ null; }}; category rpz {{ null; }}; }};
""" + "".join(self.view(p) for p in self.policies))
        self.run([unconfined("named", self.directory), "-g", "-n", "1", "-c", path])


class PowerDNS(Engine):
    """One policy only. Its recursor 4.8 takes policy zones from Lua."""

    name = "pdns"

    def start(self):
        (p,) = self.policies
        lua = self.write("policy.lua", "".join(
            f'rpzFile("{f}", {{policyName="{z}", includeSOA=false, maxTTL=3600}})\n'
            for z, f in zip(p.zones, p.files)))
        self.write("recursor.conf", f"""local-address={self.address}
local-port={self.port}
hint-file={self.lab.root_hints}
lua-config-file={lua}
allow-from=127.0.0.0/8
dont-query=
dnssec=off
threads=1
socket-dir={self.directory}
daemon=no
write-pid=no
security-poll-suffix=
packetcache-ttl=0
disable-packetcache=yes
serve-rfc1918=no
export-etc-hosts=no
qname-minimization=yes
loglevel=3
""")
        self.run([tool("pdns_recursor"), f"--config-dir={self.directory}"])


class Unbound(Engine):
    """One policy only."""

    name = "unbound"

    def start(self):
        (p,) = self.policies
        zones = "".join(f'rpz:\n  name: "{z}"\n  zonefile: "{f}"\n' for z, f in zip(p.zones, p.files))
        path = self.write("unbound.conf", f"""server:
  interface: {self.address}@{self.port}
  access-control: 127.0.0.0/8 allow
  username: ""
  chroot: ""
  directory: "{self.directory}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "respip iterator"
  root-hints: "{self.lab.root_hints}"
  do-not-query-localhost: no
  minimal-responses: yes
  prefetch: no
{zones}remote-control:
  control-enable: no
""")
        self.run([unconfined("unbound", self.directory), "-d", "-p", "-c", path])


class Weir(resolvers.Weir):
    """All policies at once: a group for each, its lists shared with nobody."""

    def __init__(self, world, directory, port, policies, binary, evaluation="strict", list_options=None,
                 min_ns_dots=1):
        lists, groups = [], []
        for p in policies:
            for z, f in zip(p.zones, p.files):
                lists.append({"name": z, "file": f, "format": "rpz", "min-ns-dots": min_ns_dots,
                              "protected": "ignore", **(list_options or {})})
            groups.append({"name": p.name, "clients": [p.prefix], "lists": list(p.zones),
                           "evaluation": evaluation})
        super().__init__(world, directory, binary, port, config={
            "lists": lists, "groups": groups, "local": {"zones": []},
            "server": {"listen": [f"127.0.0.1@{port}"], "workers": 1}})
