/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tools that are known by what stands in their names as it is; tools_coded.c has the others. */
#include "detect/tools.h"

#include "detect/coding.h"
#include "detect/labels.h"
#include "detect/tools_coded.h"
#include "dns/message.h"

enum {
	IODINE_LOGIN = 32,  /* characters of its first label: a letter, 19 bytes */
	IODINE_PING = 8,    /* 4 bytes */
	IODINE_FRAGMENT = 9 /* 5 bytes */
};

const char *tool_name(enum tool t)
{
	static const char *const names[N_TOOLS] = {
#define X(id, text) text,
		TOOLS(X)
#undef X
	};
	return names[t];
}

static void found(struct tool_match *m, enum tool_sureness s, enum tool t, const char *what)
{
	if (s > m->sureness)
		*m = (struct tool_match){ s, t, what };
}

static bool starts_with(const uint8_t *label, unsigned from, const char *text)
{
	size_t n = strlen(text);
	return label[0] >= from + n && memcmp(label + 1 + from, text, n) == 0;
}

static bool is_one_of(uint8_t c, const char *set)
{
	return c != 0 && strchr(set, c) != NULL;
}

/* ---- iodine: proto_00000502.txt, and its source ---- */

/* Four bytes of version and two that count: 0x00000402 to 0x00000502 so far. */
static bool is_iodine_version(const uint8_t *label)
{
	uint8_t b[CODING_BYTES_MAX];
	if (label[0] != 11 || label[1] != 'v')
		return false;
	return coding_decode(CODING_IODINE, label + 2, 10, b) == 6 && b[0] == 0 && b[1] == 0 &&
	       b[2] >= 4 && b[2] <= 7 && b[3] < 16;
}

/* The texts that show whether letters and bytes come through; they never change. */
static bool is_iodine_codec_check(const uint8_t *label)
{
	static const char *const texts[] = { "aa-aaahhh-drink-mal-ein-j", "aa-la-fl",
		                             "aabbccddeeffgghhiijjkkllmmnnooppqqrr",
		                             "aa0123456789\xbc\xbd\xbe",
		                             "aa\xd0\xd1\xd2\xd3\xd4\xd5" };
	if (label[1] != 'z' || label[0] < 12)
		return false;
	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (starts_with(label, 4, texts[i]))
			return true;
	}
	return false;
}

/* What asks for a reply of some size carries filling that repeats every 4 or 8 bytes. */
static bool is_iodine_size_probe(const struct labels *l)
{
	const uint8_t *label = l->at[0];
	if (label[1] != 'r' || label[0] < 56 || l->n < 3 ||
	    !coding_is_digits(CODING_IODINE, label + 2, 3))
		return false;
	for (unsigned period = 4; period <= 8; period += 4) {
		unsigned i = 16;
		while (i + period <= label[0] && label[i] == label[i + period])
			i++;
		if (i + period > label[0])
			return true;
	}
	return false;
}

/* A letter, who (one digit, 0 to 15), what, and three digits that count. */
static bool is_iodine_short(const uint8_t *label)
{
	uint8_t who = label[2], what = label[3];
	if (label[0] != 6 || !coding_is_digits(CODING_IODINE, label + 4, 3))
		return false;
	switch (label[1]) {
	case 'y':
		return is_one_of(who, "tsuvr") && what == 'b';
	case 's':
		return who >= 'a' && who <= 'p' && is_one_of(what, "fgh0");
	case 'o':
		return who >= 'a' && who <= 'p' && is_one_of(what, "tsuvrli");
	default:
		return false;
	}
}

/* A letter and bytes, of which the first is 0 to 15. */
static bool is_iodine_bytes(const uint8_t *label)
{
	char c = (char)label[1];
	if (label[0] < 5 || !(label[2] == 'a' || label[2] == 'b'))
		return false;
	if (!((c == 'l' && label[0] == IODINE_LOGIN) || (c == 'p' && label[0] == IODINE_PING) ||
	      (c == 'n' && label[0] == IODINE_FRAGMENT) || (c == 'i' && label[0] == 5)))
		return false;
	return coding_is_digits(CODING_IODINE, label + 2, label[0] - 1U);
}

