# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of indicators, on a FeedsServer: a TAXII collection, a MISP feed, a MISP server; what they give out."""
import datetime
import json
import time


def stamp(seconds):
    """So many seconds from now, as STIX writes it."""
    t = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return t.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def indicator(number, name, **more):
    return {"type": "indicator", "spec_version": "2.1",
            "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
            "created": stamp(-1000), "modified": stamp(-1000), "pattern_type": "stix",
            "pattern": f"[domain-name:value = '{name}']", "valid_from": stamp(-1000), **more}


class Taxii:
    """One collection, as TAXII 2.1 says: objects by the time they were added, page by page."""
    uuid = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
    page = 3

    def __init__(self, server, where):
        self.where, self.objects, self.asked = where, [], []
        self.says_next = self.takes_after = True
        self.fails_at = None  # the number of the page that cannot be had
        self.clock = 0
        server.handlers[where] = self.answer

    def add(self, *objects):
        """Newer versions of an object stand beside the older ones; only the newest is given out."""
        newest = {o["id"]: o for o in objects}
        self.objects = [x for x in self.objects if x[1]["id"] not in newest]
        for o in newest.values():
            self.clock += 1
            at = datetime.datetime(2026, 11, 28, 8) + datetime.timedelta(seconds=self.clock)
            self.objects.append((f"{at:%Y-%m-%dT%H:%M:%S}.000001Z", o))

    def say(self, h, what, status=200, headers=()):
        h.answer(status, json.dumps(what).encode(), "application/taxii+json;version=2.1", headers)

    def answer(self, h):
        path, _, query = h.path.partition("?")
        if path.endswith("/discovery/"):
            return self.say(h, {"title": "t", "default": f"/{self.where}/api/", "api_roots": []})
        if path.endswith("/collections/"):
            return self.say(h, {"collections": [{"id": self.uuid, "title": "Bad", "can_read": True}]})
        asked = dict(q.split("=") for q in query.split("&"))
        after = asked.get("added_after", "").replace("%3A", ":")
        self.asked.append(after + "+" * ("next" in asked))
        if after and not self.takes_after:
            return self.say(h, {"title": "no such time"}, 400)
        found = [x for x in self.objects if x[0] > after]
        start = int(asked.get("next", 0))
        if self.fails_at is not None and len(self.asked) > self.fails_at:
            return self.say(h, {"title": "later"}, 503)
        page = found[start:start + self.page]
        more = start + self.page < len(found)
        reply = {"more": more, "objects": [x[1] for x in page]} if page else {}
        if more and self.says_next:
            reply["next"] = str(start + self.page)
        self.say(h, reply, headers=[("X-TAXII-Date-Added-First", page[0][0]),
                                    ("X-TAXII-Date-Added-Last", page[-1][0])] if page else [])

    def options(self, server):
        return {"url": server.url(f"/{self.where}/discovery/"), "collection": "bad", "format": "stix"}


class MispFeed:
    """manifest.json and a file for each event."""

    def __init__(self, server, where):
        self.server, self.where, self.events = server, where, {}

    def put(self, number, *attributes, timestamp=1):
        uuid = f"00000000-0000-4000-8000-{number:012d}"
        self.events[uuid] = timestamp
        self.server.files[f"/{self.where}/{uuid}.json"] = json.dumps({"Event": {
            "uuid": uuid, "info": "x", "timestamp": str(timestamp), "Attribute": list(attributes)}}).encode()
        self.list()

    def list(self):
        self.server.files[f"/{self.where}/manifest.json"] = json.dumps(
            {u: {"info": "x", "timestamp": str(t)} for u, t in self.events.items()}).encode()

    def drop(self, number):
        del self.events[f"00000000-0000-4000-8000-{number:012d}"]
        self.list()

    def options(self, server):
        return {"url": server.url(f"/{self.where}/manifest.json"), "format": "misp"}


class MispServer:
    """attributes/restSearch: everything that is good for detection, or what was published since a time."""
    limit = 5000

    def __init__(self, server, where):
        self.where, self.attributes, self.asked = where, {}, []
        server.handlers[where] = self.answer

    def put(self, number, name, timestamp=1, **more):
        """Published as of now."""
        self.attributes[number] = {
            "uuid": f"00000000-0000-4000-8000-{number:012d}", "type": "domain", "value": name,
            "to_ids": True, "deleted": False, "timestamp": str(timestamp), "published": time.time(),
            "Event": {"id": "1", "info": "x"}, "Tag": [{"name": "tlp:clear"}], **more}

    def answer(self, h):
        assert h.command == "POST" and h.headers["Content-Type"] == "application/json"
        asked = json.loads(h.body)
        self.asked.append(asked)
        since = float(asked.get("publish_timestamp", 0))
        found = [a for a in self.attributes.values() if a["published"] >= since and
                 (a["to_ids"] or "to_ids" not in asked) and
                 (not a["deleted"] or asked.get("deleted") == [0, 1])]
        start = (asked["page"] - 1) * asked["limit"]
        h.answer(200, json.dumps({"response": {"Attribute": found[start:start + asked["limit"]]}}).encode(),
                 "application/json")

    def options(self, server):
        return {"url": server.url(f"/{self.where}/attributes/restSearch"), "format": "misp"}


def attribute(name, number=None, **more):
    return {"uuid": f"00000000-0000-4000-9000-{number or abs(hash(name)) % 10**12:012d}", "type": "domain",
            "value": name, "to_ids": True, "deleted": False, **more}
