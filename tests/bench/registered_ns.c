/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registered_ns <NAMES: what name_registered() costs; the names stand in the last column of each line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dns/registered.h"

enum {
	NAMES_MAX = 1000000,
	ROUNDS = 5
};

int main(void)
{
	static char line[65536];
	struct name name;
	uint8_t **names = calloc(NAMES_MAX, sizeof *names);
	size_t n = 0, none = 0;
	if (names == NULL)
		return 1;
	while (n < NAMES_MAX && fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = 0;
		const char *tab = strrchr(line, '\t'), *text = tab != NULL ? tab + 1 : line;
		if (name_from_text(text, strlen(text), &name) != 0 ||
		    (names[n] = malloc(name.len)) == NULL)
			continue;
		memcpy(names[n++], name.wire, name.len);
	}
	uint64_t start_ns = clock_mono_ns();
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < n; i++)
			none += name_registered(names[i]) == NULL;
	}
	uint64_t took_ns = clock_mono_ns() - start_ns;
	printf("%zu names, %zu without: %.1f ns each\n", n, none / ROUNDS,
	       (double)took_ns / ROUNDS / (double)(n > 0 ? n : 1));
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return 0;
}
