/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as STATE/learn/GROUP.json: what is read holds the limits, can be proposed from, and
 * takes more in.
 */
#include <errno.h>
#include <stdlib.h>

#include "learn/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t name[] = "\3www\7example\3com";
	struct learn_store *s;
	char why[LEARN_WHY_MAX] = "";
	int e = store_read("group", (const char *)data, n, &s, why);
	must(e == 0 || (e == -EBADMSG && why[0] != 0));
	if (e != 0)
		return 0;
	must(s->n_names <= LEARN_NAMES_MAX && s->n_domains <= LEARN_DOMAINS_MAX);
	for (uint32_t i = 0; i < s->n_names; i++) {
		must(s->names[i].n_types <= LEARN_TYPES_MAX &&
		     s->names[i].n_clients <= LEARN_CLIENTS_MAX &&
		     s->names[i].n_aliases <= LEARN_ALIASES_MAX);
		must(s->names[i].domain < s->n_domains);
		must(!s->domains[s->names[i].domain].is_review);
	}
	const struct learn_seen seen = { .name = name, .type = 1, .client = 1, .wall_s = 1 };
	must(store_add(s, &seen) == 0);
	struct learn_proposal *p;
	unsigned count;
	must(learn_propose(s, &p, &count) == 0);
	must(count <= s->n_names + s->n_domains);
	free(p);
	learn_store_free(s);
	return 0;
}
