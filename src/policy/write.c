/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/write.c - from the builder to the file.
 *
 * Tests:     tests/unit/policy/image_test.c, merge_test.c
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/disk.h"
#include "policy/build.h"

enum {
	WRITE_BUFFER_BYTES = 1 << 20
};

/* The file is written from front to back in large pieces; the header comes last. */
struct writer {
	int fd;
	size_t n;
	uint64_t done; /* bytes written and in the buffer */
	XXH3_state_t *sum, *high_sum;
	bool is_high; /* what is written now is the high bits */
	uint8_t *buffer;
	const struct spool *spool;
	const struct image_list *lists;
	const struct sets *sets;
	uint32_t *new_ids;                 /* of sets; 0: no name uses it (any more) */
	bool has_empty;                    /* an overlay: some name has no rules any more */
	uint32_t n_homes, next, max_probe; /* of the table */
};

static int writer_flush(struct writer *w)
{
	XXH3_64bits_update(w->sum, w->buffer, w->n);
	if (w->is_high)
		XXH3_64bits_update(w->high_sum, w->buffer, w->n);
	int e = disk_write(w->fd, w->buffer, w->n);
	if (e == 0)
		disk_settle(w->fd, (off_t)(w->done - w->n), w->n);
	w->n = 0;
	return e;
}

static int writer_put(struct writer *w, const void *bytes, uint64_t n)
{
	const uint8_t *p = bytes;
	w->done += n;
	while (n > 0) {
		size_t take = WRITE_BUFFER_BYTES - w->n;
		if (take > n)
			take = (size_t)n;
		memcpy(w->buffer + w->n, p, take);
		w->n += take;
		p += take;
		n -= take;
		if (w->n == WRITE_BUFFER_BYTES) {
			int e = writer_flush(w);
			if (e != 0)
				return e;
		}
	}
	return 0;
}

static int writer_put_slot(struct writer *w, uint64_t slot)
{
	memcpy(w->buffer + w->n, &slot, sizeof slot); /* the table is aligned: it fits */
	w->n += sizeof slot;
	w->done += sizeof slot;
	w->next++;
	return w->n == WRITE_BUFFER_BYTES ? writer_flush(w) : 0;
}

static int writer_align(struct writer *w, uint64_t to)
{
	static const uint8_t zeros[IMAGE_TABLE_ALIGN];
	must(to >= w->done && to - w->done <= sizeof zeros);
	return writer_put(w, zeros, to - w->done);
}

/* ---- sets: only those that a name has, with new numbers ---- */

static int set_is_used(uint64_t hash, uint32_t set, void *arg)
{
	(void)hash;
	uint32_t *new_ids = arg;
	new_ids[set] = 1;
	return 0;
}

/* The empty set that names of an overlay have is the last one: 0 is for slots that are free. */
static void sets_number(struct writer *w, struct image_header *h)
{
	h->n_sets = 1;
	for (uint32_t id = 1; id < w->sets->n_sets; id++) {
		if (w->new_ids[id] == 0)
			continue;
		w->new_ids[id] = h->n_sets++;
		h->n_members += w->sets->sets[id].n;
	}
	w->has_empty = w->new_ids[0] != 0;
	if (w->has_empty)
		w->new_ids[0] = h->n_sets++;
}

static int sets_write(struct writer *w)
{
	const struct sets *s = w->sets;
	struct image_set none = { 0 };
	int e = writer_put(w, &none, sizeof none);
	uint32_t first = 0;
	for (uint32_t id = 1; e == 0 && id < s->n_sets; id++) {
		if (w->new_ids[id] == 0)
			continue;
		struct image_set set = { .first = first, .n = s->sets[id].n };
		first += set.n;
		e = writer_put(w, &set, sizeof set);
	}
	if (e == 0 && w->has_empty)
		e = writer_put(w, &none, sizeof none);
	for (uint32_t id = 1; e == 0 && id < s->n_sets; id++) {
		const struct image_set *set = &s->sets[id];
		if (w->new_ids[id] != 0)
			e = writer_put(w, s->members + set->first,
			               (uint64_t)set->n * sizeof *s->members);
	}
	return e;
}

/* ---- the table ---- */

/* Entries come in the order of their hashes: each goes to its home or right behind the last. */
static int slot_write(uint64_t hash, uint32_t set, void *arg)
{
	struct writer *w = arg;
	uint32_t home = image_home(hash, w->n_homes);
	while (w->next < home) {
		int e = writer_put_slot(w, 0);
		if (e != 0)
			return e;
	}
	if (w->next - home > w->max_probe)
		w->max_probe = w->next - home;
	return writer_put_slot(w, hash << IMAGE_SET_BITS | w->new_ids[set]);
}

