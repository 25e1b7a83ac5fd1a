/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/tools_coded.h"

#include "detect/coding.h"
#include "dns/message.h"

static void found(struct tool_match *m, enum tool_sureness s, enum tool t, const char *what)
{
	if (s > m->sureness)
		*m = (struct tool_match){ s, t, what };
}

/* ---- dnscat2: doc/protocol.md; packet id, type, session id, and what the type has ---- */

enum {
	DNSCAT_SYN = 0,
	DNSCAT_MSG = 1,
	DNSCAT_FIN = 2,
	DNSCAT_ENC = 3,
	DNSCAT_PING = 0xff,
	DNSCAT_HEADER = 5,
	DNSCAT_INIT_BYTES = 73, /* header, subtype, flags, a public key of 64 bytes */
	DNSCAT_AUTH_BYTES = 41, /* header, subtype, flags, an authenticator of 32 */
	DNSCAT_NAME = 0x01,     /* of its options, of which there are six */
	DNSCAT_OPTIONS = 0x3f,
	DNSCAT_LABEL = 60,
	DNSCAT_MSG_BYTES = 17, /* header, signature, nonce, and 4 of its own */
	SHA1_BYTES = 20,
};

static bool is_text(const uint8_t *b, int n)
{
	for (int i = 0; i < n; i++) {
		if (b[i] < ' ' || b[i] > '~')
			return false;
	}
	return n > 0;
}

static bool is_dnscat_syn(const uint8_t *b, int n)
{
	if (n < DNSCAT_HEADER + 4 || b[7] != 0 || (b[8] & ~DNSCAT_OPTIONS) != 0)
		return false;
	if ((b[8] & DNSCAT_NAME) == 0)
		return n == DNSCAT_HEADER + 4 && b[8] != 0;
	return b[n - 1] == 0 && is_text(b + 9, n - 10);
}

/* Those it prefers, and hosts' names are hardly ever asked for. */
static bool is_answer_type(uint16_t type)
{
	return type == DNS_TXT || type == DNS_CNAME || type == DNS_MX;
}

static enum tool_sureness judge_dnscat(const struct labels *l, unsigned end, uint16_t type,
                                       const uint8_t *b, int n, const char **what)
{
	if (n < DNSCAT_HEADER)
		return TOOL_NO;
	*what = "the start of a session";
	if (b[2] == DNSCAT_ENC && b[5] == 0 && b[7] == 0 && b[8] == 0 &&
	    ((n == DNSCAT_INIT_BYTES && b[6] == 0) || (n == DNSCAT_AUTH_BYTES && b[6] == 1)))
		return TOOL_SURE;
	if (b[2] == DNSCAT_SYN && is_dnscat_syn(b, n))
		return n > DNSCAT_HEADER + 4 ? TOOL_SURE : TOOL_LIKELY;
	*what = "its ping";
	if (b[2] == DNSCAT_PING && n > 12 && b[n - 1] == 0 && is_text(b + 3, n - 4))
		return TOOL_SURE;
	*what = "a part of its stream";
	if (b[2] > DNSCAT_ENC)
		return TOOL_NO;
	/* Long ones are cut into labels of sixty. */
	for (unsigned i = 0; i + 1 < end; i++) {
		if (l->at[i][0] != DNSCAT_LABEL)
			return TOOL_NO;
	}
	if (b[2] == DNSCAT_MSG && (end > 1 || (n >= DNSCAT_MSG_BYTES && n != SHA1_BYTES)))
		return end > 1 ? TOOL_SURE : is_answer_type(type) ? TOOL_LIKELY : TOOL_PERHAPS;
	return n >= 9 ? TOOL_PERHAPS : TOOL_NO;
}

static void match_dnscat2(const struct labels *l, uint16_t type, struct tool_match *m)
{
	uint8_t text[NAME_MAX_BYTES], b[CODING_BYTES_MAX];
	const char *what = NULL;
	if (label_is(l, 0, "dnscat") && l->at[1][0] >= 2 * DNSCAT_HEADER &&
	    coding_is_digits(CODING_HEX, l->at[1] + 1, l->at[1][0]))
		found(m, TOOL_SURE, TOOL_DNSCAT2, "its word");
	/* Of the domain's own labels some may be digits too: each end is tried. */
	for (unsigned end = 1; end < l->n; end++) {
		const uint8_t *last = l->at[end - 1];
		if (!coding_is_digits(CODING_HEX, last + 1, last[0]))
			return;
		size_t n = labels_join(l, 0, end, text);
		int bytes = n >= 2 * DNSCAT_HEADER ? coding_decode(CODING_HEX, text, n, b) : -1;
		enum tool_sureness sureness = judge_dnscat(l, end, type, b, bytes, &what);
		found(m, sureness, TOOL_DNSCAT2, what);
	}
}

