/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "feeds/load.h"
#include "feeds/pattern.h"
#include "feeds/publish.h"
#include "feeds/report.h"
#include "feeds/rpz_zone.h"
#include "feeds/store.h"
#include "feeds/tag.h"
#include "feeds/update.h"
#include "feeds/versions.h"
#include "io/layers.h"

enum {
	TRIES = 3, /* while files change under us */
	PATH_ROOM = 4096 + 128,
};

/* One compile. */
struct compile {
	const struct feeds_plan *plan;
	struct feeds_result *result;
	struct load *loads; /* one a list */
	struct policy_builder *builder;
	struct policy_image *current;        /* whose lists can be kept; NULL: none */
	const struct policy_image *in_force; /* the same, also when it cannot be read again */
	struct policy_patterns *patterns;
	struct policy_pattern_set *pattern_set; /* NULL: there are none */
	bool is_whole;                          /* lists that changed are read whole */
	bool was_wrong;                         /* one that was not is to be read whole after all */
	struct load *load;                      /* whose rules come now */
	uint16_t list;                          /* its number in the builder */
	bool is_degraded;                       /* a list is not what was chosen */
};

/* Has the time come at which rules begin or end to hold? */
static bool is_overdue(uint64_t changes_s)
{
	return changes_s != 0 && changes_s <= clock_wall_ns() / NS_PER_S;
}

uint64_t feeds_changes_s(const struct feeds_plan *plan, const struct policy_image *image)
{
	struct policy_image_list known;
	uint64_t first_s = 0;
	for (unsigned i = 0; i < plan->n_lists; i++) {
		if (policy_image_find_list(image, plan->lists[i].spec->name, &known) == 0 &&
		    known.changes_s != 0 && (first_s == 0 || known.changes_s < first_s))
			first_s = known.changes_s;
	}
	return first_s;
}

static void report_known(const struct feeds_plan *plan, const struct policy_image_list *known,
                         const char *name, struct feeds_report *ret)
{
	struct versions_pin pin;
	report_init(ret, name);
	if (versions_pinned(plan->state_dir, name, &pin) > 0)
		ret->origin = FEEDS_FROM_VERSION;
	ret->names = known->n_names;
	ret->prefixes = known->n_prefixes;
	ret->skipped = known->n_skipped;
	ret->loaded_s = known->loaded_s;
	ret->changes_s = known->changes_s;
	ret->is_kept = true;
}

void feeds_known(const struct feeds_plan *plan, const struct policy_image *image,
                 struct feeds_report *ret_reports)
{
	for (unsigned i = 0; i < plan->n_lists; i++) {
		struct policy_image_list known = { 0 };
		const char *name = plan->lists[i].spec->name;
		if (policy_image_find_list(image, name, &known) != 0)
			known = (struct policy_image_list){ 0 };
		report_known(plan, &known, name, &ret_reports[i]);
	}
}

int feeds_open(const struct feeds_plan *plan, bool set_key, struct policy_image **ret_image,
               bool *ret_is_current)
{
	uint8_t then[FEEDS_TAG_BYTES], now[FEEDS_TAG_BYTES];
	struct policy_image *image;
	int e = publish_open(plan, set_key, &image);
	if (e != 0)
		return e;
	policy_image_tag(image, then);
	tag_make(plan, now);
	*ret_image = image;
	*ret_is_current = tag_is_current(then, now) && !is_overdue(feeds_changes_s(plan, image));
	return 0;
}

void feeds_result_done(struct feeds_result *r)
{
	if (r->image != NULL)
		policy_image_put(r->image);
	free(r->reports);
	*r = (struct feeds_result){ 0 };
}

/* ---- the rules into the builder ---- */

static int add_pattern(const struct compile *c, const struct policy_pattern_rule *r)
{
	int e = policy_patterns_add(c->patterns, c->load->list->spec->name, r);
	if (e != -E2BIG)
		return e;
	pattern_count_dropped(c->load->report, POLICY_PATTERN_BUDGET, r->line, r->text,
	                      "there are too many");
	return 0;
}

