# SPDX-License-Identifier: GPL-3.0-or-later
"""Real tunnels: iodine and dns2tcp, their servers in a network namespace of their own, and what they carry."""
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import attacker
import lab as lab_module

PORT = 5000  # of the receiver behind the tunnel
LOCAL_PORT = 6000  # of dns2tcpc, + its number
CHUNK = 1000


class Tunnel:
    """One tool with its options: server() and client() start it, push() sends through it."""

    def __init__(self, number, domain, directory):
        self.number, self.domain, self.directory = number, domain, directory
        self.payload, self.is_connected, self.processes, self.is_ending = 0, False, [], False
        self.pusher = None
        os.makedirs(directory, exist_ok=True)

    def log(self, name):
        return open(os.path.join(self.directory, name), "ab")

    def said(self, name="client.log"):
        with open(os.path.join(self.directory, name), errors="replace") as f:
            return f.read()

    def start_receiver(self, far):
        p = far.start(sys.executable, os.path.join(attacker.HERE, "receiver.py"), str(PORT), stdout=subprocess.PIPE,
                      text=True)
        p.stdout.readline()
        threading.Thread(target=self.listen, args=(p.stdout,), daemon=True).start()

    def listen(self, lines):
        for line in lines:
            if line.startswith("connected"):
                self.is_connected = True
            else:
                self.payload = int(line)

    def run_client(self, argv):
        with self.log("client.log") as log:
            p = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                                 preexec_fn=lab_module.die_with_parent)
        self.processes.append(p)
        return p

    def push(self):
        """Random bytes, as fast as it takes them."""
        if self.pusher is None:
            self.pusher = threading.Thread(target=self.run_push, daemon=True)
            self.pusher.start()

    def is_over(self):
        return self.processes[-1].poll() is not None

    def stop(self):
        self.is_ending = True
        for p in self.processes:
            if p.poll() is None:
                os.killpg(p.pid, signal.SIGKILL)
            p.wait()


class Iodine(Tunnel):
    def __init__(self, number, domain, directory, rdtype, more=()):
        super().__init__(number, domain, directory)
        self.rdtype, self.more = rdtype, more
        self.name = " ".join(("iodine", rdtype, *more))
        self.net = f"10.99.{number}"

    def server(self, far):
        self.start_receiver(far)
        with self.log("server.log") as log:
            far.start("iodined", "-f", "-c", "-P", "secret", "-l", far.there, self.net + ".1/24", self.domain, stdout=log,
                      stderr=log)

    def client(self, resolver):
        self.run_client(["iodine", "-f", "-r", "-P", "secret", "-T", self.rdtype, *self.more, resolver, self.domain])

    def has_handshake(self):
        if not self.is_connected and "setup complete" in self.said():
            self.is_connected = True
        return self.is_connected

    def run_push(self):
        rng = random.Random(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            while not self.is_ending:
                try:
                    s.sendto(rng.randbytes(CHUNK), (self.net + ".1", PORT))
                except OSError:
                    pass
                time.sleep(0.005)


class Dns2tcp(Tunnel):
    def __init__(self, number, domain, directory, rdtype, more=()):
        super().__init__(number, domain, directory)
        self.rdtype, self.more = rdtype, more
        self.name = " ".join(("dns2tcp", rdtype, *more))

    def server(self, far):
        self.start_receiver(far)
        conf = os.path.join(self.directory, "dns2tcpd.conf")
        with open(conf, "w") as f:
            f.write(f"listen = {far.there}\nport = 53\nuser = root\nchroot = {self.directory}\n"
                    f"pid_file = {self.directory}/pid\ndomain = {self.domain}\nkey = secret\n"
                    f"resources = data:127.0.0.1:{PORT}\n")
        with self.log("server.log") as log:
            far.start("dns2tcpd", "-F", "-f", conf, stdout=log, stderr=log)

    def client(self, resolver):
        self.run_client(["dns2tcpc", "-z", self.domain, "-k", "secret", "-r", "data", "-T", self.rdtype, *self.more,
                         "-f", "/dev/null", "-l", str(LOCAL_PORT + self.number), resolver])
        self.push()  # it opens its tunnel for a connection

    def has_handshake(self):
        return self.is_connected

    def run_push(self):
        rng = random.Random(1)
        while not self.is_ending:
            try:
                with socket.create_connection(("127.0.0.1", LOCAL_PORT + self.number), 2) as s:
                    s.settimeout(2)
                    while not self.is_ending:
                        try:
                            s.send(rng.randbytes(CHUNK))
                        except TimeoutError:
                            pass
            except OSError:
                time.sleep(0.3)
