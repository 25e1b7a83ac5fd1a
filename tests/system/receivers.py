# SPDX-License-Identifier: GPL-3.0-or-later
"""Receivers of alerts: an HTTPS server that can misbehave, and real rsyslogd.

    with Hook(directory) as h:          # h.url("/x"), h.ca
        h.answer = lambda request, n: 503
        h.bodies                        # what was answered 2xx: (path, headers, body)
"""
import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

from cryptography.hazmat.primitives.asymmetric import ec

from feeds_server import _certificate, _write_pem

HOSTS = ("127.0.0.1", "hook.test")


def certificates(directory):
    """ca.pem, cert.pem, key.pem in the directory, for HOSTS."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _certificate("test authority", ca_key, "test authority", ca_key, ca=True)
    cert = _certificate("hook", key, "test authority", ca_key, names=HOSTS)
    paths = [os.path.join(directory, n) for n in ("ca.pem", "cert.pem", "key.pem")]
    _write_pem(paths[0], ca)
    _write_pem(paths[1], cert)
    _write_pem(paths[2], key)
    return paths


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *args):
        pass

    def do_POST(self):
        owner = self.server.owner
        body = self.rfile.read(int(self.headers["Content-Length"]))
        owner.n_requests += 1
        answer = owner.answer(self, owner.n_requests)
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        if status is None:  # hang up without a word
            self.close_connection = True
            return
        if 200 <= status < 300:
            owner.bodies.append((self.path, dict(self.headers), body))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        text = b"what the server says"
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class Hook:
    """start() and stop() may be called again and again; the port stays."""

    def __init__(self, directory, tls=True, asks=False):
        self.ca, self.cert, self.key = certificates(directory)
        self.asks = asks  # for a certificate of its own authority
        self.tls, self.port, self.server = tls, 0, None
        self.bodies, self.n_requests = [], 0
        self.answer = lambda request, n: 200

    def start(self):
        http.server.ThreadingHTTPServer.allow_reuse_address = True
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.server.owner = self
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.cert, self.key)
            if self.asks:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(self.ca)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def url(self, path, host="127.0.0.1"):
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def json(self, path=None):
        return [json.loads(b) for p, _, b in self.bodies if path is None or p == path]

    def __enter__(self):
        return self.start()

    def __exit__(self, *args):
        self.stop()


RSYSLOG = """
global(workDirectory="{d}" maxMessageSize="64k")
{stream}
module(load="imtcp" {mode})
module(load="imudp")
input(type="imtcp" port="{tcp}" address="127.0.0.1" ruleset="r")
input(type="imudp" port="{udp}" address="127.0.0.1" ruleset="r")
template(name="raw" type="string" string="%pri%|%hostname%|%app-name%|%msgid%|%msg%\\n")
ruleset(name="r") {{ action(type="omfile" file="{out}" template="raw") }}
"""
TLS = """global(DefaultNetstreamDriver="gtls" DefaultNetstreamDriverCAFile="{ca}"
DefaultNetstreamDriverCertFile="{cert}" DefaultNetstreamDriverKeyFile="{key}")"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Rsyslog:
    """rsyslogd on ports of its own, in clear text or over TLS, writing into a file."""

    def __init__(self, directory, tls=False, auth="anon"):
        self.directory = directory
        self.ca, self.cert, self.key = certificates(directory)
        self.tcp, self.udp = free_port(), free_port()
        self.out = os.path.join(directory, "out.log")
        self.conf = os.path.join(directory, "rsyslog.conf")
        self.process = None
        stream = TLS.format(ca=self.ca, cert=self.cert, key=self.key) if tls else ""
        mode = f'streamdriver.name="gtls" streamdriver.mode="1" streamdriver.authmode="{auth}"' \
            if tls else ""
        with open(self.conf, "w") as f:
            f.write(RSYSLOG.format(d=directory, stream=stream, mode=mode, tcp=self.tcp,
                                   udp=self.udp, out=self.out))

    @staticmethod
    def is_here():
        return shutil.which("rsyslogd", path="/usr/sbin:/sbin:" + os.environ["PATH"]) is not None

    def start(self, limit_s=20):
        self.process = subprocess.Popen(
            ["/usr/sbin/rsyslogd", "-n", "-f", self.conf, "-i", os.path.join(self.directory, "pid")],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.tcp), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("rsyslogd does not start: " + self.process.stderr.read().decode())

    def stop(self, kill=False):
        if self.process is not None:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait()
            self.process.stderr.close()
        self.process = None

    def lines(self):
        """(pri, host, program, msgid, message) of each."""
        if not os.path.exists(self.out):
            return []
        with open(self.out) as f:
            return [tuple(line.rstrip("\n").split("|", 4)) for line in f if line.endswith("\n")]

    def __enter__(self):
        return self.start()

    def __exit__(self, *args):
        self.stop()
