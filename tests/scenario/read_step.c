/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps: what is asked when, and what is expected of it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dns/text.h"
#include "reader.h"

/* ---- ask, and what it gets ---- */

static bool take_ask_flag(struct reader *r, struct script_ask *a)
{
	const struct {
		const char *word;
		bool *flag;
	} flags[] = {
		{ "+do", &a->is_do },   { "+cd", &a->is_cd },          { "+ad", &a->is_ad },
		{ "+tcp", &a->is_tcp }, { "-edns", &a->without_edns }, { "-rd", &a->without_rd },
	};
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (reader_take(r, flags[i].word)) {
			*flags[i].flag = true;
			return true;
		}
	}
	return false;
}

static void read_ask(struct reader *r, struct script_step *step)
{
	struct script_ask *a = &step->ask;
	unsigned size;
	step->kind = STEP_ASK;
	a->client = addr_v4(0x7f000001);
	a->udp_size = 1232;
	a->records_end = &a->records;
	a->ede = -1;
	a->within_ns = SCRIPT_FOREVER;
	if (!reader_name(r, &a->name) || !reader_type(r, &a->type))
		return;
	while (r->at < r->n_words) {
		if (take_ask_flag(r, a))
			continue;
		if (reader_take(r, "from"))
			reader_addr(r, &a->client);
		else if (reader_take(r, "size") && reader_number(r, 65535, &size))
			a->udp_size = (uint16_t)size;
		else
			reader_problem(r, "a question has no '%s'", r->words[r->at]);
	}
}

static bool take_tri(struct reader *r, struct script_ask *a)
{
	const struct {
		const char *word;
		enum script_tri *tri;
		enum script_tri value;
	} tris[] = {
		{ "ad", &a->ad, TRI_YES },     { "-ad", &a->ad, TRI_NO },
		{ "aa", &a->aa, TRI_YES },     { "-aa", &a->aa, TRI_NO },
		{ "tc", &a->tc, TRI_YES },     { "-tc", &a->tc, TRI_NO },
		{ "sigs", &a->sigs, TRI_YES }, { "-sigs", &a->sigs, TRI_NO },
	};
	for (size_t i = 0; i < ARRAY_LEN(tris); i++) {
		if (reader_take(r, tris[i].word)) {
			*tris[i].tri = tris[i].value;
			return true;
		}
	}
	return false;
}

static void read_gets(struct reader *r, struct script_ask *a)
{
	unsigned code;
	const char *word = reader_word(r);
	int rcode = word != NULL ? reader_rcode(word) : -1;
	a->gets_line = r->line;
	a->gets_nothing = word != NULL && strcmp(word, "nothing") == 0;
	if (rcode < 0 && !a->gets_nothing) {
		reader_problem(r, "gets needs a response code, or 'nothing'");
		return;
	}
	a->rcode = (uint8_t)(rcode < 0 ? 0 : rcode);
	while (r->at < r->n_words) {
		if (take_tri(r, a))
			continue;
		if (reader_take(r, "-ede"))
			a->ede = -2;
		else if (reader_take(r, "ede")) {
			if (reader_number(r, 65535, &code))
				a->ede = (int)code;
		} else if (reader_take(r, "text") && r->at < r->n_words)
			a->ede_text = reader_copy(r, reader_word(r));
		else if (reader_take(r, "within"))
			reader_time(r, &a->within_ns);
		else if (reader_take(r, "after"))
			reader_time(r, &a->not_before_ns);
		else
			reader_problem(r, "an answer has no '%s'", r->words[r->at]);
	}
}

/* ---- expect ---- */

static void read_expect_rest(struct reader *r, struct script_expect *e)
{
	while (r->at < r->n_words) {
		if (reader_take(r, "to")) {
			e->has_addr = true;
			reader_addr(r, &e->addr);
		} else if (reader_take(r, "about")) {
			e->has_name = true;
			if (reader_name(r, &e->name) && r->at < r->n_words &&
			    !reader_take(r, "*") &&
			    dns_type_from_text(r->words[r->at], &e->type) == 0)
				r->at++;
		} else if (reader_take(r, "by")) {
			if (reader_take(r, "udp"))
				e->is_udp = true;
			else if (reader_take(r, "tcp"))
				e->is_tcp = true;
			else
				reader_problem(r, "by udp, or by tcp");
		} else if (reader_take(r, "in") && reader_take(r, "all")) {
			e->in_all = true;
		} else {
			reader_problem(r, "packets have no '%s'",
			               r->at < r->n_words ? r->words[r->at] : "in");
		}
	}
}

