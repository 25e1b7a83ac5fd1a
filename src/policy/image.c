/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/disk.h"
#include "dns/message.h"
#include "policy/pattern_set.h"

enum {
	READ_BYTES = 1 << 20
};

static const uint8_t magic[8] = { 'W', 'E', 'I', 'R', 'P', 'O', 'L', '\n' };

struct image_layout image_layout(const struct image_header *h)
{
	/* 32-bit counts times small sizes cannot overflow; the blob is compared with the file. */
	struct image_layout l;
	l.lists = sizeof *h;
	l.sets = l.lists + (uint64_t)h->n_lists * sizeof(struct image_list);
	l.members = l.sets + (uint64_t)h->n_sets * sizeof(struct image_set);
	l.data = l.members + (uint64_t)h->n_members * sizeof(struct image_member);
	l.blob = l.data + (uint64_t)h->n_data * sizeof(struct image_data);
	uint64_t blob_end = l.blob + h->blob_bytes;
	l.table = (blob_end + IMAGE_TABLE_ALIGN - 1) / IMAGE_TABLE_ALIGN * IMAGE_TABLE_ALIGN;
	l.high = l.table + ((uint64_t)h->n_slots + h->max_probe + 1) * sizeof(uint64_t);
	l.end = l.high + (uint64_t)h->n_used * IMAGE_HIGH_BYTES;
	return l;
}

uint64_t image_seal(const struct image_header *h, uint64_t body)
{
	return XXH3_64bits_withSeed(h, sizeof *h, body);
}

uint64_t image_checksum(const uint8_t *bytes, size_t n)
{
	struct image_header h;
	memcpy(&h, bytes, sizeof h);
	h.checksum = 0;
	return image_seal(&h, XXH3_64bits(bytes + sizeof h, n - sizeof h));
}

uint64_t image_prefix_hash(const struct addr *masked, unsigned length)
{
	/* A label is at most 63 bytes and is hashed under another key: 0xff and the key set
	 * prefixes apart from names. */
	uint8_t bytes[3 + 16] = { 0xff, masked->is_v4 ? 4 : 6, (uint8_t)length };
	size_t n = masked->is_v4 ? 4 : 16;
	memcpy(bytes + 3, masked->bytes + 16 - n, n);
	struct siphash_key key = name_hash_key();
	return siphash13(&key, bytes, 3 + n);
}

/* ---- checking: judging relies on every index but the set ids in the slots ---- */

static bool header_is_good(const struct image_header *h, uint64_t n_bytes)
{
	if (memcmp(h->magic, magic, sizeof magic) != 0 || h->version != IMAGE_VERSION ||
	    h->byte_order != IMAGE_BYTE_ORDER || h->file_bytes != n_bytes)
		return false;
	if (h->n_slots == 0 || h->max_probe > IMAGE_MAX_PROBE || h->n_lists > POLICY_MAX_LISTS ||
	    h->n_sets == 0 || h->n_sets > IMAGE_MAX_SETS || h->n_data == 0 ||
	    h->blob_bytes > n_bytes || h->n_used > (uint64_t)h->n_slots + h->max_probe)
		return false;
	return image_layout(h).end == n_bytes;
}

bool image_records_are_good(const uint8_t *records, size_t n)
{
	for (size_t at = 0; at < n;) {
		if (n - at < POLICY_RECORD_HEAD_BYTES)
			return false;
		uint16_t type = load16(records + at);
		size_t bytes = load16(records + at + 6);
		at += POLICY_RECORD_HEAD_BYTES;
		if (n - at < bytes)
			return false;
		if (type == DNS_CNAME && (bytes == 0 || name_check(records + at, bytes) != bytes))
			return false;
		at += bytes;
	}
	return true;
}

bool image_soa_is_good(const uint8_t *soa, size_t n)
{
	for (unsigned i = 0; i < 3; i++) { /* owner, primary, mailbox */
		size_t name = name_check(soa, n);
		if (name == 0)
			return false;
		soa += name;
		n -= name;
	}
	return n == 20;
}

