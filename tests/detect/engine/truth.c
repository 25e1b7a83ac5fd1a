/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "dns/text.h"

void truth_init(struct truth *t, uint8_t rcode)
{
	t->rcode = rcode;
	t->is_lost = t->is_domain_missing = false;
	t->latency_ms = 20;
	t->n = 0;
	t->n_bytes = 0;
}

static uint8_t *keep(struct truth *t, const void *bytes, size_t n)
{
	if (n > TRUTH_BYTES_MAX - t->n_bytes)
		return NULL;
	uint8_t *at = t->bytes + t->n_bytes;
	memcpy(at, bytes, n);
	t->n_bytes += n;
	return at;
}

bool truth_add(struct truth *t, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
               const void *rdata, size_t n)
{
	if (t->n == TRUTH_RECORDS_MAX)
		return false;
	const uint8_t *at = keep(t, owner, name_len(owner));
	const uint8_t *data = keep(t, rdata, n);
	if (at == NULL || data == NULL)
		return false;
	t->rrs[t->n++] = (struct rr){ .owner = at,
		                      .rdata = data,
		                      .type = type,
		                      .class = DNS_CLASS_IN,
		                      .rdata_len = (uint16_t)n,
		                      .ttl_s = ttl_s,
		                      .section = SECTION_ANSWER };
	return true;
}

void truth_copy(struct truth *to, const struct truth *from)
{
	*to = *from;
	for (unsigned i = 0; i < to->n; i++) {
		to->rrs[i].owner = to->bytes + (from->rrs[i].owner - from->bytes);
		to->rrs[i].rdata = to->bytes + (from->rrs[i].rdata - from->bytes);
	}
}

/* ---- text ---- */

/* Digits whose number is all that is known of them: the same ones for the same name and number. */
static size_t make_digits(const uint8_t *name, uint16_t type, size_t n, uint8_t *ret, size_t room)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t x = name_hash(name) | 1;
	size_t at = 0;
	while (n > 0 && at + 1 < room) {
		size_t part = type != DNS_TXT ? n : n > 255 ? 255 : n;
		if (type == DNS_TXT)
			ret[at++] = (uint8_t)part;
		for (size_t i = 0; i < part && at < room; i++) {
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			ret[at++] = (uint8_t)digits[x >> 60];
		}
		n -= part;
	}
	return at;
}

/* Of one value; 0 if it cannot be read. */
static size_t rdata_from_text(uint16_t type, const char *text, const uint8_t *name, uint8_t *ret,
                              size_t room)
{
	struct name target;
	struct addr a;
	size_t n = strlen(text);
	if (strncmp(text, "len=", 4) == 0)
		return make_digits(name, type, strtoul(text + 4, NULL, 10), ret, room);
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		if (addr_from_text(text, n, &a) != 0 || a.is_v4 != (type == DNS_A))
			return 0;
		memcpy(ret, a.is_v4 ? a.bytes + 12 : a.bytes, a.is_v4 ? 4 : 16);
		return a.is_v4 ? 4 : 16;
	case DNS_CNAME:
	case DNS_DNAME:
	case DNS_NS:
	case DNS_PTR:
	case DNS_MX:
		if (name_from_text(text, n, &target) != 0)
			return 0;
		size_t front = type == DNS_MX ? 2 : 0;
		memcpy(ret, "\0\12", front);
		memcpy(ret + front, target.wire, target.len);
		return front + target.len;
	case DNS_TXT:
		if (n > 255 || n + 1 > room)
			return 0;
		ret[0] = (uint8_t)n;
		memcpy(ret + 1, text, n);
		return n + 1;
	default:
		return 0;
	}
}

static void add_one(struct truth *t, const uint8_t **owner, char *text)
{
	static uint8_t rdata[4096];
	char *ttl = strchr(text, '/');
	char *value = ttl != NULL ? strchr(ttl + 1, '/') : NULL;
	uint16_t type;
	if (value == NULL)
		return;
	*ttl++ = 0;
	*value++ = 0;
	if (dns_type_from_text(text, &type) != 0)
		type = (uint16_t)strtoul(text, NULL, 10);
	size_t n = type != 0 ? rdata_from_text(type, value, *owner, rdata, sizeof rdata) : 0;
	if (n == 0 || !truth_add(t, *owner, type, (uint32_t)strtoul(ttl, NULL, 10), rdata, n))
		return;
	if (type == DNS_CNAME)
		*owner = t->rrs[t->n - 1].rdata;
}

void truth_add_text(struct truth *t, const uint8_t *name, const char *text)
{
	static char copy[65536];
	char *save = NULL;
	snprintf(copy, sizeof copy, "%s", text);
	for (char *one = strtok_r(copy, "|", &save); one != NULL; one = strtok_r(NULL, "|", &save))
		add_one(t, &name, one);
}

/* ---- reading it ---- */

const struct rr *truth_alias(const struct truth *t, unsigned hop)
{
	for (unsigned i = 0; i < t->n; i++) {
		if (t->rrs[i].type == DNS_CNAME && hop-- == 0)
			return &t->rrs[i];
	}
	return NULL;
}

uint32_t truth_ttl_s(const struct truth *t, const uint8_t *owner, uint16_t type, uint32_t otherwise)
{
	uint32_t least = UINT32_MAX;
	for (unsigned i = 0; i < t->n; i++) {
		const struct rr *r = &t->rrs[i];
		if ((r->type == type || r->type == DNS_CNAME) && r->ttl_s < least &&
		    name_equal(r->owner, owner))
			least = r->ttl_s;
	}
	return least != UINT32_MAX ? least : otherwise;
}