/*
 * ---- dnstt: who (8 bytes), filling (0xe0 + its length), then a packet with its length. A packet is
 * segments of KCP: session (4), command, fragment, window (2), time, number, acknowledged (4 each), length
 * (4, its low byte first), data; so the shortest one has 60 digits ----
 */

enum {
	DNSTT_ID = 8,
	DNSTT_FILLING = 0xe0,
	DNSTT_PACKET_FILLING = 3,
	DNSTT_POLL_FILLING = 8,
	FULL_LABEL = 63,
	KCP_HEADER = 24,
	KCP_COMMAND = 4, /* where it is, and what it may be */
	KCP_PUSH = 81,
	KCP_TELL_WINDOW = 84,
	KCP_LENGTH = 20,
};

static bool is_kcp(const uint8_t *b, int n)
{
	while (n >= KCP_HEADER) {
		const uint8_t *length = b + KCP_LENGTH;
		int all = KCP_HEADER + (length[0] | length[1] << 8);
		if (b[KCP_COMMAND] < KCP_PUSH || b[KCP_COMMAND] > KCP_TELL_WINDOW ||
		    (length[2] | length[3]) != 0 || all > n)
			return false;
		b += all, n -= all;
	}
	return n == 0;
}

/* is_full: it fills a label and goes on in the next, which antivirus programs' hashes do not. */
static bool is_dnstt(const uint8_t *b, int n, bool is_full)
{
	if (n <= DNSTT_ID)
		return false;
	int filling = b[DNSTT_ID] - DNSTT_FILLING, at = DNSTT_ID + 1 + filling;
	if (filling == DNSTT_POLL_FILLING)
		return n == at;
	return filling == DNSTT_PACKET_FILLING && at < n && b[at] > 0 && n == at + 1 + b[at] &&
	       (is_full || is_kcp(b + at + 1, b[at]));
}

/* ---- Sliver: a message of protocol buffers (protobuf/dnspb/dns.proto) ---- */

enum {
	SLIVER_TYPE = 1,
	SLIVER_ID,
	SLIVER_START,
	SLIVER_STOP,
	SLIVER_SIZE,
	SLIVER_DATA,
	SLIVER_FIELDS,
	SLIVER_TOTP = 1, /* types */
	SLIVER_POLL = 3,
	SLIVER_TO_IMPLANT = 7,
	SLIVER_TYPES = 9,
	SLIVER_TOTP_MAX = 99999999, /* eight decimal digits */
	SLIVER_NONCE = 8,
};

/* Bytes read; 0: there is no number. */
static int read_varint(const uint8_t *b, int n, uint64_t *ret)
{
	uint64_t v = 0;
	for (int i = 0; i < n && i < 5; i++) {
		v |= (uint64_t)(b[i] & 0x7f) << 7 * i;
		if (b[i] < 0x80) {
			*ret = v;
			return i == 0 || b[i] != 0 ? i + 1 : 0;
		}
	}
	return 0;
}

/* All fields in order, each once, to the last byte; values[SLIVER_DATA]: its length. */
static bool read_sliver(const uint8_t *b, int n, uint64_t values[SLIVER_FIELDS])
{
	unsigned before = 0;
	memset(values, 0, SLIVER_FIELDS * sizeof *values);
	while (n > 0) {
		unsigned field = *b >> 3, kind = *b & 7;
		b++, n--;
		if (field <= before || field >= SLIVER_FIELDS ||
		    kind != (field == SLIVER_DATA ? 2 : 0))
			return false;
		int used = read_varint(b, n, &values[field]);
		if (used == 0 || values[field] == 0)
			return false; /* nothing is left out as zero */
		b += used, n -= used;
		if (field == SLIVER_DATA)
			return values[field] == (uint64_t)n;
		before = field;
	}
	return before > 0;
}

