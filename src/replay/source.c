/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/source.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "dns/text.h"

static const struct replay_reader *const readers[] = {
	&replay_read_events, &replay_read_dnstap,  &replay_read_pcap,
	&replay_read_bind,   &replay_read_unbound, &replay_read_dnsmasq,
};

/* clang-format off */
static const char *const format_names[] = {
	[REPLAY_AUTO]    = "auto",
	[REPLAY_EVENTS]  = "events",
	[REPLAY_DNSTAP]  = "dnstap",
	[REPLAY_PCAP]    = "pcap",
	[REPLAY_BIND]    = "bind",
	[REPLAY_UNBOUND] = "unbound",
	[REPLAY_DNSMASQ] = "dnsmasq",
};
/* clang-format on */

const char *replay_format_name(enum replay_format f)
{
	return format_names[f];
}

int replay_format_from_text(const char *text, enum replay_format *ret)
{
	for (unsigned i = 0; i < ARRAY_LEN(format_names); i++) {
		if (strcmp(text, format_names[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *replay_skip_text(enum replay_skip s)
{
	static const char *const texts[] = {
#define X(constant, text) text,
		REPLAY_SKIPS(X)
#undef X
	};
	return texts[s];
}

/* ---- which reader ---- */

enum {
	LOOK_BYTES = 32 * 1024, /* of text: enough to get past what a server says when it starts */
};

/* The first line that a reader of text knows decides. */
static const struct replay_reader *look_at_text(const char *text, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *lf = memchr(text + at, '\n', n - at);
		size_t len = lf != NULL ? (size_t)(lf - text) - at : n - at;
		for (unsigned i = 0; i < ARRAY_LEN(readers); i++) {
			if (readers[i]->is_mine != NULL && readers[i]->is_mine(text + at, len))
				return readers[i];
		}
		at += len + 1;
	}
	return NULL;
}

static const struct replay_reader *look(struct input *in)
{
	static const uint32_t pcap_magics[] = { 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1,
		                                0x0a0d0d0a };
	size_t n = input_need(in, LOOK_BYTES);
	const uint8_t *p = input_at(in);
	uint32_t first = n >= 4 ? load32(p) : 0;
	for (unsigned i = 0; i < ARRAY_LEN(pcap_magics); i++) {
		if (first == pcap_magics[i])
			return &replay_read_pcap;
	}
	if (n >= 12 && first == 0 && load32(p + 8) <= 5)
		return &replay_read_dnstap; /* a control frame */
	if (n == 0)
		return &replay_read_events; /* a log just begun: no questions in any form */
	return look_at_text((const char *)p, n < LOOK_BYTES ? n : LOOK_BYTES);
}

static int find_reader(struct replay_source *s, enum replay_format format, char *ret_why)
{
	if (format == REPLAY_AUTO) {
		s->reader = look(s->in);
		if (input_error(s->in) != NULL) {
			snprintf(ret_why, REPLAY_WHY_MAX, "%s", input_error(s->in));
			return -EBADMSG;
		}
		if (s->reader == NULL) {
			snprintf(ret_why, REPLAY_WHY_MAX,
			         "holds no questions in a form that is known: say which by "
			         "--format");
			return -EILSEQ;
		}
		return 0;
	}
	for (unsigned i = 0; i < ARRAY_LEN(readers); i++) {
		if (readers[i]->format == format)
			s->reader = readers[i];
	}
	return 0;
}

void replay_leave_out_servers(struct replay_source *s)
{
	s->no_servers = true;
}

int replay_open(const char *path, enum replay_format format, struct replay_source **ret,
                char *ret_why)
{
	struct replay_source *s = calloc(1, sizeof *s);
	int e = s == NULL ? -ENOMEM : input_open(path, &s->in);
	if (e != 0) {
		snprintf(ret_why, REPLAY_WHY_MAX, "cannot be opened: %s", strerror(-e));
		free(s);
		return e;
	}
	e = find_reader(s, format, ret_why);
	if (e == 0 && s->reader->open != NULL)
		e = s->reader->open(s, ret_why);
	if (e != 0) {
		replay_close(s);
		return e;
	}
	*ret = s;
	return 0;
}

void replay_close(struct replay_source *s)
{
	if (s == NULL)
		return;
	if (s->reader != NULL && s->reader->close != NULL)
		s->reader->close(s);
	pending_free(s->pending);
	free(s->scratch);
	input_close(s->in);
	free(s);
}

enum replay_got replay_next(struct replay_source *s, struct replay_item *ret)
{
	const char *line;
	size_t n;
	enum replay_got got;
	enum replay_skip why;
	if (s->reader->next != NULL)
		return s->reader->next(s, ret);
	while (source_line(s, &line, &n, &got)) {
		if (s->reader->parse(s, line, n, ret, &why))
			return REPLAY_ITEM;
		source_skip(s, why);
	}
	return got;
}

const char *replay_error(const struct replay_source *s)
{
	if (s->why != NULL)
		return s->why;
	const char *why = input_error(s->in);
	return why != NULL ? why : "cannot be read further";
}

enum replay_format replay_format_of(const struct replay_source *s)
{
	return s->reader->format;
}

uint64_t replay_skipped(const struct replay_source *s, enum replay_skip why, uint64_t *ret_first)
{
	*ret_first = s->first_skip[why];
	return s->skips[why];
}

/* ---- for readers ---- */

void source_skip(struct replay_source *s, enum replay_skip why)
{
	if (s->skips[why]++ == 0)
		s->first_skip[why] = s->at;
}

bool source_line(struct replay_source *s, const char **ret_line, size_t *ret_n,
                 enum replay_got *ret_got)
{
	for (;;) {
		enum input_got got = input_line(s->in, ret_line, ret_n);
		s->at++;
		if (got == INPUT_LINE && *ret_n > 0)
			return true;
		if (got == INPUT_LONG)
			source_skip(s, REPLAY_SKIP_LONG);
		if (got == INPUT_END || got == INPUT_FAILED) {
			*ret_got = got == INPUT_END ? REPLAY_END : REPLAY_FAILED;
			return false;
		}
	}
}

int source_want_messages(struct replay_source *s)
{
	s->scratch = malloc(SOURCE_SCRATCH_BYTES);
	return s->scratch == NULL ? -ENOMEM : pending_new(&s->pending);
}

void item_clear(struct replay_item *i)
{
	i->wall_ns = 0;
	i->type = 0;
	i->has_client = i->has_rcode = false;
	i->outcome = REPLAY_UNKNOWN;
	i->action = POLICY_NONE;
	i->rule[0] = 0;
	i->rcode = 0;
	i->n_aliases = i->n_addrs = i->n_server_names = i->n_server_addrs = 0;
	i->name.len = 0;
}

void item_copy(struct replay_item *to, const struct replay_item *from)
{
	memcpy(to, from, offsetof(struct replay_item, rule));
	memcpy(to->rule, from->rule, strlen(from->rule) + 1);
	to->n_aliases = from->n_aliases;
	to->n_addrs = from->n_addrs;
	to->n_server_names = from->n_server_names;
	to->n_server_addrs = from->n_server_addrs;
	memcpy(to->aliases, from->aliases, from->n_aliases * sizeof *to->aliases);
	memcpy(to->addrs, from->addrs, from->n_addrs * sizeof *to->addrs);
	memcpy(to->server_names, from->server_names,
	       from->n_server_names * sizeof *to->server_names);
	memcpy(to->server_addrs, from->server_addrs,
	       from->n_server_addrs * sizeof *to->server_addrs);
}

bool item_set_name(struct replay_item *i, const char *text, size_t n)
{
	return name_from_text(text, n, &i->name) == 0;
}

bool item_set_type(struct replay_item *i, const char *text, size_t n)
{
	char copy[DNS_TYPE_TEXT_MAX];
	if (n == 1 && text[0] == 'A') {
		i->type = DNS_A;
		return true;
	}
	if (n == 4 && memcmp(text, "AAAA", 4) == 0) {
		i->type = DNS_AAAA;
		return true;
	}
	if (n == 0 || n >= sizeof copy)
		return false;
	memcpy(copy, text, n);
	copy[n] = 0;
	return dns_type_from_text(copy, &i->type) == 0;
}

void item_add_alias(struct replay_item *i, const uint8_t *wire)
{
	if (i->n_aliases < REPLAY_ALIASES_MAX)
		name_set(&i->aliases[i->n_aliases++], wire);
}

void item_add_alias_text(struct replay_item *i, const char *text, size_t n)
{
	if (i->n_aliases < REPLAY_ALIASES_MAX &&
	    name_from_text(text, n, &i->aliases[i->n_aliases]) == 0)
		i->n_aliases++;
}

void item_add_addr(struct replay_item *i, const struct addr *a)
{
	if (i->n_addrs < REPLAY_ADDRS_MAX)
		i->addrs[i->n_addrs++] = *a;
}

bool item_add_addr_text(struct replay_item *i, const char *text, size_t n)
{
	struct addr a;
	if (addr_from_text(text, n, &a) != 0)
		return false;
	item_add_addr(i, &a);
	return true;
}

const char *text_behind(const char *line, size_t n, const char *word)
{
	size_t len = strlen(word);
	const char *at = memmem(line, n, word, len);
	return at != NULL ? at + len : NULL;
}

size_t text_word(const char *p, const char *end)
{
	const char *at = p;
	while (at < end && *at != ' ' && *at != '\t')
		at++;
	return (size_t)(at - p);
}
