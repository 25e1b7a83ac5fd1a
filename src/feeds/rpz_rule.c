/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/rpz_rule.h"

#include <stdio.h>
#include <string.h>

enum {
	V4_LABELS = 5, /* prefix.B4.B3.B2.B1 */
	V6_WORDS = 8,
};

static const struct {
	const char *label;
	enum policy_match match;
	bool is_prefix;
} triggers[] = {
	{ "rpz-client-ip", POLICY_MATCH_CLIENT, true },
	{ "rpz-ip", POLICY_MATCH_ANSWER, true },
	{ "rpz-nsdname", POLICY_MATCH_NAMESERVER, false },
	{ "rpz-nsip", POLICY_MATCH_NAMESERVER, true },
};

/* ---- names ---- */

/* lower: is the label there this text? */
static bool label_is(const uint8_t *label, const char *text)
{
	size_t n = strlen(text);
	return *label == n && memcmp(label + 1, text, n) == 0;
}

static bool label_is_rpz(const uint8_t *label)
{
	return *label >= 4 && memcmp(label + 1, "rpz-", 4) == 0;
}

/* The first n labels of a name that is lower case already, as a name of their own. */
static void name_front(const uint8_t *lower, unsigned n, struct name *ret)
{
	size_t bytes = (size_t)(name_skip(lower, n) - lower);
	memcpy(ret->wire, lower, bytes);
	ret->wire[bytes] = 0;
	ret->len = (uint8_t)(bytes + 1);
}

/* ---- addresses: prefix.B4.B3.B2.B1, prefix.W8.W7.W6.W5.W4.W3.W2.W1 with zz for zeros ---- */

/* A number without leading zeros. */
static bool read_number(const uint8_t *label, unsigned base, unsigned max, unsigned *ret)
{
	unsigned x = 0;
	if (*label == 0 || *label > 4 || (*label > 1 && label[1] == '0'))
		return false;
	for (unsigned i = 1; i <= *label; i++) {
		uint8_t c = label[i];
		unsigned digit = 99;
		if (c >= '0' && c <= '9')
			digit = c - (unsigned)'0';
		else if (c >= 'a' && c <= 'f')
			digit = c - (unsigned)'a' + 10;
		if (digit >= base)
			return false;
		x = x * base + digit;
	}
	*ret = x;
	return x <= max;
}

static bool read_v4(const uint8_t *const *labels, unsigned n, unsigned *ret_length,
                    uint8_t *ret_bytes)
{
	unsigned byte;
	if (n != V4_LABELS || !read_number(labels[0], 10, 32, ret_length) || *ret_length == 0)
		return false;
	for (unsigned i = 1; i < V4_LABELS; i++) {
		if (!read_number(labels[i], 10, 255, &byte))
			return false;
		ret_bytes[4 - i] = (uint8_t)byte;
	}
	return true;
}

static bool read_v6(const uint8_t *const *labels, unsigned n, unsigned *ret_length,
                    uint8_t *ret_bytes)
{
	unsigned at = V6_WORDS, word;
	bool has_zz = false;
	if (n < 2 || n > V6_WORDS + 1 || !read_number(labels[0], 10, 128, ret_length) ||
	    *ret_length == 0)
		return false;
	memset(ret_bytes, 0, 16);
	for (unsigned i = 1; i < n; i++) {
		if (label_is(labels[i], "zz")) {
			if (has_zz || n - 2 >= V6_WORDS)
				return false;
			has_zz = true;
			at -= V6_WORDS - (n - 2);
			continue;
		}
		if (at == 0 || !read_number(labels[i], 16, 0xffff, &word))
			return false;
		at--;
		ret_bytes[2 * at] = (uint8_t)(word >> 8);
		ret_bytes[2 * at + 1] = (uint8_t)word;
	}
	return at == 0;
}

/* IPv6: the longest run of at least two zero words is zz; of two equal ones that which stands last
 * in the owner, which is the first of the address as people write it: the mirror of RFC 5952. */
static void v6_text(const uint8_t *bytes, unsigned length, char *ret)
{
	unsigned best = 0, best_n = 1;
	for (unsigned i = 0; i < V6_WORDS; i++) {
		unsigned n = 0;
		while (i + n < V6_WORDS && bytes[2 * (i + n)] == 0 && bytes[2 * (i + n) + 1] == 0)
			n++;
		if (n > best_n) {
			best = i;
			best_n = n;
		}
	}
	char *end = ret + RPZ_PREFIX_TEXT_MAX;
	ret += snprintf(ret, (size_t)(end - ret), "%u", length);
	for (unsigned i = V6_WORDS; i-- > 0;) {
		bool is_run = best_n > 1 && i >= best && i < best + best_n;
		if (is_run && i == best)
			ret += snprintf(ret, (size_t)(end - ret), ".zz");
		else if (!is_run)
			ret += snprintf(ret, (size_t)(end - ret), ".%x",
			                (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1]);
	}
}

