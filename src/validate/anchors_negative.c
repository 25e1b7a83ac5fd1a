/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Negative trust anchors as text, a line each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "validate/anchors_state.h"

static const char head[] =
	"# Negative trust anchors (RFC 7646) set by `weir trust add`. Rewritten by weir.\n";

/* ---- writing ---- */

static void write_text(FILE *f, const char *text)
{
	fputc('"', f);
	for (; *text != 0; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', f);
		fputc(*text, f);
	}
	fputc('"', f);
}

static void write_one(FILE *f, const struct negative_anchor *a)
{
	char name[NAME_TEXT_MAX], until[STATE_TIME_MAX], since[STATE_TIME_MAX];
	name_to_text(a->name.wire, name);
	fprintf(f, "%s%s until=%s since=%s who=", name, name_is_root(a->name.wire) ? "" : ".",
	        state_time_text(a->expires_s, until), state_time_text(a->since_s, since));
	write_text(f, a->who);
	fputs(" reason=", f);
	write_text(f, a->reason);
	fputc('\n', f);
}

int state_write_negatives(const struct negative_anchor *at, unsigned n, char **ret_text,
                          size_t *ret_n)
{
	char *text = NULL;
	size_t n_text = 0;
	FILE *f = open_memstream(&text, &n_text);
	if (f == NULL)
		return -ENOMEM;
	fputs(head, f);
	for (unsigned i = 0; i < n; i++)
		if (!at[i].is_configured)
			write_one(f, &at[i]);
	bool is_bad = ferror(f) != 0;
	if (fclose(f) != 0 || is_bad) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	*ret_n = n_text;
	return 0;
}

/* ---- reading ---- */

/* What is left of a line. */
struct cursor {
	const char *at, *end;
};

/* Up to the next blank, which is passed over. */
static struct cursor next_word(struct cursor *c)
{
	const char *blank = memchr(c->at, ' ', (size_t)(c->end - c->at));
	struct cursor word = { c->at, blank != NULL ? blank : c->end };
	c->at = blank != NULL ? blank + 1 : c->end;
	return word;
}

static bool skip(struct cursor *c, const char *text)
{
	size_t n = strlen(text);
	if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n) != 0)
		return false;
	c->at += n;
	return true;
}

/* key="text", and a blank behind it if there is one. */
static bool read_text(struct cursor *c, const char *key, char *ret, size_t room)
{
	size_t n = 0;
	if (!skip(c, key) || !skip(c, "=\""))
		return false;
	for (; c->at < c->end && *c->at != '"'; c->at++) {
		if (*c->at == '\\' && ++c->at == c->end)
			return false;
		if (n + 1 >= room || (unsigned char)*c->at < 0x20 || *c->at == 0x7f)
			return false;
		ret[n++] = *c->at;
	}
	ret[n] = 0;
	if (!skip(c, "\""))
		return false;
	return c->at == c->end || skip(c, " ");
}

static bool read_time(struct cursor *c, const char *key, uint64_t *ret)
{
	if (!skip(c, key) || !skip(c, "="))
		return false;
	struct cursor word = next_word(c);
	return state_time_read(word.at, (size_t)(word.end - word.at), ret) == 0 && *ret != 0;
}

/* What is wrong with the line, or NULL. */
static const char *read_line(struct cursor c, struct negative_anchor *ret)
{
	memset(ret, 0, sizeof *ret);
	struct cursor name = next_word(&c);
	if (name_from_text(name.at, (size_t)(name.end - name.at), &ret->name) != 0)
		return "not a domain name";
	if (!read_time(&c, "until", &ret->expires_s))
		return "until=TIME is missing or no time";
	if (!read_time(&c, "since", &ret->since_s))
		return "since=TIME is missing or no time";
	if (!read_text(&c, "who", ret->who, sizeof ret->who))
		return "who=\"TEXT\" is missing, too long, or has control characters";
	if (!read_text(&c, "reason", ret->reason, sizeof ret->reason) || c.at != c.end)
		return "reason=\"TEXT\" is missing, too long, or has control characters";
	return NULL;
}

static const char *take_line(struct cursor line, struct negative_anchor *ret, unsigned *n)
{
	if (line.at == line.end || *line.at == '#')
		return NULL;
	if (*n == NEGATIVE_ANCHORS_MAX)
		return "too many negative anchors";
	const char *trouble = read_line(line, &ret[*n]);
	for (unsigned i = 0; i < *n && trouble == NULL; i++)
		if (name_equal(ret[i].name.wire, ret[*n].name.wire))
			trouble = "the same name a second time";
	if (trouble == NULL)
		++*n;
	return trouble;
}

int state_read_negatives(const char *text, size_t n, struct negative_anchor *ret, unsigned *ret_n,
                         char ret_why[STATE_WHY_MAX])
{
	const char *end = text + n;
	unsigned found = 0;
	for (unsigned line = 1; text < end; line++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		const char *trouble = NULL;
		if (stop == NULL)
			trouble = "the line does not end";
		else
			trouble = take_line((struct cursor){ text, stop }, ret, &found);
		if (trouble != NULL) {
			snprintf(ret_why, STATE_WHY_MAX, "line %u: %s", line, trouble);
			return -EBADMSG;
		}
		text = stop + 1;
	}
	*ret_n = found;
	return 0;
}
