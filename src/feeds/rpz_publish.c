/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules as records of a policy zone, for who publishes them. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "feeds/change_layers.h"
#include "feeds/load.h"
#include "feeds/report.h"
#include "feeds/rpz_write.h"
#include "feeds/rpz_zone.h"
#include "feeds/store.h"
#include "feeds/update.h"
#include "io/layers.h"

struct publishing {
	const struct feeds_list *list;
	const uint8_t *apex;
	uint32_t ttl_s;
	int (*take)(void *arg, const struct feeds_record *r);
	void *arg;
	uint64_t n_left_out;
};

static int take_record(void *arg, const struct rpz_record *r)
{
	struct publishing *p = arg;
	const struct feeds_record record = {
		.owner = r->owner,
		.type = r->type,
		.ttl_s = r->ttl_s,
		.data = r->data,
		.n = r->n,
	};
	return p->take(p->arg, &record);
}

/* What a rule does not say itself its list says. */
static int take_rule(void *arg, const struct feeds_rule *from)
{
	struct publishing *p = arg;
	const struct policy_list_spec *spec = p->list->spec;
	struct feeds_rule rule = *from;
	if (rule.rule.action == POLICY_NONE)
		rule.rule.action = spec->action;
	if (rule.rule.action == POLICY_REFUSED)
		rule.rule.action = POLICY_NXDOMAIN; /* the nearest that policy zones know */
	if (rule.rule.data != NULL && rule.rule.data->n_types > 0) {
		p->n_left_out++; /* policy zones have no rules for some types */
		return 0;
	}
	if (rule.rule.data == NULL)
		rule.rule.data = &spec->data;
	if (rule.rule.own_match == 0)
		rule.rule.own_match = (uint8_t)spec->match + 1;
	int e = rpz_rule_write(&rule, p->apex, p->ttl_s, take_record, p);
	if (e != -ENOTSUP && e != -ENAMETOOLONG && e != -EINVAL)
		return e;
	p->n_left_out++;
	return 0;
}

int feeds_publish(const struct feeds_plan *plan, const struct feeds_publication *what,
                  int (*take)(void *arg, const struct feeds_record *r), void *arg,
                  struct feeds_published *ret)
{
	struct publishing p = { .list = &plan->lists[0],
		                .apex = what->apex->wire,
		                .ttl_s = what->ttl_s,
		                .take = take,
		                .arg = arg };
	struct feeds_report report;
	struct load l;
	int e = load_check(&l, plan, p.list, &report);
	if (e == 0 && report.origin == FEEDS_FROM_NOWHERE)
		e = report.error != 0 ? report.error : -ENOENT;
	if (e == 0)
		e = load_emit(&l, take_rule, &p);
	if (e == 0)
		*ret = (struct feeds_published){ p.n_left_out, l.digest };
	load_done(&l);
	return e;
}

int feeds_publish_rule(const struct name *name, const struct policy_rule *rule,
                       const struct feeds_publication *what,
                       int (*take)(void *arg, const struct feeds_record *r), void *arg)
{
	struct publishing p = {
		.apex = what->apex->wire, .ttl_s = what->ttl_s, .take = take, .arg = arg
	};
	struct feeds_rule r = { .name = name, .rule = *rule };
	if (r.rule.action == POLICY_REFUSED)
		r.rule.action = POLICY_NXDOMAIN;
	return rpz_rule_write(&r, p.apex, p.ttl_s, take_record, &p);
}

/* ---- by what changes ---- */

int feeds_hold_text(const struct feeds_plan *plan, bool of_copy, const char *to, uint64_t *ret_text)
{
	const struct feeds_list *list = &plan->lists[0];
	char copy[4096 + 128];
	const char *path = list->spec->path, *why, *head;
	struct reader *r;
	size_t n;
	if (list->format != FEEDS_RPZ ||
	    (of_copy && !store_copy_path(plan, list->spec->name, copy, sizeof copy)))
		return -ENOTSUP;
	if (of_copy)
		path = copy;
	if ((unlink(to) != 0 && errno != ENOENT) || link(path, to) != 0)
		return -errno;
	int e = reader_open(to, plan->max_bytes != 0 ? plan->max_bytes : FEEDS_MAX_BYTES, &r, &why);
	if (e != 0)
		return e;
	e = reader_layers(r, &head, &n) != NULL ? 0 : -ENOTSUP;
	*ret_text = reader_digest(r);
	reader_close(r);
	return e;
}

