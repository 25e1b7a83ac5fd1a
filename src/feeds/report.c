/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/log.h"

enum kind {
	KIND_NONE,
	KIND_GARBAGE,
	KIND_UNSUPPORTED,
	KIND_QUIET
};

static const struct {
	enum kind kind;
	const char *text;
} skips[FEEDS_N_SKIPS] = {
	[FEEDS_SKIP_NONE] = { KIND_NONE, "" },
#define SKIP(constant, kind, text) [FEEDS_SKIP_##constant] = { KIND_##kind, text },
#include "feeds/skips.def"
#undef SKIP
};

static const struct {
	const char *name;
	bool yields_names, yields_addresses;
} formats[FEEDS_N_FORMATS] = {
#define FORMAT(constant, text, parser, names, addresses) \
	[FEEDS_##constant] = { text, names, addresses },
#include "feeds/formats.def"
#undef FORMAT
};

const char *feeds_skip_text(enum feeds_skip s)
{
	return (unsigned)s < FEEDS_N_SKIPS ? skips[s].text : "";
}

const char *feeds_format_name(enum feeds_format f)
{
	return (unsigned)f < FEEDS_N_FORMATS ? formats[f].name : "";
}

int feeds_format_from_text(const char *text, enum feeds_format *ret)
{
	for (unsigned i = 0; i < FEEDS_N_FORMATS; i++) {
		if (strcmp(text, formats[i].name) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

char feeds_separator_from_text(const char *text)
{
	static const struct {
		const char *text;
		char separator;
	} words[] = { { "semicolon", ';' }, { "tab", '\t' }, { "space", ' ' }, { "pipe", '|' } };
	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(text, words[i].text) == 0)
			return words[i].separator;
	}
	return ',';
}

bool feeds_format_suits(enum feeds_format f, enum policy_match m)
{
	switch (m) {
	case POLICY_MATCH_NAME:
		return formats[f].yields_names;
	case POLICY_MATCH_ANSWER:
	case POLICY_MATCH_CLIENT:
		return formats[f].yields_addresses;
	case POLICY_MATCH_NAMESERVER:
		return formats[f].yields_names || formats[f].yields_addresses;
	}
	return false;
}

bool report_is_quiet(enum feeds_skip why)
{
	return skips[why].kind == KIND_QUIET;
}

bool report_is_garbage(enum feeds_skip why)
{
	return skips[why].kind == KIND_GARBAGE;
}

bool report_may_pass(const struct feeds_report *r)
{
	switch (-r->error) {
	case EIO:
	case EAGAIN:
	case EINTR:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOSPC:
	case ESTALE:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

void report_init(struct feeds_report *r, const char *list_name)
{
	memset(r, 0, sizeof *r);
	snprintf(r->name, sizeof r->name, "%s", list_name);
}

void report_reset_counts(struct feeds_report *r)
{
	r->lines = r->comments = r->names = r->prefixes = r->patterns = 0;
	r->suspicious = r->odd = r->skipped = 0;
	r->bytes = r->changes_s = 0;
	memset(r->skips, 0, sizeof r->skips);
	r->n_examples = 0;
}

size_t report_escape(const char *text, size_t n, char *ret, size_t room)
{
	size_t out = 0, safe = 0; /* safe: where "..." can still be put */
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)text[i];
		char piece[5] = { (char)c };
		size_t len = 1;
		if (c < ' ' || c > '~' || c == '\\')
			len = (size_t)snprintf(piece, sizeof piece, "\\x%02x", c);
		if (out + len > room) {
			memcpy(ret + safe, "...", 3);
			out = safe + 3;
			break;
		}
		memcpy(ret + out, piece, len);
		out += len;
		if (out + 3 <= room)
			safe = out;
	}
	ret[out] = 0;
	return out;
}

void report_skip(struct feeds_report *r, enum feeds_skip why, uint64_t line, const char *text,
                 size_t n)
{
	r->skipped++;
	r->skips[why]++;
	if (skips[why].kind == KIND_QUIET || r->n_examples == FEEDS_EXAMPLES ||
	    r->skips[why] > FEEDS_EXAMPLES / 2)
		return;
	struct feeds_example *x = &r->examples[r->n_examples++];
	x->line = line;
	x->why = why;
	report_escape(text, n, x->excerpt, FEEDS_EXCERPT_MAX);
}

void report_say(struct feeds_report *r, const char *format, ...)
{
	char text[2 * FEEDS_MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
	report_escape(text, len, r->message, FEEDS_MESSAGE_MAX - 1);
}

void feeds_report_print(const struct feeds_report *r, FILE *out)
{
	fprintf(out,
	        "list %s: %" PRIu64 " names, %" PRIu64 " prefixes from %" PRIu64 " lines (%" PRIu64
	        " comments, %" PRIu64 " skipped)\n",
	        r->name, r->names, r->prefixes, r->lines, r->comments, r->skipped);
	if (r->message[0] != 0)
		fprintf(out, "  %s\n", r->message);
	if (r->patterns > 0)
		fprintf(out, "  %" PRIu64 " of the names are patterns\n", r->patterns);
	if (r->suspicious > 0)
		fprintf(out, "  %" PRIu64 " prefixes are in private or special address space\n",
		        r->suspicious);
	if (r->odd > 0)
		fprintf(out, "  %" PRIu64 " prefixes are in an unusual spelling\n", r->odd);
	for (unsigned i = 1; i < FEEDS_N_SKIPS; i++) {
		if (r->skips[i] > 0)
			fprintf(out, "  skipped %" PRIu64 ": %s\n", r->skips[i], skips[i].text);
	}
	for (unsigned i = 0; i < r->n_examples; i++)
		fprintf(out, "  line %" PRIu64 ": %s: %s\n", r->examples[i].line,
		        skips[r->examples[i].why].text, r->examples[i].excerpt);
}

void feeds_report_log(const struct feeds_report *r)
{
	if (r->origin == FEEDS_FROM_NOWHERE)
		return;
	/* With a hundred feeds one of them is new all the time: of the others nothing is said. */
	log_write(r->is_kept ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
	          "list %s: %" PRIu64 " names, %" PRIu64 " prefixes, %" PRIu64 " skipped%s",
	          r->name, r->names, r->prefixes, r->skipped, r->is_kept ? " (unchanged)" : "");
	for (unsigned i = 0; i < r->n_examples; i++)
		log_debug("list %s: line %" PRIu64 ": %s: %s", r->name, r->examples[i].line,
		          skips[r->examples[i].why].text, r->examples[i].excerpt);
}
