# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated internet: its signatures are what dnssec-verify says, and what was found with it."""

import os
import subprocess
import tempfile

import dns.flags
import pytest

import cases
import internet
import lab as lab_module
import oracles
from conftest import WEIR
from replies import rcode

SOUND = ("a13-nsec.nsec", "a8-nsec3.nsec", "a5-nsec.nsec", "a7-nsec3.nsec", "a14-optout.nsec", "a15-nsec.nsec",
         "a16-nsec3.nsec", "a10-nsec.nsec", "several-8-13.nsec", "r8-zsk-double-signature.nsec", "i10-s-oo.nsec",
         "i150.nsec", "labels.nsec", "odd.nsec", "ed", "optout", "rsa", "")
BROKEN = ("s-wrong-www.nsec3", "s-missing-soa.optout", "den-missing-nsec3.nsec", "whole-expired-nsec.rsa",
          "d-gap-nsec.nsec", "d-altered.nsec", "s-wrong-wildcard.nsec3")
ALIAS = "s-expired-www.nsec"  # the address of www is bogus, and nothing else
HERE = SOUND + BROKEN + (ALIAS, "nsec", "nsec3")


@pytest.fixture(scope="module")
def written():
    """The zone files, without servers."""
    with tempfile.TemporaryDirectory() as directory:
        net = internet.Internet(directory, keep=lambda z: z.name in HERE)
        net.write()
        yield net
        net.stop()


def verify(net, name):
    zone = net.by_name[name]
    argv = [lab_module.tool("dnssec-verify"), "-q", "-o", (name or "") + ".", net.path_of(zone)]
    if all(k.role == "csk" for k in zone.keys):
        argv.insert(1, "-z")
    return subprocess.run(argv, capture_output=True, text=True)


@pytest.mark.parametrize("name", SOUND)
def test_sound_zones_verify(written, name):
    done = verify(written, name)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", BROKEN)
def test_broken_zones_do_not(written, name):
    assert verify(written, name).returncode != 0


def test_the_same_seed_gives_the_same_internet():
    def shape(seed):
        net = internet.Internet("/nonexistent", seed)
        keys = [k.wire for name in ("a8-nsec.nsec", "a15-nsec.nsec") for k in net.keys_of(net.by_name[name])]
        return [(z.name, z.case, z.at, z.body, z.addrs) for z in net.zones], keys
    assert shape(5) == shape(5)
    assert shape(5) != shape(6)
    assert len(cases.catalogue(5)) >= 500


@pytest.fixture(scope="module")
def resolver(written):
    if "WEIR_LAB_NAMESPACE" not in os.environ:
        pytest.skip("needs a namespace: root, or user namespaces")
    internet.add_addresses()
    written.start_servers()
    with oracles.weir(written, os.path.join(written.directory, "weir"), WEIR) as weir:
        yield weir


def test_an_alias_outlives_a_bogus_end(resolver):
    """The address is bogus; the alias is good, and so is what else stands at its end."""
    assert rcode(resolver.ask("alias." + ALIAS, "A")) == "SERVFAIL"
    reply = resolver.ask("alias." + ALIAS, "AAAA", want_dnssec=True)
    assert rcode(reply) == "NOERROR" and reply.flags & dns.flags.AD