static int add_rule(void *arg, const struct feeds_rule *r)
{
	const struct compile *c = arg;
	if (r->pattern != NULL)
		return add_pattern(c, r->pattern);
	int e = r->name != NULL
	                ? policy_builder_add_name(c->builder, c->list, r->name->wire, &r->rule)
	                : policy_builder_add_prefix(c->builder, c->list, r->prefix, &r->rule);
	if (e != -E2BIG)
		return e;
	/* One rule that is too much for the image does not cost the others. */
	static const char text[] = "(a rule)";
	c->load->facts.is_spoilt = true;
	report_skip(c->load->report, FEEDS_SKIP_TOO_MUCH, r->line, text, sizeof text - 1);
	return 0;
}

/* All rules of the list that the image has. */
static int list_keep(struct compile *c, const struct policy_list_spec *spec)
{
	int e = policy_builder_keep_list(c->builder, spec, &c->list);
	if (e == 0)
		e = policy_patterns_keep(c->patterns, c->current, spec->name);
	return e == -E2BIG ? 0 : e; /* others took the room for patterns */
}

/* What the image has of the list, with what the next version differs in. */
static int list_change(struct compile *c, const struct policy_list_spec *spec)
{
	struct load *l = c->load;
	int e = policy_builder_change_list(c->builder, spec, &c->list);
	if (e == 0)
		e = policy_builder_apply(c->builder, c->list, l->diff, &l->before.twice,
		                         l->list->format == FEEDS_RPZ, &l->facts.twice);
	c->was_wrong |= e == -ESTALE;
	return e;
}

static int list_read(struct compile *c, const struct policy_list_spec *spec)
{
	int e = policy_builder_add_list(c->builder, spec, &c->list);
	if (e == 0)
		e = policy_builder_watch(c->builder, c->list);
	return e == 0 ? load_emit(c->load, add_rule, c) : e;
}

static int build_list(struct compile *c, struct load *l)
{
	struct policy_list_spec spec = *l->list->spec;
	/* Where explain looks for the line: the copy, when it is the copy that is in force. */
	if (l->path[0] != 0)
		snprintf(spec.path, sizeof spec.path, "%.*s", (int)sizeof spec.path - 1, l->path);
	c->load = l;
	int e = l->is_kept        ? list_keep(c, &spec)
	        : l->diff != NULL ? list_change(c, &spec)
	                          : list_read(c, &spec);
	l->number = c->list;
	const struct rpz_zone *z = l->zone;
	if (e == 0 && z != NULL && z->has_soa)
		e = policy_builder_set_soa(c->builder, c->list, z->apex.wire, z->soa_ttl_s, z->soa,
		                           z->soa_n);
	if (e != 0)
		return e;
	policy_builder_set_source(c->builder, c->list, &l->source);
	policy_builder_set_changes(c->builder, c->list, l->report->changes_s);
	uint64_t skipped = l->report->skipped;
	policy_builder_end_list(c->builder, c->list,
	                        skipped > UINT32_MAX ? UINT32_MAX : (uint32_t)skipped,
	                        l->report->loaded_s);
	return 0;
}

static void on_dropped(void *arg, const struct policy_pattern_dropped *d)
{
	const struct compile *c = arg;
	for (unsigned i = 0; i < c->plan->n_lists; i++) {
		struct feeds_report *r = c->loads[i].report;
		if (strcmp(r->name, d->list_name) == 0)
			pattern_count_dropped(r, d->fault, d->line, d->text, d->why);
	}
}

/* All patterns into one set; the image's tag says which. */
static int build_patterns(struct compile *c, uint8_t *tag)
{
	int e = policy_patterns_make(c->patterns, c->current, on_dropped, c, &c->pattern_set);
	if (e == 0)
		pattern_tag(tag, c->pattern_set);
	return e;
}

/* The last good copy is a version, too. */
static int keep_version(const struct compile *c, const struct load *l)
{
	const char *name = l->list->spec->name;
	char path[PATH_ROOM];
	struct feeds_version v = {
		.came_s = l->report->loaded_s,
		.bytes = l->bytes,
		.rules = l->rules,
		.digest = l->digest,
		.n_protected = l->n_protected,
		.has_serial = l->report->has_serial,
		.serial = l->report->serial,
	};
	if (c->plan->keep_versions == 0 || !store_copy_path(c->plan, name, path, sizeof path))
		return 0;
	int e = versions_add(c->plan, name, path, &v);
	l->report->version = v.number;
	return e;
}

