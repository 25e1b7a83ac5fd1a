/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/write.c - from the builder to the file.
 *
 * Tests:     tests/unit/policy/image_test.c
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
	XXH3_state_t *sum;
	uint8_t *buffer;
	uint32_t *new_ids;                 /* of sets; 0: no name uses it (any more) */
	uint32_t n_homes, next, max_probe; /* of the table */
};

static int writer_flush(struct writer *w)
{
	XXH3_64bits_update(w->sum, w->buffer, w->n);
	int e = disk_write(w->fd, w->buffer, w->n);
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

static void sets_number(const struct policy_builder *b, struct writer *w, struct image_header *h)
{
	h->n_sets = 1;
	for (uint32_t id = 1; id < b->sets.n_sets; id++) {
		if (w->new_ids[id] == 0)
			continue;
		w->new_ids[id] = h->n_sets++;
		h->n_members += b->sets.sets[id].n;
	}
}

static int sets_write(const struct policy_builder *b, struct writer *w)
{
	struct image_set none = { 0 };
	int e = writer_put(w, &none, sizeof none);
	uint32_t first = 0;
	for (uint32_t id = 1; e == 0 && id < b->sets.n_sets; id++) {
		if (w->new_ids[id] == 0)
			continue;
		struct image_set set = { .first = first, .n = b->sets.sets[id].n };
		first += set.n;
		e = writer_put(w, &set, sizeof set);
	}
	for (uint32_t id = 1; e == 0 && id < b->sets.n_sets; id++) {
		const struct image_set *set = &b->sets.sets[id];
		if (w->new_ids[id] != 0)
			e = writer_put(w, b->sets.members + set->first,
			               (uint64_t)set->n * sizeof *b->sets.members);
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

static int table_write(struct policy_builder *b, struct writer *w)
{
	int e = table_each(&b->table, slot_write, w);
	if (e == 0 && w->max_probe > IMAGE_MAX_PROBE)
		e = -ENOSPC; /* thousands of names with nearly the same hash: not by chance */
	while (e == 0 && w->next < w->n_homes + w->max_probe + 1)
		e = writer_put_slot(w, 0);
	return e;
}

/* ---- the whole ---- */

static void header_fill(const struct policy_builder *b, const uint8_t tag[32],
                        struct image_header *h)
{
	struct siphash_key key = name_hash_key();
	*h = (struct image_header){
		.magic = { 'W', 'E', 'I', 'R', 'P', 'O', 'L', '\n' },
		.version = IMAGE_VERSION,
		.byte_order = IMAGE_BYTE_ORDER,
		.key = { key.k0, key.k1 },
		.lengths_v4 = b->lengths_v4,
		.lengths_v6 = { b->lengths_v6[0], b->lengths_v6[1], b->lengths_v6[2] },
		.blob_bytes = b->sets.blob_bytes,
		/* 70 % full: 11.4 bytes a name, an absent name costs six slots. */
		.n_slots = (uint32_t)((uint64_t)b->table.n_used * 10 / 7 + 1),
		.n_used = b->table.n_used,
		.n_lists = b->n_lists,
		.n_data = b->sets.n_data,
		.has_log_rules = b->has_log_rules,
	};
	memcpy(h->tag, tag, sizeof h->tag);
}

static int body_write(struct policy_builder *b, struct writer *w, struct image_header *h)
{
	int e = writer_put(w, b->lists, (uint64_t)b->n_lists * sizeof *b->lists);
	if (e == 0)
		e = sets_write(b, w);
	if (e == 0)
		e = writer_put(w, b->sets.data, (uint64_t)b->sets.n_data * sizeof *b->sets.data);
	if (e == 0)
		e = writer_put(w, b->sets.blob, b->sets.blob_bytes);
	if (e == 0)
		e = writer_align(w, image_layout(h).table);
	if (e == 0)
		e = writer_flush(w); /* from here on the buffer holds whole slots */
	if (e == 0)
		e = table_write(b, w);
	return e == 0 ? writer_flush(w) : e;
}

static int file_write(struct policy_builder *b, struct writer *w, struct image_header *h)
{
	int e = disk_write(w->fd, h, sizeof *h);
	w->done = sizeof *h;
	if (e == 0)
		e = body_write(b, w, h);
	if (e != 0)
		return e;
	h->max_probe = w->max_probe;
	h->file_bytes = w->done;
	must(image_layout(h).end == w->done);
	h->checksum = image_seal(h, XXH3_64bits_digest(w->sum));
	return lseek(w->fd, 0, SEEK_SET) != 0 ? -errno : disk_write(w->fd, h, sizeof *h);
}

int policy_builder_write(struct policy_builder *b, const char *path, const uint8_t tag[32])
{
	struct image_header h;
	header_fill(b, tag, &h);
	struct writer w = {
		.fd = -1,
		.n_homes = h.n_slots,
		.sum = XXH3_createState(),
		.buffer = malloc(WRITE_BUFFER_BYTES),
		.new_ids = calloc(b->sets.n_sets, sizeof *w.new_ids),
	};
	int e = -ENOMEM;
	if (w.sum == NULL || w.buffer == NULL || w.new_ids == NULL)
		goto out;
	XXH3_64bits_reset(w.sum);
	e = table_each(&b->table, set_is_used, w.new_ids);
	sets_number(b, &w, &h);
	if (e == 0) {
		w.fd = disk_create_beside(path, 0600);
		e = w.fd < 0 ? w.fd : 0;
	}
	if (e != 0)
		goto out;
	e = file_write(b, &w, &h);
	if (e == 0)
		e = disk_replace(w.fd, path);
	else
		disk_abandon(w.fd, path);
	if (e == 0)
		table_done(&b->table); /* the memory goes back before the image is mapped */
out:
	XXH3_freeState(w.sum);
	free(w.buffer);
	free(w.new_ids);
	return e;
}
