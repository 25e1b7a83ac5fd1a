/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rcu.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/must.h"

enum {
	BATCH_MAX = 62
};

struct batch {
	struct rcu_head head;
	size_t n;
	struct {
		void *object;
		void (*release)(void *object);
	} items[BATCH_MAX];
};

static _Thread_local struct batch *waiting;

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>

static char sanitizer_sync;

void rcu_tell_sanitizer(void)
{
	__tsan_release(&sanitizer_sync);
}

static void rcu_hear_sanitizer(void)
{
	__tsan_acquire(&sanitizer_sync);
}
#else
static void rcu_hear_sanitizer(void)
{
}
#endif

static void release_batch(struct rcu_head *head)
{
	rcu_hear_sanitizer();
	struct batch *b = CONTAINER_OF(head, struct batch, head);
	for (size_t i = 0; i < b->n; i++)
		b->items[i].release(b->items[i].object);
	free(b);
}

void rcu_thread_start(void)
{
	urcu_qsbr_register_thread();
}

void rcu_thread_stop(void)
{
	rcu_flush();
	rcu_tell_sanitizer(); /* leaving is a quiet point too, whether or not something was retired */
	urcu_qsbr_unregister_thread();
}

void rcu_retire(void *object, void (*release)(void *object))
{
	if (waiting == NULL) {
		waiting = malloc(sizeof *waiting);
		must(waiting != NULL);
		waiting->n = 0;
	}
	waiting->items[waiting->n].object = object;
	waiting->items[waiting->n].release = release;
	if (++waiting->n == BATCH_MAX)
		rcu_flush();
}

void rcu_flush(void)
{
	if (waiting == NULL)
		return;
	struct batch *b = waiting;
	waiting = NULL;
	rcu_tell_sanitizer();
	urcu_qsbr_call_rcu(&b->head, release_batch);
}

void rcu_drain(void)
{
	rcu_flush();
	urcu_qsbr_barrier();
}
