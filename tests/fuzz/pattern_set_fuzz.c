/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of a set from a file that lies: refused, or read without a wrong access; what is read is
 * legal. The checksum is not in the way: the rules are read as if it had been right. */
#include "policy/pattern_set.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct policy_pattern_set *s;
	uint8_t *bytes = malloc(n + 1);
	char(*lists)[POLICY_LIST_NAME_MAX + 1] = calloc(2, sizeof *lists);
	must(bytes != NULL && lists != NULL);
	memcpy(bytes, data, n);
	lists[0][0] = 'a';
	lists[1][0] = 'b';
	if (pattern_set_new(lists, 2, bytes, n, &s) != 0) {
		free(bytes);
		free(lists);
		return 0;
	}
	size_t sum = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		const struct pattern_rule *r = &s->rules[i];
		must(r->list < 2 && r->action <= POLICY_REDIRECT);
		must(r->n_types <= POLICY_PATTERN_TYPES && r->data.n_addrs <= 1);
		must(strlen(r->regex) <= POLICY_PATTERN_MAX && r->regex[0] != 0);
		must(strlen(r->shown.text) <= POLICY_PATTERN_MAX && r->shown.text[0] != 0);
		must(r->data.target == NULL || name_len(r->data.target) <= NAME_MAX_BYTES);
		sum += pattern_has_type(r, 1) + (r->data.n_addrs > 0 && r->data.addrs[0].is_v4);
	}
	must(sum <= 2 * (size_t)s->n && s->key != 0);
	policy_pattern_set_put(s);
	return 0;
}
