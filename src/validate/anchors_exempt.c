/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Negative trust anchors: setting them, removing them, their time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "validate/anchors_keeper.h"

static void tell_negative(const struct keeper *k, enum anchors_notice_kind kind,
                          const uint8_t *name, const char *text)
{
	keeper_tell(k, kind, NOTICE_WARNING, name, -1, text);
	k->plan.flush(k->plan.arg, name);
}

void keeper_tick(struct keeper *k, uint64_t wall_s)
{
	struct name over[8];
	unsigned n = 0;
	for (unsigned i = 0; i < k->n_negatives && n < ARRAY_LEN(over); i++) {
		struct negative_anchor *a = &k->negatives[i];
		if (a->is_configured || a->expires_s > wall_s)
			continue;
		over[n++] = a->name;
		*a = k->negatives[--k->n_negatives];
		i--;
	}
	if (n == 0)
		return;
	keeper_publish_again(k);
	int e = keeper_save_negatives(k);
	if (e != 0) /* no harm: it is over by the time in the file too */
		keeper_tell(k, NOTICE_STATE, NOTICE_WARNING, NULL, -1, strerror(-e));
	for (unsigned i = 0; i < n; i++)
		tell_negative(
			k, NOTICE_NEGATIVE_OVER, over[i].wire,
			"the time of its negative trust anchor is over: it is validated again");
}

/* Save and publish; or put back how it was. */
static int negatives_changed(struct keeper *k, const struct negative_anchor *before,
                             unsigned n_before)
{
	int e = keeper_save_negatives(k);
	if (e == 0)
		e = keeper_publish(k);
	if (e != 0) {
		memcpy(k->negatives, before, n_before * sizeof *before);
		k->n_negatives = n_before;
	}
	return e;
}

int keeper_add_negative(struct keeper *k, const struct negative_anchor *a)
{
	struct negative_anchor *at = keeper_find_negative(k, a->name.wire);
	if (at != NULL && at->is_configured)
		return -EEXIST;
	if (at == NULL && k->n_negatives == NEGATIVE_ANCHORS_MAX)
		return -ENOSPC;
	struct negative_anchor *before = malloc(sizeof k->negatives);
	if (before == NULL)
		return -ENOMEM;
	unsigned n_before = k->n_negatives;
	memcpy(before, k->negatives, n_before * sizeof *before);
	if (at == NULL)
		at = &k->negatives[k->n_negatives++];
	*at = *a;
	at->is_configured = false;
	int e = negatives_changed(k, before, n_before);
	free(before);
	if (e == 0)
		tell_negative(k, NOTICE_NEGATIVE_ADDED, a->name.wire,
		              "is not validated for now: a negative trust anchor was set");
	return e;
}

int keeper_remove_negative(struct keeper *k, const uint8_t *name)
{
	struct negative_anchor *at = keeper_find_negative(k, name);
	if (at == NULL)
		return -ENOENT;
	if (at->is_configured)
		return -EPERM;
	struct negative_anchor *before = malloc(sizeof k->negatives);
	if (before == NULL)
		return -ENOMEM;
	unsigned n_before = k->n_negatives;
	struct name copy = at->name;
	memcpy(before, k->negatives, n_before * sizeof *before);
	*at = k->negatives[--k->n_negatives];
	int e = negatives_changed(k, before, n_before);
	free(before);
	if (e == 0)
		tell_negative(k, NOTICE_NEGATIVE_REMOVED, copy.wire,
		              "is validated again: its negative trust anchor was removed");
	return e;
}
