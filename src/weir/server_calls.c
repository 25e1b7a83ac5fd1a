/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the control interface asks of the running server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "weir/server.h"

static void api_get_status(void *arg, struct api_status *ret)
{
	struct server *s = arg;
	ret->n_workers = s->n_workers;
	ret->workers = s->counters;
	ret->lists = s->list_counts;
	ret->upstream_state = -1;
	for (unsigned i = 0; i < s->n_workers; i++) {
		resolver_count(worker_resolver(s->workers[i]), &ret->resolve);
		int state = resolver_upstream_state(worker_resolver(s->workers[i]));
		ret->upstream_state = state > ret->upstream_state ? state : ret->upstream_state;
	}
	ret->has_firewall = s->firewall != NULL;
	for (unsigned i = 0; i < s->n_workers && s->firewall != NULL; i++)
		firewall_count(worker_firewall(s->workers[i]), &ret->firewall);
	const char *file = loader_config(s->loader)->events.file;
	ret->has_events = s->events != NULL && file != NULL && *file != 0;
	if (s->events != NULL)
		events_count(s->events, &ret->events);
	ret->reloads = loader_count(s->loader);
	ret->loaded_s = loader_time_s(s->loader);
	ret->is_unkept = loader_is_unkept(s->loader);
}

static const struct config *api_get_config(void *arg)
{
	struct server *s = arg;
	return loader_config(s->loader);
}

static const char *api_get_list_problem(void *arg, const char *name)
{
	struct server *s = arg;
	const struct feeds_report *r = loader_report(s->loader, name);
	struct transfer_view v;
	/* What keeps a zone from being current says more than what the last file was like. */
	if (transfer_find(s->transfer, name, &v) && v.error[0] != 0)
		return v.error;
	return r != NULL && r->message[0] != 0 ? r->message : NULL;
}

static const struct feeds_report *api_get_report(void *arg, const char *name)
{
	struct server *s = arg;
	return loader_report(s->loader, name);
}

static const struct fetch_status *api_get_fetched(void *arg, const char *name)
{
	const struct server *s = arg;
	struct transfer_view v;
	return transfer_find(s->transfer, name, &v) ? fetching_status_of_zone(&v)
	                                            : fetching_status(s->fetching, name);
}

static bool api_is_old(void *arg, const char *name)
{
	const struct server *s = arg;
	return fetching_is_old(s->fetching, name);
}

static bool api_get_published(void *arg, unsigned i, struct transfer_published *ret)
{
	const struct server *s = arg;
	return transfer_published_view(s->transfer, i, ret);
}

static int api_fetch_now(void *arg, const char *name)
{
	struct server *s = arg;
	int e = fetching_update(s->fetching, name);
	return transfer_check_now(s->transfer, name) == 0 ? 0 : e;
}

static int api_reread(void *arg)
{
	struct server *s = arg;
	return loader_begin(s->loader, false);
}

static int api_start_reload(void *arg)
{
	struct server *s = arg;
	return loader_begin(s->loader, true);
}

static int api_learn(void *arg, const char *action, const char *group)
{
	struct server *s = arg;
	return learning_command(s->learning, loader_config(s->loader), action, group);
}

static int api_ask(void *arg, const struct api_question *question, uint64_t token)
{
	struct server *s = arg;
	struct asking *a = calloc(1, sizeof *a);
	if (a == NULL)
		return -ENOMEM;
	name_set(&a->name, question->name);
	a->type = question->type;
	a->is_do = question->is_do;
	a->is_cd = question->is_cd;
	a->client = question->client;
	a->token = token;
	a->home = &s->answered;
	a->home_loop = s->loop;
	worker_ask(s->workers[s->next_asked++ % s->n_workers], a);
	return 0;
}

static const struct detect_mute *api_get_mutes(void *arg, unsigned *ret_n)
{
	const struct server *s = arg;
	return muting_all(s->detecting.muting, ret_n);
}

static int api_set_mutes(void *arg, const struct detect_mute *at, unsigned n)
{
	struct server *s = arg;
	return muting_set(s->detecting.muting, at, n);
}

static int api_keep_ceilings(void *arg)
{
	struct server *s = arg;
	return ceilings_save(s->detecting.ceilings);
}

static int64_t api_flush(void *arg, const uint8_t *lower)
{
	struct server *s = arg;
	return flushing_run(&s->flushing, s->cache, s->workers, s->n_workers, lower);
}

int server_start_control(struct server *s, const struct config *c)
{
	s->api = (struct api_context){
		.arg = s,
		.cache = s->cache,
		.keeper = trust_keeper(s->trust),
		.alerts = alerting_alerts(s->alerting),
		.incidents = alerting_incidents(s->alerting),
		.started_s = clock_wall_ns() / NS_PER_S,
		.status = api_get_status,
		.config = api_get_config,
		.list_problem = api_get_list_problem,
		.report = api_get_report,
		.fetched = api_get_fetched,
		.is_old = api_is_old,
		.published = api_get_published,
		.fetch_now = api_fetch_now,
		.reread = api_reread,
		.reload = api_start_reload,
		.learn = api_learn,
		.detect = s->detecting.detect,
		.mutes = api_get_mutes,
		.set_mutes = api_set_mutes,
		.keep_ceilings = api_keep_ceilings,
		.flush = api_flush,
		.ask = api_ask,
	};
	if (c->control == NULL || *c->control == 0)
		return 0;
	int e = control_new(c->control, &s->api, s->loop, &s->control);
	if (e != 0)
		log_error("the control socket %s cannot be opened: %s%s", c->control, strerror(-e),
		          e == -EADDRINUSE ? "; another weir serves it" : "");
	return e;
}