void rpz_prefix_text(const struct addr_prefix *prefix, char *ret_text)
{
	const uint8_t *b = prefix->addr.bytes;
	if (prefix->addr.is_v4)
		snprintf(ret_text, RPZ_PREFIX_TEXT_MAX, "%u.%u.%u.%u.%u", prefix->length, b[15],
		         b[14], b[13], b[12]);
	else
		v6_text(b, prefix->length, ret_text);
}

static bool is_canonical(const uint8_t *const *labels, unsigned n, const struct addr_prefix *p)
{
	char text[RPZ_PREFIX_TEXT_MAX];
	rpz_prefix_text(p, text);
	size_t at = 0, room = strlen(text);
	for (unsigned i = 0; i < n; i++) {
		if (at + *labels[i] > room || memcmp(text + at, labels[i] + 1, *labels[i]) != 0)
			return false;
		at += *labels[i] + 1U;
	}
	return at == room + 1;
}

/* IPv4 in the notation of IPv6, ::ffff:a.b.c.d: the addresses are the same. */
static bool unmap(struct rpz_trigger *t, unsigned length)
{
	if (t->prefix.addr.is_v4) {
		if (length <= 96)
			return false;
		length -= 96;
	}
	t->prefix.length = (uint8_t)length;
	return true;
}

static enum feeds_skip read_prefix(const uint8_t *lower, unsigned n, struct rpz_trigger *ret)
{
	const uint8_t *labels[V6_WORDS + 1];
	uint8_t bytes[16];
	unsigned length;
	if (n < 2 || n > ARRAY_LEN(labels))
		return FEEDS_SKIP_RPZ_ADDRESS;
	for (unsigned i = 0; i < n; i++)
		labels[i] = name_skip(lower, i);
	if (read_v4(labels, n, &length, bytes)) {
		ret->prefix.addr = addr_from_bytes4(bytes);
		ret->prefix.length = (uint8_t)length;
	} else if (read_v6(labels, n, &length, bytes)) {
		ret->prefix.addr = addr_from_bytes16(bytes);
		if (!unmap(ret, length))
			return FEEDS_SKIP_EVERYTHING;
		ret->is_odd = !is_canonical(labels, n, &ret->prefix);
	} else {
		return FEEDS_SKIP_RPZ_ADDRESS;
	}
	ret->is_prefix = true;
	struct addr masked = addr_masked(&ret->prefix.addr, ret->prefix.length);
	return addr_equal(&masked, &ret->prefix.addr) ? FEEDS_SKIP_NONE : FEEDS_SKIP_HOST_BITS;
}

/* ---- reading triggers ---- */

/* The first n labels as a rule's name. */
static enum feeds_skip read_name(const uint8_t *lower, unsigned n, struct rpz_trigger *ret)
{
	ret->scope = POLICY_SCOPE_EXACT;
	if (label_is(lower, "*")) {
		ret->scope = POLICY_SCOPE_BELOW;
		lower = name_skip(lower, 1);
		n--;
	}
	const uint8_t *label = lower;
	for (unsigned i = 0; i < n; i++, label += *label + 1) {
		if (label[0] == 1 && label[1] == '*')
			return FEEDS_SKIP_STAR;
	}
	name_front(lower, n, &ret->name);
	return FEEDS_SKIP_NONE;
}

enum feeds_skip rpz_trigger_read(const uint8_t *owner, const uint8_t *apex, struct rpz_trigger *ret)
{
	struct name lower;
	struct rpz_trigger t = { .match = POLICY_MATCH_NAME };
	unsigned all = name_labels(owner), of_apex = name_labels(apex);
	if (all < of_apex || !name_equal(name_skip(owner, all - of_apex), apex))
		return FEEDS_SKIP_RPZ_OUTSIDE;
	unsigned n = all - of_apex;
	if (n == 0)
		return FEEDS_SKIP_RPZ_APEX;
	name_set(&lower, owner);
	const uint8_t *last = name_skip(lower.wire, n - 1);
	enum feeds_skip why = FEEDS_SKIP_RPZ_TRIGGER;
	if (!label_is_rpz(last)) {
		why = read_name(lower.wire, n, &t);
	} else {
		for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
			if (!label_is(last, triggers[i].label))
				continue;
			t.match = triggers[i].match;
			if (triggers[i].is_prefix)
				why = read_prefix(lower.wire, n - 1, &t);
			else
				why = n == 1 ? FEEDS_SKIP_ROOT : read_name(lower.wire, n - 1, &t);
			break;
		}
	}
	if (why == FEEDS_SKIP_NONE)
		*ret = t;
	return why;
}

