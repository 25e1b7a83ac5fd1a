/* SPDX-License-Identifier: GPL-3.0-or-later */
/* STIX 2.1 indicators: a bundle, the answer of a TAXII server, or objects one after the other. */
#include <stdlib.h>
#include <time.h>

#include "feeds/json.h"
#include "feeds/stix_pattern.h"

/* clang-format off */
enum field { TYPE, ID, NAME, PATTERN, PATTERN_TYPE, VALID_FROM, VALID_UNTIL, REVOKED, CONFIDENCE,
	     INDICATOR_TYPES, LABELS, N_FIELDS };
/* clang-format on */

static const char *const fields[N_FIELDS] = {
	[TYPE] = "type",
	[ID] = "id",
	[NAME] = "name",
	[PATTERN] = "pattern",
	[PATTERN_TYPE] = "pattern_type",
	[VALID_FROM] = "valid_from",
	[VALID_UNTIL] = "valid_until",
	[REVOKED] = "revoked",
	[CONFIDENCE] = "confidence",
	[INDICATOR_TYPES] = "indicator_types",
	[LABELS] = "labels", /* what STIX 2.0 calls indicator_types */
};

/* Is it one of the texts of an array? */
static bool has(const struct word *w, const char *text)
{
	size_t n = strlen(text), at = 0;
	while (w->p != NULL && at <= w->n) {
		const char *comma = memchr(w->p + at, ',', w->n - at);
		size_t len = comma != NULL ? (size_t)(comma - w->p) - at : w->n - at;
		if (len == n && strncasecmp(w->p + at, text, n) == 0)
			return true;
		at += len + 1;
	}
	return false;
}

/* "2026-11-28T08:00:00.000Z", RFC 3339; STIX has UTC only. */
static bool read_time(const struct word *w, uint64_t *ret_s)
{
	char text[40], *end;
	struct tm tm = { 0 };
	if (w->p == NULL || w->n >= sizeof text)
		return false;
	memcpy(text, w->p, w->n);
	text[w->n] = 0;
	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end == NULL || tm.tm_year < 70 || tm.tm_year > 9999)
		return false;
	*ret_s = (uint64_t)timegm(&tm);
	return true;
}

static long number(const struct word *w)
{
	char text[16];
	size_t n = w->n < sizeof text ? w->n : sizeof text - 1;
	memcpy(text, w->p, n);
	text[n] = 0;
	return strtol(text, NULL, 10);
}

/* What speaks against taking it, whatever the pattern says. */
static enum feeds_skip judge(struct scan *s, const struct word *v)
{
	uint64_t from, until;
	if (v[TYPE].p == NULL)
		return FEEDS_SKIP_NOT_FORMAT;
	if (!word_is(&v[TYPE], "indicator"))
		return FEEDS_SKIP_OTHER_OBJECT;
	if (v[PATTERN].p == NULL)
		return FEEDS_SKIP_NO_VALUE;
	if (v[PATTERN_TYPE].p != NULL && !word_is(&v[PATTERN_TYPE], "stix"))
		return FEEDS_SKIP_OTHER_KIND;
	if (word_is(&v[REVOKED], "true"))
		return FEEDS_SKIP_REVOKED;
	if (has(&v[INDICATOR_TYPES], "benign") || has(&v[LABELS], "benign"))
		return FEEDS_SKIP_BENIGN;
	if (v[CONFIDENCE].p != NULL && s->options != NULL &&
	    number(&v[CONFIDENCE]) < (long)s->options->min_confidence)
		return FEEDS_SKIP_CONFIDENCE;
	if (read_time(&v[VALID_UNTIL], &until)) {
		if (until <= s->now_s)
			return FEEDS_SKIP_EXPIRED;
		scan_changes_at(s, until);
	}
	if (read_time(&v[VALID_FROM], &from) && from > s->now_s) {
		scan_changes_at(s, from);
		return FEEDS_SKIP_NOT_YET;
	}
	return FEEDS_SKIP_NONE;
}

static void on_part(void *arg, enum value_kind kind, struct word value)
{
	static const struct policy_rule rule;
	struct scan *s = arg;
	if (kind == VALUE_ANY)
		scan_skip(s, FEEDS_SKIP_OTHER_KIND, &value);
	else
		value_add(s, value.p, value.n, kind, &rule);
}

static void on_record(struct json_walk *w, const struct word *v)
{
	struct scan *s = w->s;
	struct word shown = v[PATTERN].p != NULL ? v[PATTERN] : v[ID];
	enum feeds_skip why = judge(s, v);
	scan_set_origin(s, &v[ID], &v[NAME]);
	if (why == FEEDS_SKIP_NONE)
		why = stix_pattern_each(v[PATTERN].p, v[PATTERN].n, on_part, s);
	if (why != FEEDS_SKIP_NONE)
		scan_skip(s, why, shown.p != NULL ? &shown : NULL);
	scan_set_origin(s, NULL, NULL);
}

int format_stix_read(struct scan *s, struct reader *r)
{
	return json_read_records(s, r, "objects", fields, N_FIELDS, on_record);
}
