# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test of a statement says it needs: policy zones in order, for clients of its own.

    @policy("www.site.com CNAME .", zone("www.site.com A 203.0.113.2", ede=17))
    def test_A1_nxdomain(say): ...

All of them are in one Weir: each test is a group of clients (a /24 of the loopback network), in each
mode that the statement is about.  %NET% in a rule is that network, as it stands in rpz-client-ip.
"""

import dataclasses
import itertools
import os

from policyzone import zone_text

BOTH, STRICT, EARLY = ("strict", "early"), ("strict",), ("early",)


@dataclasses.dataclass
class PolicyZone:
    text: str
    options: dict


def zone(text, **options):
    """Rules, one a line; options of the list, with '_' for '-'."""
    return PolicyZone(text, {k.replace("_", "-"): v for k, v in options.items()})


@dataclasses.dataclass
class Group:
    name: str
    zones: list
    mode: str
    number: int

    @property
    def net(self):
        return f"127.{1 + self.number // 250}.{self.number % 250}."

    def client(self, host=1):
        return self.net + str(host)

    def lists(self, directory):
        """[entry of `lists:`], after writing the files."""
        out = []
        net = ".".join(reversed(self.net.rstrip(".").split(".")))
        for i, z in enumerate(self.zones):
            name = f"{self.name}-{i + 1}"
            path = os.path.join(directory, name + ".zone")
            with open(path, "w") as f:
                lines = [line.strip() for line in z.text.replace("%NET%", net).replace("%APEX%", name)
                         .split("\n")]
                f.write(zone_text("rpz." + name, [line for line in lines if line]))
            # Some rules are on top-level domains, which is what assurance is there to stop.
            out.append({"name": name, "file": path, "format": "rpz", "protected": "ignore", **z.options})
        return out

    def entry(self):
        return {"name": self.name, "clients": [self.net + "0/24"], "evaluation": self.mode,
                "lists": [f"{self.name}-{i + 1}" for i in range(len(self.zones))]}


ALL = []  # in the order of the modules
numbers = itertools.count()


def policy(*zones, modes=BOTH):
    zones = [z if isinstance(z, PolicyZone) else zone(z) for z in zones]

    def mark(function):
        name = function.__name__.replace("test_", "", 1)
        function.groups = {m: Group(f"{name[:40]}-{m}", zones, m, next(numbers)) for m in modes}
        ALL.extend(function.groups.values())
        return function
    return mark
