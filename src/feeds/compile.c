/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "feeds/load.h"
#include "feeds/pattern.h"
#include "feeds/report.h"
#include "feeds/rpz_zone.h"
#include "feeds/store.h"
#include "feeds/tag.h"

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
	struct policy_patterns *patterns;
	struct policy_pattern_set *pattern_set; /* NULL: there are none */
	struct load *load;                      /* whose rules come now */
	uint16_t list;                          /* its number in the builder */
};

int feeds_open(const struct feeds_plan *plan, bool set_key, struct policy_image **ret_image,
               bool *ret_is_current)
{
	char path[PATH_ROOM];
	uint8_t then[FEEDS_TAG_BYTES], now[FEEDS_TAG_BYTES];
	struct policy_image *image;
	if (!store_image_path(plan, path, sizeof path))
		return -ENOENT;
	int e = policy_image_open(path, set_key, &image);
	if (e != 0)
		return e;
	e = pattern_attach(plan, image);
	if (e != 0) {
		policy_image_put(image);
		return e;
	}
	policy_image_tag(image, then);
	tag_make(plan, now);
	*ret_image = image;
	*ret_is_current = tag_is_current(then, now);
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
	report_skip(&c->result->reports[c->list], FEEDS_SKIP_TOO_MUCH, r->line, text,
	            sizeof text - 1);
	return 0;
}

static int build_list(struct compile *c, struct load *l)
{
	struct policy_list_spec spec = *l->list->spec;
	/* Where explain looks for the line: the copy, when it is the copy that is in force. */
	if (l->path[0] != 0)
		snprintf(spec.path, sizeof spec.path, "%.*s", (int)sizeof spec.path - 1, l->path);
	c->load = l;
	int e = policy_builder_add_list(c->builder, &spec, &c->list);
	if (e == 0)
		e = load_emit(l, add_rule, c);
	const struct rpz_zone *z = l->zone;
	if (e == 0 && z != NULL && z->has_soa)
		e = policy_builder_set_soa(c->builder, c->list, z->apex.wire, z->soa_ttl_s, z->soa,
		                           z->soa_n);
	if (e != 0)
		return e;
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
static int build_patterns(struct compile *c, const struct policy_image *current, uint8_t *tag)
{
	int e = policy_patterns_make(c->patterns, current, on_dropped, c, &c->pattern_set);
	if (e == 0)
		pattern_tag(tag, c->pattern_set);
	return e;
}

/* ---- the image onto the disk ---- */

static int open_image(struct compile *c, const char *path)
{
	int e = policy_image_open(path, false, &c->result->image);
	return e == 0 && c->pattern_set != NULL
	               ? policy_image_attach(c->result->image, c->pattern_set)
	               : e;
}

/* Without a state directory the image lives in an unlinked file, as long as it is mapped. */
static int write_private(struct compile *c, const uint8_t *tag)
{
	const char *tmp = getenv("TMPDIR");
	const char *const places[] = { tmp != NULL && tmp[0] == '/' ? tmp : "/tmp", "/var/tmp",
		                       "/dev/shm" };
	char folder[PATH_ROOM], path[PATH_ROOM + 16];
	int e = -ENOENT;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(folder, sizeof folder, "%s/weir-XXXXXX", places[i]);
		if (mkdtemp(folder) == NULL) {
			e = -errno;
			continue;
		}
		snprintf(path, sizeof path, "%s/policy.image", folder);
		e = policy_builder_write(c->builder, path, tag);
		bool is_written = e == 0; /* the builder is empty then */
		if (is_written)
			e = open_image(c, path);
		(void)unlink(path);
		(void)rmdir(folder);
		if (is_written)
			break;
	}
	return e;
}

/* A full or read-only disk must not keep a policy from coming into force. */
static int write_image(struct compile *c, const uint8_t *tag)
{
	char path[PATH_ROOM];
	if (c->plan->is_read_only || !store_image_path(c->plan, path, sizeof path))
		return write_private(c, tag);
	int e = store_prepare(c->plan);
	/* First the patterns: an image never asks for a file that is not there. */
	if (e == 0 && c->pattern_set != NULL)
		e = pattern_path(c->plan, pattern_key_of_tag(tag), path, sizeof path)
		            ? policy_pattern_set_write(c->pattern_set, path)
		            : -ENAMETOOLONG;
	(void)store_image_path(c->plan, path, sizeof path);
	if (e == 0)
		e = policy_builder_write(c->builder, path, tag);
	if (e == 0) {
		pattern_prune(c->plan, pattern_key_of_tag(tag));
		return open_image(c, path);
	}
	if (e == -ENOMEM)
		return e;
	log_warning("%s could not be written: %s; the next start will not find this policy", path,
	            strerrordesc_np(-e));
	return write_private(c, tag);
}

