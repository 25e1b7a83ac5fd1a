# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts get to receivers that are there, wait for those that are not, and none is lost uncounted."""
import hashlib
import hmac
import json
import os
import socket
import time

import pytest

from receivers import Hook, Rsyslog
from reload_test import until

SLOW_S = 60


@pytest.fixture
def hook(tmp_path):
    with Hook(str(tmp_path)) as h:
        yield h


def to(*destinations):
    def prepare(w):
        w.config["alerts"] = list(destinations)
        w.config["local"]["zones"].append({"zone": "hook.test", "records": ["@ A 127.0.0.1"]})
    return prepare


def call(w, request):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(w.control_path)
        s.sendall(json.dumps(request).encode() + b"\n")
        reply = b""
        while not reply.endswith(b"\n"):
            reply += s.recv(65536)
    return json.loads(reply)


def put_tests(w, n):
    for _ in range(n):
        assert call(w, {"command": "alerts", "action": "test"})["ok"]


def status(w, name=None):
    reply = call(w, {"command": "alerts"})
    assert reply["ok"], reply
    if name is None:
        return reply["alerts"]
    return next(d for d in reply["alerts"]["destinations"] if d["name"] == name)


def ids(hook, path=None):
    return [a["event"]["id"] for a in hook.json(path)]


