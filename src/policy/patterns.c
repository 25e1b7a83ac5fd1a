/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/patterns.h"

#include <errno.h>
#include <hs/hs.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	THREADS_USUAL = 4,
	THREADS_MAX = 512,
	LINE_BYTES = 64, /* of the processor's cache */
};

/* What a scan needs to write to. */
struct space {
	_Alignas(LINE_BYTES) atomic_bool is_taken;
	hs_scratch_t *scratch;
};

struct patterns {
	_Atomic unsigned refs;
	hs_database_t *database;
	struct space *spaces;
	unsigned n_spaces;
};

static _Atomic unsigned n_threads = THREADS_USUAL;

void policy_set_threads(unsigned n)
{
	atomic_store(&n_threads, n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : n);
}

/* ---- the database ---- */

static int to_errno(hs_error_t e)
{
	return e == HS_SUCCESS ? 0 : e == HS_NOMEM ? -ENOMEM : -EBADMSG;
}

int patterns_new(const uint8_t *serialised, size_t n_bytes, struct patterns **ret)
{
	struct patterns *p = calloc(1, sizeof *p);
	if (p == NULL)
		return -ENOMEM;
	atomic_init(&p->refs, 1);
	unsigned n = atomic_load(&n_threads);
	int e = to_errno(hs_deserialize_database((const char *)serialised, n_bytes, &p->database));
	if (e == 0) {
		p->spaces = aligned_alloc(LINE_BYTES, n * sizeof *p->spaces);
		e = p->spaces == NULL ? -ENOMEM : 0;
	}
	for (unsigned i = 0; e == 0 && i < n; i++) {
		struct space *s = &p->spaces[i];
		s->scratch = NULL;
		atomic_init(&s->is_taken, false);
		e = to_errno(hs_alloc_scratch(p->database, &s->scratch));
		if (e == 0)
			p->n_spaces++;
	}
	if (e != 0) {
		patterns_put(p);
		return e;
	}
	*ret = p;
	return 0;
}

struct patterns *patterns_get(struct patterns *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void patterns_put(struct patterns *p)
{
	if (p == NULL || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (unsigned i = 0; i < p->n_spaces; i++)
		hs_free_scratch(p->spaces[i].scratch);
	free(p->spaces);
	hs_free_database(p->database);
	free(p);
}

int patterns_serialise(const struct patterns *p, uint8_t **ret_bytes, size_t *ret_n_bytes)
{
	return to_errno(hs_serialize_database(p->database, (char **)ret_bytes, ret_n_bytes));
}

/* ---- scanning ---- */

struct visitor {
	void (*visit)(void *arg, uint32_t number);
	void *arg;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
	(void)from;
	(void)to;
	(void)flags;
	const struct visitor *v = context;
	v->visit(v->arg, id);
	return 0;
}

/*
 * Each thread has a space that it comes back to, so that no two meet while there are enough. When
 * there are more threads than were announced, one may have to wait for the end of another's scan.
 */
static struct space *space_take(const struct patterns *p)
{
	static _Atomic unsigned next;
	static _Thread_local unsigned mine = UINT32_MAX;
	if (mine == UINT32_MAX)
		mine = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % UINT32_MAX;
	for (unsigned i = 0;; i++) {
		struct space *s = &p->spaces[(mine + i) % p->n_spaces];
		if (!atomic_exchange_explicit(&s->is_taken, true, memory_order_acquire))
			return s;
		if (i % p->n_spaces == p->n_spaces - 1)
			sched_yield();
	}
}

void patterns_scan(const struct patterns *p, const char *text, size_t n,
                   void (*visit)(void *arg, uint32_t number), void *arg)
{
	struct visitor v = { .visit = visit, .arg = arg };
	struct space *s = space_take(p);
	hs_error_t e = hs_scan(p->database, text, (unsigned)n, 0, s->scratch, on_match, &v);
	atomic_store_explicit(&s->is_taken, false, memory_order_release);
	(void)bug_if(e != HS_SUCCESS);
}
