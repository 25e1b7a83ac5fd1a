# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that hold for some types of questions, at some hours, and for countries and networks."""

import os
import subprocess
import time

import dns.rdatatype
import pytest

import mmdb
from events_test import event_of, list_of
from replies import rcode


def now_and_then():
    """Two `hours`: one that holds now and for an hour, one that does not for as long."""
    t = time.localtime()
    begin = f"{t.tm_hour:02d}:00"
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    today, other = names[t.tm_wday], names[(t.tm_wday + 3) % 7]
    return f"{today} {begin}-{(t.tm_hour + 2) % 24:02d}:00", f"{other} 10:00-11:00"


@pytest.fixture(scope="module")
def weir(start_weir):
    def prepare(w):
        now, then = now_and_then()
        database = os.path.join(w.directory, "countries.mmdb")
        mmdb.write(database, {
            "203.0.113.0/24": {"country": {"iso_code": "RU"}, "autonomous_system_number": 64500},
            "198.51.100.0/24": {"country": {"iso_code": "NL"}, "autonomous_system_number": 64501}})
        w.config["lists"] = [
            list_of(w, "txt", ["typed.wild.org"], types=["TXT"]),
            list_of(w, "nota", ["nota.wild.org"], types=["!A"]),
            list_of(w, "now", ["now.wild.org"], hours=[now]),
            list_of(w, "then", ["then.wild.org"], hours=[then]),
            list_of(w, "pi", [r"^pi\.;querytype=AAAA"], format="regex"),
            list_of(w, "dnstype", ["||rule.wild.org^$dnstype=TXT", "||nor.wild.org^$dnstype=~A",
                                     "||x.but.wild.org^", "@@||but.wild.org^$dnstype=AAAA|MX",
                                     "0.0.0.0 host.wild.org", "@@||host.wild.org^$dnstype=~TXT"],
                    format="adblock"),
            {"name": "russia", "file": database, "format": "mmdb", "match": "answer",
             "countries": ["RU"], "networks": ["AS64501"]},
        ]
        w.config["groups"] = [{"name": "all", "clients": ["127.0.0.0/8"],
                               "lists": [entry["name"] for entry in w.config["lists"]]}]
    return start_weir(prepare=prepare)


@pytest.mark.parametrize("name, blocked, passed", [
    ("typed.wild.org", "TXT", "A"), ("nota.wild.org", "AAAA", "A"), ("pi.wild.org", "AAAA", "A"),
    ("rule.wild.org", "TXT", "A"), ("nor.wild.org", "AAAA", "A"),
    ("x.but.wild.org", "A", "AAAA"), ("x.but.wild.org", "TXT", "MX"), ("host.wild.org", "TXT", "A")])
def test_types(weir, name, blocked, passed):
    for _ in range(2):  # cold and from the cache
        assert rcode(weir.ask(name, passed)) == "NOERROR"
        assert rcode(weir.ask(name, blocked)) == "NXDOMAIN"


def test_a_name_that_does_not_exist_is_judged_for_each_type(weir):
    """It is kept once for all types; what one type was cleared for is not so for another."""
    name = "missing.typed.wild.org"
    for _ in range(2):
        weir.ask(name, "A")
        weir.ask(name, "TXT")
    e = event_of(weir, name)
    assert e["weir"]["list"] == "txt"


def test_hours(weir):
    assert rcode(weir.ask("now.wild.org")) == "NXDOMAIN"
    assert rcode(weir.ask("then.wild.org")) == "NOERROR"
    shown = weir.cli("explain", "then.wild.org").stdout
    assert "not hold at this hour" in shown
    now, then = now_and_then()
    by_name = {entry["name"]: entry for entry in weir.config["lists"]}
    by_name["now"]["hours"], by_name["then"]["hours"] = [then], [now]
    weir.write_config()
    weir.cli("reload")
    assert rcode(weir.ask("now.wild.org")) == "NOERROR"
    assert rcode(weir.ask("then.wild.org")) == "NXDOMAIN"


def test_hours_elsewhere(start_weir):
    """The same hours in two zones that are twelve hours apart, whatever the machine's own is."""
    if not os.path.exists("/usr/share/zoneinfo/Etc/GMT-6"):
        pytest.skip("no time zone database")

    def prepare(w):
        t = time.gmtime(time.time() + 6 * 3600)  # in Etc/GMT-6, six hours to the east
        hours = f"{(t.tm_hour - 1) % 24:02d}:00-{(t.tm_hour + 2) % 24:02d}:00"
        w.config["lists"] = [
            list_of(w, "here", ["now.wild.org"], hours=[hours], timezone="Etc/GMT-6"),
            list_of(w, "there", ["then.wild.org"], hours=[hours], timezone="Etc/GMT+6")]
        w.config["groups"] = [{"name": "all", "clients": ["127.0.0.0/8"], "lists": ["here", "there"]}]
    w = start_weir(prepare=prepare)
    assert rcode(w.ask("now.wild.org")) == "NXDOMAIN"
    assert rcode(w.ask("then.wild.org")) == "NOERROR"


def test_countries_and_networks(weir):
    """far.answers.test has an address of the prefix that the database says is in RU."""
    assert rcode(weir.ask("far.answers.test")) == "NXDOMAIN"
    e = event_of(weir, "far.answers.test")
    assert e["weir"]["list"] == "russia" and e["weir"]["rule"] == "203.0.113.0/24"
    assert e["weir"]["matched"].startswith("203.0.113.")


def test_explain_says_that_the_type_is_another(weir):
    shown = weir.cli("explain", "-t", "A", "typed.wild.org").stdout
    assert "for other types" in shown
    assert "for other types" in weir.cli("explain", "-t", "A", "rule.wild.org").stdout
    shown = weir.cli("explain", "-t", "TXT", "typed.wild.org").stdout
    assert "NXDOMAIN" in shown


def test_mistakes_are_told_with_their_place(weir, tmp_path):
    conf = tmp_path / "weir.yaml"
    conf.write_text("""lists:
  - name: a
    file: /dev/null
    types: [WHAT, "!A"]
    hours: ["Mon-Fri 8-18"]
    timezone: Mars/Phobos
    countries: [NO WAY]
""")
    done = subprocess.run([weir.binary, "check", "-c", str(conf)], capture_output=True, text=True)
    told = done.stdout + done.stderr
    assert done.returncode != 0
    for text in (":4:", "WHAT", ":5:", "Mon-Fri 8-18", ":6:", "Mars/Phobos", ":7:", "NO WAY", "format: mmdb"):
        assert text in told, told