/* Of a list that was read: what its rules have more than once is known when they are sorted. */
static void keep_facts(const struct compile *c, struct load *l)
{
	const char *name = l->list->spec->name;
	l->facts.source = l->source;
	if (l->diff == NULL && !l->facts.is_spoilt) {
		const struct policy_twice *t = policy_builder_twice(c->builder, l->number);
		size_t n = t != NULL ? t->n : 0;
		l->facts.twice.items = calloc(n + 1, sizeof *t->items);
		l->facts.is_spoilt = t == NULL || l->facts.twice.items == NULL;
		l->facts.twice.n = l->facts.is_spoilt ? 0 : (uint32_t)n;
		if (!l->facts.is_spoilt && n > 0)
			memcpy(l->facts.twice.items, t->items, n * sizeof *t->items);
	}
	int e = facts_write(c->plan, name, &l->facts);
	if (e != 0)
		log_info("list '%s': its next version will be read whole, however little it "
		         "differs: %s",
		         name, strerrordesc_np(-e));
}

/* Returns false: try again later. */
static bool keep_copy(const struct compile *c, struct load *l)
{
	const char *name = l->list->spec->name;
	l->report->version = l->pin.number;
	if (l->report->origin != FEEDS_FROM_FILE || l->path[0] == 0)
		return true; /* no path: it was not read, and its copy is there */
	int e = store_keep(c->plan, name, l->path, &l->stat);
	if (e == 0)
		e = keep_version(c, l);
	if (e == 0 && !l->is_kept)
		keep_facts(c, l);
	if (e != 0 && e != -EAGAIN) /* -EAGAIN: there is a newer file, with its own turn */
		log_warning("list '%s': the last good copy could not be written: %s", name,
		            strerrordesc_np(-e));
	if (e == 0 && l->ends_pin && feeds_unpin(c->plan->state_dir, name) == 0)
		log_info(
			"list '%s': a newer good version is there: version %u is not held any more",
			name, l->pin.number);
	return e == 0 || e == -EAGAIN;
}

/* Not being able to keep a copy costs safety, not service: it is said, and that is all. */
static void keep_copies(const struct compile *c)
{
	char path[PATH_ROOM];
	if (c->plan->is_read_only || !store_image_path(c->plan, path, sizeof path))
		return;
	for (unsigned i = 0; i < c->plan->n_lists; i++)
		c->result->is_unkept |= !keep_copy(c, &c->loads[i]);
	store_prune(c->plan);
	facts_prune(c->plan);
	versions_prune(c->plan);
	store_prune_layers(c->plan, LAYERS_GRACE_S);
}

/* ---- the whole ---- */

/* Does the image have the list as this file, under these settings, gives it? */
static bool is_file_known(const struct compile *c, struct load *l, struct feeds_report *report,
                          const char *name)
{
	struct policy_image_list known;
	if (c->current == NULL || c->plan->is_again ||
	    policy_image_find_list(c->current, name, &known) != 0 ||
	    known.source.settings != l->source.settings || l->source.file == 0 ||
	    known.source.file != l->source.file || is_overdue(known.changes_s))
		return false;
	l->source.text = known.source.text;
	report_known(c->plan, &known, name, report);
	l->report = report;
	return true;
}

/* Has the image the rules of this text already, from whatever file? */
static bool is_text_known(const struct compile *c, const struct load *l)
{
	struct policy_image_list known;
	return c->current != NULL && l->report->origin != FEEDS_FROM_NOWHERE &&
	       policy_image_find_list(c->current, l->report->name, &known) == 0 &&
	       known.source.settings == l->source.settings && known.source.text != 0 &&
	       known.source.text == l->source.text && !is_overdue(known.changes_s);
}

/*
 * Neither its file nor a copy can be read: the rules in force stay, if the image has them. 0;
 * -ENOENT: it has none; -EIO: it cannot be read again, so all must stay as it is.
 */