/* The high bits of what slot_write() wrote, in the same order. */
static int high_write(uint64_t hash, uint32_t set, void *arg)
{
	(void)set;
	const uint8_t high[IMAGE_HIGH_BYTES] = { (uint8_t)(hash >> 40), (uint8_t)(hash >> 48),
		                                 (uint8_t)(hash >> 56) };
	return writer_put(arg, high, sizeof high);
}

static int table_write(struct writer *w)
{
	int e = spool_each(w->spool, slot_write, w);
	if (e == 0 && w->max_probe > IMAGE_MAX_PROBE)
		e = -ENOSPC; /* thousands of names with nearly the same hash: not by chance */
	while (e == 0 && w->next < w->n_homes + w->max_probe + 1)
		e = writer_put_slot(w, 0);
	if (e == 0)
		e = writer_flush(w);
	w->is_high = true;
	return e == 0 ? spool_each(w->spool, high_write, w) : e;
}

/* ---- the whole ---- */

static void header_fill(const struct policy_builder *b, const struct writer *w,
                        const uint8_t tag[32], struct image_header *h)
{
	struct siphash_key key = name_hash_key();
	*h = (struct image_header){
		.magic = { 'W', 'E', 'I', 'R', 'P', 'O', 'L', '\n' },
		.version = IMAGE_VERSION,
		.byte_order = IMAGE_BYTE_ORDER,
		.key = { key.k0, key.k1 },
		.lengths_v4 = b->lengths_v4,
		.lengths_v6 = { b->lengths_v6[0], b->lengths_v6[1], b->lengths_v6[2] },
		.blob_bytes = w->sets->blob_bytes,
		/* 70 % full: 11.4 bytes a name, an absent name costs six slots. */
		.n_slots = (uint32_t)(w->spool->n * 10 / 7 + 1),
		.n_used = (uint32_t)w->spool->n,
		.n_data = w->sets->n_data,
		.rule_kinds = b->rule_kinds,
	};
	memcpy(h->tag, tag, sizeof h->tag);
}

static int body_write(struct writer *w, struct image_header *h)
{
	const struct sets *s = w->sets;
	int e = writer_put(w, w->lists, (uint64_t)h->n_lists * sizeof *w->lists);
	if (e == 0)
		e = sets_write(w);
	if (e == 0)
		e = writer_put(w, s->data, (uint64_t)s->n_data * sizeof *s->data);
	if (e == 0)
		e = writer_put(w, s->blob, s->blob_bytes);
	if (e == 0)
		e = writer_align(w, image_layout(h).table);
	if (e == 0)
		e = writer_flush(w); /* from here on the buffer holds whole slots */
	if (e == 0)
		e = table_write(w);
	return e == 0 ? writer_flush(w) : e;
}

static int file_write(struct writer *w, struct image_header *h)
{
	int e = disk_write(w->fd, h, sizeof *h);
	w->done = sizeof *h;
	if (e == 0)
		e = body_write(w, h);
	if (e != 0)
		return e;
	h->max_probe = w->max_probe;
	h->file_bytes = w->done;
	h->high_sum = XXH3_64bits_digest(w->high_sum);
	must(image_layout(h).end == w->done);
	h->checksum = image_seal(h, XXH3_64bits_digest(w->sum));
	return lseek(w->fd, 0, SEEK_SET) != 0 ? -errno : disk_write(w->fd, h, sizeof *h);
}

static int file_make(struct writer *w, struct image_header *h, const char *path)
{
	w->fd = disk_create_beside(path, 0600);
	if (w->fd < 0)
		return w->fd;
	int e = file_write(w, h);
	if (e == 0)
		return disk_replace(w->fd, path);
	disk_abandon(w->fd, path);
	return e;
}

