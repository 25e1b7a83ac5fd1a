/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes of a record are looked at without a wrong access, with an answer that makes sense, and
 * the same one the second time. */
#include "detect/carried.h"

#include <string.h>

#include "base/must.h"
#include "detect/encodings.h"
#include "detect/purposes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void walk_runs(const uint8_t *data, size_t n)
{
	struct encoded_run run;
	uint8_t out[256];
	size_t at = 0, end = 0;
	while (encoding_next(data, n, 8, &at, &run)) {
		must(run.text >= data + end && run.text + run.n <= data + n && run.n >= 8);
		end = (size_t)(run.text + run.n - data);
		must(at >= end);
		for (unsigned e = 0; e < ENCODINGS; e++) {
			if (!encoding_fits((enum encoding)e, &run))
				continue;
			size_t got = encoding_decode((enum encoding)e, &run, out, sizeof out);
			must(got <= sizeof out && got <= encoding_bytes((enum encoding)e, &run));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct carried a, b;
	if (n > 65535)
		return 0;
	walk_runs(data, n);
	const char *purpose = purpose_of(data, n);
	must(purpose == NULL || purpose[0] != '\0');
	carried_look(data, n, &a);
	carried_look(data, n, &b);
	must(a.kind == b.kind && strcmp(a.what, b.what) == 0 && a.layers == b.layers);
	must((a.kind == CARRIED_NOTHING) == (a.what[0] == '\0'));
	must(a.layers < CARRIED_LAYERS && a.n_encoded <= n);
	return 0;
}
