/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "feeds/json.h"
#include "feeds/value.h"

enum {
	STEPS_MAX = 16
};

/* The option `path`, step by step: "$.data[*].domain" is data, any, domain. */
struct path {
	unsigned n;
	struct step {
		bool is_any; /* [*] or .* */
		char key[JSON_KEY_MAX];
	} steps[STEPS_MAX];
};

static bool take(const char **text, const char *what)
{
	size_t n = strlen(what);
	if (strncmp(*text, what, n) != 0)
		return false;
	*text += n;
	return true;
}

static bool take_key(const char **text, const char *ends, struct step *step)
{
	size_t n = strcspn(*text, ends);
	if (n == 0 || n >= sizeof step->key)
		return false;
	memcpy(step->key, *text, n);
	step->key[n] = 0;
	*text += n;
	return true;
}

static bool path_read(const char *text, struct path *ret)
{
	ret->n = 0;
	/* A path may also begin with a key, as if "$." stood before it. */
	bool has_dot = take(&text, "$") || *text == '.' || *text == '[' || *text == 0;
	while (*text != 0) {
		if (ret->n == STEPS_MAX)
			return false;
		struct step *step = &ret->steps[ret->n++];
		*step = (struct step){ .is_any = take(&text, "[*]") || take(&text, "[]") };
		if (step->is_any)
			continue;
		if (take(&text, "['")) {
			if (!take_key(&text, "'", step) || !take(&text, "']"))
				return false;
			continue;
		}
		if (has_dot && !take(&text, "."))
			return false;
		has_dot = true;
		if (!take_key(&text, ".[", step))
			return false;
		step->is_any = strcmp(step->key, "*") == 0;
	}
	return true;
}

/* Do the first n levels lead along the path? */
static bool leads(const struct json_walk *w, const struct path *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct step *step = &p->steps[i];
		if (!step->is_any &&
		    (w->levels[i].is_array || strcmp(step->key, w->levels[i].key) != 0))
			return false;
	}
	return true;
}

static void on_scalar(struct json_walk *w, struct word text)
{
	static const struct policy_rule rule;
	const struct path *p = w->arg;
	if (w->depth == p->n && leads(w, p, p->n))
		value_add(w->s, text.p, text.n, VALUE_ANY, &rule);
}

/* An array on the way to the values: if it is empty, so is the list. */
static void on_array(struct json_walk *w)
{
	const struct path *p = w->arg;
	if (w->depth < p->n && p->steps[w->depth].is_any && leads(w, p, w->depth))
		w->has_record_array = true;
}

int format_json_read(struct scan *s, struct reader *r)
{
	struct path path;
	const char *text = s->options != NULL ? s->options->path : NULL;
	if (text == NULL || !path_read(text, &path)) {
		s->why = "cannot be read: `path` says nothing like $.data[*].domain";
		return -EINVAL;
	}
	struct json_walk *w = calloc(1, sizeof *w);
	if (w == NULL)
		return -ENOMEM;
	w->s = s;
	w->scalar = on_scalar;
	w->array = on_array;
	w->arg = &path;
	int e = json_read(w, r);
	free(w);
	return e;
}