static bool lists_are_good(const struct policy_image *i)
{
	for (uint32_t at = 0; at < i->header->n_lists; at++) {
		const struct image_list *l = &i->lists[at];
		if (memchr(l->name, 0, sizeof l->name) == NULL || l->path_bytes == 0 ||
		    l->path_at > i->header->blob_bytes ||
		    l->path_bytes > i->header->blob_bytes - l->path_at)
			return false;
		const uint8_t *path = i->blob + l->path_at;
		if (memchr(path, 0, l->path_bytes) != path + l->path_bytes - 1)
			return false;
		if (l->soa_bytes != 0 && (l->soa_at > i->header->blob_bytes ||
		                          l->soa_bytes > i->header->blob_bytes - l->soa_at ||
		                          !image_soa_is_good(i->blob + l->soa_at, l->soa_bytes)))
			return false;
	}
	return true;
}

static bool sets_are_good(const struct policy_image *i)
{
	uint32_t n_members = i->header->n_members;
	for (uint32_t at = 0; at < i->n_sets; at++) {
		const struct image_set *s = &i->sets[at];
		if (s->first > n_members || s->n > n_members - s->first)
			return false;
	}
	for (uint32_t at = 0; at < n_members; at++) {
		const struct image_member *m = &i->members[at];
		if (m->list >= i->header->n_lists || m->data >= i->header->n_data ||
		    m->action > POLICY_RECORDS ||
		    (m->scope & IMAGE_SCOPE_MASK) > POLICY_SCOPE_BELOW ||
		    image_own_match(m->scope) > POLICY_MATCH_COUNT ||
		    (m->scope & ~(IMAGE_SCOPE_MASK | IMAGE_MATCH_MASK | IMAGE_IMPORTANT)) != 0)
			return false;
	}
	return true;
}

/* Checks one entry and makes the pointers to it. */
static bool data_is_good(const struct policy_image *i, const struct image_data *d,
                         struct policy_data *ret)
{
	uint64_t addr_bytes = (uint64_t)d->n_addrs * sizeof(struct addr);
	uint64_t blob_bytes = i->header->blob_bytes;
	if (d->at > blob_bytes || addr_bytes > blob_bytes - d->at ||
	    d->target_bytes > blob_bytes - d->at - addr_bytes ||
	    d->records_bytes > blob_bytes - d->at - addr_bytes - d->target_bytes ||
	    d->n_types > IMAGE_DATA_TYPES_MAX ||
	    2UL * d->n_types >
	            blob_bytes - d->at - addr_bytes - d->target_bytes - d->records_bytes ||
	    (d->flags & ~(uint32_t)IMAGE_DATA_FLAGS) != 0)
		return false;
	const uint8_t *p = i->blob + d->at;
	for (uint32_t at = 0; at < d->n_addrs; at++) {
		if (p[at * sizeof(struct addr) + offsetof(struct addr, is_v4)] > 1)
			return false; /* neither true nor false */
	}
	const uint8_t *target = p + addr_bytes;
	if (d->target_bytes != 0 && name_check(target, d->target_bytes) != d->target_bytes)
		return false;
	const uint8_t *records = target + d->target_bytes;
	if (!image_records_are_good(records, d->records_bytes))
		return false;
	ret->is_target_suffix = (d->flags & IMAGE_DATA_IS_SUFFIX) != 0;
	ret->has_ttl = (d->flags & IMAGE_DATA_HAS_TTL) != 0;
	ret->ttl_s = d->ttl_s;
	ret->records = d->records_bytes != 0 ? records : NULL;
	ret->records_bytes = d->records_bytes;
	ret->addrs = d->n_addrs != 0 ? (const struct addr *)p : NULL;
	ret->n_addrs = d->n_addrs;
	ret->target = d->target_bytes != 0 ? target : NULL;
	ret->types = d->n_types != 0 ? records + d->records_bytes : NULL;
	ret->n_types = (uint8_t)d->n_types;
	ret->types_are_not = (d->flags & IMAGE_DATA_TYPES_NOT) != 0;
	return true;
}

static int data_open(struct policy_image *i, const struct image_data *data)
{
	uint32_t n = i->header->n_data;
	i->data = calloc(n, sizeof *i->data);
	if (i->data == NULL)
		return -ENOMEM;
	for (uint32_t at = 1; at < n; at++) {
		if (!data_is_good(i, &data[at], &i->data[at]))
			return -EBADMSG;
	}
	return 0;
}