static void match_iodine(const struct labels *l, struct tool_match *m)
{
	const uint8_t *label = l->at[0];
	switch (label[1]) {
	case 'v':
		if (is_iodine_version(label))
			found(m, TOOL_SURE, TOOL_IODINE, "its version request");
		break;
	case 'z':
		if (is_iodine_codec_check(label))
			found(m, TOOL_SURE, TOOL_IODINE, "its test of which letters come through");
		break;
	case 'r':
		if (is_iodine_size_probe(l))
			found(m, TOOL_SURE, TOOL_IODINE, "its probe of the size of answers");
		break;
	case 'y':
	case 's':
	case 'o':
		if (is_iodine_short(label))
			found(m, TOOL_PERHAPS, TOOL_IODINE, "one of its short requests");
		break;
	case 'l':
	case 'p':
	case 'n':
	case 'i':
		if (is_iodine_bytes(label))
			found(m, TOOL_PERHAPS, TOOL_IODINE, "one of its requests");
		break;
	default:
		break;
	}
}

/* ---- dns2tcp 0.5: its source; base64, then a word with a sign that no host has ---- */

static void match_dns2tcp(const struct labels *l, struct tool_match *m)
{
	static const char *const words[] = { "=auth", "=resource", "=connect" };
	for (unsigned i = 1; i < l->n; i++) {
		if (l->at[i][0] < 5 || l->at[i][1] != '=')
			continue;
		for (unsigned k = 0; k < sizeof words / sizeof *words; k++) {
			if (label_is(l, i, words[k]) && l->at[0][0] >= 8)
				found(m, TOOL_SURE, TOOL_DNS2TCP, "its request for a session");
		}
	}
}

/* ---- DNSExfiltrator: init.BASE32.base64.DOMAIN, of "NAME|CHUNKS" ---- */

static bool is_file_and_count(const uint8_t *b, int n)
{
	int digits = 0;
	while (n > 0 && b[n - 1] >= '0' && b[n - 1] <= '9')
		n--, digits++;
	if (digits == 0 || n < 2 || b[n - 1] != '|')
		return false;
	for (int i = 0; i < n; i++) {
		if (b[i] < ' ' || b[i] == 0x7f)
			return false;
	}
	return true;
}

static void match_exfiltrator(const struct labels *l, struct tool_match *m)
{
	uint8_t text[NAME_MAX_BYTES], b[CODING_BYTES_MAX];
	if (!label_is(l, 0, "init"))
		return;
	for (unsigned i = 2; i < l->n; i++) {
		if (!label_is(l, i, "base64") && !label_is(l, i, "base32"))
			continue;
		size_t n = labels_join(l, 1, i, text);
		if (is_file_and_count(b, coding_decode(CODING_BASE32, text, n, b)))
			found(m, TOOL_SURE, TOOL_EXFILTRATOR, "the name of a file and its size");
	}
}

/* ---- Cobalt Strike: PREFIX.[DATA...].COUNTER and RANDOM.ID.DOMAIN, all but the first hexadecimal ---- */

static bool is_hex(const uint8_t *label, unsigned low, unsigned high)
{
	return label[0] >= low && label[0] <= high &&
	       coding_is_digits(CODING_HEX, label + 1, label[0]);
}

static bool has_letter_and_digit(const uint8_t *text, size_t n)
{
	bool letter = false, digit = false;
	for (size_t i = 0; i < n; i++) {
		digit |= text[i] >= '0' && text[i] <= '9';
		letter |= text[i] >= 'a';
	}
	return letter && digit;
}

/* Counter and random number in one label, who in the next; labels of the domain behind. */
static bool is_cobalt_end(const struct labels *l, unsigned at, unsigned low, unsigned high)
{
	uint8_t text[NAME_MAX_BYTES];
	if (at + 4 > l->n || !is_hex(l->at[at], low, high) || !is_hex(l->at[at + 1], 6, 8))
		return false;
	return has_letter_and_digit(text, labels_join(l, at, at + 2, text));
}

/* What the first label says where nobody has changed it, and the channels of its own. */
static bool is_cobalt_prefix(const struct labels *l)
{
	static const char *const prefixes[] = { "post", "api", "cdn", "www6", "www" };
	for (unsigned i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		if (label_is(l, 0, prefixes[i]))
			return true;
	}
	return false;
}

/* The number of labels of data, a digit; the data; counter and random; who. */
static bool is_cobalt_upload(const struct labels *l)
{
	unsigned n = l->n > 1 && l->at[1][0] > 1 ? l->at[1][1] - '0' : 0;
	if (n < 1 || n > 4 || l->n < n + 5)
		return false;
	for (unsigned i = 1; i <= n; i++) {
		if (!is_hex(l->at[i], 2, 63))
			return false;
	}
	return is_cobalt_end(l, n + 1, 8, 14);
}

