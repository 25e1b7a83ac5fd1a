/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/root_copy.h"

#include <errno.h>
#include <libzscanner/scanner.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "resolve/zone_digest.h"

enum {
	TEXT_MAX_BYTES = 256 << 20,
	RECORDS_MAX = 2000000,
	FIRST_RECORDS = 4096,
	CHUNK_BYTES = 1 << 20, /* many times the longest record */
	RDATA_FIXED = 10,      /* type, class, TTL, length */
	SOA_NUMBERS = 20,
	RRSIG_FIXED = 18,
};

struct chunk {
	struct chunk *next;
	size_t used;
	uint8_t bytes[CHUNK_BYTES];
};

struct root_copy {
	struct zone_record *records; /* in canonical order, none twice */
	struct chunk *chunks;        /* owners and data */
	unsigned n;
	uint32_t serial, expire_s;
	uint64_t made_s;
	bool has_digest;
};

static struct root_copy *_Atomic current;

/* ---- reading ---- */

struct reading {
	struct root_copy *c;
	unsigned cap;
	const char *path;
	char *why;
};

static int refuse(const struct reading *r, unsigned long long line, const char *what)
{
	if (line > 0)
		snprintf(r->why, ROOT_COPY_WHY_MAX, "%.250s:%llu: %.120s", r->path, line, what);
	else
		snprintf(r->why, ROOT_COPY_WHY_MAX, "%.250s: %.120s", r->path, what);
	return -EBADMSG;
}

/* Room for one more record and its bytes, or NULL. */
static uint8_t *reserve(struct reading *r, size_t bytes)
{
	struct root_copy *c = r->c;
	if (c->n == r->cap) {
		unsigned cap = r->cap == 0 ? FIRST_RECORDS : r->cap * 2;
		struct zone_record *p = realloc(c->records, cap * sizeof *p);
		if (p == NULL)
			return NULL;
		c->records = p;
		r->cap = cap;
	}
	if (c->chunks == NULL || CHUNK_BYTES - c->chunks->used < bytes) {
		struct chunk *chunk = malloc(sizeof *chunk);
		if (chunk == NULL)
			return NULL;
		chunk->next = c->chunks;
		chunk->used = 0;
		c->chunks = chunk;
	}
	uint8_t *at = c->chunks->bytes + c->chunks->used;
	c->chunks->used += bytes;
	return at;
}

/* Names within the data in lower case, as the canonical form has them (RFC 4034 6.2). */
static void lower_names(uint16_t type, uint8_t *data, size_t n)
{
	size_t at = type == DNS_RRSIG ? RRSIG_FIXED : 0;
	unsigned names = type == DNS_SOA ? 2 : type == DNS_NS || type == DNS_RRSIG ? 1 : 0;
	while (names-- > 0 && at < n) {
		size_t len = name_check(data + at, n - at);
		if (len == 0)
			return;
		name_copy_lower(data + at, data + at);
		at += len;
	}
}

/* In the form of unknown types (RFC 3597) anything can be written. */
static bool is_sound(const zs_scanner_t *s)
{
	if (s->r_type == DNS_NS)
		return name_check(s->r_data, s->r_data_length) == s->r_data_length;
	return s->r_type != DNS_RRSIG || s->r_data_length > RRSIG_FIXED;
}

static int take_record(struct reading *r, const zs_scanner_t *s)
{
	struct root_copy *c = r->c;
	size_t owner_bytes = name_len(s->r_owner);
	if (!is_sound(s))
		return refuse(r, s->line_counter, "data that this type cannot have");
	if (c->n == RECORDS_MAX)
		return refuse(r, s->line_counter, "more than 2000000 records");
	uint8_t *owner = reserve(r, owner_bytes + s->r_data_length);
	if (owner == NULL)
		return -ENOMEM;
	name_copy_lower(owner, s->r_owner);
	uint8_t *data = owner + owner_bytes;
	memcpy(data, s->r_data, s->r_data_length);
	lower_names(s->r_type, data, s->r_data_length);
	c->records[c->n++] = (struct zone_record){
		.owner = owner,
		.rdata = data,
		.ttl_s = s->r_ttl,
		.type = s->r_type,
		.rdata_len = (uint16_t)s->r_data_length,
	};
	return 0;
}

static int scan(struct reading *r, const char *text, size_t n)
{
	zs_scanner_t *s = calloc(1, sizeof *s); /* over 100 KiB: not on the stack */
	if (s == NULL)
		return -ENOMEM;
	int e = zs_init(s, ".", DNS_CLASS_IN, 86400) != 0 || zs_set_input_string(s, text, n) != 0
	                ? -ENOMEM
	                : 0;
	bool has_more = e == 0;
	while (has_more && e == 0) {
		has_more = zs_parse_record(s) == 0;
		if (s->state == ZS_STATE_DATA)
			e = take_record(r, s);
		else if (s->state == ZS_STATE_ERROR)
			e = refuse(r, s->line_counter, zs_strerror(s->error.code));
		else if (s->state == ZS_STATE_INCLUDE)
			e = refuse(r, s->line_counter, "$INCLUDE is not supported here");
		else if (s->state == ZS_STATE_EOF || s->state == ZS_STATE_STOP)
			has_more = false;
	}
	zs_deinit(s);
	free(s);
	return e;
}

