/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weir's own events, one JSON object a line (docs/events.md). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "replay/json_scan.h"
#include "replay/source.h"

enum node {
	NODE_NONE = 0,
	NODE_ROOT = JSON_SCAN_ROOT,
	NODE_TIME,
	NODE_CLIENT,
	NODE_CLIENT_IP,
	NODE_DNS,
	NODE_QUESTION,
	NODE_NAME,
	NODE_TYPE,
	NODE_CLASS,
	NODE_RCODE,
	NODE_ANSWERS,
	NODE_ANSWER_TYPE,
	NODE_ANSWER_DATA,
	NODE_WEIR,
	NODE_VERDICT,
	NODE_TRIGGER,
	NODE_MATCHED,
	NODE_LIST,
	NODE_RULE,
	NODE_SERVER_NAMES,
	NODE_SERVER_IPS,
};

static const struct json_member members[] = {
	JSON_MEMBER(NODE_ROOT, NODE_TIME, "@timestamp"),
	JSON_MEMBER(NODE_ROOT, NODE_CLIENT, "client"),
	JSON_MEMBER(NODE_ROOT, NODE_DNS, "dns"),
	JSON_MEMBER(NODE_ROOT, NODE_WEIR, "weir"),
	JSON_MEMBER(NODE_CLIENT, NODE_CLIENT_IP, "ip"),
	JSON_MEMBER(NODE_DNS, NODE_QUESTION, "question"),
	JSON_MEMBER(NODE_DNS, NODE_RCODE, "response_code"),
	JSON_MEMBER(NODE_DNS, NODE_ANSWERS, "answers"),
	JSON_MEMBER(NODE_QUESTION, NODE_NAME, "name"),
	JSON_MEMBER(NODE_QUESTION, NODE_TYPE, "type"),
	JSON_MEMBER(NODE_QUESTION, NODE_CLASS, "class"),
	JSON_MEMBER(NODE_ANSWERS, NODE_ANSWER_TYPE, "type"),
	JSON_MEMBER(NODE_ANSWERS, NODE_ANSWER_DATA, "data"),
	JSON_MEMBER(NODE_WEIR, NODE_VERDICT, "verdict"),
	JSON_MEMBER(NODE_WEIR, NODE_TRIGGER, "trigger"),
	JSON_MEMBER(NODE_WEIR, NODE_MATCHED, "matched"),
	JSON_MEMBER(NODE_WEIR, NODE_LIST, "list"),
	JSON_MEMBER(NODE_WEIR, NODE_RULE, "rule"),
	JSON_MEMBER(NODE_WEIR, NODE_SERVER_NAMES, "name_servers"),
	JSON_MEMBER(NODE_WEIR, NODE_SERVER_IPS, "name_server_ips"),
};

enum {
	N_SERVER_MEMBERS = 2, /* the last two */
	TEXT_MAX = 4 * 1024,
	SHORT_MAX = 64
};

struct text {
	size_t n;
	char at[SHORT_MAX];
};

/* What is known of the line that is being read. */
struct line {
	struct replay_item *item;
	bool is_bad_name, is_other_class;
	struct text answer_type, trigger, list;
	size_t answer_n, matched_n, rule_n;
	char answer[TEXT_MAX], matched[NAME_TEXT_MAX], rule[NAME_TEXT_MAX + 8];
};

static void keep_short(struct text *to, const struct json_text *t)
{
	long n = json_text_plain(t, to->at, SHORT_MAX - 1);
	to->n = n > 0 ? (size_t)n : 0;
	to->at[to->n] = 0;
}

static size_t keep(char *to, size_t max, const struct json_text *t)
{
	long n = json_text_plain(t, to, max);
	return n > 0 ? (size_t)n : 0;
}

static bool text_is(const struct text *t, const char *word)
{
	return strcmp(t->at, word) == 0;
}

/* The lists of addresses in the data of SVCB and HTTPS records. */
static void take_hints(struct replay_item *i, const char *data, size_t n)
{
	static const char *const keys[] = { "ipv4hint=", "ipv6hint=" };
	for (unsigned k = 0; k < ARRAY_LEN(keys); k++) {
		const char *p = text_behind(data, n, keys[k]);
		const char *end = data + n;
		while (p != NULL && p < end && *p != ' ') {
			size_t len = 0;
			while (p + len < end && p[len] != ',' && p[len] != ' ' && p[len] != '"')
				len++;
			if (!item_add_addr_text(i, p, len))
				break;
			p += len;
			if (p < end && *p == ',')
				p++;
		}
	}
}

