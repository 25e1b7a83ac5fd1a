/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/publication.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "policy/policy.h"
#include "transfer/journal.h"
#include "transfer/notifier.h"

enum {
	FOLDER_ROOM = 4200,
	TEXT_PATH_ROOM = FOLDER_ROOM + 16,
	MAKER_NICE = 10,
	TRIES = 5,         /* when the list's file changes while it is read */
	RETRY_MAX_S = 300, /* after a failure: 1, 2, 4 ... seconds */
};

#define VERSION(serial) ((1ULL << 32) | (serial))

/*
 * A list as feeds/ wants it. What its options and guard point to belongs to the configuration: see
 * publication_pause().
 */
struct feed_copy {
	struct feeds_list list;
	struct policy_list_spec spec;
	struct addr *addrs;
	uint8_t target[NAME_MAX_BYTES];
	struct name zone;
	char *state_dir, *column;
};

/* A version being made: what the thread touches. */
struct make {
	pthread_t thread;
	struct loop *loop;
	char folder[FOLDER_ROOM];
	struct name zone;
	const struct feed_copy *feed; /* NULL: edits */
	struct text edits;
	atomic_bool stop, is_feeding; /* the list is being read */
	int error;                    /* 1: a new version */
	uint32_t serial;
	uint64_t n_left_out;
	bool has_text; /* "text" in the folder is what the current version was made of */
	_Atomic bool is_finished;
};

struct publication {
	struct loop *loop;
	char folder[FOLDER_ROOM];
	char source[CONFIG_LABEL_MAX + 1]; /* the list, or "" */
	struct name zone;
	struct keyring *ring;
	const struct tsig_key *key;
	struct feed_copy *feed; /* NULL: edits */
	struct notifier **followers;
	unsigned n_followers;
	_Atomic uint64_t version;
	struct make *make;
	struct timer due;
	uint64_t last_ns;
	bool is_again, is_stopped;
	bool is_orphan; /* the configuration that `feed` points into is gone */
	uint64_t n_left_out;
	bool has_text;       /* the next version can be made of what changes */
	unsigned n_failures; /* in a row */
	char error[TRANSFER_ERROR_MAX];
};

static void start_make(struct timer *t);

/* ---- making ---- */

static void free_feed(struct feed_copy *f)
{
	if (f == NULL)
		return;
	free(f->addrs);
	free(f->state_dir);
	free(f->column);
	free(f);
}

static int copy_feed(const struct feeds_list *from, const char *state, struct feed_copy **ret)
{
	struct feed_copy *f = calloc(1, sizeof *f);
	if (f == NULL)
		return -ENOMEM;
	const struct policy_data *data = &from->spec->data;
	f->list = *from;
	f->spec = *from->spec;
	f->list.spec = &f->spec;
	f->state_dir = strdup(state);
	f->addrs = calloc(data->n_addrs + 1U, sizeof *f->addrs);
	if (from->options.column != NULL)
		f->column = strdup(from->options.column);
	f->list.options.column = f->column;
	if (f->state_dir == NULL || f->addrs == NULL ||
	    (from->options.column != NULL && f->column == NULL)) {
		free_feed(f);
		return -ENOMEM;
	}
	if (data->n_addrs > 0)
		memcpy(f->addrs, data->addrs, data->n_addrs * sizeof *f->addrs);
	f->spec.data.addrs = f->addrs;
	if (data->target != NULL) {
		memcpy(f->target, data->target, name_len(data->target));
		f->spec.data.target = f->target;
	}
	if (from->options.zone != NULL) {
		f->zone = *from->options.zone;
		f->list.options.zone = &f->zone;
	}
	*ret = f;
	return 0;
}

static int make_folder(struct publication *p, const char *state)
{
	char zone[NAME_TEXT_MAX];
	name_to_text(p->zone.wire, zone);
	for (int i = 0; i < 2; i++) { /* STATE/publish, and the zone's own in it */
		if (snprintf(p->folder, sizeof p->folder, "%s/publish%s%s", state,
		             i == 0 ? "" : "/", i == 0 ? "" : zone) >= (int)sizeof p->folder)
			return -ENAMETOOLONG;
		if (mkdir(p->folder, 0750) != 0 && errno != EEXIST) {
			int e = -errno;
			log_error("zone %s is not published: %s: %s", zone, p->folder,
			          strerrordesc_np(-e));
			return e;
		}
	}
	return 0;
}

