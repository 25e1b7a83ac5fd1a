/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers of lists that outlast a snapshot, for counters. A name keeps its number as long as the
 * process lives: the counters of a list that is gone may still be added to.
 */
#include <string.h>

#include "policy/snapshot.h"

static char names[POLICY_MAX_LISTS][POLICY_LIST_NAME_MAX + 1];
static uint16_t n_names;

uint16_t slot_of_list(const char *name)
{
	for (uint16_t i = 0; i < n_names; i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	if (n_names == POLICY_MAX_LISTS || strlen(name) > POLICY_LIST_NAME_MAX)
		return POLICY_NO_LIST;
	memcpy(names[n_names], name, strlen(name) + 1);
	return n_names++;
}
