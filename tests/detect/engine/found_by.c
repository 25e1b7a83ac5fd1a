/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who found it, in words. */
#include "reports.h"

void found_by_add(struct found_by *f, const struct detect_findings *from, enum detect_action least)
{
	for (unsigned i = 0; i < from->n; i++) {
		const struct detect_finding *one = &from->at[i];
		if (one->action >= least)
			f->at[one->detector][one->confidence]++;
	}
}

const char *found_by_text(const struct found_by *f, char *ret, size_t room)
{
	size_t n = 0;
	ret[0] = 0;
	for (unsigned i = 0; i < N_DETECTORS; i++) {
		for (unsigned c = 0; c < DETECT_CONFIDENCES && n < room; c++) {
			if (f->at[i][c] > 0)
				n += (size_t)snprintf(
					ret + n, room - n, "%s%s %s", n > 0 ? ", " : "",
					config_detector((enum detector_id)i)->name,
					config_confidence_name((enum detect_confidence)c));
		}
	}
	return n > 0 ? ret : "-";
}
