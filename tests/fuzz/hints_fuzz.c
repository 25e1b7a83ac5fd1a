/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes as a file of root hints. What is accepted, written out, is read as the same. */
#include "config/hints.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char *write_out(const struct config_hint *hints, unsigned n, size_t *ret_n)
{
	char *text = NULL, name[NAME_TEXT_MAX], address[ADDR_TEXT_MAX];
	FILE *f = open_memstream(&text, ret_n);
	must(f != NULL);
	for (unsigned i = 0; i < n; i++) {
		must(hints[i].n_addrs >= 1 && hints[i].n_addrs <= CONFIG_HINT_MAX_ADDRS);
		must(name_check(hints[i].name.wire, hints[i].name.len) == hints[i].name.len);
		name_to_text(hints[i].name.wire, name);
		if (!name_is_root(hints[i].name.wire))
			memcpy(name + strlen(name), ".", 2);
		fprintf(f, ". NS %s\n", name);
		for (unsigned k = 0; k < hints[i].n_addrs; k++) {
			addr_to_text(&hints[i].addrs[k], address);
			fprintf(f, "%s %s %s\n", name, hints[i].addrs[k].is_v4 ? "A" : "AAAA",
			        address);
		}
	}
	must(fclose(f) == 0);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config_memory *m = config_memory_new();
	struct config_hint *hints = NULL, *again = NULL;
	unsigned n_hints = 0, n_again = 0;
	char why[HINTS_WHY_MAX] = "";
	must(m != NULL);
	int e = hints_from_text((const char *)data, n, m, &hints, &n_hints, why);
	must(e == 0 || e == -EBADMSG);
	must((e == 0) == (why[0] == 0) && (e == 0) == (n_hints > 0) && n_hints <= CONFIG_MAX_HINTS);
	if (e == 0) {
		size_t n_text;
		char *text = write_out(hints, n_hints, &n_text);
		must(hints_from_text(text, n_text, m, &again, &n_again, why) == 0);
		must(n_again == n_hints);
		for (unsigned i = 0; i < n_hints; i++) {
			must(name_equal(hints[i].name.wire, again[i].name.wire));
			must(hints[i].n_addrs == again[i].n_addrs);
			for (unsigned k = 0; k < hints[i].n_addrs; k++)
				must(addr_equal(&hints[i].addrs[k], &again[i].addrs[k]));
		}
		free(text);
	}
	config_memory_free(m);
	return 0;
}
