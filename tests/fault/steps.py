# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that are made to fail: what begins each, what is old and what is new, and how it is tried again."""
import bed as bed_module
from bed import LISTS


class Step:
    """A change of a list: from version v to v + 1; the other lists stay as they were."""

    name = ""
    target = ""          # the list
    words = ()           # one of these is in a message: what it is about
    sample = 8           # how many faults are tried in each test run

    def __init__(self, bed):
        self.bed, self.replies = bed, []

    def prepare(self):
        self.bed.start()

    def wants(self, key):
        return True

    def says(self, how, text):
        """Other words for a cause."""
        return False

    def look(self):
        """"old", "new" or what must never be."""
        try:
            seen = self.bed.look()
        except OSError as e:
            return f"silent ({e})"
        others = {n: s for n, s in seen.items() if n != self.target and s != "old"}
        return f"others {others}" if others else seen.get(self.target, str(seen))

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
        return reply

    def begin(self):
        self.replies = []
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
    words = ("list 'feed'", "feed", "lists could not", "policy")

    def trigger(self):
        self.call(command="feeds", action="update", name="feed")


STEPS = {s.name: s for s in (Feed,)}
