# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTPS server for lists that can misbehave in every way, and the certificates it needs.

    with FeedsServer(directory) as s:
        s.files["/good.txt"] = b"evil.example\n"
        url = s.url("/good.txt")

A path of `files` is served with ETag and Last-Modified, and asked conditionally it answers 304.
Other behaviours are functions in BEHAVIOURS, by the first part of the path. `requests` has what
was asked: (method, path, headers). Ports of their own: `expired`, `wrong_host`, `plain` (http).
"""
import datetime
import gzip
import hashlib
import http.server
import ipaddress
import os
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

GIANT = 3 << 20  # bytes of the giant body, and of the bomb behind its decompression
STALL_S = 30


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject, key, issuer, issuer_key, names=(), ca=False, days=(-2, 30)):
    now = datetime.datetime.now(datetime.timezone.utc)
    b = (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
         .public_key(key.public_key()).serial_number(x509.random_serial_number())
         .not_valid_before(now + datetime.timedelta(days=days[0]))
         .not_valid_after(now + datetime.timedelta(days=days[1]))
         .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
    if names:
        sans = []
        for n in names:
            try:
                sans.append(x509.IPAddress(ipaddress.ip_address(n)))
            except ValueError:
                sans.append(x509.DNSName(n))
        b = b.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    return b.sign(issuer_key, hashes.SHA256())


def _write_pem(path, *things):
    with open(path, "wb") as f:
        for t in things:
            if hasattr(t, "private_bytes"):
                f.write(t.private_bytes(serialization.Encoding.PEM,
                                        serialization.PrivateFormat.PKCS8,
                                        serialization.NoEncryption()))
            else:
                f.write(t.public_bytes(serialization.Encoding.PEM))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *args):
        pass

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self):
        owner = self.server.owner
        owner.requests.append((self.command, self.path, dict(self.headers)))
        first = self.path.split("?")[0].split("/")[1]
        if self.path in owner.files:
            self.give_file(owner.files[self.path])
        elif first in owner.handlers:
            owner.handlers[first](self)
        elif first in BEHAVIOURS:
            BEHAVIOURS[first](self)
        else:
            self.answer(404, b"no such list\n", "text/plain")

    def answer(self, status, body, content_type="text/plain", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def give_file(self, body):
        etag = '"%s"' % hashlib.sha256(body).hexdigest()[:16]
        if self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.send_header("ETag", etag)
            self.end_headers()
            return
        headers = [("ETag", etag), ("Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT")]
        if self.path.endswith(".zipped") and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            headers.append(("Content-Encoding", "gzip"))
        self.answer(200, body, headers=headers)

    def redirect(self, to, status=302):
        self.answer(status, b"moved\n", headers=[("Location", to)])

    def cut(self):
        """The connection ends here, without a word."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()


def slow(h):
    h.send_response(200)
    h.send_header("Content-Length", "100000")
    h.end_headers()
    end = time.monotonic() + STALL_S
    while time.monotonic() < end and not h.server.owner.is_over:
        try:
            h.wfile.write(b"x.example\n")
        except OSError:
            break
        time.sleep(0.2)
    h.cut()


def stall(h):
    end = time.monotonic() + STALL_S
    while time.monotonic() < end and not h.server.owner.is_over:
        time.sleep(0.1)
    h.cut()


def truncated(h):
    body = b"".join(b"n%d.example\n" % i for i in range(1000))
    h.send_response(200)
    h.send_header("Content-Length", str(len(body)))
    h.end_headers()
    h.wfile.write(body[:5000])
    h.cut()


def chunked_cut(h):
    h.send_response(200)
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    h.wfile.write(b"14\r\nevil1.example\nevil2.\r\n")
    h.cut()


def page(h):
    h.answer(200, b"\n<!DOCTYPE html>\n<html><body>evil.example is down</body></html>\n",
             "text/html; charset=utf-8")


def page_as_text(h):
    h.answer(200, b"<!-- sorry --><html>maintenance</html>\n", "text/plain")


