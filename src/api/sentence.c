/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of the walk in plain words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/explain.h"

enum {
	NO_EDE = 0xffff /* of a list with ede: 0 */
};

struct sentence {
	char *text;
	size_t at;
};

static void say(struct sentence *s, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(struct sentence *s, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(s->text + s->at, WALK_SENTENCE_MAX - s->at, format, args);
	va_end(args);
	s->at = n < 0 || (size_t)n >= WALK_SENTENCE_MAX - s->at ? WALK_SENTENCE_MAX - 1
	                                                        : s->at + (size_t)n;
}

static void say_addresses(struct sentence *s, const struct policy_data *d)
{
	enum {
		SHOWN = 4
	};
	say(s, "gets the address%s", d != NULL && d->n_addrs > 1 ? "es" : "");
	for (unsigned i = 0; d != NULL && i < d->n_addrs && i < SHOWN; i++) {
		char text[ADDR_TEXT_MAX];
		addr_to_text(&d->addrs[i], text);
		say(s, "%s%s", i > 0 ? ", " : " ", text);
	}
	if (d != NULL && d->n_addrs > SHOWN)
		say(s, " and %u more", d->n_addrs - SHOWN);
}

static void say_result(struct sentence *s, const struct walk *w)
{
	const struct policy_data *d = w->verdict.data;
	char target[NAME_TEXT_MAX];
	switch (w->verdict.action) {
	case POLICY_NXDOMAIN:
		say(s, "gets NXDOMAIN");
		break;
	case POLICY_NODATA:
		say(s, "gets an empty answer (NODATA)");
		break;
	case POLICY_REFUSED:
		say(s, "gets REFUSED");
		break;
	case POLICY_DROP:
		say(s, "gets no answer at all");
		break;
	case POLICY_TRUNCATE:
		say(s, "gets a truncated answer over UDP, and the real one over TCP");
		break;
	case POLICY_ADDRESS:
		say_addresses(s, d);
		break;
	case POLICY_RECORDS:
		say(s, "gets the records of the rule");
		break;
	case POLICY_REDIRECT:
		name_to_text(d != NULL && d->target != NULL ? d->target : (const uint8_t *)"",
		             target);
		say(s, "is sent to %s%s by a CNAME",
		    d != NULL && d->is_target_suffix ? "the name asked, with behind it " : "",
		    target);
		break;
	default:
		say(s, "gets the real answer");
	}
}

static void say_what_matched(struct sentence *s, const struct walk *w)
{
	const struct verdict *v = &w->verdict;
	char text[NAME_TEXT_MAX];
	if (v->trigger == POLICY_TRIGGER_ANSWER || v->trigger == POLICY_TRIGGER_SERVER_ADDRESS ||
	    v->trigger == POLICY_TRIGGER_CLIENT)
		addr_to_text(&v->addr, text);
	else
		name_to_text(w->decided_name.wire, text);
	switch (v->trigger) {
	case POLICY_TRIGGER_ALIAS:
		say(s, "the alias target %s", text);
		break;
	case POLICY_TRIGGER_ANSWER:
		say(s, "the address %s in the answer", text);
		break;
	case POLICY_TRIGGER_CLIENT:
		say(s, "the client's address %s", text);
		break;
	case POLICY_TRIGGER_SERVER_NAME:
		say(s, "the name server %s", text);
		break;
	case POLICY_TRIGGER_SERVER_ADDRESS:
		say(s, "the name server address %s", text);
		break;
	default:
		say(s, "the question's name");
	}
}

static void say_why(struct sentence *s, const struct walk *w)
{
	const struct verdict *v = &w->verdict;
	char rule[NAME_TEXT_MAX + 8];
	if (v->trigger == POLICY_TRIGGER_DEFAULT) {
		say(s, ": no rule allows the name, and the group's default is deny");
		return;
	}
	const uint8_t *lower = w->decided_name.len > 0 ? w->decided_name.wire : NULL;
	verdict_rule_text(v, lower, rule);
	if (v->edit != NULL) {
		say(s, ": the operator's edit %s", rule);
	} else {
		struct policy_list_view list;
		policy_list_view(w->policy, v->list, &list);
		say(s, ": rule %s of list %s", rule, list.name);
	}
	say(s, " %s ", v->action == POLICY_ALLOW ? "allows" : "matches");
	say_what_matched(s, w);
}

static const char *own_result(enum local_outcome own)
{
	switch (own) {
	case LOCAL_NXDOMAIN:
		return "gets NXDOMAIN";
	case LOCAL_NODATA:
		return "gets an empty answer (NODATA)";
	case LOCAL_REFUSED:
		return "gets REFUSED";
	case LOCAL_DROP:
		return "gets no answer at all";
	case LOCAL_ALIAS:
		return "gets an alias, and what it leads to";
	case LOCAL_SYNTHESIS:
		return "gets addresses made by DNS64";
	default:
		return "gets records from here";
	}
}

void walk_sentence(const struct walk *w, const char *client, bool is_complete,
                   char ret[WALK_SENTENCE_MAX])
{
	struct sentence s = { .text = ret };
	ret[0] = '\0';
	if (w->group == POLICY_NO_GROUP) {
		say(&s, "The client %s gets REFUSED (extended error 18): it is in no group.",
		    client);
		return;
	}
	const struct verdict *v = &w->verdict;
	if (w->own != LOCAL_UNKNOWN) {
		say(&s, "The client %s: local: %s.", own_result(w->own), w->own_source);
		return;
	}
	say(&s, "The client ");
	say_result(&s, w);
	if (verdict_is_block(v) && v->action != POLICY_DROP &&
	    verdict_ede_code(w->policy, v) != NO_EDE)
		say(&s, " (extended error %u)", verdict_ede_code(w->policy, v));
	if (v->action != POLICY_NONE)
		say_why(&s, w);
	else
		say(&s, ": no rule of its group stands against %s",
		    is_complete ? "it" : "the question's name");
	if (v->action == POLICY_ALLOW)
		say(&s, "; nothing behind it is looked at");
	if (w->is_pending)
		say(&s,
		    "; evaluation is strict, and a list before it may have a rule on the answer");
	if (v->action == POLICY_NONE && !is_complete)
		say(&s, ". Aliases, name servers and addresses are judged when they are known");
	say(&s, ".");
}
