/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes as a scenario. What is read is whole: names that are names, keys and zones that exist,
 * steps with what they need. Every problem has its line, and a line that says nothing known is
 * one problem more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns/message.h"
#include "script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_records(const struct script_record *rr)
{
	for (; rr != NULL; rr = rr->next) {
		must(rr->line > 0 && name_check(rr->owner, NAME_MAX_BYTES) != 0);
		must(rr->section <= SECTION_ADDITIONAL);
	}
}

static void check_zones(const struct script *s)
{
	for (const struct script_zone *z = s->zones; z != NULL; z = z->next) {
		check_records(z->records);
		for (const struct script_record *rr = z->records; rr != NULL; rr = rr->next)
			must(name_is_within(rr->owner, z->name.wire));
		for (const struct script_key_use *u = z->keys; u != NULL; u = u->next)
			must(script_find_key(s, u->label) != NULL && z->is_signed);
		must(z->salt_len <= sizeof z->salt);
	}
}

static void check_whole(const struct script *s)
{
	must(s->steps != NULL && s->hints != NULL);
	check_zones(s);
	for (const struct script_server *v = s->servers; v != NULL; v = v->next) {
		must(v->n_addrs > 0 && v->n_addrs <= ARRAY_LEN(v->addrs));
		for (const struct script_rule *rule = v->rules; rule != NULL; rule = rule->next)
			check_records(rule->records);
	}
	for (const struct script_step *step = s->steps; step != NULL; step = step->next) {
		must(step->line > 0 && step->line <= s->n_lines);
		if (step->kind == STEP_EXPECT)
			must(step->expect.min <= step->expect.max);
		if (step->kind == STEP_ASK)
			check_records(step->ask.records);
	}
}

static void check_problems(const struct script *s)
{
	unsigned last = 0;
	for (unsigned i = 0; i < s->n_problems && i < SCRIPT_MAX_PROBLEMS; i++) {
		must(s->problems[i].line >= last && s->problems[i].line <= s->n_lines);
		must(s->problems[i].text[0] != 0);
		last = s->problems[i].line;
	}
}

/* The same with a line in front that begins nothing. */
static void check_with_nonsense(const uint8_t *data, size_t n, unsigned n_problems)
{
	static const char nonsense[] = "nonsense\n";
	const size_t front = sizeof nonsense - 1;
	char *text = malloc(n + front);
	must(text != NULL);
	memcpy(text, nonsense, front);
	memcpy(text + front, data, n);
	struct script *s = script_read(text, n + front);
	must(s != NULL);
	must(s->n_problems == n_problems + 1 && s->problems[0].line == 1);
	script_free(s);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > 16384)
		return 0;
	struct script *s = script_read((const char *)data, n);
	must(s != NULL);
	check_problems(s);
	if (s->n_problems == 0)
		check_whole(s);
	if (s->n_lines > 0)
		check_with_nonsense(data, n, s->n_problems);
	script_free(s);
	return 0;
}
