/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes as a configuration. What is refused has a problem with a place inside the file and a text
 * that is safe to print; what is accepted prints as YAML that is accepted again and prints the same.
 */
#include "config/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char path[] = "/nonexistent/weir.yaml"; /* so that relative paths reach no file */

static void check_problems(const struct config_problems *p, const char *text, size_t n)
{
	unsigned n_lines = 1;
	char line[8192];
	for (size_t i = 0; i < n; i++)
		n_lines += text[i] == '\n' || text[i] == '\r' || (uint8_t)text[i] >= 0x80;
	must(p->n + p->n_dropped == p->n_errors + p->n_missing + p->n_warnings);
	for (unsigned i = 0; i < p->n; i++) {
		must(p->at[i].place.line <= n_lines + 1);
		config_problem_text(p, i, line, sizeof line);
		for (const char *c = line; *c != 0; c++)
			must(*c >= 0x20 && *c < 0x7f);
	}
}

static char *print(const struct config *c, size_t *ret_n)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_n);
	must(f != NULL);
	config_print(c, f);
	must(fclose(f) == 0 && text != NULL);
	return text;
}

static void check_accepted(const struct config *c)
{
	size_t n, n_again;
	char *text = print(c, &n);
	struct config *again = NULL;
	struct config_problems p = { 0 };
	char changed[64];
	must(config_load_text(path, text, n, &again, &p) == 0);
	char *text_again = print(again, &n_again);
	must(n == n_again && memcmp(text, text_again, n) == 0);
	must(config_needs_restart(c, again, changed, sizeof changed) == 0);
	must(c->n_hints > 0 && c->groups.n > 0);
	config_problems_done(&p);
	config_free(again);
	free(text_again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config *c = NULL;
	struct config_problems p = { 0 };
	int e = config_load_text(path, (const char *)data, n, &c, &p);
	must((e == 0) == (p.n_errors == 0) && (e == 0) == (c != NULL));
	check_problems(&p, (const char *)data, n);
	if (e == 0)
		check_accepted(c);
	config_problems_done(&p);
	config_free(c);
	return 0;
}