def test_a_webhook_is_sent_what_it_wants(hook, start_weir, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("another secret\n")
    header = tmp_path / "header"
    header.write_text("# a key\nAuthorization: Splunk abc\n")
    w = start_weir(prepare=to(
        {"name": "ecs", "to": hook.url("/ecs", "hook.test"), "ca": hook.ca, "secret": "hush"},
        {"name": "slack", "to": hook.url("/slack"), "ca": hook.ca, "format": "slack",
         "headers": ["X-Mine: yes"]},
        {"name": "splunk", "to": hook.url("/splunk"), "ca": hook.ca, "format": "splunk",
         "header-file": str(header), "secret-file": str(secret)}))
    done = w.cli("alerts", "test")
    assert done.stdout.count("1 sent") == 3, done.stdout
    got = {p: (h, b) for p, h, b in hook.bodies}
    headers, body = got["/ecs"]
    t, v1 = (x.split("=")[1] for x in headers["Weir-Signature"].split(","))
    assert abs(int(t) - time.time()) < 300
    assert v1 == hmac.new(b"hush", t.encode() + b"." + body, hashlib.sha256).hexdigest()
    alert = json.loads(body)
    assert alert["event"]["id"] == headers["Weir-Alert-Id"]
    assert alert["event"]["action"] == "test" and alert["event"]["kind"] == "alert"
    headers, body = got["/slack"]
    assert headers["X-Mine"] == "yes" and "Weir-Signature" not in headers
    assert "Test: alerts from here arrive" in json.loads(body)["text"]
    headers, body = got["/splunk"]
    assert headers["Authorization"] == "Splunk abc"
    t, v1 = (x.split("=")[1] for x in headers["Weir-Signature"].split(","))
    assert v1 == hmac.new(b"another secret", t.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert json.loads(body)["event"] == alert


@pytest.mark.parametrize("answer, why", [
    (lambda r, n: 500, "status 500"),
    (lambda r, n: (429, {"Retry-After": "1"}), "status 429"),
    (lambda r, n: None, ""),
    (lambda r, n: (301, {"Location": "https://elsewhere.test/x"}), "redirects are not followed"),
    (lambda r, n: (503, {"Retry-After": "2"}), "status 503"),
])
def test_what_fails_is_tried_again(hook, start_weir, answer, why):
    w = start_weir(prepare=to({"name": "a", "to": hook.url("/a"), "ca": hook.ca, "timeout": "5s"}))
    hook.answer = answer
    put_tests(w, 3)
    assert until(lambda: status(w, "a")["failures"] >= 1, 20)
    s = status(w, "a")
    assert why in s["error"] and s["waiting"] == 3 and s["sent"] == 0
    done = w.cli("alerts", "test", check=False)
    assert done.returncode == 1 and "failed" in done.stdout
    hook.answer = lambda r, n: 200
    assert until(lambda: status(w, "a")["sent"] == 4, SLOW_S)
    assert len(set(ids(hook))) == 4 and len(ids(hook)) == 4
    assert status(w, "a")["error"] == ""


def test_a_server_that_hangs_holds_up_nobody_else(hook, start_weir, tmp_path_factory):
    hang = socket.socket()
    hang.bind(("127.0.0.1", 0))
    hang.listen(50)
    port = hang.getsockname()[1]
    w = start_weir(prepare=to(
        {"name": "hangs", "to": f"https://127.0.0.1:{port}/", "timeout": "2s"},
        {"name": "tls", "to": f"tls://127.0.0.1:{port}", "timeout": "2s"},
        {"name": "a", "to": hook.url("/a"), "ca": hook.ca}))
    put_tests(w, 20)
    assert until(lambda: status(w, "a")["sent"] == 20, 20)
    assert until(lambda: status(w, "hangs")["failures"] >= 1, 20)
    assert until(lambda: status(w, "tls")["failures"] >= 1, 20)
    assert status(w, "hangs")["waiting"] == 20
    begin = time.monotonic()
    w.stop()
    assert time.monotonic() - begin < 8  # a delivery under way is given up
    hang.close()


def test_an_alert_that_is_refused_is_passed_over(hook, start_weir):
    w = start_weir(prepare=to({"name": "a", "to": hook.url("/a"), "ca": hook.ca}))
    hook.answer = lambda r, n: 400 if n <= 3 else 200
    put_tests(w, 2)
    assert until(lambda: status(w, "a")["sent"] == 1, SLOW_S)
    assert status(w, "a")["refused"] == 1 and hook.n_requests == 4


def test_a_certificate_of_others_is_no_good(hook, start_weir, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    w = start_weir(prepare=to(
        {"name": "system", "to": hook.url("/a")},
        {"name": "other", "to": hook.url("/a"), "ca": Hook(str(other)).ca},
        {"name": "name", "to": hook.url("/a", "127.0.0.1").replace("127.0.0.1", "localhost"),
         "ca": hook.ca}))
    put_tests(w, 1)
    for name in ("system", "other", "name"):
        assert until(lambda n=name: status(w, n)["failures"] >= 1, 20), name
    assert not hook.bodies


def test_alerts_outlive_the_process(hook, start_weir):
    w = start_weir(prepare=to({"name": "a", "to": hook.url("/a"), "ca": hook.ca},
                              {"name": "b", "to": hook.url("/b"), "ca": hook.ca}))
    hook.answer = lambda r, n: (503, {"Retry-After": "1"}) if r.path == "/a" else 200
    put_tests(w, 25)
    assert until(lambda: status(w, "b")["sent"] == 25, 20)
    w.process.popen.kill()
    w.process.popen.wait()
    hook.answer = lambda r, n: 200
    w.start()
    assert until(lambda: status(w, "a")["sent"] == 25, 20)
    assert len(set(ids(hook, "/a"))) == 25
    assert set(ids(hook, "/b")) == set(ids(hook, "/a"))
    assert len(ids(hook, "/b")) <= 26  # the one under way may come twice
    assert status(w, "a")["lost"] == status(w, "b")["lost"] == 0


def test_a_full_spool_gives_up_the_oldest_and_counts_them(hook, start_weir):
    w = start_weir(config={"alert-spool": "64KiB"},
                   prepare=to({"name": "a", "to": hook.url("/a"), "ca": hook.ca},
                              {"name": "b", "to": hook.url("/b"), "ca": hook.ca}))
    hook.answer = lambda r, n: (503, {"Retry-After": "1"}) if r.path == "/a" else 200
    for i in range(1, 11):
        put_tests(w, 40)
        assert until(lambda n=40 * i: status(w, "b")["sent"] == n, SLOW_S)
    hook.answer = lambda r, n: 200
    assert until(lambda: status(w, "a")["waiting"] == 0, SLOW_S)
    s = status(w, "a")
    assert s["lost"] > 100 and s["sent"] + s["lost"] == 400
    assert status(w, "b")["lost"] == 0
    assert len(ids(hook, "/a")) == s["sent"]
    assert ids(hook, "/a")[-1] == ids(hook, "/b")[-1]


def test_a_reload_changes_destinations(hook, start_weir):
    w = start_weir(prepare=to({"name": "a", "to": hook.url("/a"), "ca": hook.ca},
                              {"name": "b", "to": hook.url("/b"), "ca": hook.ca}))
    hook.answer = lambda r, n: (503, {"Retry-After": "1"}) if r.path == "/a" else 200
    put_tests(w, 3)
    assert until(lambda: status(w, "b")["sent"] == 3, 20)
    hook.answer = lambda r, n: 200
    w.config["alerts"] = [{"name": "a", "to": hook.url("/a2"), "ca": hook.ca},
                          {"name": "c", "to": hook.url("/c"), "ca": hook.ca}]
    w.write_config()
    w.cli("reload")
    assert until(lambda: status(w, "a")["sent"] == 3, 20)  # what waited goes to the new place
    put_tests(w, 1)
    assert until(lambda: status(w, "c")["sent"] == 1 and status(w, "a")["sent"] == 4, 20)
    assert [d["name"] for d in status(w)["destinations"]] == ["a", "c"]
    assert len(hook.json("/b")) == 3 and len(hook.json("/a2")) == 4


def test_what_is_about_weir_itself_is_told(hook, start_weir):
    w = start_weir(prepare=to({"name": "a", "to": hook.url("/a"), "ca": hook.ca}), run=False)
    path = os.path.join(os.path.dirname(w.conf_path), "list.txt")
    with open(path, "w") as f:
        f.writelines(f"n{i}.wild.org\n" for i in range(1000))
    w.config["lists"] = [{"name": "feed", "file": path}]
    w.config["groups"][0]["lists"] = ["feed"]
    w.start()
    with open(path, "w") as f:
        f.write("n1.wild.org\n")
    w.cli("reload", check=False)
    assert until(lambda: any(a["event"]["action"] == "feed-refused" for a in hook.json()), 20)
    alert = next(a for a in hook.json() if a["event"]["action"] == "feed-refused")
    assert "feed" in alert["message"] and alert["weir"]["severity"] == "medium"


needs_rsyslog = pytest.mark.skipif(not Rsyslog.is_here(), reason="there is no rsyslogd")


@needs_rsyslog
@pytest.mark.parametrize("scheme", ["udp", "tcp", "tls"])
def test_rsyslogd_takes_alerts(start_weir, tmp_path, scheme):
    with Rsyslog(str(tmp_path), tls=scheme == "tls") as r:
        port = r.udp if scheme == "udp" else r.tcp
        where = f"{scheme}://127.0.0.1:{port}"
        w = start_weir(prepare=to({"name": "json", "to": where, "ca": r.ca} if scheme == "tls" else
                                  {"name": "json", "to": where},
                                  {"name": "cef", "to": where, "format": "cef",
                                   **({"ca": r.ca} if scheme == "tls" else {})}))
        put_tests(w, 50)
        assert until(lambda: len(r.lines()) >= 100, 20), w.cli("alerts").stdout
        lines = r.lines()
    assert len(lines) == 100
    assert {line[:4] for line in lines} == {("34", socket.gethostname().split(".")[0], "weir", "alert")} \
        or {line[0] for line in lines} == {"34"}
    parsed = [json.loads(m[4]) for m in lines if m[4].lstrip().startswith("{")]
    assert len(parsed) == 50 and len({a["event"]["id"] for a in parsed}) == 50
    cef = [m[4] for m in lines if m[4].lstrip().startswith("CEF:0|Weir|")]
    assert len(cef) == 50
    assert until(lambda: status(w, "json")["sent"] == 50)


@needs_rsyslog
@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_rsyslogd_is_killed_and_comes_back(start_weir, tmp_path, tls):
    r = Rsyslog(str(tmp_path), tls=tls)
    with r:
        destination = {"name": "s", "to": f"{'tls' if tls else 'tcp'}://127.0.0.1:{r.tcp}"}
        if tls:
            destination["ca"] = r.ca
        w = start_weir(prepare=to(destination))
        put_tests(w, 5)
        assert until(lambda: len(r.lines()) >= 5, 20)
        r.stop(kill=True)
        put_tests(w, 20)
        time.sleep(1)
        assert status(w, "s")["failures"] >= 1
        r.start()
        put_tests(w, 5)
        assert until(lambda: len({m[4] for m in r.lines()}) >= 30, SLOW_S), w.cli("alerts").stdout
    seen = {json.loads(m[4])["event"]["id"] for m in r.lines()}
    assert len(seen) == 30 and status(w, "s")["lost"] == 0


def with_and_without(receiver, where):
    shown = {"tls-certificate": receiver.cert, "tls-key": receiver.key}
    return to({"name": "with", "to": where, "ca": receiver.ca, **shown},
              {"name": "without", "to": where, "ca": receiver.ca, "timeout": "2s"})


def test_a_webhook_that_asks_for_a_certificate(start_weir, tmp_path):
    with Hook(str(tmp_path), asks=True) as hook:
        w = start_weir(prepare=with_and_without(hook, hook.url("/a")))
        put_tests(w, 2)
        assert until(lambda: status(w, "with")["sent"] == 2, 20), w.cli("alerts").stdout
        assert until(lambda: status(w, "without")["failures"] >= 1, 20)
        assert len(set(ids(hook))) == 2 and status(w, "without")["sent"] == 0


@needs_rsyslog
def test_rsyslogd_asks_for_a_certificate(start_weir, tmp_path):
    with Rsyslog(str(tmp_path), tls=True, auth="x509/certvalid") as r:
        w = start_weir(prepare=with_and_without(r, f"tls://127.0.0.1:{r.tcp}"))
        put_tests(w, 5)
        assert until(lambda: len(r.lines()) >= 5, 20), w.cli("alerts").stdout
        assert until(lambda: status(w, "without")["failures"] >= 1, 20)
        assert len(r.lines()) == 5 and status(w, "without")["waiting"] == 5
