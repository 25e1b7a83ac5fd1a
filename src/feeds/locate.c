/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "base/clock.h"
#include "feeds/rpz_zone.h"
#include "feeds/scan.h"

enum {
	FOUND = 1
}; /* ends the scan; no errno */

struct search {
	const struct feeds_wanted *wanted;
	const struct scan *scan;
	struct feeds_place place;
};

static int compare(void *arg, const struct feeds_rule *r)
{
	struct search *s = arg;
	const struct feeds_wanted *w = s->wanted;
	if (w->own_match != 0 && w->own_match != r->rule.own_match)
		return 0;
	if (w->lower != NULL) {
		if (r->name == NULL || r->rule.scope != w->scope ||
		    (r->rule.action == POLICY_ALLOW) != w->is_allow ||
		    !name_equal(r->name->wire, w->lower))
			return 0;
	} else if (w->prefix == NULL || r->prefix == NULL ||
	           r->prefix->length != w->prefix->length ||
	           !addr_equal(&r->prefix->addr, &w->prefix->addr)) {
		return 0;
	}
	s->place.line = r->line;
	snprintf(s->place.origin, sizeof s->place.origin, "%s",
	         s->scan->origin != NULL ? s->scan->origin : "");
	return FOUND;
}

int feeds_locate(const char *path, enum feeds_format format, bool no_subdomains,
                 const struct feeds_options *options, const struct feeds_wanted *wanted,
                 struct feeds_place *ret)
{
	struct feeds_report report = { 0 };
	struct search search = { .wanted = wanted };
	struct scan s = {
		.pass = SCAN_EMIT,
		.format = format,
		.no_subdomains = no_subdomains,
		.options = options,
		.now_s = clock_wall_ns() / NS_PER_S,
		.rule = compare,
		.arg = &search,
		.report = &report,
	};
	struct reader *r;
	const char *why;
	search.scan = &s;
	if (format == FEEDS_MMDB) /* no lines, and looking takes as long as loading */
		return -ENOENT;
	int e = reader_open(path, FEEDS_MAX_BYTES, &r, &why);
	if (e != 0)
		return e;
	e = scan_file(&s, r);
	reader_close(r);
	rpz_zone_free(s.zone);
	if (e == FOUND) {
		*ret = search.place;
		return 0;
	}
	return e == 0 ? -ENOENT : e;
}
