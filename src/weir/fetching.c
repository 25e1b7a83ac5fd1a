/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/fetching.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "weir/hosts.h"
#include "weir/loader.h"

/* Where a list comes from. */
enum source {
	SOURCE_FILE,
	SOURCE_URL,
	SOURCE_PRIMARIES,
};

/* What was told of a list, so that it is told once. */
struct told {
	enum source source;
	char name[FETCH_NAME_MAX + 1];
	uint64_t error_digest; /* of the sentence; 0: nothing is wrong */
	bool is_old;
	uint32_t max_age_s;
	uint64_t since_s; /* when we began to look after it */
};

struct fetching {
	struct fetching_plan plan;
	struct fetch *fetch;           /* NULL: nothing has a url, or it has ended */
	struct fetch_status *statuses; /* one a list with a url */
	unsigned n_statuses;
	struct told *told; /* one a list of the configuration */
	unsigned n_told;
};

static void wake_main(void *arg)
{
	loop_wake(arg);
}

int fetching_start(const struct fetching_plan *plan, struct fetching **ret)
{
	struct fetching *f = calloc(1, sizeof *f);
	if (f == NULL)
		return -ENOMEM;
	f->plan = *plan;
	*ret = f;
	return 0;
}

/* ---- what is to be fetched ---- */

static const char *text_or_null(const char *text)
{
	return text != NULL && text[0] != 0 ? text : NULL;
}

static enum fetch_kind kind_of(const struct config_list *l)
{
	if (text_or_null(l->collection) != NULL)
		return FETCH_TAXII;
	if (config_url_ends(l->url, "/manifest.json"))
		return FETCH_MISP;
	return config_url_ends(l->url, "/attributes/restSearch") ? FETCH_MISP_SERVER : FETCH_FILE;
}

static void fill_source(const struct config_list *l, struct fetch_source *s)
{
	*s = (struct fetch_source){
		.name = l->name,
		.urls = { l->url },
		.n_urls = 1,
		.kind = kind_of(l),
		.collection = text_or_null(l->collection),
		.refresh_s = l->refresh_s,
		.full_refresh_s = l->full_refresh_s,
		.timeout_s = l->timeout_s,
		.max_bytes = l->max_size_bytes,
		.proxy = text_or_null(l->proxy),
		.header_file = text_or_null(l->header_file),
		.ca_file = text_or_null(l->ca),
		.minisign_key = text_or_null(l->minisign_key),
		.signature_url = text_or_null(l->signature_url),
		.sha256_url = text_or_null(l->sha256_url),
	};
	for (unsigned i = 0; i < l->mirrors.n && i < FETCH_MAX_MIRRORS; i++)
		s->urls[s->n_urls++] = l->mirrors.at[i];
	for (unsigned i = 0; i < l->headers.n && i < FETCH_MAX_HEADERS; i++)
		s->headers[s->n_headers++] = l->headers.at[i];
}

static struct fetch_source *make_sources(const struct config *c, unsigned *ret_n)
{
	struct fetch_source *sources = calloc(c->lists.n + 1U, sizeof *sources);
	*ret_n = 0;
	for (unsigned i = 0; sources != NULL && i < c->lists.n; i++) {
		if (text_or_null(c->lists.at[i].url) != NULL)
			fill_source(&c->lists.at[i], &sources[(*ret_n)++]);
	}
	return sources;
}

/* The thread is started with the first list that needs it. */
static int start_thread(struct fetching *f, const char *state_dir)
{
	struct fetch_plan plan = { .state_dir = state_dir, .wake = wake_main, .arg = f->plan.loop };
	return f->fetch != NULL ? 0 : fetch_start(&plan, &f->fetch);
}

static int keep_statuses(struct fetching *f, const struct fetch_source *sources, unsigned n)
{
	struct fetch_status *now = calloc(n + 1U, sizeof *now);
	if (now == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		const struct fetch_status *old = fetching_status(f, sources[i].name);
		if (old != NULL)
			now[i] = *old;
		memcpy(now[i].name, sources[i].name, strlen(sources[i].name) + 1);
	}
	free(f->statuses);
	f->statuses = now;
	f->n_statuses = n;
	return 0;
}

/* ---- alerts ---- */

static uint64_t wall_s(void)
{
	return clock_wall_ns() / NS_PER_S;
}