static int keep_in_force(const struct compile *c, struct load *l)
{
	struct policy_image_list known;
	char path[PATH_ROOM];
	struct feeds_report *r = l->report, was = *r;
	if (c->in_force == NULL || !store_image_path(c->plan, path, sizeof path) ||
	    policy_image_find_list(c->in_force, r->name, &known) != 0 ||
	    known.source.settings != l->source.settings || known.n_names + known.n_prefixes == 0)
		return -ENOENT;
	if (c->current == NULL)
		return -EIO;
	l->source.text = known.source.text;
	l->source.file = 0;
	report_known(c->plan, &known, was.name, r);
	r->is_kept = false; /* it has something to say */
	r->origin = FEEDS_FROM_COPY;
	r->error = was.error;
	r->error_line = was.error_line;
	r->is_refused = was.is_refused;
	/* All but what would have been used instead. */
	const char *end = strrchr(was.message, ';');
	size_t n = end != NULL ? (size_t)(end - was.message) : strlen(was.message);
	report_say(r, "%.*s; its rules in force stay%s%s%s", (int)n, was.message,
	           was.is_refused ? " (if it is right: weir feeds accept " : "",
	           was.is_refused ? r->name : "", was.is_refused ? ")" : "");
	l->is_kept = true;
	return 0;
}

/* The last good copy is not of what is in force: it could not be written then. */
static bool is_older_copy(const struct compile *c, const struct load *l)
{
	struct policy_image_list known;
	return l->report->origin == FEEDS_FROM_COPY && l->pin.number == 0 && c->current != NULL &&
	       policy_image_find_list(c->current, l->report->name, &known) == 0 &&
	       known.source.settings == l->source.settings && known.source.text != 0 &&
	       known.source.text != l->digest;
}

/* As update_check(), if the image has the list at all. */
static int update_list(const struct compile *c, struct load *l, unsigned i,
                       const struct policy_list_source *source)
{
	struct policy_image_list known;
	const struct feeds_list *list = &c->plan->lists[i];
	if (c->is_whole || c->current == NULL ||
	    policy_image_find_list(c->current, list->spec->name, &known) != 0)
		return -ENOENT;
	return update_check(l, c->plan, list, &c->result->reports[i], &known, source->settings);
}

/* Read one list and see what is to be done with it. */
static int check_list(struct compile *c, unsigned i)
{
	struct policy_list_source source;
	struct load *l = &c->loads[i];
	const struct feeds_list *list = &c->plan->lists[i];
	struct feeds_report *r = &c->result->reports[i];
	tag_list(c->plan, list, &source); /* before reading */
	l->source = source;
	l->plan = c->plan;
	l->list = list;
	l->is_kept = is_file_known(c, l, r, list->spec->name);
	if (l->is_kept)
		return 0;
	int e = update_list(c, l, i, &source);
	if (e != 0 && e != -ENOMEM && e != -ECANCELED) {
		load_done(l);
		e = load_check(l, c->plan, list, r);
	}
	l->source = source;
	c->result->is_unread |= report_may_pass(r);
	if (e == 0 && (r->origin == FEEDS_FROM_NOWHERE || is_older_copy(c, l))) {
		int kept = keep_in_force(c, l);
		if (kept != -ENOENT)
			return kept;
	}
	if (e == 0 && l->is_version_unread) {
		/* Where nothing is in force its file is better than no rule at all. */
		log_warning("%s: its file is read instead", r->message);
		load_done(l);
		e = load_check_file(l, c->plan, list, r);
		l->source = source;
		source.file = 0;
		c->is_degraded = true;
	}
	if (e != 0)
		return e;
	l->source.text = r->origin == FEEDS_FROM_NOWHERE ? 0 : l->digest;
	if (r->origin != FEEDS_FROM_FILE || source.file == 0)
		l->source.file = 0;
	l->is_kept = is_text_known(c, l);
	return 0;
}

static int check_lists(struct compile *c, uint64_t *ret_rules)
{
	uint64_t rules = 0;
	for (unsigned i = 0; i < c->plan->n_lists; i++) {
		const struct feeds_report *r = &c->result->reports[i];
		int e = check_list(c, i);
		if (e != 0)
			return e;
		if (!c->loads[i].is_kept && c->loads[i].diff == NULL)
			rules += r->names + r->prefixes;
		c->result->n_kept += c->loads[i].is_kept;
		c->result->n_changed += !c->loads[i].is_kept && c->loads[i].diff != NULL;
		c->result->n_from_copy += r->origin == FEEDS_FROM_COPY;
		c->result->n_from_nowhere += r->origin == FEEDS_FROM_NOWHERE;
	}
	*ret_rules = rules;
	return 0;
}

