/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading ahead: one thread takes a recording apart while another judges what is in it. */
#include <pthread.h>
#include <stdlib.h>

#include "replay/replay.h"

enum {
	BATCH_ITEMS = 32, /* about 9 KiB each */
	BATCHES = 4,
};

struct batch {
	unsigned n;
	struct replay_item items[BATCH_ITEMS];
};

struct ahead {
	struct replay_source *source;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t n_full, n_taken; /* batches; the reader is at most BATCHES in front */
	bool is_over;
	enum replay_got end;
	struct batch batches[BATCHES];
};

static struct batch *wait_for_room(struct ahead *a)
{
	pthread_mutex_lock(&a->lock);
	while (a->n_full - a->n_taken == BATCHES)
		pthread_cond_wait(&a->changed, &a->lock);
	struct batch *b = &a->batches[a->n_full % BATCHES];
	pthread_mutex_unlock(&a->lock);
	return b;
}

static void give(struct ahead *a, bool is_last)
{
	pthread_mutex_lock(&a->lock);
	a->n_full++;
	a->is_over = is_last;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

static void *read_all(void *arg)
{
	struct ahead *a = arg;
	enum replay_got got = REPLAY_ITEM;
	pthread_setname_np(pthread_self(), "weir/replay");
	while (got == REPLAY_ITEM) {
		struct batch *b = wait_for_room(a);
		for (b->n = 0; b->n < BATCH_ITEMS; b->n++) {
			got = replay_next(a->source, &b->items[b->n]);
			if (got != REPLAY_ITEM)
				break;
		}
		a->end = got;
		give(a, got != REPLAY_ITEM);
	}
	return NULL;
}

/* The next batch, behind `done`; NULL: that was the last one. */
static const struct batch *take(struct ahead *a, uint64_t done)
{
	pthread_mutex_lock(&a->lock);
	a->n_taken = done;
	pthread_cond_signal(&a->changed);
	while (a->n_full == done && !a->is_over)
		pthread_cond_wait(&a->changed, &a->lock);
	const struct batch *b = a->n_full > done ? &a->batches[done % BATCHES] : NULL;
	pthread_mutex_unlock(&a->lock);
	return b;
}

static enum replay_got one_by_one(struct replay_source *s, struct replay_item *item,
                                  void (*visit)(void *arg, const struct replay_item *item),
                                  void *arg)
{
	enum replay_got got;
	while ((got = replay_next(s, item)) == REPLAY_ITEM)
		visit(arg, item);
	return got;
}

enum replay_got replay_each(struct replay_source *s,
                            void (*visit)(void *arg, const struct replay_item *item), void *arg)
{
	struct replay_item item;
	pthread_t thread;
	const struct batch *b;
	struct ahead *a = malloc(sizeof *a);
	if (a == NULL)
		return one_by_one(s, &item, visit, arg);
	a->source = s;
	a->n_full = a->n_taken = 0;
	a->is_over = false;
	a->end = REPLAY_END;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	enum replay_got got;
	if (pthread_create(&thread, NULL, read_all, a) == 0) {
		for (uint64_t done = 0; (b = take(a, done)) != NULL; done++) {
			for (unsigned i = 0; i < b->n; i++)
				visit(arg, &b->items[i]);
		}
		pthread_join(thread, NULL);
		got = a->end;
	} else {
		got = one_by_one(s, &item, visit, arg);
	}
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
	return got;
}