static void alert(struct fetching *f, const char *action, bool is_alert, const char *text)
{
	events_put_notice(f->plan.ring, &(struct event_notice){
						.wall_ns = clock_wall_ns(),
						.action = action,
						.is_alert = is_alert,
						.key_tag = -1,
						.text = text,
					});
	events_turn_end(f->plan.ring);
}

static const struct told *find_told(const struct fetching *f, const char *name)
{
	for (unsigned i = 0; i < f->n_told; i++) {
		if (strcmp(f->told[i].name, name) == 0)
			return &f->told[i];
	}
	return NULL;
}

static int keep_told(struct fetching *f, const struct config *c)
{
	struct told *now = calloc(c->lists.n + 1U, sizeof *now);
	if (now == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < c->lists.n; i++) {
		const struct config_list *l = &c->lists.at[i];
		const struct told *old = find_told(f, l->name);
		now[i].since_s = wall_s();
		if (old != NULL)
			now[i] = *old;
		snprintf(now[i].name, sizeof now[i].name, "%s", l->name);
		now[i].max_age_s = l->max_age_s;
		now[i].source = l->primaries.n > 0                 ? SOURCE_PRIMARIES
		                : l->url != NULL && l->url[0] != 0 ? SOURCE_URL
		                                                   : SOURCE_FILE;
	}
	free(f->told);
	f->told = now;
	f->n_told = c->lists.n;
	return 0;
}

static uint64_t digest_of(const char *text)
{
	uint64_t d = 14695981039346656037U; /* FNV-1a: told apart from the last one, no more */
	for (; *text != 0; text++)
		d = (d ^ (unsigned char)*text) * 1099511628211U;
	return d != 0 ? d : 1;
}

static void tell_list(struct fetching *f, struct told *t)
{
	const struct feeds_report *r = loader_report(f->plan.loader, t->name);
	bool is_wrong = r != NULL && r->error != 0;
	/* The age in the sentence changes: the error, the place and the file's rules do not. */
	char what[FEEDS_MESSAGE_MAX] = "";
	if (is_wrong)
		snprintf(what, sizeof what, "%d %llu %.*s", r->error,
		         (unsigned long long)r->error_line, (int)strcspn(r->message, ";"),
		         r->message);
	uint64_t digest = is_wrong ? digest_of(what) : 0;
	if (digest == t->error_digest)
		return;
	if (is_wrong && !(r->error == -ENOENT && r->origin == FEEDS_FROM_NOWHERE))
		alert(f, r->is_refused ? "feed-refused" : "feed-unusable", true, r->message);
	else if (t->error_digest != 0 && !is_wrong)
		alert(f, "feed-good", false, t->name);
	t->error_digest = digest;
}

void fetching_loaded(struct fetching *f, bool is_in_force)
{
	for (unsigned i = 0; f != NULL && is_in_force && i < f->n_told; i++)
		tell_list(f, &f->told[i]);
}

const struct fetch_status *fetching_status_of_zone(const struct transfer_view *v)
{
	static struct fetch_status zone; /* housekeeping only */
	zone = (struct fetch_status){
		.tried_s = v->last_check_s,
		.fetched_s = v->last_success_s,
		.next_s = v->next_check_s,
		.n_failures = v->error[0] != 0,
		.is_running = v->is_busy,
	};
	snprintf(zone.name, sizeof zone.name, "%s", v->list);
	snprintf(zone.why, sizeof zone.why, "%s", v->error);
	return &zone;
}

/* When the list was last known to be current; 0: never. */
static uint64_t current_s(const struct fetching *f, const struct told *t)
{
	const struct fetch_status *s = fetching_status(f, t->name);
	const struct feeds_report *r = loader_report(f->plan.loader, t->name);
	switch (t->source) {
	case SOURCE_URL:
		return s != NULL ? s->fetched_s : 0;
	case SOURCE_PRIMARIES:
		return f->plan.transferred_s != NULL ? f->plan.transferred_s(f->plan.arg, t->name)
		                                     : 0;
	case SOURCE_FILE:
		break;
	}
	/* A version that was chosen is as old as it was meant to be. */
	return r == NULL || r->origin == FEEDS_FROM_VERSION ? wall_s() : r->loaded_s;
}

