/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/collection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include <openssl/evp.h>

#include "base/disk.h"

enum {
	TABLE_FIRST = 1024, /* slots; a power of two */
	OUT_BYTES = 64 * 1024,
};

static const char mark_begin[] = "{\"weir\":\"";
static const char empty_text[] = "{\"type\":\"bundle\",\"objects\":[]}\n";

/* An object by the hash of its id; 0, 0: a free slot. */
struct entry {
	uint64_t key[2];
	uint64_t stamp;
	uint64_t place; /* by version: the line that counts of what came; by contents: PLACE_... */
	uint64_t text;  /* by version: hash of the line */
};

enum {
	PLACE_NONE = 0, /* what is there is newer; it was not seen yet */
	PLACE_SEEN = 1,
	PLACE_WRITTEN = 2,
};

struct collection {
	struct entry *slots;
	size_t n_slots, n;
};

/* ---- marks ---- */

static bool is_plain_id(const char *id)
{
	size_t n = 0;
	for (; id[n] != 0; n++) {
		if (n == COLLECTION_ID_MAX || (unsigned char)id[n] <= ' ' || id[n] > '~' ||
		    id[n] == '"' || id[n] == '\\')
			return false;
	}
	return n > 0;
}

size_t collection_mark_write(const struct collection_mark *m, char ret[COLLECTION_MARK_MAX])
{
	char hash[32];
	const char *id = m->id;
	if (!is_plain_id(id)) {
		snprintf(hash, sizeof hash, "hash-%016" PRIx64, XXH3_64bits(id, strlen(id)));
		id = hash;
	}
	int n = snprintf(ret, COLLECTION_MARK_MAX, "%s%s %" PRIu64 " %" PRIu64 "\",", mark_begin,
	                 id, m->stamp, m->gone_s);
	must(n > 0 && n < COLLECTION_MARK_MAX);
	return (size_t)n;
}

static bool take_number(const char **at, const char *end, char behind, uint64_t *ret)
{
	uint64_t n = 0;
	const char *p = *at;
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return false;
	}
	if (p == *at || p == end || *p != behind)
		return false;
	*at = p + 1;
	*ret = n;
	return true;
}

bool collection_mark_read(const char *line, size_t n, struct collection_mark *ret)
{
	struct collection_mark m = { 0 };
	const char *end = line + n, *at = line + sizeof mark_begin - 1;
	if (n < sizeof mark_begin || memcmp(line, mark_begin, sizeof mark_begin - 1) != 0)
		return false;
	size_t left = (size_t)(end - at);
	const char *blank = memchr(at, ' ', left < sizeof m.id ? left : sizeof m.id);
	if (blank == NULL)
		return false;
	memcpy(m.id, at, (size_t)(blank - at));
	at = blank + 1;
	if (!is_plain_id(m.id) || !take_number(&at, end, ' ', &m.stamp) ||
	    !take_number(&at, end, '"', &m.gone_s) || at == end || *at != ',')
		return false;
	*ret = m;
	return true;
}

/* ---- lines of a file ---- */

struct lines {
	FILE *file;
	char *text;
	size_t room;
	ssize_t n;
	uint64_t number;    /* of the line, from 1 */
	EVP_MD_CTX *digest; /* NULL: not wanted */
};

/* ---- the table ---- */