/* ---- reading actions ---- */

bool rpz_type_is_data(uint16_t type)
{
	switch (type) {
	case 0:
	case RPZ_TYPE_NS:
	case RPZ_TYPE_SOA:
	case RPZ_TYPE_DNAME:
	case 24: /* SIG, KEY, NXT: the first DNSSEC */
	case 25:
	case 30:
	case 41: /* OPT */
	case 43: /* DS, RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM */
	case 46:
	case 47:
	case 48:
	case 50:
	case 51:
	case 59: /* CDS, CDNSKEY, CSYNC, ZONEMD */
	case 60:
	case 62:
	case 63:
	case 32768: /* TA, DLV */
	case 32769:
		return false;
	default:
		return type < 128 || type > 255; /* RFC 6895 3.1: those between are no data */
	}
}

/* The encoding of before 2011: an alias to the trigger itself (draft 10). */
static bool is_old_passthru(const struct rpz_trigger *t, const uint8_t *owner, const uint8_t *apex,
                            const uint8_t *target)
{
	struct name self;
	unsigned n = name_labels(owner) - name_labels(apex);
	if (name_equal(target, owner))
		return true;
	struct name lower;
	name_set(&lower, owner);
	name_front(lower.wire, n, &self);
	if (name_equal(target, self.wire))
		return true;
	if (t->match == POLICY_MATCH_NAME)
		return false;
	name_front(lower.wire, n - 1, &self);
	return name_equal(target, self.wire);
}

/* Is it meant as an action, whatever stands there? TLD or its child begin with rpz-, or, where
 * the dot at the end was forgotten, the last label before the apex does. */
static bool is_meant_as_action(const uint8_t *lower, const uint8_t *apex)
{
	unsigned n = name_labels(lower), of_apex = name_labels(apex);
	if (label_is_rpz(name_skip(lower, n - 1)) ||
	    (n > 1 && label_is_rpz(name_skip(lower, n - 2))))
		return true;
	return n > of_apex && name_is_within(lower, apex) &&
	       label_is_rpz(name_skip(lower, n - of_apex - 1));
}

static enum policy_action action_of(const uint8_t *lower, unsigned n)
{
	if (n == 0)
		return POLICY_NXDOMAIN;
	if (n == 1 && label_is(lower, "*"))
		return POLICY_NODATA;
	if (n == 1 && label_is(lower, "rpz-passthru"))
		return POLICY_ALLOW;
	if (n == 1 && label_is(lower, "rpz-drop"))
		return POLICY_DROP;
	if (n == 1 && label_is(lower, "rpz-tcp-only"))
		return POLICY_TRUNCATE;
	return POLICY_NONE;
}

enum feeds_skip rpz_target_read(const struct rpz_trigger *trigger, const uint8_t *owner,
                                const uint8_t *apex, const uint8_t *target, uint32_t ttl_s,
                                struct policy_rule *ret_rule, struct policy_data *ret_data,
                                struct name *ret_target)
{
	struct name lower;
	name_set(&lower, target);
	unsigned n = name_labels(lower.wire);
	enum policy_action action = action_of(lower.wire, n);
	struct policy_data data = { .has_ttl = true, .ttl_s = ttl_s };
	if (action == POLICY_NONE && is_old_passthru(trigger, owner, apex, lower.wire))
		action = POLICY_ALLOW;
	if (action == POLICY_NONE && is_meant_as_action(lower.wire, apex))
		return FEEDS_SKIP_RPZ_TARGET;
	if (action == POLICY_NONE) {
		action = POLICY_REDIRECT;
		data.is_target_suffix = label_is(lower.wire, "*");
		name_set(ret_target, name_skip(lower.wire, data.is_target_suffix));
		data.target = ret_target->wire;
	}
	*ret_data = data;
	*ret_rule = (struct policy_rule){
		.scope = trigger->is_prefix ? POLICY_SCOPE_TREE : trigger->scope,
		.action = action,
		.data = ret_data,
		.own_match = (uint8_t)(trigger->match + 1),
	};
	return FEEDS_SKIP_NONE;
}

/* ---- local data ---- */

size_t rpz_item_put(uint8_t *to, const struct policy_record *item)
{
	uint8_t head[RPZ_ITEM_HEAD] = {
		(uint8_t)(item->type >> 8),      (uint8_t)item->type,
		(uint8_t)(item->ttl_s >> 24),    (uint8_t)(item->ttl_s >> 16),
		(uint8_t)(item->ttl_s >> 8),     (uint8_t)item->ttl_s,
		(uint8_t)(item->rdata_len >> 8), (uint8_t)item->rdata_len,
	};
	memcpy(to, head, sizeof head);
	memmove(to + sizeof head, item->rdata, item->rdata_len);
	return sizeof head + item->rdata_len;
}
