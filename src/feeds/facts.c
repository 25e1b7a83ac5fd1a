/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/disk.h"
#include "feeds/report.h"
#include "feeds/store.h"

enum {
	PATH_ROOM = 4096 + 128,
	FIRST_ROOM = 64,
	TWICE_BYTES = 12,
};

/* The file: this, the special lines, then key and number of each rule that comes more than once. */
/* An even number: there is no padding in the file. */
enum {
	KNOWN_ROOM = FEEDS_N_SKIPS + FEEDS_N_SKIPS % 2
};

struct head {
	uint8_t magic[8];
	uint64_t checksum; /* XXH3 of all behind it */
	struct policy_list_source source;
	struct facts_counts counts;
	uint64_t header;
	uint32_t n_known[KNOWN_ROOM];
	uint32_t n_special, n_twice;
};

static const uint8_t magic[8] = { 'W', 'E', 'I', 'R', 'F', 'C', 'T', '1' };

enum {
	SUMMED_FROM = sizeof magic + sizeof(uint64_t)
};

bool facts_suits(enum feeds_format f)
{
	switch (f) {
	case FEEDS_DOMAINS:
	case FEEDS_WILDCARD:
	case FEEDS_HOSTS:
	case FEEDS_ADDRESSES:
	case FEEDS_DNSMASQ:
	case FEEDS_UNBOUND:
	case FEEDS_BIND:
		return true; /* each line means what it means by itself */
	case FEEDS_RPZ:
		return true; /* if each owner does, behind the header: facts_add_header() */
	default:
		return false;
	}
}

struct facts_counts facts_count(const struct feeds_report *r, uint64_t garbage_lines,
                                uint64_t rule_lines)
{
	struct facts_counts c = {
		.lines = r->lines,
		.comments = r->comments,
		.names = r->names,
		.prefixes = r->prefixes,
		.suspicious = r->suspicious,
		.odd = r->odd,
		.skipped = r->skipped,
		.garbage_lines = garbage_lines,
		.rule_lines = rule_lines,
	};
	memcpy(c.skips, r->skips, sizeof c.skips);
	return c;
}

void facts_done(struct facts *f)
{
	free(f->special);
	free(f->twice.items);
	*f = (struct facts){ 0 };
}

void facts_add_line(struct facts *f, uint64_t line)
{
	if (f->is_spoilt || (f->n_special > 0 && f->special[f->n_special - 1] == line))
		return;
	if (f->n_special == f->room) {
		uint32_t room = f->room == 0 ? FIRST_ROOM : 2 * f->room;
		uint64_t *more = room <= 2 * FACTS_SPECIAL_MAX
		                         ? reallocarray(f->special, room, sizeof *more)
		                         : NULL;
		if (more == NULL) {
			f->is_spoilt = true;
			return;
		}
		f->special = more;
		f->room = room;
	}
	f->special[f->n_special++] = line;
}

/*
 * Known are always the first ones of the text. Where the version before had more than it knew, only
 * those are the first that come before one that it knew.
 */
static bool is_first(const struct facts *f, enum feeds_skip why)
{
	if (f->n_known[why] == FACTS_SKIPS)
		return false;
	if (f->before == NULL || f->before->counts.skips[why] == f->before->n_known[why])
		return true;
	return f->passed->skips[why] < f->before->n_known[why];
}

void facts_add_skip(struct facts *f, enum feeds_skip why, uint64_t line)
{
	if (report_is_quiet(why) || !is_first(f, why))
		return;
	f->n_known[why]++;
	facts_add_line(f, line);
}

