# SPDX-License-Identifier: GPL-3.0-or-later
"""One Weir with the policy zones of all tests, in front of world.py; and the table of statements.

When the whole folder was run, build/rpz-statements.md says of each line of statements.tsv which test
shows it and what came of it; a statement without a test makes the run fail.
"""

import os
import re
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../system", "../lab", "."):
    sys.path.insert(0, os.path.join(HERE, folder))
import dns.exception  # noqa: E402
import dns.flags  # noqa: E402
import dns.name  # noqa: E402
import dns.rcode  # noqa: E402
import dns.rdatatype  # noqa: E402

import groups  # noqa: E402
import hostile  # noqa: E402
import lab  # noqa: E402
import reference  # noqa: E402
import resolvers  # noqa: E402
import world as world_module  # noqa: E402

WEIR = os.path.abspath(os.environ.get("WEIR", os.path.join(HERE, "..", "..", "build", "weir")))
TABLE = os.path.join(os.path.dirname(WEIR), "rpz-statements.md")
WAIT_S = 0.6  # for an answer that must not come


def pytest_configure(config):
    if "WEIR_LAB_NAMESPACE" not in os.environ:
        lab.enter_namespace()  # before any thread is made


def pytest_collection_modifyitems(items):
    if "WEIR_LAB_NAMESPACE" not in os.environ:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="this needs root, or user namespaces, and iproute2"))


def pytest_generate_tests(metafunc):
    held = getattr(metafunc.function, "groups", None)
    if held:
        metafunc.parametrize("mode", list(held), indirect=True)


@pytest.fixture
def mode(request):
    """strict or early: the evaluation of the group that is asked for."""
    return request.param


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    with world_module.World(str(tmp_path_factory.mktemp("world"))) as w:
        yield w


@pytest.fixture(scope="session")
def start_weir(world, tmp_path_factory):
    """start_weir(lists, groups, config): another Weir; stopped at the end."""
    started, ports = [], iter(range(5400, 5500))

    def start(lists, group_entries, config=None):
        base = {"local": {"zones": []}, "lists": lists, "groups": group_entries,
                "server": {"listen": ["127.0.0.1@%d"], "workers": int(os.environ.get("WEIR_WORKERS", "2"))}}
        port = next(ports)
        base["server"]["listen"] = [f"127.0.0.1@{port}"]
        for section, value in (config or {}).items():
            base[section] = {**base[section], **value} if isinstance(base.get(section), dict) else value
        w = resolvers.Weir(world, str(tmp_path_factory.mktemp("weir")), WEIR, port, config=base)
        started.append(w)
        w.start()
        return w

    yield start
    failed = [w.process.log_tail() for w in started
              if w.process is not None and w.process.popen.poll() not in (None, 0, -9, -15)]
    for w in started:
        w.stop()
    assert not failed, "Weir died:\n" + "\n".join(failed)


@pytest.fixture(scope="session")
def watched(world):
    """The servers of watch.org: `asked` is what they were asked. stale.watch.org is given once only."""
    def answer(query, is_tcp):
        name, rdtype = hostile.text_of(query)
        if name.startswith("stale") and [a[1:3] for a in watched.asked].count((name, rdtype)) > 1:
            return []
        if rdtype == "A" and name != "watch.org.":
            return [hostile.respond(query, hostile.records(name, "A", "198.51.100.60",
                                                           ttl=1 if name.startswith("stale") else 300))]
        return [hostile.respond(query, authority=[hostile.soa("watch.org.")])]

    with hostile.Servers({world_module.WATCH: answer}) as watched:
        yield watched


PLAIN = {"name": "plain", "clients": ["127.0.0.0/8"], "lists": []}


@pytest.fixture(scope="session")
def weir(world, watched, start_weir, tmp_path_factory):
    """The Weir of all groups. 127.0.0.0/8 besides has no lists. signed.com is validated."""
    directory = str(tmp_path_factory.mktemp("zones"))
    lists = [entry for g in groups.ALL for entry in g.lists(directory)]
    anchors = os.path.join(directory, "anchors")
    keys = lab.ask(world.by_name[dns.name.from_text("signed.com.")].addrs[0], "signed.com", "DNSKEY", want_dnssec=True)
    with open(anchors, "w") as f:
        f.write("\n".join(s.to_text() for s in keys.answer if s.rdtype == dns.rdatatype.DNSKEY) + "\n")
    return start_weir(lists, [PLAIN] + [g.entry() for g in groups.ALL], {"resolver": {"trust-anchors": anchors}})


