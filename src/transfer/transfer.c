/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/transfer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "transfer/publisher.h"
#include "transfer/responder.h"
#include "transfer/secondary.h"
#include "transfer/table.h"
#include "transfer/tls_door.h"

struct transfer {
	int stop_fd; /* readable at the end */
	struct secondary_home home;
	struct responder answers;
	struct serve_zones zones;
	struct secondary **followed;
	unsigned n_followed;
	struct secondary **leaving; /* of an earlier configuration, until their threads end */
	unsigned n_leaving;
	struct table *table; /* the one in force; its marks are read here */
	struct publisher *publisher;
	struct tls_door *door;  /* NULL: none */
	struct tls_server *tls; /* the last one that was good */
};

bool transfer_path(const char *state, const char *list, char *ret, size_t room)
{
	return state != NULL && snprintf(ret, room, "%s/zones/%s", state, list) < (int)room;
}

int transfer_new(const struct transfer_plan *plan, struct transfer **ret)
{
	struct transfer *t = calloc(1, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	t->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->home = (struct secondary_home){
		.loop = plan->loop,
		.updated = plan->updated,
		.arg = plan->arg,
	};
	int e = t->stop_fd < 0 ? -errno : publisher_new(plan->loop, t->stop_fd, &t->publisher);
	if (e == 0 && plan->n_tls_listen > 0)
		e = tls_door_open(plan->tls_listen, plan->n_tls_listen, &t->answers, t->stop_fd,
		                  &t->door);
	if (e != 0) {
		publisher_free(t->publisher);
		if (t->stop_fd >= 0)
			close(t->stop_fd);
		free(t);
		return e;
	}
	t->answers = (struct responder){
		.loop = plan->loop,
		.outgoing = publisher_outgoing(t->publisher),
	};
	t->zones = (struct serve_zones){
		.arg = &t->answers,
		.wants = responder_wants,
		.answer = responder_write,
	};
	*ret = t;
	return 0;
}

const struct serve_zones *transfer_zones(const struct transfer *t)
{
	return &t->zones;
}

/* ---- a new configuration ---- */

static int make_folder(const char *state)
{
	char path[4200];
	if (snprintf(path, sizeof path, "%s/zones", state) >= (int)sizeof path)
		return -ENAMETOOLONG;
	if (mkdir(path, 0750) == 0 || errno == EEXIST)
		return 0;
	int e = -errno;
	log_error("the folder %s cannot be made: %s", path, strerror(-e));
	return e;
}

static struct secondary *find(const struct transfer *t, const char *list)
{
	for (unsigned i = 0; i < t->n_followed; i++) {
		if (strcmp(secondary_list(t->followed[i]), list) == 0)
			return t->followed[i];
	}
	return NULL;
}

/* Zones that cannot be followed (no key, no TLS) are left out, and logged. */
static int make_followed(struct transfer *t, const struct config *c, struct keyring *ring,
                         struct secondary **ret, unsigned *ret_n)
{
	for (unsigned i = 0; i < c->lists.n; i++) {
		const struct config_list *l = &c->lists.at[i];
		if (l->primaries.n == 0)
			continue;
		int e = secondary_new(&t->home, c, l, ring, &ret[*ret_n]);
		if (e == -ENOMEM)
			return e;
		if (e != 0)
			continue;
		struct secondary *made = ret[(*ret_n)++], *old = find(t, l->name);
		if (old != NULL &&
		    name_equal(secondary_zone(old)->wire, secondary_zone(made)->wire))
			secondary_succeed(made, old);
	}
	return 0;
}

/* A configuration that is not in force yet. */
struct next {
	struct keyring *ring;
	struct secondary **followed, **room;
	unsigned n;
	struct publisher_set published;
	struct table *table;
	struct tls_server *tls;
};

/* A certificate that cannot be used must not end what goes on with the last one. */
static int make_tls(const struct transfer *t, const struct config *c, struct tls_server **ret)
{
	const struct tls_server_plan plan = {
		.certificate_file = c->publish_tls.certificate,
		.key_file = c->publish_tls.key,
		.client_ca_file = c->publish_tls.client_ca,
		.alpn = "dot",
	};
	char why[TLS_WHY_MAX];
	if (t->door == NULL || plan.certificate_file == NULL || plan.key_file == NULL)
		return 0;
	int e = tls_server_new(&plan, ret, why);
	if (e != -EINVAL)
		return e;
	log_error("publish-tls: %s, %s: %s; %s", plan.certificate_file, plan.key_file, why,
	          t->tls != NULL ? "the one of before is shown" : "nothing is given over TLS");
	*ret = tls_server_get(t->tls);
	return 0;
}

static int make_table(const struct config *c, struct next *x)
{
	int e = table_new(x->ring, x->n, &x->table);
	for (unsigned i = 0; i < x->n && e == 0; i++) {
		unsigned n_primaries;
		const struct endpoint *p = secondary_primaries(x->followed[i], &n_primaries);
		e = table_follow(x->table, i, secondary_zone(x->followed[i]), p, n_primaries,
		                 secondary_key(x->followed[i]));
	}
	if (e == 0)
		x->table->tls = tls_server_get(x->tls);
	return e == 0 ? publisher_fill(&x->published, c, x->table) : e;
}

/* Those of before go, as soon as their threads end. */
static void leave(struct transfer *t, struct secondary **room)
{
	unsigned n = 0;
	for (unsigned i = 0; i < t->n_leaving; i++)
		room[n++] = t->leaving[i];
	for (unsigned i = 0; i < t->n_followed; i++) {
		if (secondary_stop(t->followed[i]))
			secondary_free(t->followed[i]);
		else
			room[n++] = t->followed[i];
	}
	free(t->leaving);
	free(t->followed);
	t->leaving = room;
	t->n_leaving = n;
}

static void start_followed(struct transfer *t)
{
	for (unsigned i = 0; i < t->n_followed; i++)
		secondary_start(t->followed[i]);
}

static void forget(struct next *x)
{
	for (unsigned i = 0; x->followed != NULL && i < x->n; i++)
		secondary_free(x->followed[i]);
	free(x->followed);
	free(x->room);
	publisher_drop(&x->published);
	table_free(x->table);
	tls_server_put(x->tls);
	keyring_put(x->ring);
}

static int make_next(struct transfer *t, const struct config *c, const struct feeds_list *feeds,
                     unsigned n_feeds, struct next *x)
{
	x->followed = calloc(c->lists.n + 1U, sizeof(*x->followed));
	x->room = calloc(t->n_leaving + t->n_followed + 1U, sizeof(*x->room));
	int e = x->followed == NULL || x->room == NULL ? -ENOMEM : keyring_new(c, &x->ring);
	if (e == 0)
		e = make_tls(t, c, &x->tls);
	if (e == 0)
		e = make_followed(t, c, x->ring, x->followed, &x->n);
	if (e == 0 && x->n > 0)
		e = make_folder(c->state);
	if (e == 0)
		e = publisher_make(t->publisher, c, feeds, n_feeds, x->ring, &x->published);
	return e == 0 ? make_table(c, x) : e;
}

int transfer_configure(struct transfer *t, const struct config *c, const struct feeds_list *feeds,
                       unsigned n_feeds)
{
	struct next x = { 0 };
	int e = make_next(t, c, feeds, n_feeds, &x);
	unsigned n_published = x.published.n;
	if (e == 0 && t->door != NULL)
		e = tls_door_start(t->door);
	if (e == 0)
		e = publisher_take(t->publisher, &x.published);
	if (e != 0) {
		forget(&x);
		publisher_orphan(t->publisher); /* the lists of before go all the same */
		log_error("zone transfers cannot be set up: %s", strerrordesc_np(-e));
		return e;
	}
	leave(t, x.room);
	t->followed = x.followed;
	t->n_followed = x.n;
	/* Without any zone there is no table, and other servers are refused as ever. */
	if (x.n == 0 && n_published == 0) {
		table_free(x.table);
		x.table = NULL;
	}
	t->table = x.table;
	tls_server_put(t->tls);
	t->tls = x.tls;
	table_publish(x.table);
	keyring_put(x.ring);
	if (t->n_leaving == 0)
		start_followed(t);
	return 0;
}

/* ---- the main loop was woken ---- */

/* A thread of an earlier configuration wrote the file of a list that is followed still. */
static void finish_leaving(struct transfer *t)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < t->n_leaving; i++) {
		struct secondary *s = t->leaving[i];
		if (!secondary_finish(s)) {
			t->leaving[kept++] = s;
			continue;
		}
		secondary_free(s);
	}
	bool was_last = kept == 0 && t->n_leaving > 0;
	t->n_leaving = kept;
	if (was_last && !t->home.is_stopping)
		start_followed(t); /* nobody writes their files any more */
}

