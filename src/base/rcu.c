/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rcu.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/must.h"

enum {
	BATCH_MAX = 62,
	N_RESERVE = 16
};

struct batch {
	struct rcu_head head;
	size_t n;
	_Atomic bool *in_use; /* of the reserve; NULL: of the heap */
	struct {
		void *object;
		void (*release)(void *object);
	} items[BATCH_MAX];
};

static _Thread_local struct batch *waiting;

/* For all threads, when there is no memory. What waits in it gives memory back before long. */
static struct batch reserve[N_RESERVE];
static _Atomic bool reserve_in_use[N_RESERVE];

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
	if (b->in_use != NULL)
		atomic_store_explicit(b->in_use, false, memory_order_release);
	else
		free(b);
}

/* An empty one, or NULL. */
static struct batch *new_batch(void)
{
	struct batch *b = malloc(sizeof *b);
	_Atomic bool *in_use = NULL;
	for (size_t i = 0; b == NULL && i < N_RESERVE; i++) {
		if (atomic_exchange_explicit(&reserve_in_use[i], true, memory_order_acquire))
			continue;
		b = &reserve[i];
		in_use = &reserve_in_use[i];
	}
	if (b != NULL) {
		b->n = 0;
		b->in_use = in_use;
	}
	return b;
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
	if (waiting == NULL)
		waiting = new_batch();
	if (waiting == NULL)
		return; /* never freed: somebody may still read it */
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
