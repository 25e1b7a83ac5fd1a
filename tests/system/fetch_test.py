# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists over HTTPS: from a server that behaves, and from one that does not in any way."""
import base64
import hashlib
import json
import os
import threading
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from feeds_server import FeedsServer
from reload_test import blocks, until

OLD = b"old.wild.org\n"
NEW = b"new.wild.org\nold.wild.org\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory, lab):
    with FeedsServer(str(tmp_path_factory.mktemp("feeds"))) as s:
        yield s


def with_url(server, url, **options):
    def prepare(w):
        w.config["lists"] = [{"name": "feed", "url": url, "ca": server.ca, "refresh": "10m",
                              "timeout": "5s", **options}]
        w.config["groups"][0]["lists"] = ["feed"]
        w.config["local"]["zones"].append(
            {"zone": "feeds.test", "records": ["@ A 127.0.0.1", "other A 127.0.0.1"]})
    return prepare


def log_of(w):
    return w.process.log_tail(20000)


def kept(w):
    path = os.path.join(w.state_dir, "feeds", "feed")
    if not os.path.exists(path):
        return None
    with open(path, "rb") as f:
        return f.read()


def is_blocked(w, name):
    return blocks(w.ask(name))


def test_a_list_is_downloaded_and_in_force(server, start_weir):
    server.files["/good.txt"] = OLD
    w = start_weir(prepare=with_url(server, server.url("/good.txt")))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    assert not is_blocked(w, "new.wild.org")
    assert kept(w) == OLD


def test_an_update_that_is_asked_for_while_one_runs_is_done_after_it(server, start_weir):
    """What the running one brings may be of before."""
    may_end = threading.Event()

    def hold(h):
        body = server.files["/held.txt"]
        if server.paths().count("/hold") > 1:
            may_end.wait(10)
        h.answer(200, body)
    server.handlers["hold"] = hold
    server.files["/held.txt"] = OLD
    server.requests.clear()
    w = start_weir(prepare=with_url(server, server.url("/hold")))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    w.cli("feeds", "update", "feed")
    assert until(lambda: server.paths().count("/hold") == 2)
    time.sleep(0.1)  # it has its body now
    server.files["/held.txt"] = NEW
    w.cli("feeds", "update", "feed")
    may_end.set()
    assert until(lambda: is_blocked(w, "new.wild.org")), log_of(w)


def test_the_host_is_resolved_by_weir_itself(server, start_weir):
    """Through the lab's internet, although the list and an edit block its own host."""
    server.files["/self.txt"] = b"loop.local.test\nold.wild.org\n"
    w = start_weir(prepare=with_url(server, server.url("/self.txt", host="loop.local.test")))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    w.stop()
    server.files["/self.txt"] += b"new.wild.org\n"
    os.unlink(os.path.join(w.state_dir, "feeds", ".feed.meta"))
    w.start()  # now the policy that blocks the host is in force from the beginning
    assert until(lambda: is_blocked(w, "new.wild.org"))


@pytest.mark.parametrize("host, why", [
    ("gone.feeds.test", "local data have no address for it: zone feeds.test (static)"),
    ("nothing.site01.net", "NXDOMAIN, and no address")])
def test_why_a_host_has_no_address_is_told(start_weir, server, host, why):
    w = start_weir(prepare=with_url(server, f"https://{host}/x"))
    assert until(lambda: f"looking for {host}: {why}" in log_of(w)), log_of(w)


def test_a_restart_has_the_last_version_and_asks_conditionally(server, start_weir):
    server.files["/restart.txt"] = OLD
    w = start_weir(prepare=with_url(server, server.url("/restart.txt"), refresh="10s"))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    server.requests.clear()
    w.stop()
    w.start()
    assert is_blocked(w, "old.wild.org")  # at once, from the state folder
    assert until(lambda: "/restart.txt" in server.paths(), 15)
    assert "If-None-Match" in server.requests[-1][2]
    server.files["/restart.txt"] = NEW
    assert until(lambda: is_blocked(w, "new.wild.org"), 20)


