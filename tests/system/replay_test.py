# SPDX-License-Identifier: GPL-3.0-or-later
"""weir replay: recordings of Weir, BIND, Unbound and captures, and what a policy would change."""

import gzip
import json
import os
import shutil
import struct
import subprocess
import time

import dns.message
import pytest

import lab as lab_module
from events_test import list_of
from lab import Process, unconfined, wait_until_answers

QUESTIONS = ["a.wild.org", "x.bad.wild.org", "deep.alias.net", "www.site01.net", "x.bad.wild.org"]


@pytest.fixture(scope="module")
def weir(start_weir):
    def prepare(w):
        w.config["lists"] = [list_of(w, "old", ["a.wild.org"])]
        w.config["groups"] = [{"name": "all", "clients": ["127.0.0.0/8"], "lists": ["old"]}]
        w.config["events"]["all"] = True
    return start_weir(prepare=prepare)


@pytest.fixture(scope="module")
def tried(weir):
    """Another configuration, to try."""
    config = json.loads(json.dumps(weir.config))
    config["lists"] = [list_of(weir, "new", ["bad.wild.org"]),
                       list_of(weir, "targets", ["deepest.alias.net"], action="refused")]
    config["groups"][0]["lists"] = ["new", "targets"]
    config["state"] = os.path.join(weir.directory, "other-state")
    path = os.path.join(weir.directory, "tried.yaml")
    with open(path, "w") as f:
        json.dump(config, f)
    return path


def replay(weir, *args, status=None):
    done = subprocess.run([weir.binary, "replay", *args, "--json"], capture_output=True, text=True, timeout=60)
    assert status is None or done.returncode == status, done.stderr + done.stdout
    return json.loads(done.stdout) if done.stdout else done.stderr


def names(report, change):
    return {e["name"]: (e["questions"], e.get("rule")) for e in report[change]["names"]["top"]}


@pytest.fixture(scope="module")
def asked(weir):
    for name in QUESTIONS:
        weir.ask(name)
    assert weir.wait_event(lambda e: e.get("dns", {}).get("question", {}).get("name") == "www.site01.net")
    time.sleep(0.2)


def test_events(weir, tried, asked):
    report = replay(weir, "-c", tried, weir.events_path, status=4)
    assert report["formats"] == ["events"] and report["against"] == "recording"
    assert names(report, "newly_blocked") == {
        "x.bad.wild.org": (2, "list new: rule bad.wild.org"),
        "deep.alias.net": (1, "list targets: rule deepest.alias.net")}
    assert names(report, "newly_passed") == {"a.wild.org": (1, "list old: rule a.wild.org")}
    assert report["newly_blocked"]["clients"]["top"] == [{"client": "127.0.0.1", "questions": 3}]
    assert not report["newly_blocked"]["names"]["approximate"]


def test_nothing_changes(weir, asked):
    report = replay(weir, "-c", weir.conf_path, weir.events_path, status=0)
    assert report["changed"] is False and report["totals"]["same_blocked"] == 1


def test_against_another_configuration(weir, tried, asked):
    report = replay(weir, "-c", tried, "--against", weir.conf_path, weir.events_path, status=4)
    assert report["against"] == "policy"
    assert set(names(report, "newly_blocked")) == {"x.bad.wild.org", "deep.alias.net"}


def test_against_the_lists_of_another_day(weir, asked):
    kept = os.path.join(weir.directory, "kept")
    os.makedirs(kept)
    with open(os.path.join(kept, "old"), "w") as f:
        f.write("www.site01.net\n")
    report = replay(weir, "-c", weir.conf_path, "--policy-dir", kept, weir.events_path, status=4)
    assert set(names(report, "newly_blocked")) == {"a.wild.org"}
    assert set(names(report, "newly_passed")) == {"www.site01.net"}


def test_compressed_and_by_standard_input(weir, tried, asked):
    path = os.path.join(weir.directory, "events.jsonl.gz")
    with open(weir.events_path, "rb") as f, gzip.open(path, "wb") as g:
        g.write(f.read())
    report = replay(weir, "-c", tried, path, status=4)
    assert report["newly_blocked"]["questions"] == 3
    with open(path, "rb") as f:
        done = subprocess.run([weir.binary, "replay", "-c", tried, "-"], stdin=f, capture_output=True,
                              text=True, timeout=60)
    assert done.returncode == 4 and "x.bad.wild.org    list new: rule bad.wild.org" in done.stdout


def test_a_group_for_all(weir, tried, asked):
    config = json.load(open(tried))
    config["groups"] = [{"name": "far", "clients": ["192.0.2.0/24"], "lists": ["new"]}]
    path = os.path.join(weir.directory, "far.yaml")
    with open(path, "w") as f:
        json.dump(config, f)
    report = replay(weir, "-c", path, weir.events_path, status=0)
    assert report["totals"]["in_no_group"] == report["questions"]
    report = replay(weir, "-c", path, "--group", "far", weir.events_path, status=4)
    assert set(names(report, "newly_blocked")) == {"x.bad.wild.org"}
    assert "no group nobody" in replay(weir, "-c", path, "--group", "nobody", weir.events_path, status=1)


