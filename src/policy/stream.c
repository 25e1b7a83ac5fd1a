/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

int stream_init(struct stream *s, const struct policy_image *image)
{
	*s = (struct stream){ .image = image };
	if (image == NULL)
		return 0;
	s->n_slots = (uint64_t)image->n_slots + image->max_probe + 1;
	s->high = malloc((size_t)STREAM_HIGH_AT_ONCE * IMAGE_HIGH_BYTES);
	s->sum = XXH3_createState();
	if (s->high == NULL || s->sum == NULL)
		return -ENOMEM;
	XXH3_64bits_reset(s->sum);
	return 0;
}

void stream_done(struct stream *s)
{
	free(s->high);
	XXH3_freeState(s->sum);
	*s = (struct stream){ 0 };
}

/* The next high bits; that there are some is known. */
static int high_read(struct stream *s)
{
	uint64_t left = s->image->header->n_used - s->n_read;
	if (left == 0)
		return -EBADMSG; /* more slots are taken than the header says */
	uint32_t n = left < STREAM_HIGH_AT_ONCE ? (uint32_t)left : STREAM_HIGH_AT_ONCE;
	size_t bytes = (size_t)n * IMAGE_HIGH_BYTES;
	uint64_t from = image_layout(s->image->header).high + s->n_read * IMAGE_HIGH_BYTES;
	for (size_t at = 0; at < bytes;) {
		ssize_t got = pread(s->image->fd, s->high + at, bytes - at, (off_t)(from + at));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		at += (size_t)got;
	}
	XXH3_64bits_update(s->sum, s->high, bytes);
	s->n_read += n;
	s->n_high = n;
	s->at_high = 0;
	return 0;
}

static bool is_whole(const struct stream *s)
{
	const struct image_header *h = s->image->header;
	return s->at_high == s->n_high && s->n_read == h->n_used &&
	       XXH3_64bits_digest(s->sum) == h->high_sum;
}

int stream_next(struct stream *s)
{
	if (s->image == NULL)
		return 0;
	const uint64_t *slots = s->image->slots;
	while (s->slot < s->n_slots && slots[s->slot] == 0)
		s->slot++;
	if (s->slot == s->n_slots)
		return is_whole(s) ? 0 : -EBADMSG;
	if (s->at_high == s->n_high) {
		int e = high_read(s);
		if (e != 0)
			return e;
	}
	const uint8_t *high = s->high + (size_t)s->at_high++ * IMAGE_HIGH_BYTES;
	uint64_t slot = slots[s->slot];
	uint64_t bits = high[0] | (uint64_t)high[1] << 8 | (uint64_t)high[2] << 16;
	s->hash = bits << 40 | slot >> IMAGE_SET_BITS;
	s->set = (uint32_t)(slot & (IMAGE_MAX_SETS - 1));
	uint32_t home = image_home(s->hash, s->image->n_slots);
	if (home > s->slot || s->slot - home > s->image->max_probe || s->set >= s->image->n_sets ||
	    (s->has_last && s->hash <= s->last))
		return -EBADMSG;
	s->last = s->hash;
	s->has_last = true;
	s->slot++;
	return 1;
}
