# SPDX-License-Identifier: GPL-3.0-or-later
"""A small internet in the test's own process, for tests in which servers lie and others forge.

A server is an address and a function: from a query (dnspython) and whether it came over TCP to a list
of what to send, each a message or bytes; nothing: silence.
"""

import asyncio
import socket
import struct
import threading
import traceback

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

TTL_S = 300


def records(owner, rdtype, *values, ttl=TTL_S):
    return dns.rrset.from_text(owner, ttl, "IN", rdtype, *values)


def soa(zone, ttl=60):
    return records(zone, "SOA", f"ns.{zone} root.{zone} 1 3600 600 864000 60".replace("..", "."), ttl=ttl)


def respond(query, *answer, authority=(), additional=(), aa=True, rcode=dns.rcode.NOERROR):
    reply = dns.message.make_response(query)
    if aa:
        reply.flags |= dns.flags.AA
    reply.set_rcode(rcode)
    reply.answer, reply.authority, reply.additional = list(answer), list(authority), list(additional)
    return reply


def text_of(query):
    """The name asked, in small letters, and its type."""
    q = query.question[0]
    return q.name.to_text().lower(), dns.rdatatype.to_text(q.rdtype)


def cookie_of(query):
    return next((o.to_wire() for o in query.options if o.otype == 10), None)


def give_cookie(query, reply):
    """The server's half behind the client's: it makes one of each client's by a fixed rule."""
    cookie = cookie_of(query)
    if cookie is not None:
        half = bytes(b ^ 0x5a for b in cookie[:8])
        reply.use_edns(0, 0, 1232, options=[dns.edns.GenericOption(10, cookie[:8] + half)])
    return reply


class Servers:
    """with Servers({address: function}): ... they answer on port 53, over UDP and TCP."""

    def __init__(self, at, port=53, delay_s=0.0):
        self.at, self.port, self.delay_s = at, port, delay_s
        self.asked = []  # (address, name, type, is_tcp)
        self.on_udp = None  # on_udp(address, wire, query, peer): before it is answered
        self.mistakes = []
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(10) and not self.mistakes, self.mistakes
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        assert self.mistakes == []

    def _run(self):
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._listen())
        except OSError:
            self.mistakes.append(traceback.format_exc())
        self.ready.set()
        if not self.mistakes:
            self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        for transport in self.open:
            transport.close()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    async def _listen(self):
        self.open = []
        for a in self.at:
            transport, _ = await self.loop.create_datagram_endpoint(lambda a=a: _Udp(self, a),
                                                                    local_addr=(a, self.port))
            self.open.append(transport)
            self.open.append(await asyncio.start_server(lambda r, w, a=a: self._tcp(a, r, w), a, self.port))

    def make(self, address, wire, is_tcp, peer=None):
        """The datagrams to send: a mistake of the test's own is kept for its end."""
        try:
            query = dns.message.from_wire(wire)
            self.asked.append((address, *text_of(query), is_tcp))
            if self.on_udp is not None and not is_tcp:
                self.on_udp(address, wire, query, peer)
            out = self.at[address](query, is_tcp) or []
            return [o if isinstance(o, bytes) else o.to_wire() for o in out]
        except Exception:
            self.mistakes.append(traceback.format_exc())
            return []

    async def _tcp(self, address, reader, writer):
        try:
            while True:
                n = int.from_bytes(await reader.readexactly(2), "big")
                for wire in self.make(address, await reader.readexactly(n), True):
                    writer.write(struct.pack(">H", len(wire)) + wire)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, servers, address):
        self.servers, self.address, self.transport = servers, address, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, wire, peer):
        out = self.servers.make(self.address, wire, False, peer)
        if self.servers.delay_s:
            self.servers.loop.call_later(self.servers.delay_s, self.send, out, peer)
        else:
            self.send(out, peer)

    def send(self, out, peer):
        for wire in out:
            self.transport.sendto(wire, peer)


class Forger:
    """Sends datagrams with whatever source it likes."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.sent = 0

    def send(self, source, target, wire):
        """source and target: (address, port). No UDP checksum; the kernel makes that of IP."""
        udp = struct.pack(">HHHH", source[1], target[1], 8 + len(wire), 0) + wire
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                         socket.inet_aton(source[0]), socket.inet_aton(target[0]))
        self.socket.sendto(ip + udp, (target[0], 0))
        self.sent += 1

    def close(self):
        self.socket.close()
