# SPDX-License-Identifier: GPL-3.0-or-later
"""Reloading: under load, with broken files, and killed at any moment."""

import collections
import gzip
import json
import lzma
import os
import random
import shutil
import threading
import time

import dns.exception
import pytest

from replies import addresses, ede_codes, rcode

FILLER = 100_000


def blocks(reply):
    return rcode(reply) == "NXDOMAIN" and 15 in ede_codes(reply)


def filler(seed, n=FILLER):
    return [f"n{seed}-{i}.filler.example" for i in range(n)]


def write(path, lines):
    """As a feed tool should: beside, then renamed."""
    with open(path + ".new", "w") as f:
        f.write("\n".join(lines) + "\n")
    os.rename(path + ".new", path)


def with_list(lines, **options):
    def prepare(w):
        w.list_path = os.path.join(w.directory, "main.list")
        write(w.list_path, lines)
        w.config["lists"] = [{"name": "main", "file": w.list_path, **options}]
        w.config["groups"][0]["lists"] = ["main"]
    return prepare


def until(condition, limit_s=10.0):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


@pytest.mark.parametrize("how", ["command", "signal"])
def test_a_reload_takes_effect(start_weir, how):
    w = start_weir(prepare=with_list(["old.wild.org", "both.wild.org"]))
    assert blocks(w.ask("old.wild.org")) and addresses(w.ask("new.wild.org")) == ["192.0.2.105"]
    write(w.list_path, ["new.wild.org", "both.wild.org"])
    if how == "command":
        w.cli("reload")
        assert blocks(w.ask("new.wild.org")), "in force when the command returns"
    else:
        w.hup()
        assert until(lambda: blocks(w.ask("new.wild.org")))
    assert addresses(w.ask("old.wild.org")) == ["192.0.2.105"] and blocks(w.ask("both.wild.org"))


def test_groups_and_lists_go_while_questions_wait(start_weir):
    """What waits for a slow server is judged, and asked on, by the policy of the moment."""
    def prepare(w):
        for name, lines in (("a", ["a.wild.org"]), ("b", ["b.wild.org"]), ("ns", ["ns.nowhere.org"])):
            write(os.path.join(w.directory, name + ".list"), lines)
        w.config["lists"] = [{"name": n, "file": os.path.join(w.directory, n + ".list")} for n in ("a", "b")]
        w.config["lists"].append({"name": "ns", "file": os.path.join(w.directory, "ns.list"), "match": "nameserver"})
        w.config["groups"] = [{"name": n, "clients": [c], "lists": ["a", "b", "ns"]}
                              for n, c in (("one", "192.0.2.0/24"), ("two", "198.51.100.0/24"), ("three", "127.0.0.1"))]

    w = start_weir(prepare=prepare)
    replies = []

    def ask(i):
        replies.append(w.ask(f"a{i}.b{i}.c{i}.slow.test", timeout_s=15))

    for turn in range(2):
        asking = [threading.Thread(target=ask, args=(4 * turn + i,)) for i in range(4)]
        for t in asking:
            t.start()
        time.sleep(0.1)
        w.config["lists"] = w.config["lists"][-1:]
        w.config["groups"] = [{"name": f"other{turn}", "clients": ["127.0.0.1"], "lists": ["ns"]}]
        w.write_config()
        w.cli("reload")
        for t in asking:
            t.join()
    assert [rcode(r) for r in replies] == ["NXDOMAIN"] * 8
    assert w.process.popen.poll() is None


def test_groups_and_lists_change_with_a_reload(start_weir):
    w = start_weir(prepare=with_list(["x.wild.org"]))
    assert blocks(w.ask("x.wild.org"))
    second = os.path.join(w.directory, "second.list")
    write(second, ["y.wild.org"])
    w.config["lists"].append({"name": "second", "file": second, "action": "nodata"})
    w.config["groups"] = [{"name": "one", "clients": ["127.0.0.1"], "lists": ["second"]}]
    w.write_config()
    w.cli("reload")
    assert addresses(w.ask("x.wild.org")) == ["192.0.2.105"]
    assert rcode(w.ask("y.wild.org")) == "NOERROR" and ede_codes(w.ask("y.wild.org")) == [15]
    assert rcode(w.ask("y.wild.org", source="127.0.0.2")) == "REFUSED"


