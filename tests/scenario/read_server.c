/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Servers: their zones, and the rules by which they do something else. */
#include <string.h>

#include "dns/message.h"
#include "reader.h"

enum {
	FORGED_MAX = 100000
};

void read_server(struct reader *r)
{
	struct script_server *v = script_alloc(r->s, sizeof *v);
	v->line = r->line;
	v->rules_end = &v->rules;
	v->delay_ns = 10000000;
	r->server = v;
	r->rule = NULL;
	r->block = IN_SERVER;
	while (r->at < r->n_words && v->n_addrs < ARRAY_LEN(v->addrs)) {
		if (!reader_addr(r, &v->addrs[v->n_addrs++]))
			return;
	}
	if (v->n_addrs == 0)
		reader_problem(r, "a server needs an address");
	*r->s->servers_end = v;
	r->s->servers_end = &v->next;
}

static void read_serves(struct reader *r)
{
	while (r->at < r->n_words) {
		struct script_serves *e = script_alloc(r->s, sizeof *e);
		e->label = reader_copy(r, reader_word(r));
		e->line = r->line;
		e->next = r->server->serves;
		r->server->serves = e;
	}
}

/* ---- rules: on NAME TYPE [CONDITION...] : ACTION... ---- */

static void read_subject(struct reader *r, struct script_rule *rule)
{
	if (!reader_take(r, "*")) {
		char *word = r->at < r->n_words ? r->words[r->at] : NULL;
		if (word != NULL && strncmp(word, "*.", 2) == 0) {
			rule->is_below = true;
			r->words[r->at] = word[2] == 0 ? word + 1 : word + 2;
		}
		if (!reader_name(r, &rule->name))
			return;
	}
	if (!reader_take(r, "*"))
		reader_type(r, &rule->type);
}

static bool take_flag(struct reader *r, const char *word, bool *flag)
{
	if (!reader_take(r, word))
		return false;
	*flag = true;
	return true;
}

static void read_conditions(struct reader *r, struct script_rule *rule)
{
	while (r->at < r->n_words && !reader_take(r, ":")) {
		if (take_flag(r, "udp", &rule->needs_udp) ||
		    take_flag(r, "tcp", &rule->needs_tcp) ||
		    take_flag(r, "edns", &rule->needs_edns) ||
		    take_flag(r, "plain", &rule->needs_plain) ||
		    take_flag(r, "do", &rule->needs_do) || take_flag(r, "rd", &rule->needs_rd))
			continue;
		if (reader_take(r, "first"))
			reader_number(r, 1000000, &rule->first);
		else if (reader_take(r, "skip"))
			reader_number(r, 1000000, &rule->skip);
		else if (reader_take(r, "from"))
			reader_time(r, &rule->from_ns);
		else if (reader_take(r, "until"))
			reader_time(r, &rule->until_ns);
		else
			reader_problem(r, "a rule has no condition '%s'; is the ':' missing?",
			               r->words[r->at]);
	}
}

static bool take_action(struct reader *r, struct script_rule *rule)
{
	static const struct {
		const char *word;
		enum script_action action;
	} actions[] = {
		{ "serve", ACTION_SERVE },   { "silent", ACTION_SILENT },
		{ "refuse", ACTION_REFUSE }, { "unreachable", ACTION_UNREACHABLE },
		{ "reset", ACTION_RESET },   { "garbage", ACTION_GARBAGE },
	};
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (reader_take(r, actions[i].word)) {
			rule->action = actions[i].action;
			return true;
		}
	}
	if (!reader_take(r, "reply"))
		return false;
	rule->action = ACTION_REPLY;
	const char *word = reader_word(r);
	int rcode = word != NULL ? reader_rcode(word) : -1;
	if (rcode < 0)
		reader_problem(r, "reply needs a response code");
	else
		rule->rcode = (uint8_t)rcode;
	return true;
}

static bool take_bits(struct reader *r, struct script_rule *rule)
{
	static const struct {
		const char *word;
		uint16_t bit;
	} flags[] = { { "aa", FLAG_AA }, { "ra", FLAG_RA }, { "tc", FLAG_TC }, { "ad", FLAG_AD } },
	  wrongs[] = { { "id", WRONG_ID },
		       { "port", WRONG_PORT },
		       { "address", WRONG_ADDRESS },
		       { "question", WRONG_QUESTION },
		       { "cookie", WRONG_COOKIE } };
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (reader_take(r, flags[i].word)) {
			rule->flags |= flags[i].bit;
			return true;
		}
	}
	if (!reader_take(r, "wrong"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
		if (reader_take(r, wrongs[i].word)) {
			rule->wrong |= (uint8_t)wrongs[i].bit;
			return true;
		}
	}
	reader_problem(r, "wrong id, port, address, question or cookie");
	return true;
}

static void read_actions(struct reader *r, struct script_rule *rule)
{
	if (r->at == r->n_words)
		reader_problem(r, "what does it do?");
	while (r->at < r->n_words) {
		if (take_action(r, rule) || take_bits(r, rule) ||
		    take_flag(r, "truncated", &rule->is_truncated) ||
		    take_flag(r, "lower-case", &rule->is_lower_case) ||
		    take_flag(r, "-sigs", &rule->is_stripped) ||
		    take_flag(r, "-opt", &rule->without_opt) ||
		    take_flag(r, "-question", &rule->without_question))
			continue;
		if (reader_take(r, "delay"))
			reader_time(r, &rule->delay_ns);
		else if (reader_take(r, "forged"))
			reader_number(r, FORGED_MAX, &rule->n_forged);
		else
			reader_problem(r, "a server cannot do '%s'", r->words[r->at]);
	}
}

static void read_rule(struct reader *r)
{
	struct script_rule *rule = script_alloc(r->s, sizeof *rule);
	rule->line = r->line;
	rule->until_ns = SCRIPT_FOREVER;
	rule->records_end = &rule->records;
	read_subject(r, rule);
	read_conditions(r, rule);
	read_actions(r, rule);
	*r->server->rules_end = rule;
	r->server->rules_end = &rule->next;
	r->rule = rule;
}

void read_server_line(struct reader *r)
{
	if (r->rule != NULL && reader_section(r, &r->rule->records_end, NULL))
		return;
	if (reader_take(r, "serves"))
		read_serves(r);
	else if (reader_take(r, "delay"))
		reader_time(r, &r->server->delay_ns);
	else if (reader_take(r, "cookies"))
		r->server->has_cookies = true;
	else if (reader_take(r, "on"))
		read_rule(r);
	else
		reader_problem(r, "a server has no '%s'", r->words[r->at]);
}
