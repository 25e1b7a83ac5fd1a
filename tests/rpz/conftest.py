# SPDX-License-Identifier: GPL-3.0-or-later
"""One Weir with the policy zones of all tests, in front of world.py; and the table of statements.

When the whole folder was run, build/rpz-statements.md says of each line of statements.tsv which test
shows it and what came of it; a statement without a test makes the run fail.
"""

import os
import re
import socket
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../system", "../lab", "."):
    sys.path.insert(0, os.path.join(HERE, folder))
import dns.flags  # noqa: E402
import dns.message  # noqa: E402
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
WAIT_S = 0.6  # for an answer that must not come, when a later question has its own
PATIENCE_S = 15  # for one that must


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
    # Below 1024: the servers' own random ports are above.
    started, ports = [], iter(range(100, 1000))

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
    """The servers of watch.org: `asked` is what they were asked, `silent_about` names that they do not answer."""
    def answer(query, is_tcp):
        name, rdtype = hostile.text_of(query)
        if name in watched.silent_about:
            return []
        if rdtype == "A" and name != "watch.org.":
            return [hostile.respond(query, hostile.records(name, "A", "198.51.100.60",
                                                           ttl=1 if name.startswith("stale") else 300))]
        return [hostile.respond(query, authority=[hostile.soa("watch.org.")])]

    watched = hostile.Servers({world_module.WATCH: answer})
    watched.silent_about = set()
    with watched:
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

    def reply(self, name, rdtype="A", host=1, tcp=None, timeout_s=PATIENCE_S, **options):
        return self.weir.ask(name, rdtype, timeout_s=timeout_s, tcp=tcp, source=self.group.client(host), **options)

    def __call__(self, name, rdtype="A", host=1, **options):
        return verdict(self.reply(name, rdtype, host, **options), rdtype)

    def is_silent(self, name, rdtype="A", host=1):
        """Nothing comes, and it is not for being slow: a question that was asked later has its answer."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((self.group.client(host), 0))
            s.connect((self.weir.address, self.weir.port))
            for ident, question in ((1, (name, rdtype)), (2, (resolvers.READY_NAME, "A"))):
                query = dns.message.make_query(*question)
                query.id = ident
                s.send(query.to_wire())
            s.settimeout(PATIENCE_S)
            if s.recv(65535)[1] == 1:
                return False
            s.settimeout(WAIT_S)
            try:
                s.recv(65535)
                return False
            except socket.timeout:
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


def pytest_deselected(items):
    Plugin.is_whole = False


class Plugin:
    results = {}
    is_whole = True  # no test was left out by choice


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


def write_table(rows):
    """Where it is; runs at the same time do not mix."""
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=os.path.dirname(TABLE), delete=False) as f:
            os.chmod(f.fileno(), 0o644)
            f.write("# Statements on policy zones, the tests that show them, and what came of it\n\n"
                    "| id | statement | source | test | result |\n|---|---|---|---|---|\n")
            for row in rows:
                f.write("| " + " | ".join(c.replace("|", "\\|") for c in row) + " |\n")
        os.rename(f.name, TABLE)
    except OSError as e:
        return f"the table cannot be written: {e}"
    return TABLE


def is_whole(session):
    """All tests of the folder were to run, and did."""
    of_folder = {f for f in os.listdir(HERE) if f.endswith("_test.py")}
    met = {os.path.basename(str(item.fspath)) for item in session.items}
    return (Plugin.is_whole and bool(Plugin.results) and met >= of_folder and not session.shouldstop
            and not session.shouldfail and not any("::" in a for a in session.config.args))


def pytest_sessionfinish(session, exitstatus):
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not Plugin.is_whole:
        session.exitstatus = 0  # other tests were meant
    if session.config.option.collectonly or not is_whole(session):
        return
    rows, without = rows_of_table()
    print(f"\n{len(rows)} statements, {len(rows) - len(without)} with a test: {write_table(rows)}")
    if without:
        print("without a test: " + " ".join(without))
        if session.exitstatus == 0:
            session.exitstatus = 1
