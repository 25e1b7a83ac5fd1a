/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recordings of this form: see replay_source.h. */
#include "replay_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	replay_bytes(data, n, REPLAY_DNSTAP);
	return 0;
}
