/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/schedule.h"

/* base_ms, up to 1/part of it sooner or later. */
static uint64_t spread(uint64_t base_ms, unsigned part, uint32_t dice)
{
	uint64_t room = 2 * base_ms / part + 1;
	return base_ms - base_ms / part + dice % room;
}

uint64_t schedule_next_ms(uint32_t refresh_s, unsigned n_failures, uint32_t retry_after_s,
                          uint32_t dice)
{
	if (n_failures == 0)
		return spread((uint64_t)refresh_s * 1000, 10, dice);
	uint64_t wait_s = SCHEDULE_FIRST_S;
	for (unsigned i = 1; i < n_failures && wait_s < SCHEDULE_MAX_S; i++)
		wait_s *= 2;
	if (wait_s > SCHEDULE_MAX_S)
		wait_s = SCHEDULE_MAX_S;
	if (wait_s > refresh_s)
		wait_s = refresh_s;
	uint64_t wait_ms = spread(wait_s * 1000, 4, dice);
	if (retry_after_s > SCHEDULE_MAX_S)
		retry_after_s = SCHEDULE_MAX_S;
	uint64_t asked_ms = (uint64_t)retry_after_s * 1000;
	return asked_ms > wait_ms ? asked_ms + dice % 1000 : wait_ms;
}