/* Not being able to keep a copy costs safety, not service: it is said, and that is all. */
static void keep_copies(const struct compile *c)
{
	char path[PATH_ROOM];
	if (c->plan->is_read_only || !store_image_path(c->plan, path, sizeof path))
		return;
	for (unsigned i = 0; i < c->plan->n_lists; i++) {
		const struct load *l = &c->loads[i];
		if (l->report->origin != FEEDS_FROM_FILE)
			continue;
		int e = store_keep(c->plan, l->list->spec->name, l->path, &l->stat);
		if (e != 0 && e != -EAGAIN) /* -EAGAIN: there is a newer file, with its own turn */
			log_warning("list '%s': the last good copy could not be written: %s",
			            l->list->spec->name, strerrordesc_np(-e));
	}
	store_prune(c->plan);
}

/* ---- the whole ---- */

static int check_lists(struct compile *c, uint64_t *ret_rules)
{
	uint64_t rules = 0;
	for (unsigned i = 0; i < c->plan->n_lists; i++) {
		struct feeds_report *r = &c->result->reports[i];
		int e = load_check(&c->loads[i], c->plan, &c->plan->lists[i], r);
		if (e != 0)
			return e;
		rules += r->names + r->prefixes;
		c->result->n_from_copy += r->origin == FEEDS_FROM_COPY;
		c->result->n_from_nowhere += r->origin == FEEDS_FROM_NOWHERE;
	}
	*ret_rules = rules;
	return 0;
}

static int compile(struct compile *c, const struct policy_image *current, uint8_t *tag)
{
	uint64_t rules;
	char path[PATH_ROOM];
	int e = check_lists(c, &rules);
	if (e != 0)
		return e;
	if (c->result->n_from_nowhere > 0 && current != NULL &&
	    !store_image_path(c->plan, path, sizeof path))
		return -EBADMSG;
	if (c->result->n_from_copy + c->result->n_from_nowhere > 0)
		tag_set_degraded(tag);
	e = policy_builder_new(rules, &c->builder);
	if (e == 0)
		e = policy_patterns_new(&c->patterns);
	for (unsigned i = 0; e == 0 && i < c->plan->n_lists; i++)
		e = build_list(c, &c->loads[i]);
	if (e == 0)
		e = build_patterns(c, current, tag);
	if (e == 0)
		e = write_image(c, tag);
	if (e == 0)
		keep_copies(c);
	return e;
}

static int compile_once(const struct feeds_plan *plan, const struct policy_image *current,
                        uint8_t *tag, struct feeds_result *result)
{
	struct compile c = { .plan = plan, .result = result };
	size_t n = plan->n_lists > 0 ? plan->n_lists : 1;
	int e = -ENOMEM;
	c.loads = calloc(n, sizeof *c.loads);
	result->reports = calloc(n, sizeof *result->reports);
	result->n_reports = plan->n_lists;
	if (c.loads != NULL && result->reports != NULL)
		e = compile(&c, current, tag);
	policy_builder_free(c.builder);
	policy_patterns_free(c.patterns);
	policy_pattern_set_put(c.pattern_set);
	for (unsigned i = 0; c.loads != NULL && i < plan->n_lists; i++)
		load_done(&c.loads[i]);
	free(c.loads);
	return e;
}

int feeds_compile(const struct feeds_plan *plan, const struct policy_image *current,
                  struct feeds_result *ret_result)
{
	uint8_t then[FEEDS_TAG_BYTES], now[FEEDS_TAG_BYTES];
	struct feeds_result result = { 0 };
	*ret_result = result;
	if (plan->n_lists > POLICY_MAX_LISTS)
		return -EINVAL;
	for (unsigned i = 0; i < plan->n_lists; i++) {
		if (!store_is_name(plan->lists[i].spec->name))
			return -EINVAL;
	}
	int e = -EAGAIN;
	for (unsigned i = 0; i < TRIES && e == -EAGAIN; i++) {
		feeds_result_done(&result);
		tag_make(plan, now); /* before reading: what changes later makes it differ */
		if (current != NULL) {
			policy_image_tag(current, then);
			if (tag_is_current(then, now)) {
				ret_result->is_unchanged = true;
				return 0;
			}
		}
		e = compile_once(plan, current, now, &result);
	}
	if (e == 0 || e == -EBADMSG)
		*ret_result = result;
	else
		feeds_result_done(&result);
	return e;
}