/* The lists of the image below are the first of the overlay's, under the same numbers. */
static bool lists_continue(const struct policy_image *i, const struct policy_image *below)
{
	if (i->header->n_lists < below->header->n_lists)
		return false;
	for (uint32_t at = 0; at < below->header->n_lists; at++) {
		if (strcmp(i->lists[at].name, below->lists[at].name) != 0)
			return false;
	}
	return true;
}

/* ---- opening ---- */

/* Returns what was below: its reference is the caller's to drop. */
static struct policy_image *image_free(struct policy_image *i)
{
	struct policy_image *below = i->below;
	if (i->header != NULL)
		disk_unmap(i->header, i->n_mapped);
	if (i->fd >= 0)
		disk_drop(i->fd);
	policy_pattern_set_put(i->pattern_set);
	free(i->pattern_lists);
	free(i->n_patterns);
	free(i->data);
	free(i);
	return below;
}

int policy_image_attach(struct policy_image *i, struct policy_pattern_set *s)
{
	uint16_t *lists = calloc(s->n_lists + 1U, sizeof *lists);
	uint32_t *n_patterns = calloc(i->header->n_lists + 1U, sizeof *n_patterns);
	if (lists == NULL || n_patterns == NULL) {
		free(lists);
		free(n_patterns);
		return -ENOMEM;
	}
	for (uint32_t of_set = 0; of_set < s->n_lists; of_set++) {
		lists[of_set] = POLICY_NO_LIST;
		for (uint32_t at = 0; at < i->header->n_lists; at++) {
			if (strcmp(i->lists[at].name, s->lists[of_set]) == 0)
				lists[of_set] = (uint16_t)at;
		}
	}
	for (uint32_t at = 0; at < s->n; at++) {
		uint16_t list = lists[s->rules[at].list];
		if (list != POLICY_NO_LIST && !s->rules[at].is_dropped)
			n_patterns[list]++;
	}
	must(i->pattern_set == NULL);
	i->pattern_lists = lists;
	i->n_patterns = n_patterns;
	i->pattern_set = pattern_set_get(s);
	return 0;
}

/*
 * The checksum of what is in the file. Read, not mapped: the pages of an image that comes into
 * force are not resident beside those of the one in force, but come as they are asked for.
 */