/* One of the two texts, of which the owners that differ are read. */
struct text {
	struct change *of;
	bool is_gone;
	struct publishing publishing;
	struct reader *reader;
	struct scan scan;
	struct feeds_report report;
};

struct change {
	const struct feeds_change *plan;
	struct load load; /* what the scans are set up by */
	struct text old, now;
};

static int take_changed(void *arg, const struct feeds_record *r)
{
	const struct text *t = arg;
	return t->of->plan->take(t->of->plan->arg, t->is_gone, r);
}

static int feed(struct text *t, const struct change_piece *p, uint64_t line)
{
	int e = 0;
	for (size_t from = 0; e == 0 && from < p->n; line++) {
		const char *lf = memchr(p->text + from, '\n', p->n - from);
		size_t n = (lf != NULL ? (size_t)(lf - p->text) : p->n) - from;
		t->scan.line = line;
		if (t->scan.zone->first_body != 0 && !rpz_is_plain(p->text + from, n))
			return -ENOTSUP;
		e = scan_feed(&t->scan, p->text + from, n);
		from += n + 1;
	}
	return e;
}

static int on_goes(void *arg, const struct change_piece *p)
{
	struct change *c = arg;
	return feed(&c->old, p, p->old_line);
}

static int on_comes(void *arg, const struct change_piece *p)
{
	struct change *c = arg;
	return feed(&c->now, p, p->new_line);
}

static int text_open(struct change *c, struct text *t, const char *path)
{
	const char *why;
	t->of = c;
	t->publishing.take = take_changed;
	t->publishing.arg = t;
	report_init(&t->report, c->load.list->spec->name);
	load_set_up(&c->load, &t->scan, &t->report);
	t->scan.pass = SCAN_EMIT;
	t->scan.rule = take_rule;
	t->scan.arg = &t->publishing;
	int e = reader_open(path, load_max_bytes(&c->load), &t->reader, &why);
	return e == 0 ? scan_begin(&t->scan, 0) : e;
}

static void text_close(struct text *t)
{
	reader_close(t->reader);
	scan_done(&t->scan);
	rpz_zone_free(t->scan.zone);
}

static int run(struct change *c)
{
	const char *head;
	size_t n;
	const struct layers *layers = reader_layers(c->old.reader, &head, &n);
	if (layers == NULL)
		return -ENOTSUP;
	const struct change_layers_plan plan = {
		.change = { .old = c->old.reader,
		            .now = c->now.reader,
		            .by_owner = true,
		            .max_lines = layers_head(layers)->lines / UPDATE_PART + UPDATE_FLOOR,
		            .goes = on_goes,
		            .comes = on_comes,
		            .arg = c },
		.old_path = c->plan->old_path,
		.path = c->plan->path,
	};
	int e = change_layers_run(&plan);
	if (e == 0)
		e = scan_end(&c->old.scan);
	if (e == 0)
		e = scan_end(&c->now.scan);
	/* Records mean what they are by themselves, in both. */
	if (e == 0 && (!c->old.scan.zone->is_plain || !c->now.scan.zone->is_plain ||
	               rpz_context(&c->old.scan) != rpz_context(&c->now.scan)))
		e = -ENOTSUP;
	return e;
}

int feeds_publish_change(const struct feeds_plan *plan, const struct feeds_publication *what,
                         const struct feeds_change *change, int64_t *ret_left_out)
{
	const struct feeds_list *list = &plan->lists[0];
	const struct publishing publishing = { .list = list,
		                               .apex = what->apex->wire,
		                               .ttl_s = what->ttl_s };
	struct versions_pin pin;
	struct feeds_report report;
	if (list->format != FEEDS_RPZ ||
	    versions_pinned(plan->state_dir, list->spec->name, &pin) != 0)
		return -ENOTSUP;
	struct change *c = calloc(1, sizeof *c);
	if (c == NULL)
		return -ENOMEM;
	c->plan = change;
	c->old.is_gone = true;
	c->old.publishing = c->now.publishing = publishing;
	load_begin(&c->load, plan, list, &report);
	int e = guard_init(&c->load.guard, list);
	c->load.has_guard = e == 0;
	if (e == 0)
		e = text_open(c, &c->old, change->old_path);
	if (e == 0)
		e = text_open(c, &c->now, change->path);
	if (e == 0)
		e = run(c);
	if (e == 0)
		*ret_left_out =
			(int64_t)(c->now.publishing.n_left_out - c->old.publishing.n_left_out);
	text_close(&c->old);
	text_close(&c->now);
	load_done(&c->load);
	free(c);
	return e;
}