static int build(struct compile *c, uint64_t rules)
{
	int e = policy_builder_new(rules, &c->builder);
	if (e != 0)
		return e;
	publish_spill(c->plan, c->builder);
	e = policy_patterns_new(&c->patterns);
	if (e == 0 && c->current != NULL)
		e = policy_builder_from(c->builder, c->current);
	for (unsigned i = 0; e == 0 && i < c->plan->n_lists; i++)
		e = build_list(c, &c->loads[i]);
	return e;
}

static int compile(struct compile *c, uint8_t *tag, bool *ret_is_base_bad)
{
	uint64_t rules;
	char path[PATH_ROOM];
	int e = check_lists(c, &rules);
	if (e != 0)
		return e;
	if (c->result->n_from_nowhere > 0 && c->in_force != NULL &&
	    !store_image_path(c->plan, path, sizeof path))
		return -EBADMSG;
	if (c->is_degraded || c->result->n_from_copy + c->result->n_from_nowhere > 0)
		tag_set_degraded(tag);
	e = build(c, rules);
	if (e == 0)
		e = build_patterns(c, tag);
	struct publish p = {
		.plan = c->plan,
		.current = c->current,
		.patterns = c->pattern_set,
		.tag = tag,
	};
	if (e == 0) {
		e = publish_image(&p, c->builder, &c->result->image);
		*ret_is_base_bad = e == -EBADMSG && c->current != NULL;
		c->result->is_unkept |= p.is_private;
	}
	if (e == 0)
		keep_copies(c);
	return e;
}

/* What one try finds out for the next. */
struct findings {
	bool is_base_bad; /* the image cannot be read again */
	bool is_whole;    /* lists that changed must be read whole */
};

static int compile_once(const struct feeds_plan *plan, struct policy_image *from,
                        const struct policy_image *in_force, uint8_t *tag,
                        struct feeds_result *result, struct findings *f)
{
	struct compile c = {
		.plan = plan,
		.result = result,
		.current = from,
		.in_force = in_force,
		.is_whole = f->is_whole,
	};
	size_t n = plan->n_lists > 0 ? plan->n_lists : 1;
	int e = -ENOMEM;
	c.loads = calloc(n, sizeof *c.loads);
	result->reports = calloc(n, sizeof *result->reports);
	result->n_reports = plan->n_lists;
	if (c.loads != NULL && result->reports != NULL)
		e = compile(&c, tag, &f->is_base_bad);
	if (e == -ERANGE || c.was_wrong) {
		f->is_whole = true;
		e = -EAGAIN;
	}
	policy_builder_free(c.builder);
	policy_patterns_free(c.patterns);
	policy_pattern_set_put(c.pattern_set);
	for (unsigned i = 0; c.loads != NULL && i < plan->n_lists; i++)
		load_done(&c.loads[i]);
	free(c.loads);
	return e;
}

static int compile_tries(const struct feeds_plan *plan, struct policy_image *current,
                         struct feeds_result *result)
{
	uint8_t then[FEEDS_TAG_BYTES], now[FEEDS_TAG_BYTES];
	struct policy_image *base = current;
	struct findings f = { 0 };
	int e = -EAGAIN;
	for (unsigned i = 0; i < TRIES + (unsigned)f.is_whole && e == -EAGAIN; i++) {
		feeds_result_done(result);
		tag_make(plan, now); /* before reading: what changes later makes it differ */
		if (current != NULL) {
			policy_image_tag(current, then);
			result->is_unchanged = !plan->is_again && tag_is_current(then, now) &&
			                       !is_overdue(feeds_changes_s(plan, current));
		}
		if (result->is_unchanged)
			return 0;
		f.is_base_bad = false;
		e = compile_once(plan, base, current, now, result, &f);
		if (f.is_base_bad) {
			log_warning("the image in force cannot be read again: reading all lists");
			base = NULL;
			e = -EAGAIN;
		}
	}
	return e;
}

int feeds_compile(const struct feeds_plan *plan, struct policy_image *current,
                  struct feeds_result *ret_result)
{
	struct feeds_result result = { 0 };
	*ret_result = result;
	if (plan->n_lists > POLICY_MAX_LISTS)
		return -EINVAL;
	for (unsigned i = 0; i < plan->n_lists; i++) {
		if (!store_is_name(plan->lists[i].spec->name))
			return -EINVAL;
	}
	int e = compile_tries(plan, current, &result);
	if (e == 0 || e == -EBADMSG)
		*ret_result = result;
	else
		feeds_result_done(&result);
	return e;
}