def test_a_broken_configuration_changes_nothing(start_weir):
    w = start_weir(prepare=with_list(["x.wild.org"]))
    with open(w.conf_path, "w") as f:
        f.write('lists:\n  - name: main\n    fiel: "x"\n groups: 7\n')
    assert w.cli("reload", check=False).returncode != 0
    assert blocks(w.ask("x.wild.org")) and rcode(w.ask("y.wild.org")) == "NOERROR"
    w.write_config()
    w.cli("reload")
    assert blocks(w.ask("x.wild.org"))


@pytest.mark.parametrize("pack, suffix", [(gzip.compress, ".gz"), (lzma.compress, ".xz")])
def test_compressed_lists(start_weir, pack, suffix):
    def prepare(w):
        w.list_path = os.path.join(w.directory, "packed.list" + suffix)
        with open(w.list_path, "wb") as f:
            f.write(pack(b"packed.wild.org\n" + b"\n".join(n.encode() for n in filler(1, 5000))))
        w.config["lists"] = [{"name": "packed", "file": w.list_path}]
        w.config["groups"][0]["lists"] = ["packed"]
    w = start_weir(prepare=prepare)
    assert blocks(w.ask("packed.wild.org"))
    with open(w.list_path, "rb") as f:
        whole = f.read()
    for cut in (len(whole) // 2, 10, 0):  # truncated: the last good copy stays
        with open(w.list_path, "wb") as f:
            f.write(whole[:cut])
        w.cli("reload", check=False)
        assert blocks(w.ask("packed.wild.org")), cut


def break_garbage(path):
    with open(path, "wb") as f:
        f.write(random.Random(5).randbytes(300_000))


def break_html(path):
    with open(path, "w") as f:
        f.write("<!DOCTYPE html><html><body>" + "<p>502 Bad Gateway</p>\n" * 500 + "</body></html>\n")


def break_long_line(path):
    with open(path, "wb") as f:
        f.truncate(2 << 30)  # a hole: 2 GiB of one line


def break_gone(path):
    os.remove(path)


def break_directory(path):
    os.remove(path)
    os.mkdir(path)


def break_empty(path):
    with open(path, "wb"):
        pass


@pytest.mark.parametrize("spoil", [break_garbage, break_html, break_long_line, break_gone,
                                   break_directory, break_empty])
def test_a_bad_file_keeps_the_last_good(start_weir, spoil):
    w = start_weir(prepare=with_list(["x.wild.org"] + filler(1, 2000)))
    spoil(w.list_path)
    before = rss_kib(w.process.pid)
    done = w.cli("reload", check=False, timeout_s=60)
    said = done.stdout + done.stderr + w.process.log_tail()
    assert "main" in said, said
    assert blocks(w.ask("x.wild.org")), said
    assert rcode(w.ask("y.wild.org")) == "NOERROR"
    # What a sanitizer remembers of freed memory is not ours.
    assert is_sanitized(w.process.pid) or rss_kib(w.process.pid) - before < 20 << 10
    # the same with a fresh start: the copy of before the damage holds
    w.stop()
    w.start()
    assert blocks(w.ask("x.wild.org")), w.process.log_tail()


def test_a_file_that_was_missing_is_read_when_it_is_there(start_weir):
    w = start_weir(prepare=with_list(["x.wild.org"] + filler(1, 100)), run=False)
    away = w.list_path + ".away"
    os.rename(w.list_path, away)
    w.start()
    assert rcode(w.ask("x.wild.org")) == "NOERROR"
    assert "cannot be opened" in w.process.log_tail()
    os.rename(away, w.list_path)
    assert until(lambda: blocks(w.ask("x.wild.org")), 30), w.process.log_tail()
    # It goes: the copy holds. Another comes: that one.
    os.rename(w.list_path, away)
    w.cli("reload", check=False)
    assert blocks(w.ask("x.wild.org")), w.process.log_tail()
    with open(w.list_path, "w") as f:
        f.write("\n".join(["y.wild.org"] + filler(1, 100)) + "\n")
    assert until(lambda: blocks(w.ask("y.wild.org")), 30), w.process.log_tail()
    assert rcode(w.ask("x.wild.org")) == "NOERROR"


def test_bad_lines_are_skipped_and_counted(start_weir):
    good = ["x.wild.org"] + filler(1, 100)
    w = start_weir(prepare=with_list(good + ["-- not -- a name", "a..b", "x" * 70 + ".org", "http://["]))
    assert blocks(w.ask("x.wild.org"))
    said = w.cli("status").stdout + w.process.log_tail(100)
    assert "skipped" in said


class Load(threading.Thread):
    """Asks for the watched names in turn, and keeps (name, time, blocked, seconds) of each."""

    def __init__(self, weir, names):
        super().__init__(daemon=True)
        self.weir, self.names, self.stopped, self.seen, self.lost = weir, names, False, [], 0

    def run(self):
        while not self.stopped:
            for name in self.names:
                begin = time.monotonic()
                try:
                    reply = self.weir.ask(name, timeout_s=2)
                    self.seen.append((name, begin, blocks(reply), time.monotonic() - begin))
                except dns.exception.Timeout:
                    self.lost += 1


def test_reload_under_load_loses_nothing_and_shows_no_half(start_weir):
    """first and last stand at the ends of list A and not in B: they are blocked together or not."""
    list_a = ["first.wild.org", "always.wild.org"] + filler("a") + ["last.wild.org"]
    list_b = ["always.wild.org"] + filler("b")
    w = start_weir(prepare=with_list(list_a))
    loads = [Load(w, ["first.wild.org", "last.wild.org", "always.wild.org", "never.wild.org"])
             for _ in range(3)]
    for load in loads:
        load.start()
    for i in range(6):
        write(w.list_path, list_b if i % 2 == 0 else list_a)
        w.cli("reload", timeout_s=60)
        assert blocks(w.ask("last.wild.org")) == (i % 2 == 1)
        time.sleep(0.2)
    for load in loads:
        load.stopped = True
        load.join()
    seen = [s for load in loads for s in load.seen]
    assert sum(load.lost for load in loads) == 0 and len(seen) > 500
    by_name = collections.defaultdict(set)
    for name, _, is_blocked, _ in seen:
        by_name[name].add(is_blocked)
    assert by_name["always.wild.org"] == {True} and by_name["never.wild.org"] == {False}
    assert by_name["first.wild.org"] == {True, False}
    for load in loads:
        half_lists(load.seen)


def half_lists(seen):
    """Within the times when first did not change on both sides of last, last must agree."""
    pairs = [s for s in seen if s[0] in ("first.wild.org", "last.wild.org")]
    for before, middle, after in zip(pairs, pairs[1:], pairs[2:]):
        if before[0] == after[0] != middle[0] and before[2] == after[2] and after[1] - before[1] < 0.1:
            assert middle[2] == before[2], (before, middle, after)


def is_sanitized(pid):
    """The sanitizers keep freed memory back on purpose."""
    with open(f"/proc/{pid}/maps") as f:
        maps = f.read()
    return any(word in maps for word in ("libasan", "libtsan"))


def test_memory_is_flat_over_reloads(start_weir):
    w = start_weir(prepare=with_list(["x.wild.org"] + filler("a", 50_000)))
    if is_sanitized(w.process.pid):
        pytest.skip("a sanitizer is in the program")
    sizes = []
    for i in range(24):
        write(w.list_path, ["x.wild.org"] + filler("ab"[i % 2], 50_000))
        w.cli("reload", timeout_s=60)
        assert blocks(w.ask("x.wild.org"))
        sizes.append(rss_kib(w.process.pid))
    assert max(sizes[12:]) < max(sizes[:12]) * 1.15 + 2048, sizes


def test_killed_at_any_moment_of_a_load(start_weir):
    """kill -9 while lists are read: the next start serves the last good policy, old or new."""
    rng = random.Random(20261122)
    lists = [["x.wild.org", "v0.wild.org"] + filler("a"), ["x.wild.org", "v1.wild.org"] + filler("b")]
    w = start_weir(prepare=with_list(lists[0]))
    for i in range(10):
        write(w.list_path, lists[(i + 1) % 2])
        w.hup()
        time.sleep(rng.uniform(0, 0.25))
        w.process.kill()
        w.start()
        assert blocks(w.ask("x.wild.org")), w.process.log_tail()
        versions = [blocks(w.ask(f"v{k}.wild.org")) for k in (0, 1)]
        assert sum(versions) == 1, (i, versions)
    # and killed while starting
    for _ in range(5):
        w.process.kill()
        w.write_config()
        w.process = type(w.process)(w.name, [w.binary, "serve", "-c", w.conf_path], w.directory)
        time.sleep(rng.uniform(0, 0.2))
    w.process.kill()
    w.start()
    assert blocks(w.ask("x.wild.org")) and rcode(w.ask("y.wild.org")) == "NOERROR"


def test_a_spoilt_image_is_not_believed(start_weir):
    """Whatever stands in the state folder: lists come from their files then."""
    w = start_weir(prepare=with_list(["x.wild.org"] + filler("a", 2000)))
    w.stop()
    rng = random.Random(7)
    for i in range(4):
        for folder, _, files in os.walk(w.state_dir):
            for name in files:
                path = os.path.join(folder, name)
                size = os.path.getsize(path)
                with open(path, "r+b") as f:
                    if i == 0:
                        f.truncate(size // 2)
                    elif size:
                        f.seek(rng.randrange(size))
                        f.write(rng.randbytes(8))
        w.start()
        assert blocks(w.ask("x.wild.org")), w.process.log_tail()
        assert rcode(w.ask("y.wild.org")) == "NOERROR"
        w.stop()


def test_killed_at_any_moment_of_an_edit(start_weir):
    """An edit whose command said it is in force is in force after kill -9."""
    rng = random.Random(3)
    w = start_weir(prepare=with_list(["x.wild.org"]))
    confirmed, number = [], 0

    def edit():
        nonlocal number
        number += 1
        name = f"edit{number}.wild.org"
        if w.cli("block", name, check=False).returncode == 0:
            confirmed.append(name)

    for _ in range(8):
        edit()
        killer = threading.Timer(rng.uniform(0, 0.1), w.process.popen.kill)
        killer.start()
        while w.process.popen.poll() is None:
            edit()
        w.start()
        for name in confirmed:
            assert blocks(w.ask(name)), name
    assert len(confirmed) >= 8 and blocks(w.ask("x.wild.org"))


def test_killed_while_events_rotate(start_weir):
    def prepare(w):
        with_list(["x.wild.org"])(w)
        w.config["events"].update({"max-size": "64KiB", "keep": 2})
    w = start_weir(prepare=prepare)
    for _ in range(4):
        for i in range(150):
            assert blocks(w.ask(f"r{i}.x.wild.org"))
        w.process.kill()
        w.start()
    assert blocks(w.ask("x.wild.org"))
    assert w.wait_event(lambda e: e["dns"]["question"]["name"] == "x.wild.org") is not None


def test_what_is_not_on_the_disk_is_told(start_weir):
    """In force nevertheless; written when that is possible again."""
    w = start_weir(prepare=with_list(["old.wild.org"]))

    def is_unkept():
        return "unkept" in json.loads(w.cli("status", "--json").stdout)["status"]["policy"]
    assert not is_unkept()
    copy = os.path.join(w.state_dir, "lists", "main")
    beside = os.path.join(w.state_dir, "lists", ".main.new")  # where it is written first
    os.makedirs(os.path.join(beside, "in", "the", "way"))
    write(w.list_path, ["new.wild.org"])
    w.cli("reload")
    assert blocks(w.ask("new.wild.org")) and is_unkept()
    assert "a restart would begin with older lists" in w.cli("status").stdout
    shutil.rmtree(beside)
    assert until(lambda: not is_unkept(), 60)
    with open(copy) as f:
        assert f.read() == "new.wild.org\n"
