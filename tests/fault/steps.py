# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that are made to fail: what begins each, what is old and what is new, and how it is tried again."""
import itertools
import json
import os
import shutil
import time

import dns.exception
import dns.query
import dns.rcode
import dns.xfr
import dns.zone

import bed as bed_module
import faults
from bed import LISTS
from indicator_servers import MispFeed, Taxii, attribute, indicator, stamp


class Step:
    """A change of a list: from version v to v + 1; the other lists stay as they were."""

    name = ""
    target = ""          # the list
    words = ()           # one of these is in a message: what it is about
    is_promise = False   # what was said to be done outlasts kill -9
    sample = 0           # how many faults are tried in each test run

    def __init__(self, bed):
        self.bed, self.replies, self.is_said = bed, [], False

    def prepare(self):
        self.bed.start()

    @staticmethod
    def wants(key):
        return True

    def says(self, how, text):
        """Other words for a cause."""
        if how == "ENOSPC" and ("no space left on the disk" in text or "disk of the state folder is full" in text):
            return True
        if how in ("EIO", "ENOMEM") and "temporarily unavailable" in text:  # of the file that may have changed
            return True
        return {"ENOSPC": "disk is full", "ETIMEDOUT": "in time",
                "ENOMEM": "changed while it was read", "EIO": "changed while it was read"}.get(how, "\0") in text

    def look(self):
        """"old", "new" or what must never be."""
        try:
            seen = self.bed.look()
        except OSError as e:
            return f"silent ({e})"
        others = {n: s for n, s in seen.items() if n != self.target and s != "old"}
        return f"others {others}" if others else seen.get(self.target, str(seen))

    def is_likely_new(self):
        """Is it worth a look? With one question."""
        try:
            return self.bed.glance(self.target)
        except OSError:
            return False

    def is_new(self):
        return self.is_likely_new() and self.look() == "new"

    def offer(self):
        self.bed.offer(self.target, self.bed.version[self.target] + 1)

    def trigger(self):
        raise NotImplementedError

    def call(self, **request):
        """A command; what it replies instead of success counts as a message."""
        try:
            reply = self.bed.weir.ctl(**request)
        except (OSError, ValueError):
            return None
        if not reply.get("ok"):
            self.replies.append("reply: " + reply.get("error", {}).get("text", ""))
        elif reply.get("reload", {}).get("error"):
            self.replies.append("reply: reload: " + reply["reload"]["error"])
        self.is_said = bool(reply.get("ok"))
        return reply

    def before(self):
        """What has to be done first, without a fault."""

    def begin(self):
        self.replies, self.is_said = [], False
        self.offer()
        self.trigger()

    def again(self):
        self.trigger()

    def end(self):
        """The new version is the old one now."""
        self.bed.version[self.target] += 1

    def fresh(self):
        """After something went wrong: from the beginning."""
        w = self.bed.weir
        self.bed.network(True)
        if w.process is not None and not w.is_dead():
            w.process.kill()
        bed_module.wipe(w.state_dir)
        self.bed.version = dict.fromkeys(LISTS, 1)
        self.prepare()


class Feed(Step):
    """Download, put in place, check, keep a version, compile, swap."""

    name = target = "feed"
    sample = 6
    words = ("list 'feed'", "feed", "alerts", "lists could not", "policy", "lists cannot")

    def trigger(self):
        self.call(command="feeds", action="update", name="feed")


class Axfr(Step):
    """NOTIFY, SOA, the whole zone, and then as a feed."""

    name, target = "axfr", "zone"
    words = ("list 'zone'", "zone", "lists could not", "policy", "lists cannot")

    def prepare(self):
        self.bed.primary.has_deltas = False
        super().prepare()

    def trigger(self):
        self.bed.notify()


class Ixfr(Axfr):
    """The same by a delta."""

    name = "ixfr"
    sample = 4

    def prepare(self):
        self.bed.primary.has_deltas = True
        Step.prepare(self)


