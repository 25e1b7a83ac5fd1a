/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/detecting.h"

#include <string.h>

#include "base/log.h"

int detecting_start(struct detecting *d, const struct config *c)
{
	int e = detect_new(c, &d->detect);
	if (e != 0)
		log_error("the detectors cannot start: %s", strerror(-e));
	else if (d->detect != NULL)
		log_info("detectors take %zu MiB", detect_bytes(d->detect) >> 20);
	if (e == 0)
		e = ceilings_start(d->detect, c->state, &d->ceilings);
	return e == 0 ? muting_start(d->detect, c->state, &d->muting) : e;
}

void detecting_tick(struct detecting *d, uint64_t now_s)
{
	muting_tick(d->muting, now_s);
	ceilings_tick(d->ceilings, now_s);
}

void detecting_stop(struct detecting *d)
{
	muting_free(d->muting);
	ceilings_stop(d->ceilings);
	detect_free(d->detect);
}