static int compare(const void *a, const void *b)
{
	return zone_record_compare(a, b);
}

static void sort(struct root_copy *c)
{
	if (c->n > 0)
		qsort(c->records, c->n, sizeof *c->records, compare);
	unsigned kept = 0;
	for (unsigned i = 0; i < c->n; i++) {
		if (kept == 0 || compare(&c->records[kept - 1], &c->records[i]) != 0)
			c->records[kept++] = c->records[i];
	}
	c->n = kept;
}

/* ---- finding ---- */

/* The first record that is not before (name, type). */
static unsigned lower_bound(const struct root_copy *c, const uint8_t *name, uint16_t type)
{
	unsigned low = 0, high = c->n;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		const struct zone_record *r = &c->records[middle];
		int order = name_compare(r->owner, name);
		if (order < 0 || (order == 0 && r->type < type))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct root_copy *c, unsigned at, const uint8_t *name, uint16_t type)
{
	return at < c->n && c->records[at].type == type && name_equal(c->records[at].owner, name);
}

static bool has(const struct root_copy *c, const uint8_t *name, uint16_t type)
{
	return is_at(c, lower_bound(c, name, type), name, type);
}

static int check(struct reading *r)
{
	static const uint8_t root[1] = { 0 };
	struct root_copy *c = r->c;
	unsigned at = lower_bound(c, root, DNS_SOA);
	if (!is_at(c, at, root, DNS_SOA) || !has(c, root, DNS_NS))
		return refuse(r, 0,
		              "no root zone: the SOA or the NS records of the root are missing");
	if (is_at(c, at + 1, root, DNS_SOA))
		return refuse(r, 0, "two SOA records");
	const struct zone_record *soa = &c->records[at];
	if (soa->rdata_len < SOA_NUMBERS + 2)
		return refuse(r, 0, "a SOA record that is too short");
	const uint8_t *numbers = soa->rdata + soa->rdata_len - SOA_NUMBERS;
	c->serial = load32(numbers);
	c->expire_s = load32(numbers + 12);
	switch (zone_digest_check(root, c->records, c->n, c->serial)) {
	case ZONE_DIGEST_RIGHT:
		c->has_digest = true;
		return 0;
	case ZONE_DIGEST_WRONG:
		return refuse(r, 0,
		              "the zone is not what its digest (ZONEMD) says: cut or altered");
	default:
		return 0;
	}
}

int root_copy_read(const char *path, const char *text, size_t n, uint64_t made_s,
                   struct root_copy **ret, char ret_why[ROOT_COPY_WHY_MAX])
{
	struct reading r = { .path = path, .why = ret_why };
	ret_why[0] = 0;
	if (n > TEXT_MAX_BYTES) {
		(void)refuse(&r, 0, "is over 256 MiB");
		return -EFBIG;
	}
	r.c = calloc(1, sizeof *r.c);
	if (r.c == NULL)
		return -ENOMEM;
	r.c->made_s = made_s;
	int e = scan(&r, text, n);
	if (e == 0) {
		sort(r.c);
		e = check(&r);
	}
	if (e != 0) {
		root_copy_free(r.c);
		return e;
	}
	*ret = r.c;
	return 0;
}

void root_copy_free(struct root_copy *c)
{
	if (c == NULL)
		return;
	while (c->chunks != NULL) {
		struct chunk *chunk = c->chunks;
		c->chunks = chunk->next;
		free(chunk);
	}
	free(c->records);
	free(c);
}

static void release(void *object)
{
	root_copy_free(object);
}

void root_copy_publish(struct root_copy *c)
{
	struct root_copy *old = atomic_exchange_explicit(&current, c, memory_order_acq_rel);
	if (old != NULL)
		rcu_retire(old, release);
}

const struct root_copy *root_copy_current(void)
{
	return atomic_load_explicit(&current, memory_order_acquire);
}

uint32_t root_copy_serial(const struct root_copy *c)
{
	return c->serial;
}

bool root_copy_has_digest(const struct root_copy *c)
{
	return c->has_digest;
}

unsigned root_copy_n_records(const struct root_copy *c)
{
	return c->n;
}

bool root_copy_is_expired(const struct root_copy *c, uint64_t now_s)
{
	return now_s >= c->made_s + c->expire_s;
}

/* ---- answering ---- */

struct writing {
	const struct root_copy *c;
	uint8_t *bytes;
	size_t n, room;
	unsigned section; /* 0 answer, 1 authority, 2 additional */
	bool is_full;
};

static void put_record(struct writing *w, const struct zone_record *r)
{
	size_t owner_bytes = name_len(r->owner);
	size_t need = owner_bytes + RDATA_FIXED + r->rdata_len;
	if (w->room - w->n < need) {
		w->is_full = true;
		return;
	}
	uint8_t *p = w->bytes + w->n;
	memcpy(p, r->owner, owner_bytes);
	p += owner_bytes;
	store16(p, r->type);
	store16(p + 2, DNS_CLASS_IN);
	store32(p + 4, r->ttl_s);
	store16(p + 8, r->rdata_len);
	memcpy(p + RDATA_FIXED, r->rdata, r->rdata_len);
	w->n += need;
	uint8_t *count = w->bytes + 6 + 2 * w->section;
	store16(count, (uint16_t)(load16(count) + 1));
}