def verdict(reply, rdtype):
    """A reply in the words of reference.seen()."""
    records = [(dns.rdatatype.to_text(s.rdtype), r.to_text()) for s in reply.answer for r in s]
    return reference.seen(dns.rcode.to_text(reply.rcode()), bool(reply.flags & dns.flags.TC), records, rdtype)


class Say:
    """say(name, type) -> what the group's client is told; say.reply(...) -> the message."""

    def __init__(self, weir, group):
        self.weir, self.group = weir, group

    def reply(self, name, rdtype="A", host=1, tcp=None, timeout_s=8.0, **options):
        return self.weir.ask(name, rdtype, timeout_s=timeout_s, tcp=tcp, source=self.group.client(host), **options)

    def __call__(self, name, rdtype="A", host=1, **options):
        return verdict(self.reply(name, rdtype, host, **options), rdtype)

    def is_silent(self, name, rdtype="A", host=1, tcp=None):
        """Nothing comes; over TCP neither the end of the connection."""
        try:
            self.reply(name, rdtype, host, tcp, timeout_s=WAIT_S)
            return False
        except dns.exception.Timeout:
            return True

    def truth(self, name, rdtype="A"):
        """What a client without policy is told."""
        return verdict(self.weir.ask(name, rdtype, tcp=None, source="127.0.0.1"), rdtype)


@pytest.fixture
def say(weir, mode, request):
    return Say(weir, request.function.groups[mode])


# ---- the table ----

def statements():
    """[(id, statement, source, where)]"""
    with open(os.path.join(HERE, "statements.tsv"), encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if line.strip() and not line.startswith("#")]
    return [tuple(r + [""] * (4 - len(r))) for r in rows]


def pytest_runtest_logreport(report):
    found = re.search(r"::test_([A-Z]\d+)_", report.nodeid)
    if found and (report.when == "call" or report.outcome != "passed"):
        Plugin.results.setdefault(found.group(1), []).append((report.nodeid.split("/")[-1], report.outcome))


class Plugin:
    results = {}


def elsewhere(where):
    """A test in another file, as FILE::TEST: is it there?"""
    path, _, name = where.partition("::")
    full = os.path.join(HERE, "..", "..", path)
    if not os.path.exists(full):
        return False
    with open(full, encoding="utf-8") as f:
        return re.search(rf"\b{re.escape(name)}\b", f.read()) is not None


def rows_of_table():
    """[(id, statement, test, result)] and the ids that have none."""
    out, without = [], []
    for ident, text, source, where in statements():
        runs = Plugin.results.get(ident, [])
        if runs:
            tests = sorted({re.sub(r"\[.*", "", n) for n, _ in runs})
            bad = [o for _, o in runs if o != "passed"]
            out.append((ident, text, source, ", ".join(tests), bad[0] if bad else "passed"))
        elif where and elsewhere(where):
            out.append((ident, text, source, where, "in its own run"))
        else:
            without.append(ident)
            out.append((ident, text, source, where or "none", "NO TEST"))
    return out, without


def pytest_sessionfinish(session, exitstatus):
    chosen = session.config.option.keyword or any("::" in a for a in session.config.args)
    if chosen or session.config.option.collectonly or not Plugin.results:
        return
    rows, without = rows_of_table()
    with open(TABLE, "w", encoding="utf-8") as f:
        f.write("# Statements on policy zones, the tests that show them, and what came of it\n\n"
                "| id | statement | source | test | result |\n|---|---|---|---|---|\n")
        for row in rows:
            f.write("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |\n")
    print(f"\n{len(rows)} statements, {len(rows) - len(without)} with a test: {TABLE}")
    if without:
        print("without a test: " + " ".join(without))
        if session.exitstatus == 0:
            session.exitstatus = 1