class IxfrLayers(Ixfr):
    """A small delta of a large zone: a layer in front of the others, or one with the small ones."""

    name = "ixfr-layers"

    def __init__(self, bed):
        super().__init__(bed)
        shared = [f"s{i}.zone.org" for i in range(2500)]
        bed.zone_rules = lambda v, rules: [rules[0]] + shared + [rules[len(rules) // 2], rules[-1]]


class AxfrTls(Axfr):
    """The whole zone over TLS (RFC 9103)."""

    name = "axfr-tls"

    def __init__(self, bed):
        super().__init__(bed)
        bed.weir.config["lists"][1].update({"tls": "true", "tls-name": "feeds.test", "tls-ca": bed.server.ca})
        bed.primary.tls = bed.server.context_of("primary.pem", ["feeds.test"])
        bed.primary.tls.set_alpn_protocols(["dot"])

    def says(self, how, text):
        return super().says(how, text) or how == "ECONNRESET" and "broke off the TLS handshake" in text


class Collection(Feed):
    """Indicators: pages or events, gathered, changed by what is new, and then as a feed."""

    sample = 2

    def __init__(self, bed):
        super().__init__(bed)
        self.source = self.make(bed.server)
        self.given = set()
        bed.weir.config["lists"][0].update(self.source.options(bed.server))
        bed.give_feed = self.give


class TaxiiStep(Collection):
    """A TAXII collection: what was added since, and what was revoked."""

    name = "taxii"

    def make(self, server):
        source = Taxii(server, "taxii")
        source.page, self.numbers = 100, {}
        self.gone, self.unused = [], itertools.count()
        return source

    def give(self, rules):
        """What is gone is revoked, and stands for something else in the version after."""
        now, modified = set(rules), stamp(-900)
        gone = [(self.numbers.pop(r), r) for r in sorted(self.given - now)]
        new = [(self.gone.pop() if self.gone else next(self.unused), r) for r in sorted(now - self.given)]
        self.numbers.update((r, number) for number, r in new)
        self.gone += [number for number, _ in gone]
        self.source.add(*(indicator(number, r, modified=modified, revoked=is_gone)
                          for of, is_gone in ((gone, True), (new, False)) for number, r in of))
        self.given = now


class MispStep(Collection):
    """A MISP feed: a manifest and events, of which those are asked for that are new."""

    name = "misp"

    def make(self, server):
        self.times = itertools.count(1)
        return MispFeed(server, "misp")

    def give(self, rules):
        at = len(rules) // 3
        for number, part in enumerate((rules[:at], rules[at:2 * at], rules[2 * at:])):
            self.source.put(number, *(attribute(r) for r in part), timestamp=next(self.times))


class Reload(Step):
    """`weir reload`: configuration, local data, a list with patterns."""

    name, target = "reload", "pats"
    sample = 4
    words = ("list 'pats'", "pats", "weir.yaml", "lists could not", "policy", "local data", "reload")

    def trigger(self):
        self.call(command="reload")


class Pin(Step):
    """`weir feeds rollback`: an older version is in force, as chosen."""

    name, target = "rollback", "feed"
    words = Feed.words + ("version",)

    def prepare(self):
        super().prepare()
        self.bed.offer("feed", 2)
        self.call(command="feeds", action="update", name="feed")
        assert self.bed.until(lambda: self.bed.look_at("feed") == "new")
        self.bed.version["feed"], self.bed.next["feed"] = 2, 1
        self.bed.settle()

    def numbers(self):
        lists = self.bed.weir.ctl(command="feeds", action="list")["feeds"]["lists"]
        return [v["version"] for v in next(x for x in lists if x["name"] == "feed")["versions"]]

    def before(self):
        self.number = self.numbers()[0]

    def offer(self):
        pass

    def trigger(self):
        self.call(command="feeds", action="rollback", name="feed", version=self.number)

    def end(self):
        self.bed.weir.ctl(command="feeds", action="unpin", name="feed")
        assert self.bed.until(lambda: self.look() == "old")
        self.bed.settle()

    def fresh(self):
        self.bed.next.clear()
        super().fresh()


class Unpin(Pin):
    """`weir feeds unpin`: back to the newest."""

    name = "unpin"

    def prepare(self):
        super().prepare()
        self.bed.version["feed"], self.bed.next["feed"] = 1, 2

    def before(self):
        self.bed.weir.ctl(command="feeds", action="rollback", name="feed", version=self.numbers()[0])
        assert self.bed.until(lambda: self.look() == "old")
        self.bed.settle()

    def trigger(self):
        self.call(command="feeds", action="unpin", name="feed")

    def again(self):
        # Taken back on the disk already, and not in force yet: then there is nothing to be taken back.
        self.trigger()
        self.call(command="reload")

    def end(self):
        pass


class Accept(Step):
    """`weir feeds accept`: what the guard refused is in force."""

    name, target = "accept", "feed"
    words = Feed.words

    def before(self):
        """A version with hardly any rules is refused."""
        bed, v = self.bed, self.bed.version["feed"]
        bed.offer("feed", v + 1, 5)
        bed.weir.ctl(command="feeds", action="update", name="feed")
        assert bed.until(lambda: bed.weir.ctl(command="feeds", action="list")["feeds"]["lists"][0]["state"]
                         == "refused")
        bed.settle()

    def offer(self):
        pass

    def trigger(self):
        self.call(command="feeds", action="accept", name="feed")

    def end(self):
        """And back to many."""
        bed = self.bed
        bed.version["feed"] += 1
        bed.offer("feed", bed.version["feed"] + 1)
        bed.weir.ctl(command="feeds", action="update", name="feed")
        assert bed.until(lambda: self.look() == "new")
        bed.version["feed"] += 1
        bed.settle()


class Edit(Step):
    """`weir block`: the journal of edits."""

    name = "block"
    sample = 3
    words = ("edits", "edit", "disk", "journal")
    is_promise = True  # what was said to be done outlasts kill -9

    def prepare(self):
        self.v = 0
        super().prepare()
        self.bed.weir.ctl(command="block", name="e0.edit.org")

    def is_likely_new(self):
        return True

    def look(self):
        lists = super().look()
        if lists != "old":
            return lists
        try:
            old, new = (self.bed.is_blocked(f"e{v}.edit.org") for v in (self.v, self.v + 1))
        except OSError as e:
            return f"silent ({e})"
        return {(True, False): "old", (True, True): "new"}.get((old, new), f"edits {old} {new}")

    target = "feed"  # stays as it is

    def offer(self):
        pass

    def trigger(self):
        self.call(command="block", name=f"e{self.v + 1}.edit.org")

    def end(self):
        self.v += 1


class Undo(Edit):
    """`weir undo`."""

    name = "undo"
    sample = 0

    def look(self):
        lists = Step.look(self)
        if lists != "old":
            return lists
        try:
            kept, gone = (self.bed.is_blocked(f"{n}.edit.org") for n in ("e0", f"u{self.v}"))
        except OSError as e:
            return f"silent ({e})"
        return {(True, True): "old", (True, False): "new"}.get((kept, gone), f"edits {kept} {gone}")

    def before(self):
        self.bed.weir.ctl(command="block", name=f"u{self.v}.edit.org")

    def trigger(self):
        self.call(command="undo", name=f"u{self.v}.edit.org")

    def again(self):
        if self.look() == "old":
            self.trigger()


class Rewrite(Undo):
    """`weir undo` when the journal has so many dead lines that it is written anew."""

    name = "rewrite"
    sample = 3

    def before(self):
        super().before()
        w = self.bed.weir
        while True:
            with open(f"{w.state_dir}/edits.jsonl") as f:
                lines = len(f.readlines())
            if lines > 2 * w.ctl(command="edits")["total"] + 61:  # policy/edits.c: JOURNAL_SLACK
                break
            w.ctl(command="block", name="dead.edit.org")
            w.ctl(command="undo", name="dead.edit.org")


class PublishEdits(Edit):
    """An edit becomes a version of a zone that is published."""

    name = "publish-edits"
    sample = 0
    words = ("zone edits.example", "edits", "edit", "published", "zone")
    is_promise = False
    published = {"zone": "edits.example", "edits": True}

    def __init__(self, bed):
        super().__init__(bed)
        bed.weir.config["publish"] = [dict(self.published, allow=["127.0.0.1"])]

    def prepare(self):
        super().prepare()
        assert self.bed.until(lambda: "e0.edit.org" in self.zone()), self.bed.weir.process.log_tail()
        self.bed.settle()

    def zone(self):
        """The names of it, as a follower gets them; empty: none is served."""
        z = dns.zone.Zone(self.published["zone"], relativize=True)
        q, _ = dns.xfr.make_query(z)
        try:
            dns.query.inbound_xfr("127.0.0.1", z, q, port=self.bed.weir.port, lifetime=5)
        except (OSError, EOFError, dns.exception.DNSException):
            return set()
        return {n.to_text() for n, _ in z.iterate_rdatasets("CNAME")}

    def look(self):
        """Of the zone alone: the edit is in force already."""
        lists = Step.look(self)
        if lists != "old":
            return lists
        names = self.zone()
        if not names:
            return "nothing is published"
        old, new = (f"e{v}.edit.org" in names for v in (self.v, self.v + 1))
        whole = all(f"*.{n}" in names for n in names if not n.startswith("*."))
        got = {(True, False): "old", (True, True): "new"}.get((old, new), "")
        return got if got and whole else f"zone {sorted(names)}"

    def again(self):
        """It is tried again without being asked, unless the edit was not made."""
        if not self.bed.is_blocked(f"e{self.v + 1}.edit.org"):
            self.trigger()


class PublishList(PublishEdits):
    """A new version of a list becomes one of a zone that is published."""

    name, target = "publish-list", "pats"
    sample = 3
    words = ("zone", "list 'pats'", "alerts", "pats", "policy", "lists could not", "reload", "weir.yaml",
             "local data")
    published = {"zone": "pats.example", "list": "pats"}

    def prepare(self):
        Step.prepare(self)
        assert self.bed.until(lambda: self.look() == "old"), self.look()
        self.bed.settle()

    def is_likely_new(self):
        return Step.is_likely_new(self)

    def look(self):
        """"new" when it is in force and published."""
        in_force = Step.look(self)
        if in_force not in ("old", "new"):
            return in_force
        names, v = self.zone(), self.bed.version["pats"]
        got = {"first": {u for u in (v, v + 1) if f"first{u}.pats.org" in names},
               "filler": {u for u in (v, v + 1) if f"f299.v{u}.pats.org" in names}}
        if not names or got["first"] != got["filler"] or len(got["first"]) != 1:
            return f"published {len(names)} {got}"
        return "new" if got["first"] == {v + 1} and in_force == "new" else "old"

    def offer(self):
        Step.offer(self)

    def trigger(self):
        self.call(command="reload")

    def again(self):
        self.trigger()

    def end(self):
        Step.end(self)


class Trust(Edit):
    """`weir trust add`: negative trust anchors."""

    name = "trust"
    sample = 0
    words = ("trust", "negative")

    def __init__(self, bed):
        super().__init__(bed)
        path = f"{bed.directory}/anchors"
        with open(path, "w") as f:
            f.write("island.test. DS 12345 15 2 " + "0f" * 32 + "\n")
        bed.weir.config["resolver"]["trust-anchors"] = path

    def prepare(self):
        self.v = 0
        Step.prepare(self)
        self.bed.weir.ctl(command="trust", action="add", name="n0.example")

    def look(self):
        lists = Step.look(self)
        if lists != "old":
            return lists
        try:
            found = {n["name"] for n in self.bed.weir.ctl(command="trust", action="list")["trust"]["negative"]}
        except (OSError, ValueError) as e:
            return f"silent ({e})"
        old, new = (f"n{v}.example" in found for v in (self.v, self.v + 1))
        return {(True, False): "old", (True, True): "new"}.get((old, new), f"anchors {found}")

    def trigger(self):
        self.call(command="trust", action="add", name=f"n{self.v + 1}.example")

    def end(self):
        self.v += 1
        self.bed.weir.ctl(command="trust", action="remove", name=f"n{self.v - 1}.example")


class Learn(Edit):
    """What a group has learned is saved; its file is old or new, never half, never begun anew."""

    name = "learn"
    sample = 3
    is_promise = False
    words = ("learned", "learn")

    def __init__(self, bed):
        super().__init__(bed)
        bed.weir.config["groups"].insert(0, {"name": "cell", "clients": ["127.0.0.3"], "lists": [],
                                             "default": "deny", "learn": "7d"})

    def ask(self, name):
        self.bed.weir.ask(name, source="127.0.0.3", timeout_s=3)

    def prepare(self):
        self.v = 0
        Step.prepare(self)
        self.ask("l0.learn.org")
        self.bed.weir.ctl(command="learn", action="save")
        assert self.look() == "old", self.look()

    def look(self):
        lists = Step.look(self)
        if lists != "old":
            return lists
        with open(f"{self.bed.weir.state_dir}/learn/cell.json") as f:
            try:
                found = {n["name"].rstrip(".") for n in json.load(f)["names"]}
            except ValueError as e:
                return f"a damaged file ({e})"
        old, new = (f"l{v}.learn.org" in found for v in (self.v, self.v + 1))
        return {(True, False): "old", (True, True): "new"}.get((old, new), f"learned {found}")

    def trigger(self):
        self.ask(f"l{self.v + 1}.learn.org")
        self.call(command="learn", action="save")

    def again(self):
        self.trigger()

    def end(self):
        self.v += 1


class Enforce(Learn):
    """`weir learn enforce`: default deny, over kill -9 too."""

    name = "enforce"
    sample = 0

    @staticmethod
    def wants(key):
        return "cell.json" not in key  # the step `learn`

    words = ("learn", "cell", "reload", "policy", "lists", "weir.yaml", "local data")

    def look(self):
        lists = Step.look(self)
        if lists != "old":
            return lists
        try:
            reply = self.bed.weir.ask(f"d{self.v}.deny.org", source="127.0.0.3", timeout_s=3)
        except (OSError, dns.exception.DNSException) as e:
            return f"silent ({e})"
        return "new" if reply.rcode() == dns.rcode.NXDOMAIN else "old"

    def trigger(self):
        if self.call(command="learn", action="enforce", group="cell") is not None:
            self.call(command="reload")

    def end(self):
        w = self.bed.weir
        w.ctl(command="learn", action="resume", group="cell")
        w.ctl(command="reload")
        assert self.look() == "old"


class Ceilings(Edit):
    """`weir ceilings --forget`: what the leak budget has learned."""

    name = "ceilings"
    sample = 2
    words = ("ceilings",)

    def __init__(self, bed):
        super().__init__(bed)
        bed.weir.config["detect"] = {"enable": True, "leak.learn": "7d"}

    def prepare(self):
        self.v = 0
        with open(f"{self.bed.weir.state_dir}/ceilings", "w") as f:
            f.write(f"weir-ceilings 1\nbegan {int(time.time())} {'0f' * 16}\n")
            for v in range(1000):
                f.write(f"domain c{v}.example 2 2 {int(time.time())} {int(time.time())} - 0 0\n")
        Step.prepare(self)

    def look(self):
        lists = Step.look(self)
        if lists != "old":
            return lists
        try:
            found = {d["domain"] for d in self.bed.weir.ctl(command="ceilings")["ceilings"]["domains"]}
        except (OSError, ValueError, KeyError) as e:
            return f"silent ({e})"
        old, new = (f"c{v}.example" in found for v in (self.v, self.v + 1))
        return {(True, True): "old", (False, True): "new"}.get((old, new), f"ceilings {len(found)}")

    def trigger(self):
        self.call(command="ceilings", forget=f"c{self.v}.example")

    def again(self):
        if self.look() == "old":
            self.trigger()


class Start(Step):
    """The start with what the last process left, and no network: all lists are in force at the first answer."""

    name = "start"
    sample = 6
    target = "feed"
    words = ("policy", "lists", "list '", "state", "weir.yaml", "edits", "local data", "trust", "worker",
             "control", "set up", "made", "learn", "events", "read")

    def again_from(self):
        """What the start finds: made once."""
        w, kept = self.bed.weir, f"{self.bed.directory}/kept"
        if not w.is_dead():
            w.kill_9()
        if not os.path.exists(kept):
            shutil.copytree(w.state_dir, kept)
        shutil.rmtree(w.state_dir)
        shutil.copytree(kept, w.state_dir)

    def prepare(self):
        super().prepare()
        self.bed.weir.ctl(command="block", name="e0.edit.org")
        self.bed.network(False)

    def is_whole(self):
        try:
            return self.bed.look() == {n: "old" for n in LISTS} and self.bed.is_blocked("e0.edit.org")
        except OSError:
            return False

    def count(self):
        self.again_from()
        assert self.bed.weir.start() and self.is_whole(), self.bed.weir.process.log_tail()
        self.bed.settle()
        return [self.bed.weir.counts()]

    def try_fault(self, key, k, how):
        """A start with the fault either serves all, or says why it does not; the next one serves all."""
        r = faults.Result(self.name, key, k, how)
        w = self.bed.weir
        self.again_from()
        mark = w.mark()
        try:
            if w.start(limit_s=faults.LIMIT_S, arm=f"{k} {how} {key}"):
                self.bed.settle()
                self.bed.wait_for_hit(faults.LATE_S)
            self.judge(r, mark)
        except (ConnectionError, ValueError):  # it died while it was looked at
            w.process.popen.wait(10)
            self.judge(r, mark)
        if not w.is_dead():
            w.kill_9()
        if not w.start() or not self.bed.until(self.is_whole, faults.LIMIT_S):
            r.wrong.append("the next start is not whole")
        return r

    def judge(self, r, mark):
        w = self.bed.weir
        told = r.said = w.told(mark, ".*")
        lines = [line for line in told if faults.re.search("warning|rror|cannot", line)]
        if w.is_dead():
            self.judge_dead(r, lines)
        elif w.plan is None:
            r.wrong.append("it hangs")
        else:
            self.judge_living(r, lines)

    def judge_dead(self, r, lines):
        """It ended because of the fault: with a message, or in a library."""
        code = self.bed.weir.process.popen.returncode
        r.outcome = "killed, old" if r.how.startswith("KILL") else "old"
        # Without memory the dynamic loader and liburcu end the process by themselves.
        is_library = r.key.endswith(" memory") and faults.died_in_a_library(self.bed.weir)
        if not r.how.startswith("KILL") and not lines and not is_library:
            r.wrong.append("it did not start, and nobody was told")
        if code in (-6, -11) and not is_library:
            r.wrong.append("it crashed")
        if is_library and not r.how.startswith("KILL"):
            r.outcome = faults.LIBRARY

    def judge_living(self, r, lines):
        is_whole = self.is_whole()
        is_hit = self.bed.weir.tell("disarm") != "hit 0"
        r.outcome = "new" if is_hit else faults.NOT_REACHED
        r.n_seen = self.bed.weir.counts().get(r.key, 0)
        if not is_whole and not lines:
            r.wrong.append("it is not whole, and nobody was told")
        if not is_whole and not self.bed.until(self.is_whole, faults.LIMIT_S):
            r.wrong.append(f"it does not become whole: {self.bed.look()}")
        elif not is_whole:
            r.outcome = "old"  # whole a little later

    def fresh(self):
        self.bed.network(True)
        shutil.rmtree(f"{self.bed.directory}/kept", ignore_errors=True)
        Step.fresh(self)


class FirstStart(Start):
    """The first start of all: the lists are read before the first answer."""

    name = "first-start"
    sample = 0

    def again_from(self):
        w = self.bed.weir
        if not w.is_dead():
            w.kill_9()
        bed_module.wipe(w.state_dir)
        self.bed.network(True)

    def prepare(self):
        Step.prepare(self)

    def is_whole(self):
        """The list that is a file. The others come when they can."""
        try:
            return self.bed.look_at("pats") == "old"
        except OSError:
            return False


STEPS = {s.name: s for s in (Feed, TaxiiStep, MispStep, Axfr, AxfrTls, Ixfr, IxfrLayers, Reload, Pin, Unpin, Accept, Edit, Undo, Rewrite,
                             PublishEdits, PublishList, Trust, Learn, Enforce, Ceilings, Start, FirstStart)}
