/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "feeds/report.h"
#include "feeds/rpz_zone.h"
#include "feeds/store.h"

void load_set_up(struct load *l, struct scan *s, struct feeds_report *report)
{
	*s = (struct scan){
		.format = l->list->format,
		.no_subdomains = l->list->no_subdomains,
		.match = l->list->spec->match,
		.options = &l->list->options,
		.zone = l->zone,
		.is_log_only = l->list->spec->action == POLICY_LOG,
		.guard = l->has_guard ? &l->guard : NULL,
		.stop = l->plan->stop,
		.report = report,
		.now_s = l->now_s,
	};
}

uint64_t load_max_bytes(const struct load *l)
{
	return l->plan->max_bytes != 0 ? l->plan->max_bytes : FEEDS_MAX_BYTES;
}

/* Why the text of a file that was read whole is not taken, or NULL. */
const char *load_judge_text(const struct feeds_report *r, uint64_t garbage_lines)
{
	uint64_t lines = r->lines - r->comments;
	uint64_t rules = r->names + r->prefixes;
	/* Names of the local machine alone are an honest, empty hosts file; SOA and NS an empty
	 * policy zone; indicators that have all expired a list that is at rest. */
	uint64_t honest = 0;
	for (unsigned i = 1; i < FEEDS_N_SKIPS; i++)
		honest += report_is_quiet(i) ? r->skips[i] : 0;
	if (rules == 0 && lines > 0 && (r->skipped == 0 || honest != r->skipped))
		return "has lines, but none of them is a rule of this format";
	if (lines > LOAD_GARBAGE_LINES && garbage_lines > lines / 2)
		return "is garbage: more than half of its lines are not of this format";
	return NULL;
}

/* An error that no copy can help against. */
static bool is_ours(int e)
{
	return e == -ENOMEM || e == -ECANCELED;
}

/* The first pass over one file. 0, or -errno with the reason and the line. */
static int check_file(struct load *l, const char *path, struct feeds_report *report,
                      const char **ret_why, uint64_t *ret_line)
{
	struct scan s;
	struct reader *r;
	*ret_line = 0;
	overrides_done(&l->overrides);
	rpz_zone_free(l->zone);
	l->zone = NULL;
	guard_done(&l->guard);
	l->has_guard = false;
	int e = guard_init(&l->guard, l->list);
	if (e != 0)
		return e;
	l->has_guard = true;
	e = reader_open(path, load_max_bytes(l), &r, ret_why);
	if (e != 0)
		return e;
	load_set_up(l, &s, report);
	s.pass = SCAN_CHECK;
	s.overrides = l->list->format == FEEDS_ADBLOCK ? &l->overrides : NULL;
	e = scan_file(&s, r);
	l->zone = s.zone;
	if (e == -E2BIG) {
		*ret_why = "has more than a million exceptions";
		*ret_line = s.line;
	} else if (e != 0 && s.why != NULL) {
		*ret_why = s.why;
		*ret_line = s.line;
	} else if (e == -ENOKEY) {
		*ret_why = "has no column of the title that `column` says";
		*ret_line = s.line;
	} else if (e != 0) {
		(void)reader_error(r, ret_why);
		*ret_line = reader_line(r);
	} else if ((*ret_why = load_judge_text(report, s.garbage_lines)) != NULL) {
		e = -EBADMSG;
		*ret_line = report->n_examples > 0 ? report->examples[0].line : 0;
	} else if (reader_has_changed(r)) {
		*ret_why = "was changed while it was read";
		e = -EAGAIN;
	}
	l->is_blank = report->lines == report->comments && !s.has_comment;
	l->stat = *reader_stat(r);
	l->bytes = reader_size(r);
	l->digest = reader_digest(r);
	l->rules = report->names + report->prefixes;
	l->n_protected = guard_count(&l->guard);
	report->loaded_s = (uint64_t)l->stat.st_mtim.tv_sec;
	reader_close(r);
	overrides_seal(&l->overrides);
	return e;
}

static void age_text(uint64_t then_s, char *ret, size_t room)
{
	uint64_t now = clock_wall_ns() / NS_PER_S;
	uint64_t s = now > then_s ? now - then_s : 0;
	if (s < 120)
		snprintf(ret, room, "%" PRIu64 " seconds", s);
	else if (s < 7200)
		snprintf(ret, room, "%" PRIu64 " minutes", s / 60);
	else if (s < 172800)
		snprintf(ret, room, "%" PRIu64 " hours", s / 3600);
	else
		snprintf(ret, room, "%" PRIu64 " days", s / 86400);
}