void facts_add_header(struct facts *f, uint64_t first_body, bool is_plain)
{
	f->is_spoilt |= !is_plain || first_body == 0 || first_body > FACTS_HEADER_MAX;
	for (uint64_t i = 1; !f->is_spoilt && i <= first_body; i++)
		facts_add_line(f, i);
	f->header = first_body - 1;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

void facts_seal(struct facts *f)
{
	uint32_t n = 0;
	if (f->n_special > 1)
		qsort(f->special, f->n_special, sizeof *f->special, compare);
	for (uint32_t i = 0; i < f->n_special; i++) {
		if (n == 0 || f->special[n - 1] != f->special[i])
			f->special[n++] = f->special[i];
	}
	f->n_special = n;
	f->is_spoilt |= n > FACTS_SPECIAL_MAX;
}

bool facts_have_examples(const struct facts *f)
{
	for (unsigned i = 1; i < FEEDS_N_SKIPS; i++) {
		if (!report_is_quiet(i) && f->counts.skips[i] > f->n_known[i] &&
		    f->n_known[i] < FEEDS_EXAMPLES)
			return false;
	}
	return true;
}

/* ---- bytes ---- */

static size_t file_bytes(const struct head *h)
{
	return sizeof *h + h->n_special * sizeof(uint64_t) + (size_t)h->n_twice * TWICE_BYTES;
}

int facts_format(const struct facts *f, void **ret, size_t *ret_n)
{
	struct head h = { .source = f->source,
		          .counts = f->counts,
		          .header = f->header,
		          .n_special = f->n_special,
		          .n_twice = f->twice.n };
	memcpy(h.magic, magic, sizeof magic);
	memcpy(h.n_known, f->n_known, sizeof f->n_known);
	size_t n = file_bytes(&h);
	uint8_t *bytes = malloc(n);
	if (bytes == NULL)
		return -ENOMEM;
	uint8_t *p = bytes + sizeof h;
	memcpy(bytes, &h, sizeof h);
	if (f->n_special > 0)
		memcpy(p, f->special, f->n_special * sizeof *f->special);
	p += f->n_special * sizeof *f->special;
	for (uint32_t i = 0; i < f->twice.n; i++, p += TWICE_BYTES) {
		memcpy(p, &f->twice.items[i].key, sizeof f->twice.items[i].key);
		memcpy(p + sizeof f->twice.items[i].key, &f->twice.items[i].n,
		       sizeof f->twice.items[i].n);
	}
	h.checksum = XXH3_64bits(bytes + SUMMED_FROM, n - SUMMED_FROM);
	memcpy(bytes, &h, sizeof h);
	*ret = bytes;
	*ret_n = n;
	return 0;
}

/* Finding relies on the order; counting on n being at least 2. */
static bool is_in_order(const struct facts *f)
{
	for (uint32_t i = 1; i < f->n_special; i++) {
		if (f->special[i - 1] >= f->special[i])
			return false;
	}
	for (uint32_t i = 0; i < f->twice.n; i++) {
		const struct policy_twice_item *x = &f->twice.items[i];
		if (x->n < 2 || x->n > INT32_MAX || (i > 0 && x[-1].key >= x->key))
			return false;
	}
	return true;
}

static int take_lists(const struct head *h, const uint8_t *p, struct facts *f)
{
	f->special = calloc(h->n_special + 1U, sizeof *f->special);
	f->twice.items = calloc(h->n_twice + 1U, sizeof *f->twice.items);
	if (f->special == NULL || f->twice.items == NULL)
		return -ENOMEM;
	f->n_special = h->n_special;
	f->room = h->n_special + 1;
	f->twice.n = h->n_twice;
	memcpy(f->special, p, h->n_special * sizeof *f->special);
	p += h->n_special * sizeof *f->special;
	for (uint32_t i = 0; i < h->n_twice; i++, p += TWICE_BYTES) {
		struct policy_twice_item *x = &f->twice.items[i];
		memcpy(&x->key, p, sizeof x->key);
		memcpy(&x->n, p + sizeof x->key, sizeof x->n);
	}
	return is_in_order(f) ? 0 : -EBADMSG;
}

int facts_parse(const void *bytes, size_t n, struct facts *ret)
{
	struct head h;
	struct facts f = { 0 };
	if (n < sizeof h)
		return -EBADMSG;
	memcpy(&h, bytes, sizeof h);
	if (memcmp(h.magic, magic, sizeof magic) != 0 || h.n_special > FACTS_SPECIAL_MAX ||
	    h.n_twice > FACTS_MAX_BYTES / TWICE_BYTES || file_bytes(&h) != n ||
	    ((int)KNOWN_ROOM > (int)FEEDS_N_SKIPS && h.n_known[KNOWN_ROOM - 1] != 0) ||
	    XXH3_64bits((const uint8_t *)bytes + SUMMED_FROM, n - SUMMED_FROM) != h.checksum)
		return -EBADMSG;
	f.source = h.source;
	f.counts = h.counts;
	f.header = h.header;
	memcpy(f.n_known, h.n_known, sizeof f.n_known);
	int e = take_lists(&h, (const uint8_t *)bytes + sizeof h, &f);
	if (e != 0)
		facts_done(&f);
	else
		*ret = f;
	return e;
}

/* ---- the file ---- */

int facts_read(const struct feeds_plan *plan, const char *list, struct facts *ret)
{
	char path[PATH_ROOM], *bytes = NULL;
	size_t n = 0;
	if (!store_facts_path(plan, list, path, sizeof path))
		return -ENOENT;
	int e = disk_read(path, FACTS_MAX_BYTES, &bytes, &n);
	if (e == 0)
		e = facts_parse(bytes, n, ret);
	free(bytes);
	return e;
}

int facts_write(const struct feeds_plan *plan, const char *list, const struct facts *f)
{
	char path[PATH_ROOM];
	void *bytes = NULL;
	size_t n = 0;
	if (!store_facts_path(plan, list, path, sizeof path))
		return -ENAMETOOLONG;
	if (f->is_spoilt)
		return unlink(path) != 0 && errno != ENOENT ? -errno : 0;
	char *slash = strrchr(path, '/');
	*slash = 0;
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return -errno;
	*slash = '/';
	int e = facts_format(f, &bytes, &n);
	if (e == 0)
		e = n <= FACTS_MAX_BYTES ? disk_save(path, bytes, n, 0640) : -EFBIG;
	free(bytes);
	return e;
}

void facts_prune(const struct feeds_plan *plan)
{
	store_prune_folder(plan, "/facts");
}