void transfer_woken(struct transfer *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; t->table != NULL && i < t->n_followed; i++) {
		struct table_followed *f = &t->table->followed[i];
		if (atomic_exchange_explicit(&f->is_notified, false, memory_order_acquire))
			secondary_notified(
				t->followed[i],
				atomic_load_explicit(&f->notifier, memory_order_relaxed));
	}
	for (unsigned i = 0; i < t->n_followed; i++)
		(void)secondary_finish(t->followed[i]);
	finish_leaving(t);
	publisher_woken(t->publisher);
}

void transfer_pause(struct transfer *t)
{
	publisher_pause(t->publisher);
}

void transfer_reloaded(struct transfer *t)
{
	publisher_reloaded(t->publisher);
}

/* ---- the end ---- */

static void stop_all(struct transfer *t)
{
	const uint64_t one = 1;
	t->home.is_stopping = true;
	if (write(t->stop_fd, &one, sizeof one) < 0)
		log_debug("transfers are not told to stop: %s", strerror(errno));
	for (unsigned i = 0; i < t->n_followed; i++)
		(void)secondary_stop(t->followed[i]);
	while (t->home.n_jobs > 0) {
		for (unsigned i = 0; i < t->n_followed; i++)
			(void)secondary_finish(t->followed[i]);
		finish_leaving(t);
		if (t->home.n_jobs > 0)
			poll(NULL, 0, 2);
	}
}

void transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	stop_all(t);
	tls_door_free(t->door);
	table_publish(NULL);
	tls_server_put(t->tls);
	publisher_free(t->publisher);
	for (unsigned i = 0; i < t->n_followed; i++)
		secondary_free(t->followed[i]);
	free(t->followed);
	free(t->leaving);
	close(t->stop_fd);
	free(t);
}

/* ---- being looked at ---- */

bool transfer_published_view(const struct transfer *t, unsigned i, struct transfer_published *ret)
{
	return t != NULL && publisher_view(t->publisher, i, ret);
}

bool transfer_find(const struct transfer *t, const char *list, struct transfer_view *ret)
{
	for (unsigned i = 0; t != NULL && i < t->n_followed; i++) {
		if (strcmp(secondary_list(t->followed[i]), list) != 0)
			continue;
		secondary_view(t->followed[i], ret);
		return true;
	}
	return false;
}

int transfer_check_now(struct transfer *t, const char *list)
{
	int e = -ENOENT;
	for (unsigned i = 0; i < t->n_followed; i++) {
		if (list != NULL && strcmp(secondary_list(t->followed[i]), list) != 0)
			continue;
		secondary_check_now(t->followed[i]);
		e = 0;
	}
	return e;
}