/* What was wrong, in the words of the operator: "list 'x': FILE:LINE: why (errno)". */
static void describe(const struct load *l, int error, const char *why, uint64_t line, char *ret,
                     size_t room)
{
	char place[32] = "", example[104] = "";
	if (error == -ENOENT && l->list->is_fetched) {
		snprintf(ret, room, "list '%.63s': it has not been downloaded yet",
		         l->list->spec->name);
		return;
	}
	bool is_plain = l->report->is_refused || error == -EBADMSG || error == -ENODATA ||
	                error == -EILSEQ || error == -ENOTSUP || error == -EAGAIN ||
	                error == -EFBIG || error == -ENOKEY || error == -E2BIG || error == -EINVAL;
	if (line > 0)
		snprintf(place, sizeof place, ":%" PRIu64 ":", line);
	/* A wrong `format:` is the usual cause, and the first line's reason tells the right one. */
	if (error == -EBADMSG && l->report->n_examples > 0)
		snprintf(example, sizeof example, " (%s)",
		         feeds_skip_text(l->report->examples[0].why));
	/* Paths are long, the message is not: the end of a path says more than its beginning. */
	const char *path = l->list->spec->path;
	size_t n = strlen(path);
	snprintf(ret, room, "list '%.63s': %s%.160s%s %.220s%.100s%s%.40s", l->list->spec->name,
	         n > 160 ? "..." : "", n > 160 ? path + n - 160 : path, place, why, example,
	         is_plain ? "" : ": ", is_plain ? "" : strerrordesc_np(-error));
}

/* What is used when the file is no good: the version that was chosen, or the last good copy. */
static bool fallback_path(struct load *l)
{
	char number[16];
	if (l->pin.number == 0)
		return store_copy_path(l->plan, l->list->spec->name, l->path, sizeof l->path);
	snprintf(number, sizeof number, "%" PRIu32, l->pin.number);
	return versions_path(l->plan->state_dir, l->list->spec->name, number, l->path,
	                     sizeof l->path);
}

static int use_copy(struct load *l, int error, const char *why, uint64_t line)
{
	char what[FEEDS_MESSAGE_MAX], age[48];
	const char *copy_why;
	uint64_t copy_line;
	struct feeds_report *r = l->report, mine = *r;
	describe(l, error, why, line, what, sizeof what);
	int e = -ENOENT;
	if (fallback_path(l))
		e = check_file(l, l->path, &mine, &copy_why, &copy_line);
	if (is_ours(e))
		return e;
	if (e == 0) {
		mine.is_refused = r->is_refused;
		*r = mine;
		r->origin = FEEDS_FROM_COPY;
		age_text(r->loaded_s, age, sizeof age);
		report_say(r, "%s; %s, %s old, stays in force%s%s%s", what,
		           l->pin.number != 0 ? "the version that was chosen"
		                              : "the last good copy",
		           age, r->is_refused ? " (if it is right: weir feeds accept " : "",
		           r->is_refused ? r->name : "", r->is_refused ? ")" : "");
	} else {
		r->origin = FEEDS_FROM_NOWHERE;
		r->names = r->prefixes = r->patterns = 0;
		r->loaded_s = 0;
		l->path[0] = 0;
		overrides_done(&l->overrides);
		report_say(r, "%s; there is no good copy of it to use instead", what);
	}
	r->error = error;
	r->error_line = line;
	return 0;
}

/*
 * Nothing at all in a file is what a download that failed leaves behind; a list that is empty on
 * purpose can say so in a comment.
 */
static bool is_suspiciously_empty(const struct load *l)
{
	char path[sizeof l->path];
	struct stat st;
	if (!l->is_blank || !store_copy_path(l->plan, l->list->spec->name, path, sizeof path))
		return false;
	return stat(path, &st) == 0 ? st.st_size > 0 : errno != ENOENT && errno != ENOTDIR;
}

/* ---- the guard ---- */

static bool is_older_serial(uint32_t now, uint32_t before)
{
	return (int32_t)(now - before) < 0; /* RFC 1982 */
}

/* What the guard has against a file that is sane, or NULL. */
static const char *ask_guard(struct load *l, const struct versions *v, char *ret_text, size_t room,
                             uint64_t *ret_line)
{
	const struct feeds_report *r = l->report;
	const struct feeds_version *newest = v->n > 0 ? &v->at[v->n - 1] : NULL;
	if (newest != NULL && newest->digest == l->digest)
		newest = NULL; /* it is this one */
	if (newest != NULL && newest->has_serial && r->has_serial && l->list->guard.has_limits &&
	    is_older_serial(r->serial, newest->serial)) {
		snprintf(ret_text, room, "has serial %" PRIu32 ", older than %" PRIu32 " before",
		         r->serial, newest->serial);
		return ret_text;
	}
	return guard_judge(&l->guard, l->rules, newest, ret_text, room, ret_line);
}

/*
 * 0, or -EPERM with the reason; an operator's word (weir feeds accept) goes before. Without the versions
 * of before there is nothing to hold it against, and it is not taken either: -errno.
 */
