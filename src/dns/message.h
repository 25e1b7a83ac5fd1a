/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns/message.h - reading DNS messages.
 *
 * What:      message_parse_question(): the strict parser of what clients send;
 *            message_open() and message_next(): walking the records of what servers send, with
 *            names inside record data decompressed by libknot's descriptors.
 *
 *                 0      2       4        6        8        10       12
 *                 | id   | flags | QD     | AN     | NS     | AR     | question ...
 *
 * Not here:  writing messages -> dns/reply.h; the meaning of answers -> resolve/.
 * Threads:   pure.
 * Memory:    never allocates; the walker writes into a scratch area of the caller.
 * Cost:      hot path; O(bytes); a name follows at most 127 pointers, each strictly backwards.
 * Limits:    64 KiB a message.
 * Standards: RFC 1035 4.1; RFC 6891 6.1; RFC 7873 4, 5.2.2; RFC 8906; RFC 3597 (unknown types are opaque)
 * Tests:     tests/unit/dns/message_test.c, tests/fuzz/{question,message}_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dns/name.h"

enum {
	DNS_HEADER_BYTES = 12,
	DNS_MAX_MESSAGE = 65535,
	DNS_CLASS_IN = 1,
	DNS_CLASS_CH = 3,
	DNS_CLASS_ANY = 255,
};

/* The types that code names; all others are numbers (dns/text.h). */
enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_NULL = 10,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_SIG = 24,
	DNS_KEY = 25,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_DNAME = 39,
	DNS_OPT = 41,
	DNS_DS = 43,
	DNS_RRSIG = 46,
	DNS_NSEC = 47,
	DNS_DNSKEY = 48,
	DNS_NSEC3 = 50,
	DNS_SVCB = 64,
	DNS_HTTPS = 65,
	DNS_TKEY = 249,
	DNS_TSIG = 250,
	DNS_IXFR = 251,
	DNS_AXFR = 252,
	DNS_MAILB = 253,
	DNS_MAILA = 254,
	DNS_ANY = 255,
};

enum dns_rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_BADVERS = 16,
	RCODE_BADCOOKIE = 23,
};

/* Flags in the second 16 bits of the header, host order. */
enum {
	FLAG_QR = 0x8000,
	FLAG_AA = 0x0400,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	FLAG_RA = 0x0080,
	FLAG_AD = 0x0020,
	FLAG_CD = 0x0010,
};

static inline uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void store16(uint8_t *p, uint16_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

static inline void store32(uint8_t *p, uint32_t x)
{
	p[0] = (uint8_t)(x >> 24);
	p[1] = (uint8_t)(x >> 16);
	p[2] = (uint8_t)(x >> 8);
	p[3] = (uint8_t)x;
}

/* What a client asked. Filled as far as parsing came. */
struct question {
	uint16_t id;
	uint16_t flags; /* as received, host order */
	uint16_t type, class;
	uint16_t wire_bytes; /* of the question section behind the header: name, type, class */
	uint16_t udp_size;   /* what the client can take: at least 512, 512 without EDNS */
	uint16_t edns_version;
	bool has_question; /* the question section was readable: it is echoed */
	bool has_edns, is_do;
	bool has_nsid;        /* asks for the server's name (RFC 5001) */
	uint8_t cookie_bytes; /* 0: none; else 8, or 16 to 40 (RFC 7873 4) */
	uint8_t cookie[40];
	struct name name; /* lower case */
};

/*
 * message_parse_question - read a question as a server must.
 *
 * Returns what to do: 0 go on; RCODE_FORMERR, RCODE_NOTIMP, RCODE_REFUSED or RCODE_BADVERS:
 * answer so; -ENODATA: do not answer (too short for a header, or itself an answer).
 * The question's name and type are valid when has_question is set.
 */
MUST_USE int message_parse_question(const uint8_t *msg, size_t n, struct question *ret);

/* A record met while walking. Pointers are valid until the scratch is reused. */
struct rr {
	const uint8_t *owner; /* wire, lower case, uncompressed */
	const uint8_t *rdata; /* uncompressed, for types whose names may be compressed */
	uint16_t type, class;
	uint16_t rdata_len;
	uint32_t ttl_s; /* RFC 2181 8: the top bit set counts as 0 */
	enum {
		SECTION_ANSWER,
		SECTION_AUTHORITY,
		SECTION_ADDITIONAL
	} section;
};

struct message {
	const uint8_t *bytes;
	size_t n, at;
	uint16_t id, flags;
	uint16_t left[3];              /* records still to come in each section */
	const uint8_t *question;       /* name as sent (uncompressed); NULL if QDCOUNT is 0 */
	const uint8_t *question_lower; /* the same in lower case, in the scratch */
	uint16_t type, class;
	uint8_t *scratch; /* the caller's; names and record data are laid down here */
	size_t scratch_left;
};

/*
 * Open a message: header and question (QDCOUNT 0 or 1, uncompressed). 0 or -EBADMSG.
 * A scratch of 4 * n bytes + 1 KiB is enough for any honest message.
 */
MUST_USE int message_open(const uint8_t *bytes, size_t n, uint8_t *scratch, size_t scratch_bytes,
                          struct message *ret);

/* The next record: 1, 0 at the end, -EBADMSG, -ENOBUFS (scratch is used up). */
MUST_USE int message_next(struct message *m, struct rr *ret);

/* The OPT record of a message that was opened. */
struct opt {
	const uint8_t *options; /* in the message */
	uint16_t option_bytes;
	uint8_t rcode_high; /* RFC 6891 6.1.3: the upper eight bits of the extended rcode */
};

/*
 * Look for the OPT record behind where `m` stands, without taking anything from it, reading
 * names or checking other records. 0, -ENOENT, or -EBADMSG.
 */
MUST_USE int message_find_opt(const struct message *m, struct opt *ret);
/* The first option of that code; false: there is none, or what comes before it is cut off. */
bool opt_find(const struct opt *o, uint16_t code, const uint8_t **ret_data, size_t *ret_n);

/*
 * name_from_message - read a name, following compression pointers (RFC 1035 4.1.4).
 *
 * @ret:      NAME_MAX_BYTES; lower case, uncompressed
 * @ret_len:  its bytes
 * @ret_next: offset of the first byte behind the name
 *
 * Returns 0, or -EBADMSG (pointer not strictly backwards, bad label, too long, cut off).
 */
MUST_USE int name_from_message(const uint8_t *msg, size_t n, size_t at, uint8_t *ret,
                               size_t *ret_len, size_t *ret_next);