int collection_new(struct collection **ret)
{
	struct collection *c = calloc(1, sizeof *c);
	if (c == NULL)
		return -ENOMEM;
	c->slots = calloc(TABLE_FIRST, sizeof *c->slots);
	c->n_slots = TABLE_FIRST;
	if (c->slots == NULL) {
		free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void collection_free(struct collection *c)
{
	if (c == NULL)
		return;
	free(c->slots);
	free(c);
}

static void key_of(const char *id, uint64_t ret[2])
{
	XXH128_hash_t h = XXH3_128bits(id, strlen(id));
	ret[0] = h.low64;
	ret[1] = h.high64 | 1; /* never a free slot's */
}

/* The id's slot, or the free one where it belongs. */
static struct entry *slot_of(struct entry *slots, size_t n_slots, const uint64_t key[2])
{
	size_t at = (size_t)key[0] & (n_slots - 1);
	while (slots[at].key[1] != 0 && (slots[at].key[0] != key[0] || slots[at].key[1] != key[1]))
		at = (at + 1) & (n_slots - 1);
	return &slots[at];
}

static struct entry *find(const struct collection *c, const char *id)
{
	uint64_t key[2];
	key_of(id, key);
	struct entry *e = slot_of(c->slots, c->n_slots, key);
	return e->key[1] != 0 ? e : NULL;
}

static int grow(struct collection *c)
{
	size_t n_slots = 2 * c->n_slots;
	struct entry *slots = calloc(n_slots, sizeof *slots);
	if (slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_slots; i++) {
		if (c->slots[i].key[1] != 0)
			*slot_of(slots, n_slots, c->slots[i].key) = c->slots[i];
	}
	free(c->slots);
	c->slots = slots;
	c->n_slots = n_slots;
	return 0;
}

static uint64_t text_of(const struct lines *l)
{
	return XXH3_64bits(l->text, (size_t)l->n);
}

/* The greater stamp counts, of equal ones the later. */
static int add(struct collection *c, const char *id, uint64_t stamp, uint64_t place, uint64_t text)
{
	uint64_t key[2];
	key_of(id, key);
	struct entry *e = slot_of(c->slots, c->n_slots, key);
	if (e->key[1] != 0) {
		if (stamp >= e->stamp) {
			e->stamp = stamp;
			e->place = place;
			e->text = text;
		}
		return 0;
	}
	if (c->n == COLLECTION_MAX)
		return -E2BIG;
	if (2 * (c->n + 1) > c->n_slots) {
		int error = grow(c);
		if (error != 0)
			return error;
		e = slot_of(c->slots, c->n_slots, key);
	}
	*e = (struct entry){ { key[0], key[1] }, stamp, place, text };
	c->n++;
	return 0;
}

/* ---- reading them ---- */

static int lines_open(struct lines *l, const char *path, bool has_digest)
{
	*l = (struct lines){ .file = fopen(path, "re") };
	if (l->file == NULL)
		return -errno;
	if (!has_digest)
		return 0;
	l->digest = EVP_MD_CTX_new();
	return l->digest != NULL && EVP_DigestInit_ex(l->digest, EVP_sha256(), NULL) == 1 ? 0
	                                                                                  : -ENOMEM;
}

static void lines_close(struct lines *l)
{
	if (l->file != NULL)
		fclose(l->file);
	free(l->text);
	EVP_MD_CTX_free(l->digest);
}

/* The next line with a mark. 1; 0: the end; -errno. */
static int lines_next(struct lines *l, struct collection_mark *ret)
{
	for (;;) {
		errno = 0;
		l->n = getline(&l->text, &l->room, l->file);
		if (l->n < 0)
			return ferror(l->file) ? -EIO : errno == ENOMEM ? -ENOMEM : 0;
		l->number++;
		if (l->digest != NULL && EVP_DigestUpdate(l->digest, l->text, (size_t)l->n) != 1)
			return -ENOMEM;
		/* A last line without its end was cut off by a kill. */
		if (l->n > 0 && l->text[l->n - 1] == '\n' &&
		    collection_mark_read(l->text, (size_t)l->n, ret))
			return 1;
	}
}

static int hex_of(EVP_MD_CTX *digest, char ret[SHA256_HEX + 1])
{
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (EVP_DigestFinal_ex(digest, bytes, &n) != 1 || 2 * n != SHA256_HEX)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		snprintf(ret + 2 * (size_t)i, 3, "%02x", bytes[i]);
	return 0;
}

/* ---- the table of contents ---- */

int collection_want(struct collection *c, const char *id, uint64_t stamp)
{
	return add(c, id, stamp, PLACE_NONE, 0);
}

int collection_look(struct collection *c, const char *path)
{
	struct lines l;
	struct collection_mark m;
	int e = lines_open(&l, path, false);
	while (e == 0) {
		int got = lines_next(&l, &m);
		if (got <= 0) {
			e = got;
			break;
		}
		struct entry *entry = find(c, m.id);
		if (entry != NULL && entry->stamp == m.stamp)
			entry->place = PLACE_SEEN;
	}
	lines_close(&l);
	return e;
}

bool collection_has(const struct collection *c, const char *id, uint64_t stamp)
{
	const struct entry *e = find(c, id);
	return e != NULL && e->stamp == stamp && e->place == PLACE_SEEN;
}

/* ---- merging ---- */

struct out {
	const struct collection_merge *m;
	struct collection_made *made;
	EVP_MD_CTX *digest;
	size_t n;
	char bytes[OUT_BYTES];
};

static int out_flush(struct out *o)
{
	int e = disk_write(o->m->fd, o->bytes, o->n);
	o->n = 0;
	return e;
}

static int out_write(struct out *o, const char *text, size_t n)
{
	int e = 0;
	if (n > o->m->max_bytes - o->made->bytes)
		return -EFBIG;
	o->made->bytes += n;
	if (EVP_DigestUpdate(o->digest, text, n) != 1)
		return -ENOMEM;
	if (o->n + n > sizeof o->bytes)
		e = out_flush(o);
	if (e == 0 && n > sizeof o->bytes)
		return disk_write(o->m->fd, text, n);
	if (e == 0) {
		memcpy(o->bytes + o->n, text, n);
		o->n += n;
	}
	return e;
}

static int out_line(struct out *o, const struct lines *l, const struct collection_mark *m)
{
	if (m->gone_s != 0 && m->gone_s <= o->m->now_s) {
		o->made->n_gone++;
		return 0;
	}
	o->made->n_objects++;
	return out_write(o, l->text, (size_t)l->n);
}

static bool is_wanted(struct collection *c, const struct collection_mark *m)
{
	struct entry *e = find(c, m->id);
	if (e == NULL || e->stamp != m->stamp || e->place == PLACE_WRITTEN)
		return false;
	e->place = PLACE_WRITTEN;
	return true;
}

static bool is_current_of_old(struct collection *c, const struct out *o, const struct lines *l,
                              const struct collection_mark *m)
{
	if (o->m->is_wanted_only)
		return is_wanted(c, m);
	struct entry *e = find(c, m->id);
	/* The same once more; or an older version, from a server that restored a backup. */
	if (e != NULL && (e->stamp < m->stamp || (e->stamp == m->stamp && e->text == text_of(l))))
		e->place = PLACE_NONE;
	return e == NULL || e->place == PLACE_NONE;
}

static bool is_current_of_came(struct collection *c, const struct out *o, const struct lines *l,
                               const struct collection_mark *m)
{
	if (o->m->is_wanted_only)
		return is_wanted(c, m);
	const struct entry *e = find(c, m->id);
	return e != NULL && e->place == l->number;
}

static int merge_old(struct collection *c, struct out *o)
{
	struct lines l;
	struct collection_mark m;
	char sha256[SHA256_HEX + 1];
	if (o->m->old == NULL)
		return 0;
	int got = 1, e = lines_open(&l, o->m->old, true);
	while (e == 0 && (got = lines_next(&l, &m)) > 0) {
		if (is_current_of_old(c, o, &l, &m))
			e = out_line(o, &l, &m);
	}
	if (e == 0)
		e = got;
	if (e == 0)
		e = hex_of(l.digest, sha256);
	if (e == 0 && strcmp(sha256, o->m->old_sha256) != 0)
		e = -ESTALE;
	lines_close(&l);
	return e == -ENOENT ? -ESTALE : e;
}

/* is_first: only learn which version of each object is the one. */
static int merge_came(struct collection *c, struct out *o, bool is_first)
{
	struct lines l;
	struct collection_mark m;
	int got = 1, e = lines_open(&l, o->m->came, false);
	while (e == 0 && (got = lines_next(&l, &m)) > 0) {
		if (is_first)
			e = add(c, m.id, m.stamp, l.number, text_of(&l));
		else if (is_current_of_came(c, o, &l, &m))
			e = out_line(o, &l, &m);
	}
	lines_close(&l);
	return e == 0 ? got : e;
}

static bool is_complete(const struct collection *c)
{
	for (size_t i = 0; i < c->n_slots; i++) {
		if (c->slots[i].key[1] != 0 && c->slots[i].place != PLACE_WRITTEN)
			return false;
	}
	return true;
}

static int merge(struct collection *c, struct out *o)
{
	bool is_wanted_only = o->m->is_wanted_only;
	int e = is_wanted_only ? 0 : merge_came(c, o, true);
	if (e == 0)
		e = merge_old(c, o);
	if (e == 0)
		e = merge_came(c, o, false);
	if (e == 0 && is_wanted_only && !is_complete(c))
		e = -ESTALE;
	if (e == 0 && o->made->n_objects == 0)
		e = out_write(o, empty_text, sizeof empty_text - 1);
	if (e == 0)
		e = out_flush(o);
	return e == 0 ? hex_of(o->digest, o->made->sha256) : e;
}

int collection_merge(struct collection *c, const struct collection_merge *m,
                     struct collection_made *ret)
{
	struct collection_made made = { 0 };
	struct out *o = calloc(1, sizeof *o);
	int e = -ENOMEM;
	if (o != NULL) {
		o->m = m;
		o->made = &made;
		o->digest = EVP_MD_CTX_new();
		if (o->digest != NULL && EVP_DigestInit_ex(o->digest, EVP_sha256(), NULL) == 1)
			e = merge(c, o);
		EVP_MD_CTX_free(o->digest);
	}
	free(o);
	if (e == 0)
		*ret = made;
	return e;
}