static int obey_guard(struct load *l, char *text, size_t room, const char **ret_why,
                      uint64_t *ret_line)
{
	uint64_t line = 0;
	struct versions v;
	int e = versions_read(l->plan->state_dir, l->list->spec->name, &v);
	if (e != 0) {
		*ret_why = "cannot be held against its versions of before";
		return e;
	}
	const char *why = ask_guard(l, &v, text, room, &line);
	if (why == NULL)
		return 0;
	int accepted = versions_is_accepted(l->plan->state_dir, l->list->spec->name, l->path);
	if (accepted > 0)
		return 0;
	if (accepted < 0) {
		*ret_why = "cannot be held against what was accepted";
		return accepted;
	}
	*ret_why = why;
	*ret_line = line;
	l->report->is_refused = true;
	return -EPERM;
}

/* ---- the whole ---- */

static bool is_suitable(struct load *l)
{
	const struct feeds_list *list = l->list;
	if (feeds_format_suits(list->format, list->spec->match))
		return true;
	l->report->origin = FEEDS_FROM_NOWHERE;
	l->report->error = -EINVAL;
	report_say(l->report,
	           "list '%s': format %s gives %s, and its `match` needs %s; the list is empty",
	           list->spec->name, feeds_format_name(list->format),
	           list->format == FEEDS_ADDRESSES ? "addresses" : "names",
	           list->format == FEEDS_ADDRESSES ? "names" : "addresses");
	return false;
}

/* Is a version to be taken whatever the file holds? 1, 0, or -errno: it cannot be told. */
static int is_held(struct load *l)
{
	struct versions_identity now = { 0 };
	int found = versions_pinned(l->plan->state_dir, l->list->spec->name, &l->pin);
	if (found <= 0) {
		l->pin.number = 0;
		return found;
	}
	if (!versions_identify(l->list->spec->path, &now) && errno != ENOENT)
		return -errno;
	return !l->pin.is_until_newer || versions_is_same(&now, &l->pin.identity);
}

/* What was chosen cannot be read now, and what was not chosen must not come in its place. */
static int wait_for_version(struct load *l, int error, const char *why)
{
	struct feeds_report *r = l->report;
	report_reset_counts(r);
	r->origin = FEEDS_FROM_NOWHERE;
	r->error = error;
	l->path[0] = 0;
	l->is_version_unread = true;
	report_say(r, "list '%s': %s: %s", r->name, why, strerrordesc_np(-error));
	return 0;
}

/* -ENOENT: it cannot be used; the file is looked at as if nothing had been chosen. */
static int use_version(struct load *l)
{
	const char *why = "";
	uint64_t line;
	char age[48];
	if (!fallback_path(l))
		return -ENOENT;
	int e = check_file(l, l->path, l->report, &why, &line);
	l->report->error = e;
	if (e != 0 && !is_ours(e) && report_may_pass(l->report))
		return wait_for_version(l, e, "the version that was chosen cannot be read");
	l->report->error = 0;
	if (e != 0) {
		log_warning("list '%s': version %" PRIu32 ", which was chosen, %s", l->report->name,
		            l->pin.number, why);
		report_reset_counts(l->report);
		l->pin.number = 0;
		return is_ours(e) ? e : -ENOENT;
	}
	l->report->origin = FEEDS_FROM_VERSION;
	age_text(l->report->loaded_s, age, sizeof age);
	report_say(l->report, "list '%s': version %" PRIu32 ", %s old, is in force as chosen",
	           l->report->name, l->pin.number, age);
	return 0;
}

int load_judge(struct load *l, char *text, size_t room, const char **ret_why, uint64_t *ret_line)
{
	if (is_suspiciously_empty(l)) {
		*ret_why = "is empty (a list that is empty on purpose holds a comment)";
		return -ENODATA;
	}
	int is_cut = store_is_cut_short(l->plan, l->list->spec->name, l->path);
	if (is_cut < 0) {
		*ret_why = "cannot be held against the last good copy";
		return is_cut;
	}
	if (is_cut > 0) {
		*ret_why =
			"is cut off: it is the beginning of the last good copy and ends within a line";
		*ret_line = l->report->lines;
		return -ENODATA;
	}
	return obey_guard(l, text, room, ret_why, ret_line);
}

/* What is wrong with the list's own file; 0: nothing. */
static int check_own(struct load *l, const char **ret_why, uint64_t *ret_line, char *text,
                     size_t room)
{
	snprintf(l->path, sizeof l->path, "%s", l->list->spec->path);
	int e = check_file(l, l->path, l->report, ret_why, ret_line);
	return e == 0 ? load_judge(l, text, room, ret_why, ret_line) : e;
}

