# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading answers in tests."""

import dns.edns
import dns.rcode
import dns.rdatatype


def rcode(reply):
    return dns.rcode.to_text(reply.rcode())


def ede(reply):
    """[(code, text)] of the extended errors (RFC 8914)."""
    return [(int(o.code), o.text or "") for o in reply.options if isinstance(o, dns.edns.EDEOption)]


def ede_codes(reply):
    return [code for code, _ in ede(reply)]


def data(reply, rdtype):
    """The texts of all records of a type in the answer section."""
    wanted = dns.rdatatype.from_text(rdtype)
    return sorted(r.to_text() for rrset in reply.answer if rrset.rdtype == wanted for r in rrset)


def addresses(reply):
    return sorted(data(reply, "A") + data(reply, "AAAA"))
