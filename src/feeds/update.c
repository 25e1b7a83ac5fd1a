/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/update.h"

#include <errno.h>
#include <string.h>

#include "feeds/change_layers.h"
#include "feeds/report.h"
#include "feeds/rpz_zone.h"
#include "feeds/store.h"

/* One of the two texts, as far as it is looked at. */
struct half {
	struct update *update;
	struct reader *reader;
	struct scan scan;
	bool is_gone;       /* the old one */
	uint64_t next_line; /* behind what was fed last */
};

struct update {
	struct load *load;
	struct half old, now;
	struct feeds_report old_report;
	struct guard old_guard;
	uint32_t next; /* of before.special, which are in the order of the old text */
};

/* ---- rules ---- */

static int on_rule(void *arg, const struct feeds_rule *r)
{
	const struct half *h = arg;
	struct policy_diff *d = h->update->load->diff;
	if (r->pattern != NULL)
		return -ENOTSUP;
	return r->name != NULL ? policy_diff_name(d, h->is_gone, r->name->wire, &r->rule)
	                       : policy_diff_prefix(d, h->is_gone, r->prefix, &r->rule);
}

/* ---- lines ---- */

/* The reader ends lines at CR too; here that is a blank at the end, or more than this can tell. */
static int feed_line(struct half *h, const char *text, size_t n, uint64_t line)
{
	if (n > 0 && text[n - 1] == '\r')
		n--;
	if (n > READER_LINE_MAX || memchr(text, '\r', n) != NULL)
		return -ENOTSUP;
	h->scan.line = line;
	return scan_feed(&h->scan, text, n);
}

static int feed(struct half *h, const char *text, size_t n, uint64_t line)
{
	int e = 0;
	for (size_t from = 0; e == 0 && from < n; line++) {
		const char *lf = memchr(text + from, '\n', n - from);
		size_t to = lf != NULL ? (size_t)(lf - text) : n;
		e = feed_line(h, text + from, to - from, line);
		from = to + 1;
	}
	h->next_line = line;
	return e;
}

/* A record may differ; what records depend on may not, but in the header, which is read anew. */
static bool is_plain(const struct update *u, const struct change_piece *p)
{
	if (u->load->list->format != FEEDS_RPZ || p->old_line <= u->load->before.header)
		return true;
	for (size_t from = 0; from < p->n;) {
		const char *lf = memchr(p->text + from, '\n', p->n - from);
		size_t n = (lf != NULL ? (size_t)(lf - p->text) : p->n) - from;
		if (!rpz_is_plain(p->text + from, n))
			return false;
		from += n + 1;
	}
	return true;
}

static int on_goes(void *arg, const struct change_piece *p)
{
	struct update *u = arg;
	const struct facts *before = &u->load->before;
	if (!is_plain(u, p))
		return -ENOTSUP;
	while (u->next < before->n_special && before->special[u->next] < p->old_line + p->n_lines)
		u->next++;
	return feed(&u->old, p->text, p->n, p->old_line);
}

static int on_comes(void *arg, const struct change_piece *p)
{
	struct update *u = arg;
	uint64_t skipped = u->load->report->skipped;
	if (!is_plain(u, p))
		return -ENOTSUP;
	int e = feed(&u->now, p->text, p->n, p->new_line);
	/* An owner without a rule: nobody would see that it stands elsewhere, too. The header's are read. */
	if (e == 0 && u->load->list->format == FEEDS_RPZ && u->now.scan.zone->first_body != 0 &&
	    u->load->report->skipped != skipped)
		e = -ENOTSUP;
	return e;
}

static bool is_stopped(const struct load *l)
{
	return l->plan->stop != NULL && atomic_load(l->plan->stop);
}

/* To the unit with the next special line: where, and its bytes; 0: there is none. */
static size_t special_unit(const struct update *u, const struct change_piece *p, size_t *at,
                           uint64_t *line)
{
	bool by_owner = u->load->list->format == FEEDS_RPZ;
	uint64_t wanted = u->load->before.special[u->next];
	for (;;) {
		size_t n = change_unit(p->text + *at, p->n - *at, true, by_owner);
		uint64_t n_lines = 0;
		for (size_t i = 0; i < n; i++)
			n_lines += p->text[*at + i] == '\n' || i + 1 == n;
		if (n == 0 || *line + n_lines > wanted)
			return n;
		*at += n;
		*line += n_lines;
	}
}

