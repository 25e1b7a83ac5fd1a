/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/pattern.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "feeds/report.h"

enum {
	KEY_AT = 24, /* in the tag */
};

static const char file_name[] = "policy.patterns-";

/* ---- AdBlock's texts ---- */

/* An expression that grows; what does not fit is noticed at the end. */
struct growing {
	char *text;
	size_t n;
};

static void grow(struct growing *g, const char *text)
{
	size_t n = strlen(text);
	if (g->n + n <= POLICY_PATTERN_MAX)
		memcpy(g->text + g->n, text, n);
	g->n += n;
}

static bool grow_text(struct growing *g, struct word w)
{
	unsigned run = 0, longest = 0;
	for (size_t i = 0; i < w.n; i++) {
		char c = w.p[i];
		char one[2] = { c, 0 };
		if (c == '*') {
			grow(g, i > 0 && w.p[i - 1] == '*' ? "" : ".*");
			run = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_' || c == '.'))
			return false;
		grow(g, c == '.' ? "\\." : one);
		run += c != '.';
		longest = run > longest ? run : longest;
	}
	return longest >= PATTERN_LEAST;
}

bool pattern_from_adblock(struct word text, char ret_regex[POLICY_PATTERN_MAX + 1])
{
	struct growing g = { .text = ret_regex };
	struct word w = text;
	bool has_end = false;
	unsigned bars = 0;
	while (bars < 2 && w.n > 0 && *w.p == '|') {
		bars++;
		w.p++;
		w.n--;
	}
	while (w.n > 0 && (w.p[w.n - 1] == '^' || w.p[w.n - 1] == '|')) {
		has_end = true;
		w.n--;
	}
	if (bars == 0) /* a part of a name anywhere is for pages, and too little to go by */
		return false;
	grow(&g, bars == 2 ? "(^|\\.)" : "^");
	if (!grow_text(&g, w))
		return false;
	if (has_end)
		grow(&g, "$");
	if (g.n > POLICY_PATTERN_MAX)
		return false;
	ret_regex[g.n] = 0;
	return true;
}

bool pattern_from_glob(struct word text, bool is_exact, char ret_regex[POLICY_PATTERN_MAX + 1])
{
	struct growing g = { .text = ret_regex };
	if (text.n > 1 && text.p[text.n - 1] == '.') /* the root */
		text.n--;
	if (memchr(text.p, '*', text.n) == NULL)
		return false;
	/* A star in front stands for anything, labels and their dots included. */
	bool is_open = *text.p == '*';
	grow(&g, is_open ? "" : is_exact ? "^" : "(^|\\.)");
	while (text.n > 0 && *text.p == '*') {
		text.p++;
		text.n--;
	}
	if (!grow_text(&g, text))
		return false;
	grow(&g, "$");
	if (g.n > POLICY_PATTERN_MAX)
		return false;
	ret_regex[g.n] = 0;
	return true;
}

bool pattern_emit_glob(struct scan *s, struct word text, bool is_exact,
                       const struct policy_pattern_rule *out)
{
	char regex[POLICY_PATTERN_MAX + 1];
	if (!pattern_from_glob(text, is_exact, regex))
		return false;
	pattern_emit(s, text, (struct word){ regex, strlen(regex) }, out);
	return true;
}

/* ---- one rule ---- */

static enum feeds_skip skip_of(enum policy_pattern_fault fault)
{
	switch (fault) {
	case POLICY_PATTERN_SYNTAX:
		return FEEDS_SKIP_REGEX;
	case POLICY_PATTERN_EVERYTHING:
		return FEEDS_SKIP_REGEX_ALL;
	case POLICY_PATTERN_BUDGET:
		return FEEDS_SKIP_REGEX_BUDGET;
	case POLICY_PATTERN_GOOD:
		break;
	}
	return FEEDS_SKIP_NONE;
}

static void skip_with_why(struct scan *s, enum feeds_skip skip, struct word text, const char *why)
{
	char both[POLICY_PATTERN_MAX + POLICY_PATTERN_WHY_MAX + 8];
	int n = snprintf(both, sizeof both, "%s: %.*s", why, (int)text.n, text.p);
	const struct word excerpt = { both, (size_t)n };
	scan_skip(s, skip, &excerpt);
}

static bool is_plain(struct word w)
{
	for (size_t i = 0; i < w.n; i++) {
		if (w.p[i] < ' ' || w.p[i] > '~')
			return false;
	}
	return true;
}

void pattern_emit(struct scan *s, struct word text, struct word regex,
                  const struct policy_pattern_rule *out)
{
	char texts[POLICY_PATTERN_MAX + 1], regexes[POLICY_PATTERN_MAX + 1];
	char why[POLICY_PATTERN_WHY_MAX];
	if (text.n > POLICY_PATTERN_MAX || regex.n > POLICY_PATTERN_MAX) {
		scan_skip(s, FEEDS_SKIP_REGEX_BUDGET, NULL);
		return;
	}
	if (!is_plain(text)) {
		skip_with_why(s, FEEDS_SKIP_REGEX, text, "not printable ASCII");
		return;
	}
	memcpy(texts, text.p, text.n);
	texts[text.n] = 0;
	memcpy(regexes, regex.p, regex.n);
	regexes[regex.n] = 0;
	enum policy_pattern_fault fault = policy_pattern_check(regexes, why);
	if (fault != POLICY_PATTERN_GOOD) {
		skip_with_why(s, skip_of(fault), text, why);
		return;
	}
	struct policy_pattern_rule rule = *out;
	rule.text = texts;
	rule.regex = regexes;
	rule.line = s->line > UINT32_MAX ? UINT32_MAX : (uint32_t)s->line;
	scan_rule_pattern(s, &rule);
}

void pattern_count_dropped(struct feeds_report *r, enum policy_pattern_fault fault, uint64_t line,
                           const char *text, const char *why)
{
	char both[POLICY_PATTERN_MAX + POLICY_PATTERN_WHY_MAX + 8];
	int n = snprintf(both, sizeof both, "%s: %s", why, text);
	report_skip(r, skip_of(fault), line, both, (size_t)n);
	r->names -= r->names > 0;
	r->patterns -= r->patterns > 0;
}

/* ---- the file ---- */

void pattern_tag(uint8_t tag[FEEDS_TAG_BYTES], const struct policy_pattern_set *set)
{
	uint64_t key = set != NULL ? policy_pattern_set_key(set) : 0;
	memcpy(tag + KEY_AT, &key, sizeof key);
}

uint64_t pattern_key_of_tag(const uint8_t tag[FEEDS_TAG_BYTES])
{
	uint64_t key;
	memcpy(&key, tag + KEY_AT, sizeof key);
	return key;
}

bool pattern_path(const struct feeds_plan *plan, uint64_t key, char *ret, size_t room)
{
	if (plan->state_dir == NULL || plan->state_dir[0] == 0)
		return false;
	int n = snprintf(ret, room, "%s/%s%016" PRIx64, plan->state_dir, file_name, key);
	return n > 0 && (size_t)n < room;
}

int pattern_attach(const struct feeds_plan *plan, struct policy_image *image)
{
	uint8_t tag[FEEDS_TAG_BYTES];
	char path[4096];
	struct policy_pattern_set *set;
	policy_image_tag(image, tag);
	uint64_t key = pattern_key_of_tag(tag);
	if (key == 0)
		return 0;
	if (!pattern_path(plan, key, path, sizeof path))
		return -EBADMSG;
	int e = policy_pattern_set_read(path, key, &set);
	if (e != 0)
		return e == -ENOMEM ? e : -EBADMSG;
	e = policy_image_attach(image, set);
	policy_pattern_set_put(set);
	return e;
}

void pattern_prune(const struct feeds_plan *plan, uint64_t key)
{
	char keep[4096];
	if (!pattern_path(plan, key, keep, sizeof keep))
		return;
	DIR *d = opendir(plan->state_dir);
	if (d == NULL)
		return;
	const char *name = strrchr(keep, '/') + 1;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strncmp(e->d_name, file_name, sizeof file_name - 1) == 0 &&
		    (key == 0 || strcmp(e->d_name, name) != 0))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	closedir(d);
}