void load_begin(struct load *l, const struct feeds_plan *plan, const struct feeds_list *list,
                struct feeds_report *report)
{
	memset(l, 0, sizeof *l);
	l->plan = plan;
	l->list = list;
	l->now_s = clock_wall_ns() / NS_PER_S;
	l->report = report;
	report_init(report, list->spec->name);
}

void load_tell(struct load *l)
{
	char text[LOAD_WHY_MAX];
	uint64_t line = 0;
	const struct policy_list_spec *spec = l->list->spec;
	if (l->report->names + l->report->prefixes == 0)
		report_say(l->report, "list '%s': %s holds no rule", spec->name, spec->path);
	else if (guard_first(&l->guard, text, sizeof text, &line))
		report_say(l->report,
		           "list '%s': %s:%" PRIu64 ": %s: left out, as %" PRIu64
		           " in all (lists[].protected)",
		           spec->name, spec->path, line, text, l->n_protected);
}

/* Its file or, if that is no good, what there is instead. */
static int use_own(struct load *l)
{
	const char *why = "";
	char text[LOAD_WHY_MAX];
	uint64_t line = 0;
	int e = check_own(l, &why, &line, text, sizeof text);
	if (e == 0)
		load_tell(l);
	l->ends_pin = e == 0 && l->pin.number != 0;
	if (e == 0 || is_ours(e))
		return e;
	return use_copy(l, e, why, line);
}

/* The root and all below it. */
static int emit_every(int (*rule)(void *arg, const struct feeds_rule *r), void *arg)
{
	static const struct name root = { .wire = { 0 }, .len = 1 };
	const struct feeds_rule r = { .name = &root, .rule = { .scope = POLICY_SCOPE_TREE } };
	return rule != NULL ? rule(arg, &r) : 0;
}

int load_check(struct load *l, const struct feeds_plan *plan, const struct feeds_list *list,
               struct feeds_report *report)
{
	load_begin(l, plan, list, report);
	if (list->is_every) {
		report->names = 1;
		return 0;
	}
	if (!is_suitable(l))
		return 0;
	int held = is_held(l);
	if (held < 0)
		return wait_for_version(l, held, "which version was chosen cannot be read");
	int e = held > 0 ? use_version(l) : -ENOENT;
	return e == -ENOENT ? use_own(l) : e;
}

int load_check_file(struct load *l, const struct feeds_plan *plan, const struct feeds_list *list,
                    struct feeds_report *report)
{
	load_begin(l, plan, list, report);
	return is_suitable(l) ? use_own(l) : 0;
}

/* What was counted, for the next version of the text. */
static void note_facts(struct load *l, const struct scan *s, const struct reader *r)
{
	l->facts.is_spoilt |= reader_has_lone_cr(r);
	if (s->zone != NULL)
		facts_add_header(&l->facts, s->zone->first_body, s->zone->is_plain);
	l->facts.counts = facts_count(s->report, s->garbage_lines, s->rule_lines);
	facts_seal(&l->facts);
}

int load_emit(struct load *l, int (*rule)(void *arg, const struct feeds_rule *r), void *arg)
{
	struct scan s;
	struct reader *r;
	const char *why;
	if (l->report->origin == FEEDS_FROM_NOWHERE)
		return 0;
	l->facts.is_spoilt = true;
	if (l->list->is_every)
		return emit_every(rule, arg);
	if (reader_open(l->path, load_max_bytes(l), &r, &why) != 0)
		return -EAGAIN;
	load_set_up(l, &s, l->report);
	s.pass = SCAN_EMIT;
	s.overrides = l->list->format == FEEDS_ADBLOCK ? &l->overrides : NULL;
	s.rule = rule;
	s.arg = arg;
	l->facts.is_spoilt = l->report->origin != FEEDS_FROM_FILE || !facts_suits(s.format);
	s.facts = l->facts.is_spoilt ? NULL : &l->facts;
	int e = scan_file(&s, r);
	l->zone = s.zone;
	note_facts(l, &s, r);
	/* What was judged must be what was taken. */
	if (s.error == 0 && e != -ECANCELED && (e != 0 || reader_digest(r) != l->digest))
		e = -EAGAIN;
	reader_close(r);
	return e;
}

void load_done(struct load *l)
{
	overrides_done(&l->overrides);
	rpz_zone_free(l->zone);
	guard_done(&l->guard);
	facts_done(&l->facts);
	facts_done(&l->before);
	policy_diff_free(l->diff);
}

int feeds_check(const struct feeds_list *list, uint64_t bytes, struct feeds_report *ret)
{
	struct feeds_plan plan = { .lists = list, .n_lists = 1, .max_bytes = bytes };
	struct load l;
	int e = load_check(&l, &plan, list, ret);
	if (e == 0 && ret->error == 0)
		e = load_emit(&l, NULL, NULL); /* for the counts of what is excepted */
	load_done(&l);
	return e != 0 ? e : ret->error;
}