static void read_times(struct reader *r, struct script_expect *e)
{
	while (r->at < r->n_words && r->words[r->at][0] >= '0' && r->words[r->at][0] <= '9') {
		if (e->n_times == SCRIPT_MAX_TIMES) {
			reader_problem(r, "more than %d times", SCRIPT_MAX_TIMES);
			return;
		}
		if (!reader_time(r, &e->times_ns[e->n_times++]))
			return;
	}
	e->min = e->max = e->n_times;
}

static void read_expect(struct reader *r, struct script_step *step)
{
	struct script_expect *e = &step->expect;
	step->kind = STEP_EXPECT;
	if (reader_take(r, "no")) {
		e->max = 0;
	} else if (!reader_take(r, "packets")) {
		if (!reader_number(r, 100000, &e->min))
			return;
		e->max = e->min;
		if (reader_take(r, "to") && !reader_number(r, 100000, &e->max))
			return;
		if (e->max < e->min)
			reader_problem(r, "from more to less");
	} else if (reader_take(r, "at")) {
		read_times(r, e);
		read_expect_rest(r, e);
		return;
	}
	if (!reader_take(r, "packets") && !reader_take(r, "packet"))
		reader_problem(r, "expect N [to M] packets, no packets, or packets at TIMES");
	read_expect_rest(r, e);
}

/* ---- the others ---- */

static void read_flush(struct reader *r, struct script_step *step)
{
	step->kind = STEP_FLUSH;
	if (reader_name(r, &step->flush))
		step->flush_below = reader_take(r, "below");
}

static void read_clock(struct reader *r, struct script_step *step)
{
	step->kind = STEP_CLOCK;
	reader_signed_time(r, &step->shift_s);
}

static void read_distrust(struct reader *r, struct script_step *step)
{
	step->kind = STEP_DISTRUST;
	if (!reader_name(r, &step->distrust))
		return;
	if (!reader_take(r, "for"))
		reader_problem(r, "distrust NAME for TIME");
	else if (reader_time(r, &step->distrust_ns) && step->distrust_ns < NS_PER_S)
		reader_problem(r, "for a second at least");
}

static void read_wait(struct reader *r, struct script_step *step)
{
	(void)r;
	step->kind = STEP_WAIT;
}

static const struct {
	const char *word;
	void (*read)(struct reader *r, struct script_step *step);
} kinds[] = {
	{ "ask", read_ask },     { "expect", read_expect }, { "flush", read_flush },
	{ "clock", read_clock }, { "wait", read_wait },     { "distrust", read_distrust },
};

static bool is_step(const char *word)
{
	if (strcmp(word, "at") == 0 || strcmp(word, "after") == 0 || strcmp(word, "then") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(word, kinds[i].word) == 0)
			return true;
	}
	return false;
}

static void read_step(struct reader *r)
{
	struct script_step *step = script_alloc(r->s, sizeof *step);
	step->line = r->line;
	step->when = WHEN_THEN;
	r->step = NULL;
	if (reader_take(r, "at"))
		step->when = WHEN_AT;
	else if (reader_take(r, "after"))
		step->when = WHEN_AFTER;
	else if (reader_take(r, "then"))
		step->when = WHEN_THEN;
	if (step->when != WHEN_THEN && !reader_time(r, &step->time_ns))
		return;
	const char *word = reader_word(r);
	for (size_t i = 0; word != NULL && i < ARRAY_LEN(kinds); i++) {
		if (strcmp(word, kinds[i].word) != 0)
			continue;
		kinds[i].read(r, step);
		*r->s->steps_end = step;
		r->s->steps_end = &step->next;
		r->step = step;
		return;
	}
	reader_problem(r, "ask, expect, flush, distrust, clock or wait?");
}

bool read_step_line(struct reader *r)
{
	struct script_step *step = r->step;
	if (is_step(r->words[0])) {
		read_step(r);
		return true;
	}
	if (step == NULL || step->kind != STEP_ASK)
		return false;
	if (reader_take(r, "gets")) {
		read_gets(r, &step->ask);
		return true;
	}
	return reader_section(r, &step->ask.records_end, step->ask.has_section);
}