MISBEHAVIOUR = {
    "slow": "Operation t", "stall": "", "truncated": "cut off", "chunked-cut": "",
    "page": "web page", "page-as-text": "web page", "giant": "more than 1048576 bytes",
    "giant-chunks": "more than 1048576 bytes", "bomb": "more than 1048576 bytes",
    "headers": "", "empty": "is empty", "loop": "more than 5 redirects",
    "to-http": "from https to http", "to-file": "redirect", "304": "304", "500": "500",
    "503": "503", "missing": "404",
}


@pytest.mark.parametrize("how", MISBEHAVIOUR)
def test_misbehaviour_leaves_the_last_version_in_force(server, start_weir, how):
    server.files["/good.txt"] = OLD
    timeout = "3s" if how in ("slow", "stall") else "30s"  # the others end by themselves, however loaded we are
    w = start_weir(prepare=with_url(server, server.url("/good.txt"), timeout=timeout,
                                    **{"max-size": "1MiB"}))
    assert until(lambda: is_blocked(w, "old.wild.org"), 60)
    w.config["lists"][0]["url"] = server.url("/" + how)
    w.write_config()
    w.hup()
    assert until(lambda: "next attempt in" in log_of(w), 60), log_of(w)
    assert MISBEHAVIOUR[how] in log_of(w), log_of(w)
    assert kept(w) == OLD
    assert not [f for f in os.listdir(os.path.join(w.state_dir, "feeds")) if f.endswith(".new")]
    assert is_blocked(w, "old.wild.org")


def test_what_is_no_list_is_refused_by_the_loader(server, start_weir):
    server.files["/good.txt"] = OLD
    w = start_weir(prepare=with_url(server, server.url("/good.txt")))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    w.config["lists"][0]["url"] = server.url("/wrong-type")
    w.write_config()
    w.hup()
    assert until(lambda: "stays in force" in log_of(w)), log_of(w)
    assert is_blocked(w, "old.wild.org")


@pytest.mark.parametrize("which", ["expired", "wrong_host"])
def test_certificates_are_checked(server, start_weir, which):
    server.files["/good.txt"] = OLD
    w = start_weir(prepare=with_url(server, server.url("/good.txt",
                                                       server=getattr(server, which))))
    assert until(lambda: "next attempt in" in log_of(w))
    assert "ertificate" in log_of(w), log_of(w)
    assert kept(w) is None


def test_an_unknown_authority_is_refused(server, start_weir):
    server.files["/good.txt"] = OLD
    w = start_weir(prepare=with_url(server, server.url("/good.txt"), ca=""))
    assert until(lambda: "next attempt in" in log_of(w))
    assert kept(w) is None


def test_mirrors_redirects_compression(server, start_weir):
    server.files["/good.txt"] = OLD
    server.files["/list.zipped"] = OLD
    w = start_weir(prepare=with_url(server, server.url("/500"),
                                    mirrors=[server.url("/page"), server.url("/to-good")]))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    assert "next attempt" not in log_of(w)
    w = start_weir(prepare=with_url(server, server.url("/list.zipped")))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    assert kept(w) == OLD


