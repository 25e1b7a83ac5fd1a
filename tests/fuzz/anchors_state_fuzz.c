/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes as the state files of trust anchors: the first byte says which of the two. What is
 * accepted, written out, is read as the same and written as the same.
 */
#include "validate/anchors_state.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void free_zones(struct tracked_zone **zones, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		track_done(zones[i]);
		free(zones[i]);
	}
}

static void write_zones(struct tracked_zone **zones, unsigned n, char **ret, size_t *ret_n)
{
	must(state_write_zones((const struct tracked_zone *const *)zones, n, ret, ret_n) == 0);
}

static void zones(const char *text, size_t n)
{
	struct tracked_zone *read[ANCHOR_ZONES_MAX], *again[ANCHOR_ZONES_MAX];
	unsigned n_read = 0, n_again = 0;
	char why[STATE_WHY_MAX] = "", *out, *out_again;
	size_t n_out, n_out_again;
	int e = state_read_zones(text, n, read, &n_read, why);
	must(e == 0 || (e == -EBADMSG && why[0] != 0));
	if (e != 0)
		return;
	for (unsigned i = 0; i < n_read; i++) {
		must(read[i]->n >= 1 && read[i]->n <= TRACKED_KEYS_MAX);
		for (unsigned k = 0; k < read[i]->n; k++)
			must(read[i]->keys[k].state != ANCHOR_START);
	}
	write_zones(read, n_read, &out, &n_out);
	must(state_read_zones(out, n_out, again, &n_again, why) == 0 && n_again == n_read);
	write_zones(again, n_again, &out_again, &n_out_again);
	must(n_out == n_out_again && memcmp(out, out_again, n_out) == 0);
	free_zones(read, n_read);
	free_zones(again, n_again);
	free(out);
	free(out_again);
}

static void negatives(const char *text, size_t n)
{
	static struct negative_anchor read[NEGATIVE_ANCHORS_MAX], again[NEGATIVE_ANCHORS_MAX];
	unsigned n_read = 0, n_again = 0;
	char why[STATE_WHY_MAX] = "", *out;
	size_t n_out;
	int e = state_read_negatives(text, n, read, &n_read, why);
	must(e == 0 || (e == -EBADMSG && why[0] != 0));
	if (e != 0)
		return;
	must(state_write_negatives(read, n_read, &out, &n_out) == 0);
	must(state_read_negatives(out, n_out, again, &n_again, why) == 0 && n_again == n_read);
	for (unsigned i = 0; i < n_read; i++) {
		must(name_equal(read[i].name.wire, again[i].name.wire));
		must(read[i].expires_s == again[i].expires_s &&
		     read[i].since_s == again[i].since_s);
		must(strcmp(read[i].who, again[i].who) == 0 &&
		     strcmp(read[i].reason, again[i].reason) == 0);
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	if (data[0] == 'n')
		negatives((const char *)data + 1, n - 1);
	else
		zones((const char *)data + 1, n - 1);
	return 0;
}