static bool is_sliver(const uint8_t *b, int n)
{
	uint64_t v[SLIVER_FIELDS];
	if (n < 5 || !read_sliver(b, n, v) || v[SLIVER_TYPE] > SLIVER_TYPES || v[SLIVER_ID] == 0)
		return false;
	if (v[SLIVER_DATA] != 0) /* tests of the resolver and polls carry a nonce */
		return v[SLIVER_SIZE] >= v[SLIVER_DATA] || v[SLIVER_DATA] == SLIVER_NONCE;
	if (v[SLIVER_TYPE] == SLIVER_TOTP)
		return v[SLIVER_ID] <= SLIVER_TOTP_MAX && v[SLIVER_START] + v[SLIVER_STOP] == 0;
	return v[SLIVER_TYPE] == SLIVER_TO_IMPLANT && v[SLIVER_STOP] > v[SLIVER_START];
}

/* Both fill labels up; all but the last have 63 characters. */
static void match_base32(const struct labels *l, uint16_t type, struct tool_match *m)
{
	uint8_t text[NAME_MAX_BYTES], b[CODING_BYTES_MAX];
	const uint8_t *first = l->at[0];
	/* 0x08 or 0x10 first, which are digits of five bits */
	bool may_be_sliver = first[0] >= 8 && (first[1] == 'b' || first[1] == '1') &&
	                     coding_is_digits(CODING_SLIVER, first + 1, first[0]);
	bool may_be_dnstt = type == DNS_TXT && first[0] >= 21 &&
	                    coding_is_digits(CODING_BASE32, first + 1, first[0]);
	for (unsigned end = 1; end < l->n && (may_be_sliver || may_be_dnstt); end++) {
		size_t n = labels_join(l, 0, end, text);
		int bytes = may_be_sliver ? coding_decode(CODING_SLIVER, text, n, b) : -1;
		if (bytes > 0 && is_sliver(b, bytes))
			found(m, TOOL_SURE, TOOL_SLIVER, "a message of its sessions");
		bytes = may_be_dnstt ? coding_decode(CODING_BASE32, text, n, b) : -1;
		if (bytes > 0 && is_dnstt(b, bytes, end > 1))
			found(m, TOOL_SURE, TOOL_DNSTT, "a packet of its sessions");
		if (l->at[end - 1][0] != FULL_LABEL)
			return;
	}
}

/* ---- TUNS: d, then an IPv4 packet in base32, filled up with zeros; r and a number to ask for one ---- */

enum {
	IPV4_HEADER = 20,
};

/* A header without options, its checksum (RFC 1071), the length of all. */
static bool is_ipv4_packet(const uint8_t *b, int n)
{
	uint32_t sum = 0;
	if (n < IPV4_HEADER || b[0] != 0x45 || (b[2] << 8 | b[3]) != n)
		return false;
	for (int i = 0; i < IPV4_HEADER; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16) == 0xffff;
}

static bool is_poll_number(const uint8_t *label)
{
	for (unsigned i = 2; i <= label[0]; i++) {
		if (label[i] < '0' || label[i] > '9')
			return false;
	}
	return label[0] >= 2 && label[0] <= 7;
}

static void match_tuns(const struct labels *l, struct tool_match *m)
{
	uint8_t text[NAME_MAX_BYTES], b[CODING_BYTES_MAX];
	const uint8_t *first = l->at[0];
	if (first[1] == 'r' && is_poll_number(first))
		found(m, TOOL_PERHAPS, TOOL_TUNS, "its request for a packet");
	if (first[0] < 32 || memcmp(first + 1, "diu", 3) != 0)
		return;
	for (unsigned end = 1; end < l->n; end++) {
		size_t n = labels_join(l, 0, end, text);
		while (n > 0 && text[n - 1] == '0')
			n--;
		int bytes = coding_decode(CODING_BASE32, text + 1, n - 1, b);
		if (bytes > 0 && is_ipv4_packet(b, bytes))
			found(m, TOOL_SURE, TOOL_TUNS, "a packet of the Internet protocol");
		if (l->at[end - 1][0] != FULL_LABEL)
			return;
	}
}

void match_coded(const struct labels *l, uint16_t type, struct tool_match *m)
{
	match_dnscat2(l, type, m);
	match_base32(l, type, m);
	match_tuns(l, m);
}
