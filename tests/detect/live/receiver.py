# SPDX-License-Identifier: GPL-3.0-or-later
"""receiver.py PORT: takes what comes over UDP and TCP, and says after each piece how many bytes it has."""
import select
import socket
import sys

port, total = int(sys.argv[1]), 0
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
udp.bind(("0.0.0.0", port))
tcp.bind(("0.0.0.0", port))
tcp.listen()
print("ready", flush=True)
held = [udp, tcp]
while True:
    for s in select.select(held, [], [])[0]:
        if s is tcp:
            held.append(tcp.accept()[0])
            print("connected", flush=True)
            continue
        data = s.recv(65535)
        if not data and s is not udp:
            held.remove(s)
            s.close()
        total += len(data)
        print(total, flush=True)