/* Special lines are looked at in both texts, so that what they are told with is of the new one. */
static int on_stays(void *arg, const struct change_piece *p)
{
	struct update *u = arg;
	const struct facts *before = &u->load->before;
	size_t at = 0;
	uint64_t line = p->old_line;
	int e = is_stopped(u->load) ? -ECANCELED : 0;
	while (e == 0 && u->next < before->n_special &&
	       before->special[u->next] < p->old_line + p->n_lines) {
		size_t n = special_unit(u, p, &at, &line);
		/* First the new: what was passed of the old text does not count this line yet. */
		e = n == 0 ? -EBADMSG
		           : feed(&u->now, p->text + at, n, p->new_line + (line - p->old_line));
		if (e == 0)
			e = feed(&u->old, p->text + at, n, line);
		at += n;
		line = u->old.next_line;
		while (u->next < before->n_special && before->special[u->next] < line)
			u->next++;
	}
	return e;
}

/* ---- what it comes to ---- */

static void replace(uint64_t *total, uint64_t gone, uint64_t come)
{
	*total = *total - gone + come;
}

static struct facts_counts add_up(const struct update *u)
{
	const struct scan *o = &u->old.scan, *n = &u->now.scan;
	struct facts_counts c = u->load->before.counts;
	const struct facts_counts gone = facts_count(o->report, o->garbage_lines, o->rule_lines);
	const struct facts_counts come = facts_count(n->report, n->garbage_lines, n->rule_lines);
	replace(&c.lines, gone.lines, come.lines);
	replace(&c.comments, gone.comments, come.comments);
	replace(&c.names, gone.names, come.names);
	replace(&c.prefixes, gone.prefixes, come.prefixes);
	replace(&c.suspicious, gone.suspicious, come.suspicious);
	replace(&c.odd, gone.odd, come.odd);
	replace(&c.skipped, gone.skipped, come.skipped);
	replace(&c.garbage_lines, gone.garbage_lines, come.garbage_lines);
	replace(&c.rule_lines, gone.rule_lines, come.rule_lines);
	for (unsigned i = 0; i < FEEDS_N_SKIPS; i++)
		replace(&c.skips[i], gone.skips[i], come.skips[i]);
	return c;
}

static void tell_counts(struct feeds_report *r, const struct facts_counts *c)
{
	r->lines = c->lines;
	r->comments = c->comments;
	r->names = c->names;
	r->prefixes = c->prefixes;
	r->suspicious = c->suspicious;
	r->odd = c->odd;
	r->skipped = c->skipped;
	memcpy(r->skips, c->skips, sizeof r->skips);
}

static bool has_layers(const struct reader *r)
{
	const char *head;
	size_t n;
	return reader_layers(r, &head, &n) != NULL;
}

/* The same questions that load_check() asks; whoever fails one is read whole, and told of. */
static int judge(struct update *u)
{
	struct load *l = u->load;
	char text[LOAD_WHY_MAX];
	const char *why = "";
	uint64_t line;
	if (reader_digest(u->old.reader) != l->before.source.text ||
	    reader_has_changed(u->now.reader))
		return -ESTALE;
	/* An owner that stands in two places makes one rule, and is found by the first pass only. */
	if (l->list->format == FEEDS_RPZ &&
	    (!u->old.scan.zone->is_plain || u->now.scan.zone->n_twice > 0 ||
	     rpz_context(&u->old.scan) != rpz_context(&u->now.scan)))
		return -ENOTSUP;
	l->facts.source.settings = l->before.source.settings;
	l->facts.counts = add_up(u);
	l->facts.before = NULL;
	l->facts.passed = NULL;
	l->zone = u->now.scan.zone;
	if (l->zone != NULL)
		facts_add_header(&l->facts, l->zone->first_body, l->zone->is_plain);
	facts_seal(&l->facts);
	tell_counts(l->report, &l->facts.counts);
	/* Of a text in layers little was read. */
	l->report->bytes = has_layers(u->now.reader) ? reader_size(u->now.reader)
	                                             : reader_bytes(u->now.reader);
	l->stat = *reader_stat(u->now.reader);
	l->bytes = reader_size(u->now.reader);
	l->digest = reader_digest(u->now.reader);
	l->facts.source.text = l->digest;
	l->rules = l->report->names + l->report->prefixes;
	l->n_protected = guard_count(&l->guard);
	l->report->loaded_s = (uint64_t)l->stat.st_mtim.tv_sec;
	if (l->rules == 0 || l->facts.is_spoilt || !facts_have_examples(&l->facts) ||
	    load_judge_text(l->report, l->facts.counts.garbage_lines) != NULL)
		return -ENOTSUP;
	int e = load_judge(l, text, sizeof text, &why, &line);
	if (e == 0)
		load_tell(l);
	return e;
}