static int make_followers(struct publication *p, const struct config_endpoints *to)
{
	p->followers = calloc(to->n + 1U, sizeof(*p->followers));
	if (p->followers == NULL)
		return -ENOMEM;
	for (; p->n_followers < to->n; p->n_followers++) {
		int e = notifier_new(p->loop, &p->zone, &to->at[p->n_followers], p->key,
		                     &p->followers[p->n_followers]);
		if (e != 0)
			return e;
	}
	return 0;
}

/* The version of before the start. */
static void look_at_disk(struct publication *p)
{
	char path[FOLDER_ROOM + 8];
	struct zone_reader r;
	journal_zone_path(p->folder, path, sizeof path);
	if (zone_reader_open(&r, path, &p->zone) != 0)
		return;
	atomic_store(&p->version, VERSION(r.numbers.serial));
	zone_reader_close(&r);
}

int publication_new(struct loop *loop, const struct config *c,
                    const struct config_publication *from, const struct feeds_list *feed,
                    struct keyring *ring, struct publication **ret)
{
	char zone[NAME_TEXT_MAX];
	struct publication *p = calloc(1, sizeof *p);
	if (p == NULL)
		return -ENOMEM;
	p->loop = loop;
	p->zone = from->zone;
	p->ring = keyring_get(ring);
	p->due.fire = start_make;
	if (feed != NULL)
		snprintf(p->source, sizeof p->source, "%s", feed->spec->name);
	int e = make_folder(p, c->state);
	if (e == 0 && from->tsig_key.len > 0 &&
	    (p->key = keyring_find(ring, &from->tsig_key)) == NULL) {
		name_to_text(p->zone.wire, zone);
		log_error("zone %s: its key cannot be used, so it is not published", zone);
		e = -EINVAL;
	}
	if (e == 0)
		e = make_followers(p, &from->notify);
	if (e == 0 && feed != NULL)
		e = copy_feed(feed, c->state, &p->feed);
	if (e != 0) {
		publication_free(p);
		return e;
	}
	look_at_disk(p);
	*ret = p;
	return 0;
}

void publication_free(struct publication *p)
{
	if (p == NULL)
		return;
	must(p->make == NULL);
	timer_cancel(p->loop, &p->due);
	for (unsigned i = 0; i < p->n_followers; i++)
		notifier_free(p->followers[i]);
	free(p->followers);
	free_feed(p->feed);
	keyring_put(p->ring);
	free(p);
}

/* ---- lines ---- */

struct taking {
	struct record_text *text;
	struct delta *delta;   /* what changes of a list */
	struct text *lines;    /* edits */
	struct sorter *sorter; /* a list */
	const struct publication *of;
	uint64_t n_left_out;
	int error;
};

static struct rr rr_of(const struct feeds_record *r)
{
	return (struct rr){ .owner = r->owner,
		            .rdata = r->data,
		            .type = r->type,
		            .class = DNS_CLASS_IN,
		            .rdata_len = r->n,
		            .ttl_s = r->ttl_s };
}

static int take_record(void *arg, const struct feeds_record *r)
{
	struct taking *t = arg;
	const struct rr rr = rr_of(r);
	const char *line;
	size_t n;
	if (record_to_line(t->text, &rr, &line, &n) != 0)
		return 0;
	return t->lines != NULL ? text_add_line(t->lines, line, n) : sorter_add(t->sorter, line, n);
}

/* What holds for all groups here holds for all clients of the followers. */
static void take_edit(const struct policy_edit *e, void *arg)
{
	struct taking *t = arg;
	const struct feeds_publication what = { &t->of->zone, PUBLICATION_TTL_S };
	const struct policy_rule rule = { .scope = e->scope, .action = e->action };
	if (t->error != 0)
		return;
	int done = e->group_name[0] == 0
	                   ? feeds_publish_rule(&e->name, &rule, &what, take_record, t)
	                   : -ENOTSUP;
	if (done == -ENOMEM)
		t->error = done;
	else if (done != 0)
		t->n_left_out++;
}