def giant(h):
    h.answer(200, b"aaaaaaaaa.example\n" * (GIANT // 18), "text/plain")


def giant_chunks(h):
    h.send_response(200)
    h.send_header("Transfer-Encoding", "chunked")
    h.end_headers()
    piece = b"aaaaaaaaa.example\n" * 1000
    try:
        while not h.server.owner.is_over:
            h.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    except OSError:
        pass
    h.cut()


def bomb(h):
    h.answer(200, gzip.compress(b"0" * (64 << 20)), headers=[("Content-Encoding", "gzip")])


def headers(h):
    h.wfile.write(b"HTTP/1.1 200 OK\r\n")
    try:
        for i in range(10_000_000):
            if h.server.owner.is_over:
                break
            h.wfile.write(b"X-More-%d: %s\r\n" % (i, b"a" * 100))
    except OSError:
        pass
    h.cut()


BEHAVIOURS = {
    "slow": slow,
    "stall": stall,
    "truncated": truncated,
    "chunked-cut": chunked_cut,
    "page": page,
    "page-as-text": page_as_text,
    "giant": giant,
    "giant-chunks": giant_chunks,
    "bomb": bomb,
    "headers": headers,
    "empty": lambda h: h.answer(200, b""),
    "wrong-type": lambda h: h.answer(200, b"\x89PNG\r\n\x1a\n" + bytes(5000), "image/png"),
    "loop": lambda h: h.redirect(h.path),
    "to-http": lambda h: h.redirect(h.server.owner.plain_url("/good.txt")),
    "to-file": lambda h: h.redirect("file:///etc/passwd"),
    "to-good": lambda h: h.redirect("/good.txt", 308),
    "to-other": lambda h: h.redirect(h.server.owner.url("/good.txt", host="other.feeds.test")),
    "304": lambda h: h.answer(304, b""),
    "500": lambda h: h.answer(500, b"evil.example\n"),
    "503": lambda h: h.answer(503, b"later\n", headers=[("Retry-After", "7")]),
}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, owner, context):
        self.owner = owner
        self.context = context
        super().__init__(("127.0.0.1", 0), Handler)

    def finish_request(self, request, client_address):
        if self.owner.is_down:
            return
        if self.context is not None:
            try:
                request.settimeout(20)
                request = self.context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError):
                return
        try:
            self.RequestHandlerClass(request, client_address, self)
        except (OSError, ssl.SSLError, ValueError):
            pass

    def handle_error(self, request, client_address):
        pass

    @property
    def port(self):
        return self.server_address[1]


class FeedsServer:
    HOSTS = ["feeds.test", "other.feeds.test", "loop.local.test", "127.0.0.1"]

    def __init__(self, directory):
        self.directory = directory
        self.files = {}
        self.handlers = {}  # more behaviours, by the first part of the path
        self.requests = []
        self.is_over = False
        self.is_down = False  # connections end at once
        self.ca = os.path.join(directory, "ca.pem")
        ca_key = ec.generate_private_key(ec.SECP256R1())
        ca = _certificate("test authority", ca_key, "test authority", ca_key, ca=True)
        _write_pem(self.ca, ca)

        self.ca_key = ca_key
        self.good = Server(self, self.context_of("good.pem", self.HOSTS))
        self.expired = Server(self, self.context_of("expired.pem", self.HOSTS, days=(-30, -1)))
        self.wrong_host = Server(self, self.context_of("wrong.pem", ["somebody.else.example"]))
        self.plain = Server(self, None)
        self.servers = [self.good, self.expired, self.wrong_host, self.plain]

    def context_of(self, file, names, **more):
        """With a certificate for these names, by the authority of `ca`."""
        key = ec.generate_private_key(ec.SECP256R1())
        path = os.path.join(self.directory, file)
        _write_pem(path, _certificate(names[0], key, "test authority", self.ca_key, names, **more), key)
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(path)
        return c

    def url(self, path, host="feeds.test", server=None):
        return f"https://{host}:{(server or self.good).port}{path}"

    def plain_url(self, path, host="feeds.test"):
        return f"http://{host}:{self.plain.port}{path}"

    def paths(self):
        return [path for _, path, _ in self.requests]

    def __enter__(self):
        for s in self.servers:
            threading.Thread(target=s.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *args):
        self.is_over = True
        for s in self.servers:
            s.shutdown()
            s.server_close()