static void tell_age(struct fetching *f, const struct told *t, uint64_t age_s)
{
	static const char *const old[] = {
		[SOURCE_FILE] = "its file was not written for",
		[SOURCE_URL] = "its server was not reached for",
		[SOURCE_PRIMARIES] = "its primaries did not answer for",
	};
	static const char *const good[] = {
		[SOURCE_FILE] = "its file is new again",
		[SOURCE_URL] = "its server is reached again",
		[SOURCE_PRIMARIES] = "its primaries answer again",
	};
	char text[320];
	const struct fetch_status *s = fetching_status(f, t->name);
	if (t->is_old)
		snprintf(text, sizeof text,
		         "list '%s': %s %" PRIu64 " s (max-age %" PRIu32 " s)%s%.60s", t->name,
		         old[t->source], age_s, t->max_age_s,
		         s != NULL && s->why[0] != 0 ? ": " : "", s != NULL ? s->why : "");
	else
		snprintf(text, sizeof text, "list '%s': %s", t->name, good[t->source]);
	log_write(t->is_old ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s", text);
	alert(f, t->is_old ? "feed-old" : "feed-good", t->is_old, text);
}

static void look_at_age(struct fetching *f, struct told *t, uint64_t now_s)
{
	uint64_t then_s = current_s(f, t);
	if (then_s == 0)
		then_s = t->since_s;
	bool is_old = t->max_age_s != 0 && now_s > then_s && now_s - then_s > t->max_age_s;
	if (is_old == t->is_old)
		return;
	t->is_old = is_old;
	tell_age(f, t, now_s - then_s);
}

bool fetching_is_old(const struct fetching *f, const char *list)
{
	const struct told *t = f != NULL ? find_told(f, list) : NULL;
	return t != NULL && t->is_old;
}

void fetching_tick(struct fetching *f)
{
	for (unsigned i = 0; f != NULL && i < f->n_told; i++)
		look_at_age(f, &f->told[i], wall_s());
}

void fetching_configure(struct fetching *f, const struct config *c)
{
	unsigned n;
	if (f == NULL)
		return;
	if (keep_told(f, c) != 0)
		log_error("out of memory: what is wrong with lists may be told late");
	struct fetch_source *sources = make_sources(c, &n);
	int e = sources == NULL ? -ENOMEM : 0;
	if (e == 0 && (n > 0 || f->fetch != NULL)) {
		e = start_thread(f, c->state);
		if (e == 0)
			e = keep_statuses(f, sources, n);
		if (e == 0)
			e = fetch_configure(f->fetch, sources, n);
	}
	if (e != 0)
		log_error("lists cannot be downloaded: %s", strerrordesc_np(-e));
	free(sources);
}

/* ---- look-ups ---- */

static void resolved(void *arg, uint64_t token, const struct addr *addrs, unsigned n)
{
	struct fetching *f = arg;
	if (f->fetch != NULL)
		fetch_resolved(f->fetch, token, addrs, n);
}

/* ---- news ---- */

static void take_status(struct fetching *f, const struct fetch_news *n, bool *is_new)
{
	for (unsigned i = 0; i < f->n_statuses; i++) {
		if (strcmp(f->statuses[i].name, n->status.name) != 0)
			continue;
		f->statuses[i] = n->status;
		*is_new |= n->has_new_version;
	}
}

void fetching_woken(struct fetching *f)
{
	bool is_new = false;
	if (f == NULL)
		return;
	if (f->fetch == NULL)
		return;
	for (struct fetch_news *n = fetch_take_news(f->fetch), *next; n != NULL; n = next) {
		next = n->next;
		if (n->kind == FETCH_ASK)
			hosts_ask(f->plan.hosts, n->token, n->host, resolved, f);
		else
			take_status(f, n, &is_new);
		free(n);
	}
	int e = is_new ? loader_begin(f->plan.loader, false) : 0;
	if (e != 0 && e != -EBUSY)
		log_error("the lists cannot be read: %s", strerrordesc_np(-e));
}

int fetching_update(struct fetching *f, const char *list)
{
	if (f == NULL || f->fetch == NULL || (list != NULL && fetching_status(f, list) == NULL))
		return -ENOENT;
	return fetch_update(f->fetch, list);
}

const struct fetch_status *fetching_status(const struct fetching *f, const char *list)
{
	for (unsigned i = 0; f != NULL && i < f->n_statuses; i++) {
		if (strcmp(f->statuses[i].name, list) == 0)
			return &f->statuses[i];
	}
	return NULL;
}

/* ---- the end ---- */

void fetching_stop(struct fetching *f)
{
	if (f == NULL)
		return;
	fetch_stop(f->fetch);
	f->fetch = NULL;
}

void fetching_free(struct fetching *f)
{
	if (f == NULL)
		return;
	hosts_forget(f->plan.hosts, f);
	free(f->statuses);
	free(f->told);
	free(f);
}