/* A record of the answer is complete. */
static void take_answer(struct line *l)
{
	struct replay_item *i = l->item;
	if (text_is(&l->answer_type, "A") || text_is(&l->answer_type, "AAAA"))
		(void)item_add_addr_text(i, l->answer, l->answer_n);
	else if (text_is(&l->answer_type, "CNAME") && i->type != DNS_CNAME && i->type != DNS_ANY)
		item_add_alias_text(i, l->answer, l->answer_n);
	else if (text_is(&l->answer_type, "HTTPS") || text_is(&l->answer_type, "SVCB"))
		take_hints(i, l->answer, l->answer_n);
	l->answer_type.n = l->answer_n = 0;
	l->answer_type.at[0] = 0;
}

static bool digits(const char *p, unsigned n, unsigned *ret)
{
	unsigned v = 0;
	for (unsigned i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(p[i] - '0');
	}
	*ret = v;
	return true;
}

/* "2026-11-22T23:01:57.123456Z": RFC 3339 in UTC. 0: it is something else. */
static uint64_t read_time(const struct json_text *t)
{
	unsigned y, mo, d, h, mi, s;
	const char *p = t->p;
	if (t->n < 20 || !digits(p, 4, &y) || !digits(p + 5, 2, &mo) || !digits(p + 8, 2, &d) ||
	    !digits(p + 11, 2, &h) || !digits(p + 14, 2, &mi) || !digits(p + 17, 2, &s) || mo < 1 ||
	    mo > 12 || y < 1970)
		return 0;
	/* Days since 1970 of the civil calendar, years beginning in March. */
	uint64_t year = y - (mo <= 2);
	uint64_t day_of_year = (153U * (mo + (mo > 2 ? -3U : 9U)) + 2) / 5 + d - 1;
	uint64_t days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
	return (days * 86400 + h * 3600UL + mi * 60UL + s) * NS_PER_S;
}

static void take_rcode(struct replay_item *i, const struct json_text *t)
{
	static const char *const names[] = { "NOERROR",  "FORMERR", "SERVFAIL",
		                             "NXDOMAIN", "NOTIMP",  "REFUSED" };
	for (unsigned code = 0; code < ARRAY_LEN(names); code++) {
		if (strlen(names[code]) != t->n || memcmp(names[code], t->p, t->n) != 0)
			continue;
		i->has_rcode = true;
		i->rcode = (uint8_t)code;
	}
}

static void take_question(struct line *l, uint8_t node, const struct json_text *t)
{
	char text[NAME_TEXT_MAX];
	long n = json_text_plain(t, text, sizeof text);
	if (node == NODE_CLASS)
		l->is_other_class = n != 2 || memcmp(text, "IN", 2) != 0;
	else if (n <= 0 || (node == NODE_NAME ? !item_set_name(l->item, text, (size_t)n)
	                                      : !item_set_type(l->item, text, (size_t)n)))
		l->is_bad_name = true;
}

static void take_server(struct replay_item *i, uint8_t node, const struct json_text *t)
{
	char text[NAME_TEXT_MAX];
	long n = json_text_plain(t, text, sizeof text);
	if (n <= 0)
		return;
	if (node == NODE_SERVER_NAMES && i->n_server_names < REPLAY_SERVERS_MAX)
		i->n_server_names +=
			name_from_text(text, (size_t)n, &i->server_names[i->n_server_names]) == 0;
	if (node == NODE_SERVER_IPS && i->n_server_addrs < REPLAY_SERVERS_MAX)
		i->n_server_addrs +=
			addr_from_text(text, (size_t)n, &i->server_addrs[i->n_server_addrs]) == 0;
}

static void take_verdict(struct replay_item *i, const struct json_text *t)
{
	struct text action;
	keep_short(&action, t);
	if (policy_action_from_text(action.at, &i->action) != 0)
		return;
	i->outcome = i->action >= POLICY_NXDOMAIN ? REPLAY_BLOCKED : REPLAY_PASSED;
}

