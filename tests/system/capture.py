# SPDX-License-Identifier: GPL-3.0-or-later
"""What really goes over the loopback interface: a packet socket in the namespace, read in a thread."""

import collections
import socket
import struct
import threading
import time

IPV4, UDP, TCP = 0x0800, 17, 6
Packet = collections.namedtuple("Packet", "at source sport target tport protocol payload")


class Capture:
    """with Capture(wanted) as c: ...; then c.packets, those for which wanted(packet) holds."""

    def __init__(self, wanted):
        self.wanted, self.packets, self.is_ending = wanted, [], False
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IPV4))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        self.socket.bind(("lo", IPV4))
        self.socket.settimeout(0.1)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        time.sleep(0.1)
        self.is_ending = True
        self.thread.join()
        self.socket.close()

    def _run(self):
        while not self.is_ending:
            try:
                data, where = self.socket.recvfrom(65535)
            except socket.timeout:
                continue
            if where[2] != socket.PACKET_OUTGOING:  # on lo each packet is seen twice
                packet = dissect(data)
                if packet is not None and self.wanted(packet):
                    self.packets.append(packet)


def dissect(data):
    """An IPv4 packet with UDP or TCP in it; None for others."""
    head = (data[0] & 15) * 4
    protocol = data[9]
    if protocol not in (UDP, TCP) or len(data) < head + 8:
        return None
    sport, tport = struct.unpack_from(">HH", data, head)
    body = head + (8 if protocol == UDP else (data[head + 12] >> 4) * 4)
    return Packet(time.monotonic(), socket.inet_ntoa(data[12:16]), sport, socket.inet_ntoa(data[16:20]),
                  tport, protocol, data[body:])