/* Lists, sets and spool are ready: the file. */
static int image_write(const struct policy_builder *b, struct writer *w, uint32_t n_lists,
                       const char *path, const uint8_t tag[32], uint64_t below)
{
	struct image_header h;
	if (w->spool->n > UINT32_MAX / 2)
		return -ENOSPC;
	header_fill(b, w, tag, &h);
	h.n_lists = n_lists;
	h.below = below;
	w->n_homes = h.n_slots;
	w->sum = XXH3_createState();
	w->high_sum = XXH3_createState();
	w->buffer = malloc(WRITE_BUFFER_BYTES);
	w->new_ids = calloc(w->sets->n_sets, sizeof *w->new_ids);
	int e = -ENOMEM;
	if (w->sum != NULL && w->high_sum != NULL && w->buffer != NULL && w->new_ids != NULL) {
		XXH3_64bits_reset(w->sum);
		XXH3_64bits_reset(w->high_sum);
		e = spool_each(w->spool, set_is_used, w->new_ids);
		sets_number(w, &h);
	}
	if (e == 0)
		e = file_make(w, &h, path);
	XXH3_freeState(w->sum);
	XXH3_freeState(w->high_sum);
	free(w->buffer);
	free(w->new_ids);
	return e;
}

int policy_builder_write(struct policy_builder *b, const char *path, const uint8_t tag[32])
{
	struct spool spool;
	uint32_t n_lists = 0;
	spool_init(&spool, b->folder);
	struct image_list *lists = calloc(b->n_lists + 1U, sizeof *lists);
	int e = lists != NULL ? merge_run(b, MERGE_WHOLE, UINT32_MAX, &spool) : -ENOMEM;
	for (uint32_t i = 0; e == 0 && i < b->n_lists; i++) {
		if (b->fates[i] != BUILD_DROPPED)
			lists[n_lists++] = b->lists[i];
	}
	struct writer w = { .fd = -1, .spool = &spool, .lists = lists, .sets = &b->sets };
	if (e == 0)
		e = image_write(b, &w, n_lists, path, tag, 0);
	free(lists);
	spool_done(&spool);
	return e;
}

/* ---- an overlay: only the sets and the data that its own names have ---- */

struct trimming {
	struct sets_source from;
	struct sets to;
	uint32_t *ids; /* by old set; 0: not yet */
	struct spool spool;
};

static int entry_trim(uint64_t hash, uint32_t set, void *arg)
{
	struct trimming *t = arg;
	int e = 0;
	if (set != 0 && t->ids[set] == 0)
		e = sets_copy(&t->to, &t->from, set, &t->ids[set]);
	return e == 0 ? spool_put(&t->spool, hash, t->ids[set]) : e;
}

static int lists_trim(const struct policy_builder *b, struct trimming *t, struct image_list *lists)
{
	int e = 0;
	for (uint32_t i = 0; e == 0 && i < b->n_lists; i++) {
		lists[i] = b->lists[i];
		e = build_list_blob(&t->to, b->sets.blob, &lists[i]);
	}
	return e;
}

static int trim(const struct policy_builder *b, const struct spool *spool, struct trimming *t,
                struct image_list *lists)
{
	t->from = (struct sets_source){
		.sets = b->sets.sets,
		.members = b->sets.members,
		.data = b->sets.data,
		.blob = b->sets.blob,
		.data_ids = calloc(b->sets.n_data, sizeof *t->from.data_ids),
	};
	t->ids = calloc(b->sets.n_sets, sizeof *t->ids);
	if (t->from.data_ids == NULL || t->ids == NULL)
		return -ENOMEM;
	int e = lists_trim(b, t, lists);
	return e == 0 ? spool_each(spool, entry_trim, t) : e;
}

static int overlay_write(struct policy_builder *b, const struct spool *spool, const char *path,
                         const uint8_t tag[32])
{
	struct trimming t = { .ids = NULL };
	int e = sets_init(&t.to);
	if (e != 0)
		return e;
	spool_init(&t.spool, b->folder);
	struct image_list *lists = calloc(b->n_lists + 1U, sizeof *lists);
	e = lists != NULL ? trim(b, spool, &t, lists) : -ENOMEM;
	struct writer w = { .fd = -1, .spool = &t.spool, .lists = lists, .sets = &t.to };
	if (e == 0)
		e = image_write(b, &w, b->n_lists, path, tag,
		                image_bottom(b->from)->header->checksum);
	free(lists);
	free(t.ids);
	free(t.from.data_ids);
	spool_done(&t.spool);
	sets_done(&t.to);
	return e;
}

int policy_builder_write_overlay(struct policy_builder *b, const char *path, const uint8_t tag[32],
                                 uint32_t max_names)
{
	struct spool spool;
	if (b->from == NULL)
		return -EINVAL;
	spool_init(&spool, b->folder);
	int e = merge_run(b, MERGE_OVERLAY, max_names, &spool);
	if (e == 0)
		e = overlay_write(b, &spool, path, tag);
	spool_done(&spool);
	return e;
}