static void take_text(void *arg, uint8_t node, const struct json_text *t)
{
	struct line *l = arg;
	struct replay_item *i = l->item;
	switch ((enum node)node) {
	case NODE_TIME:
		i->wall_ns = read_time(t);
		break;
	case NODE_CLIENT_IP:
		i->has_client = addr_from_text(t->p, t->n, &i->client) == 0;
		break;
	case NODE_NAME:
	case NODE_TYPE:
	case NODE_CLASS:
		take_question(l, node, t);
		break;
	case NODE_RCODE:
		take_rcode(i, t);
		break;
	case NODE_ANSWER_TYPE:
		keep_short(&l->answer_type, t);
		break;
	case NODE_ANSWER_DATA:
		l->answer_n = keep(l->answer, sizeof l->answer, t);
		break;
	case NODE_VERDICT:
		take_verdict(i, t);
		break;
	case NODE_TRIGGER:
		keep_short(&l->trigger, t);
		break;
	case NODE_MATCHED:
		l->matched_n = keep(l->matched, sizeof l->matched, t);
		break;
	case NODE_LIST:
		keep_short(&l->list, t);
		break;
	case NODE_RULE:
		l->rule_n = keep(l->rule, sizeof l->rule, t);
		break;
	case NODE_SERVER_NAMES:
	case NODE_SERVER_IPS:
		take_server(i, node, t);
		break;
	default:
		break;
	}
}

static void take_end(void *arg, uint8_t node)
{
	if (node == NODE_ANSWERS)
		take_answer(arg);
}

/*
 * The answer of what was blocked is the block's, so nothing is known of the name but what made
 * Weir decide.
 */
static void take_cause(struct line *l)
{
	struct replay_item *i = l->item;
	i->n_aliases = i->n_addrs = i->n_server_names = i->n_server_addrs = 0;
	if (text_is(&l->trigger, "alias"))
		item_add_alias_text(i, l->matched, l->matched_n);
	else if (text_is(&l->trigger, "answer") || text_is(&l->trigger, "rebinding"))
		(void)item_add_addr_text(i, l->matched, l->matched_n);
	else if (text_is(&l->trigger, "server-name"))
		i->n_server_names =
			name_from_text(l->matched, l->matched_n, &i->server_names[0]) == 0;
	else if (text_is(&l->trigger, "server-address"))
		i->n_server_addrs =
			addr_from_text(l->matched, l->matched_n, &i->server_addrs[0]) == 0;
	if (l->list.n > 0)
		snprintf(i->rule, sizeof i->rule, "list %s: rule %.*s", l->list.at,
		         (int)(l->rule_n < 400 ? l->rule_n : 400), l->rule);
	else
		snprintf(i->rule, sizeof i->rule, "%.*s", (int)(l->rule_n < 400 ? l->rule_n : 400),
		         l->rule);
}

static bool parse(const struct replay_source *s, const char *text, size_t n,
                  struct replay_item *ret, enum replay_skip *ret_why)
{
	struct line l;
	const struct json_scan scan = {
		.members = members,
		.n_members =
			ARRAY_LEN(members) - (s != NULL && s->no_servers ? N_SERVER_MEMBERS : 0),
		.text = take_text,
		.end = take_end,
		.arg = &l,
	};
	l.item = ret;
	l.is_bad_name = l.is_other_class = false;
	l.answer_type.n = l.trigger.n = l.list.n = 0;
	l.answer_type.at[0] = l.trigger.at[0] = l.list.at[0] = 0;
	l.answer_n = l.matched_n = l.rule_n = 0;
	item_clear(ret);
	*ret_why = REPLAY_SKIP_DAMAGED;
	if (json_scan(&scan, text, n) != 0)
		return false;
	*ret_why = l.is_bad_name ? REPLAY_SKIP_NAME : REPLAY_SKIP_OTHER;
	if (l.is_bad_name || l.is_other_class || ret->name.len == 0 || ret->type == 0)
		return false;
	if (ret->outcome == REPLAY_BLOCKED)
		take_cause(&l);
	else
		ret->outcome = REPLAY_PASSED;
	return true;
}

static bool is_mine(const char *line, size_t n)
{
	struct replay_item i;
	enum replay_skip why;
	return n > 0 && line[0] == '{' && parse(NULL, line, n, &i, &why);
}

const struct replay_reader replay_read_events = {
	.format = REPLAY_EVENTS,
	.parse = parse,
	.is_mine = is_mine,
};