/* Of two texts in layers it is known where they differ. */
static int run(struct update *u, const struct change_plan *change)
{
	char copy[sizeof u->load->path];
	const struct load *l = u->load;
	const struct facts *before = &l->before;
	if (!has_layers(u->old.reader) || !has_layers(u->now.reader) || !change->by_owner ||
	    before->n_special > CHANGE_LAYERS_ASKED ||
	    !store_copy_path(l->plan, l->list->spec->name, copy, sizeof copy))
		return change_run(change);
	const struct change_layers_plan plan = {
		.change = *change,
		.old_path = copy,
		.path = l->path,
		.asked = before->special,
		.n_asked = before->n_special,
	};
	return change_layers_run(&plan);
}

static int compare(struct update *u)
{
	uint64_t lines = u->load->before.counts.lines;
	const struct change_plan plan = {
		.old = u->old.reader,
		.now = u->now.reader,
		.by_owner = u->load->list->format == FEEDS_RPZ,
		.max_lines = lines / UPDATE_PART + UPDATE_FLOOR,
		.stays = on_stays,
		.goes = on_goes,
		.comes = on_comes,
		.arg = u,
	};
	int e = scan_begin(&u->old.scan, 0);
	if (e == 0)
		e = scan_begin(&u->now.scan, reader_size(u->now.reader));
	if (e == 0)
		e = run(u, &plan);
	if (e == 0)
		e = scan_end(&u->old.scan);
	if (e == 0)
		e = scan_end(&u->now.scan);
	return e == 0 ? judge(u) : e;
}

/* ---- the two halves ---- */

static int half_open(struct update *u, struct half *h, const char *path)
{
	const char *why;
	struct load *l = u->load;
	h->update = u;
	load_set_up(l, &h->scan, h->is_gone ? &u->old_report : l->report);
	h->scan.pass = h->is_gone || l->list->format != FEEDS_RPZ ? SCAN_EMIT : SCAN_CHECK;
	h->scan.rule = on_rule;
	h->scan.arg = h;
	h->scan.guard = h->is_gone ? &u->old_guard : &l->guard;
	h->scan.facts = h->is_gone ? NULL : &l->facts;
	return reader_open(path, load_max_bytes(l), &h->reader, &why);
}

static int open_both(struct update *u)
{
	struct load *l = u->load;
	char copy[sizeof l->path];
	const char *name = l->list->spec->name;
	snprintf(l->path, sizeof l->path, "%s", l->list->spec->path);
	report_init(&u->old_report, name);
	l->facts.before = &l->before;
	l->facts.passed = &u->old_report;
	u->old.is_gone = true;
	if (!store_copy_path(l->plan, name, copy, sizeof copy))
		return -ENOTSUP;
	int e = policy_diff_new(&l->diff);
	if (e == 0)
		e = guard_init(&u->old_guard, l->list);
	if (e == 0)
		e = guard_init(&l->guard, l->list);
	l->has_guard = e == 0;
	if (e == 0)
		e = half_open(u, &u->old, copy);
	return e == 0 ? half_open(u, &u->now, l->path) : e;
}

/* Is the text that the image has known so well? */
static int find_facts(struct load *l, const struct policy_image_list *known, uint64_t settings)
{
	struct versions_pin pin;
	const char *name = l->list->spec->name;
	if (!facts_suits(l->list->format) || l->plan->is_read_only || known->source.text == 0 ||
	    known->source.settings != settings || versions_pinned(l->plan->state_dir, name, &pin))
		return -ENOTSUP;
	int e = facts_read(l->plan, name, &l->before);
	if (e == 0 &&
	    (l->before.source.settings != settings || l->before.source.text != known->source.text))
		e = -ESTALE;
	return e;
}

int update_check(struct load *l, const struct feeds_plan *plan, const struct feeds_list *list,
                 struct feeds_report *report, const struct policy_image_list *known,
                 uint64_t settings)
{
	struct update u = { .load = l };
	load_begin(l, plan, list, report);
	int e = find_facts(l, known, settings);
	if (e == 0)
		e = open_both(&u);
	if (e == 0)
		e = compare(&u);
	reader_close(u.old.reader);
	reader_close(u.now.reader);
	guard_done(&u.old_guard);
	scan_done(&u.old.scan);
	scan_done(&u.now.scan);
	rpz_zone_free(u.old.scan.zone);
	if (l->zone == NULL)
		rpz_zone_free(u.now.scan.zone);
	return e;
}