def test_what_is_no_recording(weir, tried):
    path = os.path.join(weir.directory, "nonsense")
    with open(path, "w") as f:
        f.write("once upon a time\n")
    done = subprocess.run([weir.binary, "replay", "-c", tried, path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "nonsense holds no questions" in done.stderr


# ---- recordings of others: they forward to Weir, which blocks for nobody at this address ----

@pytest.fixture(scope="module")
def open_weir(start_weir):
    return start_weir()


def bind(open_weir, directory, port):
    path = os.path.join(directory, "named.conf")
    with open(path, "w") as f:
        f.write(f"""options {{
  directory "{directory}"; pid-file none; session-keyfile none; listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }}; forward only; forwarders {{ 127.0.0.1 port {open_weir.port}; }};
  dnssec-validation no; querylog yes; dnstap {{ client; }}; dnstap-output file "tap"; recursion yes;
}};
logging {{ channel q {{ file "queries.log"; print-time yes; print-category yes; print-severity yes; }};
  category queries {{ q; }}; }};
controls {{ }};
""")
    return Process("named", [unconfined("named", directory), "-f", "-n", "1", "-c", path], directory)


def ask_all(port):
    for name in QUESTIONS:
        lab_module.ask("127.0.0.1", name, "A", port, 10)


def expect_changes(report):
    assert set(names(report, "newly_blocked")) >= {"x.bad.wild.org"}
    assert names(report, "newly_blocked")["x.bad.wild.org"][0] == 2


def test_bind(weir, open_weir, tried, tmp_path):
    if shutil.which("named") is None:
        pytest.skip("there is no named")
    directory, port = str(tmp_path), 997
    process = bind(open_weir, directory, port)
    try:
        wait_until_answers(process, "127.0.0.1", port, "a.wild.org", "A", 20)
        ask_all(port)
    finally:
        process.stop()
    log = os.path.join(directory, "queries.log")
    report = replay(weir, "-c", tried, log, status=4)
    assert report["formats"] == ["bind"]
    expect_changes(report)
    tap = os.path.join(directory, "tap")
    report = replay(weir, "-c", tried, tap, status=4)
    assert report["formats"] == ["dnstap"]
    expect_changes(report)
    assert "deep.alias.net" in names(report, "newly_blocked")  # responses have the aliases
    assert report["totals"]["outcome_unknown"] == 0
    with open(tap, "rb") as f:
        whole = f.read()
    with open(tap, "wb") as f:
        f.write(whole[:-30])
    report = replay(weir, "-c", tried, tap, status=1)  # said, and what came before counts
    assert report["newly_blocked"]["questions"] > 0


def test_unbound(weir, open_weir, tried, tmp_path):
    if shutil.which("unbound") is None:
        pytest.skip("there is no unbound")
    directory, port = str(tmp_path), 996
    path, log = os.path.join(directory, "unbound.conf"), os.path.join(directory, "log")
    with open(path, "w") as f:
        f.write(f"""server:
  interface: 127.0.0.1@{port}
  username: ""
  chroot: ""
  directory: "{directory}"
  pidfile: ""
  logfile: "{log}"
  use-syslog: no
  log-queries: yes
  log-replies: yes
  do-not-query-localhost: no
  module-config: "iterator"
  verbosity: 1
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{open_weir.port}
remote-control:
  control-enable: no
""")
    process = Process("unbound", [unconfined("unbound", directory), "-d", "-p", "-c", path], directory)
    try:
        wait_until_answers(process, "127.0.0.1", port, "ready.wild.org", "A")
        ask_all(port)
    finally:
        process.stop()
    with open(log) as f:  # on a slow machine it was asked twice at once, and lines do not say which is which
        lines = [line for line in f if "ready.wild.org" not in line]
    with open(log, "w") as f:
        f.writelines(lines)
    report = replay(weir, "-c", tried, log, status=4)
    assert report["formats"] == ["unbound"]
    expect_changes(report)
    assert report["totals"]["outcome_unknown"] == 0  # replies are there, and count once


def udp(client, port, is_query, payload):
    server = bytes([192, 0, 2, 53])
    ends = (client, server, port, 53) if is_query else (server, client, 53, port)
    datagram = struct.pack(">HHHH", ends[2], ends[3], 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0) + ends[0] + ends[1]
    return b"\2" * 12 + b"\x08\0" + ip + datagram


def test_capture(weir, open_weir, tried, tmp_path):
    path = os.path.join(tmp_path, "x.pcap")
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i, name in enumerate(QUESTIONS):
            query = dns.message.make_query(name, "A", use_edns=0)
            reply = lab_module.ask("127.0.0.1", name, "A", open_weir.port, 10)
            reply.id = query.id
            for is_query, m in ((True, query), (False, reply)):
                frame = udp(bytes([127, 0, 0, 9]), 4000 + i, is_query, m.to_wire())
                f.write(struct.pack("<IIII", 1795849200 + i, 0, len(frame), len(frame)) + frame)
    report = replay(weir, "-c", tried, path, status=4)
    assert report["formats"] == ["pcap"] and report["questions"] == len(QUESTIONS)
    assert set(names(report, "newly_blocked")) == {"x.bad.wild.org", "deep.alias.net"}
    assert report["newly_blocked"]["clients"]["top"] == [{"client": "127.0.0.9", "questions": 3}]
    assert report["first"] == "2026-11-28T07:00:00Z"
