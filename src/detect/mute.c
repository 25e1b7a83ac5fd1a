/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/mute.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mutes {
	unsigned n;
	struct detect_mute at[];
};

int mutes_new(const struct detect_mute *at, unsigned n, struct mutes **ret)
{
	struct mutes *m = malloc(sizeof *m + n * sizeof m->at[0]);
	if (m == NULL)
		return -ENOMEM;
	m->n = n;
	memcpy(m->at, at, n * sizeof m->at[0]);
	*ret = m;
	return 0;
}

void mutes_free(void *mutes)
{
	free(mutes);
}

bool mutes_cover(const struct mutes *m, enum detector_id detector, const struct addr *client,
                 const uint8_t *name)
{
	for (unsigned i = 0; m != NULL && i < m->n; i++) {
		const struct detect_mute *x = &m->at[i];
		if ((x->detector == N_DETECTORS || x->detector == detector) &&
		    (!x->has_client || addr_prefix_covers(&x->client, client)) &&
		    (x->zone.len == 0 || name_is_within(name, x->zone.wire)))
			return true;
	}
	return false;
}