static int collect_edits(struct publication *p, struct make *m)
{
	struct taking t = { .lines = &m->edits, .of = p };
	int e = record_text_new(&t.text);
	if (e != 0)
		return e;
	policy_edits_each(take_edit, &t);
	record_text_free(t.text);
	m->n_left_out = t.n_left_out;
	return t.error;
}

/* ---- the thread ---- */

static int add_edits(const struct make *m, struct sorter *s)
{
	int e = 0;
	for (size_t at = 0; at < m->edits.n && e == 0;) {
		const char *line = m->edits.p + at;
		size_t n = (size_t)((char *)memchr(line, '\n', m->edits.n - at) - line);
		e = sorter_add(s, line, n);
		at += n + 1;
	}
	return e;
}

/* A zone must have a name server; followers of policy zones ask none. */
static int add_server(const struct make *m, struct sorter *s)
{
	char line[NAME_TEXT_MAX + 64];
	size_t n = name_to_text(m->zone.wire, line);
	n += (size_t)snprintf(line + n, sizeof line - n, ".\t%d\tNS\tlocalhost.",
	                      PUBLICATION_TTL_S);
	return sorter_add(s, line, n);
}

static struct feeds_plan plan_of(struct make *m)
{
	return (struct feeds_plan){ .lists = &m->feed->list,
		                    .n_lists = 1,
		                    .state_dir = m->feed->state_dir,
		                    .is_read_only = true,
		                    .stop = &m->stop };
}

static void text_path(const struct make *m, const char *name, char *ret, size_t room)
{
	snprintf(ret, room, "%s/%s", m->folder, name);
}

/* If the list is a text in layers, the next version may be made of what differs from this one. */
static bool hold_text(struct make *m, const struct feeds_plan *plan, uint64_t published)
{
	char path[TEXT_PATH_ROOM];
	uint64_t text;
	text_path(m, "text.new", path, sizeof path);
	for (int of_copy = 0; of_copy < 2; of_copy++) {
		if (feeds_hold_text(plan, of_copy == 1, path, &text) == 0 && text == published)
			return true;
	}
	(void)unlink(path);
	return false;
}

static void keep_text(struct make *m)
{
	char from[TEXT_PATH_ROOM], to[TEXT_PATH_ROOM];
	text_path(m, "text.new", from, sizeof from);
	text_path(m, "text", to, sizeof to);
	/* Links to one file are not renamed, and both stay. */
	m->has_text = rename(from, to) == 0;
	(void)unlink(from);
}

static int add_feed(struct make *m, struct sorter *s, bool *ret_is_held)
{
	struct taking t = { .sorter = s };
	const struct feeds_publication what = { &m->zone, PUBLICATION_TTL_S };
	const struct feeds_plan plan = plan_of(m);
	struct feeds_published done = { 0 };
	int e = record_text_new(&t.text);
	atomic_store(&m->is_feeding, true);
	if (e == 0)
		e = atomic_load(&m->stop) ? -ECANCELED
		                          : feeds_publish(&plan, &what, take_record, &t, &done);
	if (e == 0) {
		m->n_left_out = done.n_left_out;
		*ret_is_held = hold_text(m, &plan, done.text);
	}
	atomic_store(&m->is_feeding, false);
	record_text_free(t.text);
	return e;
}

static struct journal_terms terms_of(const struct make *m)
{
	return (struct journal_terms){ .folder = m->folder,
		                       .zone = &m->zone,
		                       .ttl_s = PUBLICATION_TTL_S,
		                       .refresh_s = PUBLICATION_REFRESH_S,
		                       .retry_s = PUBLICATION_RETRY_S,
		                       .expire_s = PUBLICATION_EXPIRE_S,
		                       .now_s = (uint32_t)(clock_wall_ns() / NS_PER_S) };
}

static int take_changed(void *arg, bool is_gone, const struct feeds_record *r)
{
	struct taking *t = arg;
	const char *line;
	size_t n;
	const struct rr rr = rr_of(r);
	return record_to_line(t->text, &rr, &line, &n) != 0
	               ? 0
	               : delta_add(t->delta, !is_gone, line, n);
}