def test_secrets_go_to_the_configured_server_only(server, start_weir, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("# the key\nX-Secret: 1234\n")
    server.files["/good.txt"] = OLD
    server.requests.clear()
    w = start_weir(prepare=with_url(server, server.url("/to-other"), headers=["X-Open: yes"],
                                    **{"header-file": str(secret)}))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    # Others of this file go on asking the same server.
    at = [path for _, path, _ in server.requests].index("/to-other")
    first, second = server.requests[at], next(r for r in server.requests[at:] if r[1] == "/good.txt")
    assert first[2]["X-Secret"] == "1234" and first[2]["X-Open"] == "yes"
    assert first[2]["User-Agent"].startswith("weir/")
    assert "X-Secret" not in second[2] and "X-Open" not in second[2]


def test_a_server_that_is_silent_holds_nobody_up(server, start_weir):
    w = start_weir(prepare=with_url(server, server.url("/stall"), timeout="20s"))
    assert until(lambda: "/stall" in server.paths())
    begin = time.monotonic()
    for _ in range(20):
        w.ask("one.wild.org")
    w.cli("status")
    assert time.monotonic() - begin < 2
    w.stop()  # and the end is not waited for
    assert time.monotonic() - begin < 8


def feeds(w, *args, check=True):
    """weir feeds ARGS --json, for the list `feed`."""
    done = w.cli("feeds", *args, "--json", check=check)
    return json.loads(done.stdout)


def feed(w):
    return next(x for x in feeds(w)["feeds"]["lists"] if x["name"] == "feed")


def update(w):
    """Fetch now, and wait until that is over."""
    tried = feed(w).get("tried_s", 0)
    while time.time() < tried + 1:  # times are whole seconds
        time.sleep(0.05)
    w.cli("feeds", "update", "feed")
    assert until(lambda: feed(w).get("tried_s", 0) > tried and not feed(w)["running"], 30), feed(w)


def many(n, *more):
    return "".join(f"n{i}.many.example\n" for i in range(n)).encode() + \
        "".join(m + "\n" for m in more).encode()


def alerts(w, action):
    return [e for e in w.events() if e["event"].get("action") == action
            and e["event"]["kind"] == "alert"]


def test_a_wiped_feed_is_refused_and_told(server, start_weir):
    server.files["/wiped.txt"] = many(300, "old.wild.org")
    w = start_weir(prepare=with_url(server, server.url("/wiped.txt"), refresh="10s"))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    for content, why in ((many(10), "max-shrink"), (b"# nothing\n", "max-shrink"),
                         (many(300, "old.wild.org", "login.microsoftonline.com"), "protected"),
                         (many(300, "co.uk"), "public suffix"),
                         (many(300, "feeds.test"), "protected")):
        server.files["/wiped.txt"] = content
        assert w.cli("feeds", "update", "feed").stdout
        assert until(lambda: why in feed(w).get("problem", "")), feed(w)
        assert feed(w)["state"] == "refused"
        assert is_blocked(w, "old.wild.org") and not is_blocked(w, "login.microsoftonline.com")
        assert until(lambda: any(why in e["message"] if "message" in e else why in str(e)
                                 for e in alerts(w, "feed-refused"))), w.events()
    server.files["/wiped.txt"] = many(10)
    w.cli("feeds", "update", "feed")
    assert until(lambda: "has 10 rules" in feed(w).get("problem", ""))
    assert "(if it is right: weir feeds accept feed)" in feed(w)["problem"]
    assert "Operation not permitted" not in feed(w)["problem"]  # it is not the disk's
    w.cli("feeds", "accept", "feed")
    assert until(lambda: feed(w)["state"] == "in-force" and feed(w)["rules"] == 10)
    assert not is_blocked(w, "old.wild.org")


def test_rollback_holds_until_it_is_taken_back(server, start_weir):
    server.files["/roll.txt"] = many(10, "old.wild.org")
    w = start_weir(prepare=with_url(server, server.url("/roll.txt")))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    server.files["/roll.txt"] = many(10, "new.wild.org")
    w.cli("feeds", "update")
    assert until(lambda: is_blocked(w, "new.wild.org"))
    assert [v["version"] for v in feed(w)["versions"]] == [1, 2]
    assert "version 1" in w.cli("feeds", "rollback", "feed").stdout
    assert until(lambda: is_blocked(w, "old.wild.org"))
    assert not is_blocked(w, "new.wild.org")
    server.files["/roll.txt"] = many(11, "new.wild.org")
    w.cli("feeds", "update")
    assert until(lambda: kept(w) == server.files["/roll.txt"])
    w.stop()
    w.start()  # also over a restart
    assert is_blocked(w, "old.wild.org") and not is_blocked(w, "new.wild.org")
    assert feed(w)["state"] == "pinned"
    w.cli("feeds", "unpin", "feed")
    assert until(lambda: is_blocked(w, "new.wild.org") and feed(w)["rules"] == 12)
    assert w.cli("feeds", "rollback", "feed", "77", check=False).returncode == 1
    assert w.cli("feeds", "rollback", "nobody", check=False).returncode == 1
    assert w.cli("feeds", "rollback", check=False).returncode == 2
    text = w.cli("feeds").stdout
    assert "feed: in-force, 12 rules" in text and "version 3" in text


def test_an_old_feed_is_told(server, start_weir):
    server.files["/good.txt"] = OLD
    w = start_weir(prepare=with_url(server, server.url("/500"), **{"max-age": "1s"}))
    assert until(lambda: alerts(w, "feed-old"))
    assert until(lambda: feed(w).get("failures", 0) >= 1) and "500" in feed(w)["error"]
    assert feed(w)["state"] == "empty"


def test_an_old_file_is_told_if_wanted(start_weir, tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(OLD)
    os.utime(path, (time.time() - 1000,) * 2)

    def prepare(w):
        w.config["lists"] = [{"name": "feed", "file": str(path), "max-age": "5m"},
                             {"name": "by-hand", "file": str(path)}]
        w.config["groups"][0]["lists"] = ["feed", "by-hand"]
    w = start_weir(prepare=prepare)
    assert until(lambda: alerts(w, "feed-old"))
    assert [x.get("too_old") for x in feeds(w)["feeds"]["lists"]] == [True, None]
    assert "its file was not written for" in log_of(w) and "'by-hand'" not in log_of(w)
    assert "too old (max-age)" in w.cli("feeds").stdout
    path.write_bytes(NEW)
    w.cli("reload")
    assert until(lambda: "too_old" not in feed(w)), feed(w)


class Signer:
    """minisign's and signify's file formats."""

    def __init__(self):
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.id = os.urandom(8)
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw,
                                                 serialization.PublicFormat.Raw)
        self.public = base64.b64encode(b"Ed" + self.id + raw).decode()

    def minisign(self, body):
        sig = self.key.sign(hashlib.blake2b(body).digest())
        seal = self.key.sign(sig + b"file:x")
        return (b"untrusted comment: x\n" + base64.b64encode(b"ED" + self.id + sig) +
                b"\ntrusted comment: file:x\n" + base64.b64encode(seal) + b"\n")

    def signify(self, body):
        return (b"untrusted comment: x\n" +
                base64.b64encode(b"Ed" + self.id + self.key.sign(body)) + b"\n")


def test_signatures(server, start_weir):
    signer, other = Signer(), Signer()
    server.files["/signed.txt"] = OLD
    server.files["/signed.txt.minisig"] = signer.minisign(OLD)
    w = start_weir(prepare=with_url(server, server.plain_url("/signed.txt"),
                                    **{"minisign-key": signer.public}))
    assert until(lambda: is_blocked(w, "old.wild.org"))  # over http, too
    for signature, why in ((signer.minisign(OLD), "not of this file"),
                           (other.minisign(NEW), "another key"), (None, "no signature"),
                           (b"<html>", "no file of minisign")):
        server.files["/signed.txt"] = NEW
        server.files.pop("/signed.txt.minisig", None)
        if signature is not None:
            server.files["/signed.txt.minisig"] = signature
        w.cli("feeds", "update", "feed")
        assert until(lambda: why in feed(w).get("error", "")), feed(w)
        assert kept(w) == OLD and not is_blocked(w, "new.wild.org")
    server.files["/signed.txt.minisig"] = signer.signify(NEW)
    w.cli("feeds", "update", "feed")
    assert until(lambda: is_blocked(w, "new.wild.org"))


def test_checksums(server, start_weir):
    server.files["/summed.txt"] = OLD
    sum_of_old = hashlib.sha256(OLD).hexdigest()
    server.files["/SHA256SUMS"] = f"{'0' * 64}  other\n{sum_of_old}  summed.txt\n".encode()
    w = start_weir(prepare=with_url(server, server.url("/summed.txt"),
                                    **{"sha256-url": server.url("/SHA256SUMS")}))
    assert until(lambda: is_blocked(w, "old.wild.org"))
    server.files["/summed.txt"] = NEW
    w.cli("feeds", "update", "feed")
    assert until(lambda: "checksum is not of this file" in feed(w).get("error", "")), feed(w)
    assert kept(w) == OLD
    server.files["/SHA256SUMS"] = hashlib.sha256(NEW).hexdigest().encode()
    w.cli("feeds", "update", "feed")
    assert until(lambda: is_blocked(w, "new.wild.org"))


def as_json(h, what, content_type="application/json"):
    h.answer(200, json.dumps(what).encode(), content_type)


def test_a_taxii_collection_is_read_page_by_page(server, start_weir, tmp_path):
    """Discovery, API root, collections, objects in pages; with a password from a file."""
    uuid = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
    objects = [{"type": "indicator", "id": f"indicator--{i}", "n": i} for i in range(5)]

    def taxii(h):
        assert h.headers["Accept"] == "application/taxii+json;version=2.1"
        if h.headers["Authorization"] != "Basic dTpw":
            return h.answer(401, b"{}")
        path, _, query = h.path.partition("?")
        start = int(query.partition("next=")[2] or 0)
        if path == "/taxii/":
            return as_json(h, {"title": "t", "default": "/taxii/api1/", "api_roots": []})
        if path == "/taxii/api1/collections/":
            return as_json(h, {"collections": [{"id": uuid, "title": "Bad", "can_read": True}]})
        assert path == f"/taxii/api1/collections/{uuid}/objects/"
        page = {"objects": objects[start:start + 2]}
        if start + 2 < len(objects):
            page.update(more=True, next=str(start + 2))
        return as_json(h, page, "application/taxii+json;version=2.1")

    server.handlers["taxii"] = taxii
    secret = tmp_path / "key"
    secret.write_text("Authorization: Basic dTpw\n")
    w = start_weir(prepare=with_url(server, server.url("/taxii/"), collection="bad",
                                    **{"header-file": str(secret)}))
    assert until(lambda: kept(w) is not None), log_of(w)
    assert [json.loads(line)["n"] for line in kept(w).splitlines()] == [0, 1, 2, 3, 4]
    changed = feed(w)["changed_s"]
    update(w)
    assert feed(w)["changed_s"] == changed and "failures" not in feed(w)
    secret.write_text("Authorization: wrong\n")
    w.cli("feeds", "update", "feed")
    assert until(lambda: "401" in feed(w).get("error", "")), feed(w)
    assert len(kept(w).splitlines()) == 5


def test_a_misp_feed_is_read_event_by_event(server, start_weir):
    ids = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"]
    server.files["/misp/manifest.json"] = json.dumps({i: {"info": "x"} for i in ids}).encode()
    for i in ids:
        server.files[f"/misp/{i}.json"] = json.dumps({"Event": {"uuid": i}}).encode()
    w = start_weir(prepare=with_url(server, server.url("/misp/manifest.json")))
    assert until(lambda: kept(w) is not None), log_of(w)
    assert [json.loads(x)["Event"]["uuid"] for x in kept(w).splitlines()] == ids
    assert until(lambda: not feed(w)["running"])
    server.requests.clear()
    update(w)
    asked = [p for p in server.paths() if p.startswith("/misp/")]
    assert asked == ["/misp/manifest.json"]  # the same: its events are not asked for
    del server.files[f"/misp/{ids[1]}.json"]
    server.files["/misp/manifest.json"] = json.dumps({i: {"info": "y"} for i in ids}).encode()
    w.cli("feeds", "update", "feed")
    assert until(lambda: "404" in feed(w).get("error", "")), feed(w)
    assert len(kept(w).splitlines()) == 2  # not a half one