static int file_checksum(int fd, const struct image_header *h)
{
	uint8_t *buffer = malloc(READ_BYTES);
	XXH3_state_t *x = XXH3_createState();
	uint64_t at = sizeof *h;
	int e = buffer != NULL && x != NULL ? 0 : -ENOMEM;
	if (e == 0)
		XXH3_64bits_reset(x);
	while (e == 0 && at < h->file_bytes) {
		uint64_t left = h->file_bytes - at;
		ssize_t n = pread(fd, buffer, left < READ_BYTES ? left : READ_BYTES, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		e = n < 0 ? -errno : n == 0 ? -EBADMSG : 0;
		if (e == 0) {
			XXH3_64bits_update(x, buffer, (size_t)n);
			at += (uint64_t)n;
		}
	}
	if (e == 0) {
		struct image_header unsealed = *h;
		unsealed.checksum = 0;
		e = image_seal(&unsealed, XXH3_64bits_digest(x)) == h->checksum ? 0 : -EBADMSG;
	}
	XXH3_freeState(x);
	free(buffer);
	return e;
}

static int image_map(struct policy_image *i, const char *path)
{
	struct image_header h;
	struct stat st;
	i->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (i->fd < 0 || fstat(i->fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || pread(i->fd, &h, sizeof h, 0) != (ssize_t)sizeof h ||
	    !header_is_good(&h, (uint64_t)st.st_size))
		return -EBADMSG;
	int e = file_checksum(i->fd, &h);
	if (e != 0)
		return e;
	size_t n = image_layout(&h).high;
	void *p = mmap(NULL, n, PROT_READ, MAP_SHARED, i->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	i->header = p;
	i->n_mapped = n;
	/* The sizes that were checked are those that the mapping is read with. */
	return memcmp(&h, p, sizeof h) == 0 ? 0 : -EBADMSG;
}

static int image_check(struct policy_image *i)
{
	const struct image_header *h = i->header;
	const uint8_t *bytes = (const uint8_t *)h;
	struct image_layout l = image_layout(h);
	i->lists = (const struct image_list *)(bytes + l.lists);
	i->sets = (const struct image_set *)(bytes + l.sets);
	i->members = (const struct image_member *)(bytes + l.members);
	i->blob = bytes + l.blob;
	i->slots = (const uint64_t *)(bytes + l.table);
	i->n_slots = h->n_slots;
	i->max_probe = h->max_probe;
	i->n_sets = h->n_sets;
	if (!lists_are_good(i) || !sets_are_good(i))
		return -EBADMSG;
	return data_open(i, (const struct image_data *)(bytes + l.data));
}

static bool is_key_ours(const struct policy_image *i)
{
	struct siphash_key ours = name_hash_key();
	return i->header->key[0] == ours.k0 && i->header->key[1] == ours.k1;
}

static int image_open(const char *path, struct policy_image **ret)
{
	struct policy_image *i = calloc(1, sizeof *i);
	if (i == NULL)
		return -ENOMEM;
	i->fd = -1;
	atomic_init(&i->refs, 1);
	int e = image_map(i, path);
	if (e == 0)
		e = image_check(i);
	if (e != 0)
		(void)image_free(i);
	else
		*ret = i;
	return e;
}

static void root_look(struct policy_image *i)
{
	uint32_t n = 0;
	uint32_t set = image_find(i, name_hash_root());
	if (set != 0)
		(void)image_rules(i, set, &n);
	i->has_root_rule = n > 0;
}

int policy_image_open(const char *path, bool set_key, struct policy_image **ret)
{
	struct policy_image *i;
	int e = image_open(path, &i);
	if (e != 0)
		return e;
	struct siphash_key theirs = { i->header->key[0], i->header->key[1] };
	if (i->header->below != 0 || (!set_key && !is_key_ours(i))) {
		(void)image_free(i);
		return -EBADMSG;
	}
	if (set_key)
		name_set_hash_key(&theirs);
	root_look(i);
	*ret = i;
	return 0;
}

int policy_overlay_open(const char *path, struct policy_image *below, struct policy_image **ret)
{
	struct policy_image *i;
	must(below->below == NULL);
	int e = image_open(path, &i);
	if (e != 0)
		return e;
	if (i->header->below != below->header->checksum)
		e = -ESTALE;
	else if (!is_key_ours(i) || !lists_continue(i, below))
		e = -EBADMSG;
	if (e != 0) {
		(void)image_free(i);
		return e;
	}
	i->below = image_get(below);
	root_look(i);
	*ret = i;
	return 0;
}

void policy_image_tag(const struct policy_image *i, uint8_t ret_tag[32])
{
	memcpy(ret_tag, i->header->tag, 32);
}

int policy_image_find_list(const struct policy_image *i, const char *name,
                           struct policy_image_list *ret)
{
	for (uint32_t at = 0; at < i->header->n_lists; at++) {
		const struct image_list *l = &i->lists[at];
		if (strcmp(l->name, name) != 0)
			continue;
		*ret = (struct policy_image_list){
			.source = l->source,
			.loaded_s = l->loaded_s,
			.changes_s = l->changes_s,
			.n_names = l->n_names,
			.n_prefixes = l->n_prefixes,
			.n_skipped = l->n_skipped,
		};
		return 0;
	}
	return -ENOENT;
}

void policy_image_count(const struct policy_image *i, uint32_t *ret_base, uint32_t *ret_overlay)
{
	*ret_base = image_bottom(i)->header->n_used;
	*ret_overlay = i->below != NULL ? i->header->n_used : 0;
}

bool policy_image_is_at(const struct policy_image *i, const char *path)
{
	struct stat mine, there;
	return fstat(image_bottom(i)->fd, &mine) == 0 && stat(path, &there) == 0 &&
	       mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

struct policy_image *policy_image_base(struct policy_image *i)
{
	return image_get(i->below != NULL ? i->below : i);
}

struct policy_image *image_get(struct policy_image *i)
{
	atomic_fetch_add_explicit(&i->refs, 1, memory_order_relaxed);
	return i;
}

void policy_image_put(struct policy_image *i)
{
	while (i != NULL && atomic_fetch_sub_explicit(&i->refs, 1, memory_order_acq_rel) == 1)
		i = image_free(i);
}