static void match_cobalt(const struct labels *l, struct tool_match *m)
{
	if (l->n >= 4 && l->at[0][0] == 3 && label_is(l, 1, "stage") &&
	    (label_is(l, 2, "123456") || (label_is(l, 0, "aaa") && is_hex(l->at[2], 5, 10))))
		found(m, TOOL_SURE, TOOL_COBALT, "a request for its stages");
	else if (is_cobalt_upload(l) && is_cobalt_prefix(l))
		found(m, TOOL_SURE, TOOL_COBALT, "data for its server");
	else if (is_cobalt_end(l, 1, 8, 12) && is_cobalt_prefix(l))
		found(m, TOOL_LIKELY, TOOL_COBALT, "a request for orders");
	else if (l->n >= 3 && is_hex(l->at[0], 6, 8) &&
	         has_letter_and_digit(l->at[0] + 1, l->at[0][0]))
		found(m, TOOL_PERHAPS, TOOL_COBALT, "a sign of life");
}

/* ---- goDoH: IDENT.be.SEQ.CRC.PROTOCOL.N.DATA.DATA.DATA.DOMAIN ---- */

static bool is_digit(const uint8_t *label, char low, char high)
{
	return label[0] == 1 && label[1] >= low && label[1] <= high;
}

static void match_godoh(const struct labels *l, struct tool_match *m)
{
	if (l->n < 11 || !(label_is(l, 1, "be") || label_is(l, 1, "ef") || label_is(l, 1, "ca")))
		return;
	if (!is_hex(l->at[0], 1, 4) || !is_hex(l->at[2], 1, 8) || !is_hex(l->at[3], 1, 8) ||
	    !is_digit(l->at[4], '0', '1') || !is_digit(l->at[5], '0', '3'))
		return;
	if (is_hex(l->at[6], 1, 60) && is_hex(l->at[7], 1, 60) && is_hex(l->at[8], 1, 60))
		found(m, TOOL_SURE, TOOL_GODOH, "a part of its stream");
}

/* ---- DNScapy: [DATA of 63 characters...].NUMBER.LETTER.SESSION.RANDOM.DOMAIN; short ones without data ---- */

static bool is_number(const struct labels *l, unsigned i)
{
	if (i >= l->n || l->at[i][0] > 5)
		return false;
	for (unsigned k = 1; k <= l->at[i][0]; k++) {
		if (l->at[i][k] < '0' || l->at[i][k] > '9')
			return false;
	}
	return true;
}

static bool is_letter(const struct labels *l, unsigned i, const char *letters)
{
	return i < l->n && l->at[i][0] == 1 && is_one_of(l->at[i][1], letters);
}

static void match_dnscapy(const struct labels *l, struct tool_match *m)
{
	unsigned at = 0;
	while (at < l->n && l->at[at][0] == 63)
		at++;
	if (at > 0) {
		at += !is_number(l, at);
		if (l->n >= at + 6 && is_number(l, at) && is_letter(l, at + 1, "bf") &&
		    is_number(l, at + 2) && is_number(l, at + 3))
			found(m, TOOL_SURE, TOOL_DNSCAPY, "data of its stream");
	} else if ((is_letter(l, 0, "ac") && is_number(l, 1)) ||
	           (is_letter(l, 0, "bd") && is_letter(l, 1, "e") && is_number(l, 2)) ||
	           (is_number(l, 0) && is_letter(l, 1, "d") && is_number(l, 2))) {
		found(m, TOOL_PERHAPS, TOOL_DNSCAPY, "one of its short requests");
	}
}

void tools_match(const uint8_t *lower, uint16_t type, struct tool_match *ret)
{
	struct labels l;
	*ret = (struct tool_match){ .sureness = TOOL_NO };
	labels_of(lower, &l);
	if (l.n < 2)
		return;
	for (unsigned i = 0; i < l.n; i++) {
		if (l.at[i][1] == '_')
			return; /* directories, mail, certificates: no tool has such */
	}
	match_iodine(&l, ret);
	match_dns2tcp(&l, ret);
	match_exfiltrator(&l, ret);
	match_cobalt(&l, ret);
	match_godoh(&l, ret);
	match_dnscapy(&l, ret);
	match_coded(&l, type, ret);
}