/* What differs from the text of the current version to the last good copy. */
static int find_change(struct make *m, struct delta *d)
{
	struct taking t = { .delta = d };
	char old[TEXT_PATH_ROOM], now[TEXT_PATH_ROOM];
	const struct feeds_publication what = { &m->zone, PUBLICATION_TTL_S };
	const struct feeds_plan plan = plan_of(m);
	const struct feeds_change change = { old, now, take_changed, &t };
	int64_t left_out = 0;
	uint64_t text;
	text_path(m, "text", old, sizeof old);
	text_path(m, "text.new", now, sizeof now);
	int e = record_text_new(&t.text);
	atomic_store(&m->is_feeding, true);
	if (e == 0)
		e = atomic_load(&m->stop) ? -ECANCELED : feeds_hold_text(&plan, true, now, &text);
	if (e == 0)
		e = feeds_publish_change(&plan, &what, &change, &left_out);
	atomic_store(&m->is_feeding, false);
	record_text_free(t.text);
	if (e == 0)
		e = delta_seal(d);
	if (e == 0)
		m->n_left_out += (uint64_t)left_out;
	return e;
}

/*
 * In proportion to what changes. A copy that is as before says nothing: what is in force may be another
 * text, where the copy could not be written.
 */
static int change_version(struct make *m)
{
	struct delta d = { 0 };
	const struct journal_terms terms = terms_of(m);
	if (!m->has_text || m->feed == NULL)
		return -ENOTSUP;
	int e = find_change(m, &d);
	if (e == 0)
		e = d.n_lines > 0 ? journal_change(&terms, &d, &m->serial) : -ENOTSUP;
	delta_done(&d);
	if (e >= 0)
		keep_text(m);
	return e;
}

static int make_version(struct make *m)
{
	struct sorter *s;
	bool is_held = false;
	const struct journal_terms terms = terms_of(m);
	int e = change_version(m);
	if (e >= 0 || e == -ECANCELED || e == -ENOMEM)
		return e;
	m->has_text = false;
	e = sorter_new(m->folder, &s);
	if (e != 0)
		return e;
	e = add_server(m, s);
	if (e == 0)
		e = m->feed != NULL ? add_feed(m, s, &is_held) : add_edits(m, s);
	if (e == 0)
		e = journal_commit(&terms, s, &m->serial);
	/* Of equal records one is published: that one of them goes would not say that it goes. */
	if (e >= 0 && is_held && sorter_n_equal(s) == 0)
		keep_text(m);
	sorter_free(s);
	return e;
}

static void *run(void *arg)
{
	struct make *m = arg;
	pthread_setname_np(pthread_self(), "weir/publish");
	if (m->feed != NULL) /* edits are few, and waited for */
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), MAKER_NICE);
	m->error = -EAGAIN;
	for (int i = 0; i < TRIES && m->error == -EAGAIN; i++)
		m->error = make_version(m);
	atomic_store_explicit(&m->is_finished, true, memory_order_release);
	loop_wake(m->loop);
	return NULL;
}

/* ---- when ---- */

void publication_orphan(struct publication *p)
{
	must(p->make == NULL || !atomic_load(&p->make->is_feeding));
	p->is_orphan = p->feed != NULL;
}

void publication_inherit(struct publication *p, const struct publication *old)
{
	if (atomic_load(&p->version) == 0 && name_equal(p->zone.wire, old->zone.wire))
		atomic_store(&p->version, atomic_load(&old->version));
}

void publication_changed(struct publication *p)
{
	if (p->is_stopped || p->is_orphan)
		return;
	p->is_again = p->make != NULL;
	if (p->make != NULL || (timer_is_set(&p->due) && p->n_failures == 0))
		return;
	uint64_t now_ns = clock_mono_ns();
	uint64_t at_ns = p->last_ns == 0 ? now_ns : p->last_ns + PUBLICATION_GAP_MS * NS_PER_MS;
	timer_set(p->loop, &p->due, at_ns > now_ns ? at_ns : now_ns);
}