/* An RRset with its signatures. False: there is none. */
static bool put_set(struct writing *w, const uint8_t *name, uint16_t type)
{
	const struct root_copy *c = w->c;
	unsigned first = lower_bound(c, name, type);
	unsigned at = first;
	for (; is_at(c, at, name, type); at++)
		put_record(w, &c->records[at]);
	if (at == first)
		return false;
	for (unsigned i = lower_bound(c, name, DNS_RRSIG); is_at(c, i, name, DNS_RRSIG); i++) {
		if (load16(c->records[i].rdata) == type)
			put_record(w, &c->records[i]);
	}
	return true;
}

/* The NSEC record whose owner is the last one before the name, or the name itself. */
static const uint8_t *covering(const struct root_copy *c, const uint8_t *name)
{
	for (unsigned at = lower_bound(c, name, UINT16_MAX); at > 0; at--) {
		if (c->records[at - 1].type == DNS_NSEC)
			return c->records[at - 1].owner;
	}
	return NULL;
}

static void put_denial(struct writing *w, const uint8_t *name)
{
	static const uint8_t root[1] = { 0 }, wildcard[] = "\1*";
	w->section = 1;
	put_set(w, root, DNS_SOA);
	const uint8_t *owner = covering(w->c, name);
	const uint8_t *of_wildcard = covering(w->c, wildcard);
	if (owner != NULL)
		put_set(w, owner, DNS_NSEC);
	if (of_wildcard != NULL && of_wildcard != owner)
		put_set(w, of_wildcard, DNS_NSEC);
}

static void put_no_data(struct writing *w, const uint8_t *name)
{
	static const uint8_t root[1] = { 0 };
	w->section = 1;
	put_set(w, root, DNS_SOA);
	put_set(w, name, DNS_NSEC);
}

static void put_glue(struct writing *w, const uint8_t *zone)
{
	const struct root_copy *c = w->c;
	w->section = 2;
	for (unsigned i = lower_bound(c, zone, DNS_NS); is_at(c, i, zone, DNS_NS); i++) {
		static const uint16_t types[] = { DNS_A, DNS_AAAA };
		const uint8_t *server = c->records[i].rdata;
		for (size_t k = 0; k < ARRAY_LEN(types); k++) {
			unsigned at = lower_bound(c, server, types[k]);
			for (; is_at(c, at, server, types[k]); at++)
				put_record(w, &c->records[at]);
		}
	}
}

static void put_referral(struct writing *w, const uint8_t *zone)
{
	w->section = 1;
	for (unsigned i = lower_bound(w->c, zone, DNS_NS); is_at(w->c, i, zone, DNS_NS); i++)
		put_record(w, &w->c->records[i]); /* RFC 4035 3.1.4: not signed here */
	if (!put_set(w, zone, DNS_DS))
		put_set(w, zone, DNS_NSEC);
	put_glue(w, zone);
}

/* Does anything exist at or below the name? */
static bool exists(const struct root_copy *c, const uint8_t *name)
{
	unsigned at = lower_bound(c, name, 0);
	return at < c->n && name_is_within(c->records[at].owner, name);
}

static unsigned put_answer(struct writing *w, const uint8_t *name, uint16_t type)
{
	unsigned labels = name_labels(name);
	const uint8_t *tld = labels > 0 ? name_skip(name, labels - 1) : name;
	bool is_delegated = labels > 0 && has(w->c, tld, DNS_NS);
	if (is_delegated && !(type == DNS_DS && labels == 1)) {
		put_referral(w, tld);
		return 0;
	}
	w->bytes[2] |= FLAG_AA >> 8;
	if (labels > 0 && !exists(w->c, name)) {
		put_denial(w, name);
		return RCODE_NXDOMAIN;
	}
	if (!put_set(w, name, type))
		put_no_data(w, name);
	else if (type == DNS_NS)
		put_glue(w, name);
	return RCODE_NOERROR;
}

size_t root_copy_answer(const struct root_copy *c, const uint8_t *name, uint16_t type, uint8_t *ret,
                        size_t room)
{
	size_t name_bytes = name_len(name);
	struct writing w = { .c = c, .bytes = ret, .room = room };
	if (room < DNS_HEADER_BYTES + name_bytes + 4)
		return 0;
	memset(ret, 0, DNS_HEADER_BYTES);
	ret[2] = FLAG_QR >> 8;
	ret[5] = 1;
	memcpy(ret + DNS_HEADER_BYTES, name, name_bytes);
	w.n = DNS_HEADER_BYTES + name_bytes;
	store16(ret + w.n, type);
	store16(ret + w.n + 2, DNS_CLASS_IN);
	w.n += 4;
	ret[3] |= (uint8_t)put_answer(&w, name, type);
	return w.is_full ? 0 : w.n;
}
