/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logs of BIND, Unbound and dnsmasq, and what is none: see replay_source.h. */
#include "replay_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	replay_bytes(data, n, REPLAY_BIND);
	replay_bytes(data, n, REPLAY_UNBOUND);
	replay_bytes(data, n, REPLAY_DNSMASQ);
	replay_bytes(data, n, REPLAY_AUTO);
	return 0;
}
