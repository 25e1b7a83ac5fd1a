/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/validate.h"

struct work work_new(void)
{
	return (struct work){ .signatures_left = WORK_SIGNATURES,
		              .failures_left = WORK_FAILURES,
		              .hashes_left = WORK_HASHES };
}