static void start_make(struct timer *t)
{
	struct publication *p = CONTAINER_OF(t, struct publication, due);
	if (p->make != NULL || p->is_stopped || p->is_orphan)
		return;
	struct make *m = calloc(1, sizeof *m);
	if (m == NULL) {
		timer_set(p->loop, t, clock_mono_ns() + NS_PER_S);
		return;
	}
	m->loop = p->loop;
	memcpy(m->folder, p->folder, sizeof m->folder);
	m->zone = p->zone;
	m->feed = p->feed;
	m->has_text = p->has_text;
	m->n_left_out = p->n_left_out;
	p->last_ns = clock_mono_ns();
	p->is_again = false;
	int e = p->feed == NULL ? collect_edits(p, m) : 0;
	if (e == 0)
		e = -pthread_create(&m->thread, NULL, run, m);
	if (e != 0) {
		log_error("a zone cannot be published now: %s", strerrordesc_np(-e));
		text_done(&m->edits);
		free(m);
		timer_set(p->loop, t, clock_mono_ns() + NS_PER_S);
		return;
	}
	p->make = m;
}

static uint64_t retry_s(struct publication *p)
{
	unsigned shift = p->n_failures++;
	return shift < 8 ? UINT64_C(1) << shift : RETRY_MAX_S;
}

static void tell(struct publication *p, const struct make *m)
{
	char zone[NAME_TEXT_MAX];
	name_to_text(p->zone.wire, zone);
	if (m->error == -ECANCELED)
		return; /* it begins anew */
	if (m->error < 0) {
		const char *why = strerrordesc_np(-m->error);
		uint64_t wait_s = retry_s(p);
		if (strcmp(p->error, why) != 0)
			log_warning("zone %s: no new version is published: %s; next attempt in "
			            "%" PRIu64 " s",
			            zone, why, wait_s);
		snprintf(p->error, sizeof p->error, "%s", why);
		timer_set(p->loop, &p->due, clock_mono_ns() + wait_s * NS_PER_S);
		return;
	}
	p->n_failures = 0;
	p->error[0] = 0;
	if (m->n_left_out != p->n_left_out && m->n_left_out > 0)
		log_info("zone %s: %" PRIu64 " rules cannot be said in a policy zone: left out",
		         zone, m->n_left_out);
	p->n_left_out = m->n_left_out;
	if (m->error != 1)
		return;
	log_info("zone %s: version %" PRIu32 " is published", zone, m->serial);
	for (unsigned i = 0; i < p->n_followers; i++)
		notifier_tell(p->followers[i], m->serial);
}

bool publication_finish(struct publication *p)
{
	struct make *m = p->make;
	if (m == NULL || !atomic_load_explicit(&m->is_finished, memory_order_acquire))
		return false;
	pthread_join(m->thread, NULL);
	p->make = NULL;
	p->has_text = m->has_text;
	if (m->error >= 0)
		atomic_store(&p->version, VERSION(m->serial));
	if (!p->is_stopped)
		tell(p, m);
	text_done(&m->edits);
	free(m);
	if (p->is_again)
		publication_changed(p);
	return true;
}

void publication_pause(struct publication *p)
{
	if (p->make == NULL || p->feed == NULL)
		return;
	atomic_store(&p->make->stop, true);
	while (atomic_load(&p->make->is_feeding))
		poll(NULL, 0, 1);
	p->is_again = true;
}

bool publication_stop(struct publication *p)
{
	p->is_stopped = true;
	timer_cancel(p->loop, &p->due);
	for (unsigned i = 0; i < p->n_followers; i++)
		notifier_free(p->followers[i]);
	p->n_followers = 0;
	if (p->make != NULL)
		atomic_store(&p->make->stop, true);
	return p->make == NULL;
}

/* ---- being looked at ---- */

bool publication_is_of_edits(const struct publication *p)
{
	return p->feed == NULL;
}

const struct name *publication_zone(const struct publication *p)
{
	return &p->zone;
}

const char *publication_folder(const struct publication *p)
{
	return p->folder;
}

const struct tsig_key *publication_key(const struct publication *p)
{
	return p->key;
}

_Atomic uint64_t *publication_version(struct publication *p)
{
	return &p->version;
}

void publication_view(const struct publication *p, struct transfer_published *ret)
{
	uint64_t version = atomic_load(&p->version);
	*ret = (struct transfer_published){
		.zone = &p->zone,
		.source = p->source,
		.has_version = version != 0,
		.serial = (uint32_t)version,
		.n_followers = p->n_followers,
		.error = p->error,
	};
	for (unsigned i = 0; i < p->n_followers; i++)
		ret->n_heard += notifier_is_heard(p->followers[i]);
}
