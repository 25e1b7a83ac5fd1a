/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "follow.h"

#include <string.h>

#include "base/clock.h"
#include "weir/asking.h"
#include "weir/trust.h"
#include "weir/worker.h"

enum {
	LOOK_EVERY_S = 60
};

static struct {
	struct serve *serve;
	struct trust_watch *trust;
	struct timer timer;
} f;

/* In place of weir/worker.c: there is one thread. */
void worker_ask(struct worker *w, struct asking *a)
{
	(void)w;
	asking_run(f.serve, a);
}

static void woken(void *arg)
{
	(void)arg;
	trust_woken(f.trust);
}

static void look(struct timer *t)
{
	trust_tick(f.trust);
	timer_set(f.serve->loop, t, loop_now_ns(f.serve->loop) + LOOK_EVERY_S * NS_PER_S);
}

int follow_start(const struct config *config, struct serve *serve)
{
	static struct worker *none; /* kept by the plan */
	struct trust_plan plan = {
		.config = config,
		.cache = serve->cache,
		.loop = serve->loop,
		.workers = &none,
		.n_workers = 1,
	};
	f.serve = serve;
	int e = trust_start(&plan, &f.trust);
	if (e != 0)
		return e;
	loop_on_wake(serve->loop, woken, NULL);
	f.timer.fire = look;
	timer_set(serve->loop, &f.timer, clock_mono_ns() + NS_PER_S);
	return 0;
}

int follow_distrust(const struct name *name, uint64_t for_s)
{
	uint64_t now_s = clock_wall_ns() / NS_PER_S;
	struct negative_anchor a = {
		.name = *name,
		.since_s = now_s,
		.expires_s = now_s + for_s,
		.who = "the scenario",
	};
	return keeper_add_negative(trust_keeper(f.trust), &a);
}

void follow_stop(void)
{
	if (f.trust == NULL)
		return;
	timer_cancel(f.serve->loop, &f.timer);
	trust_stop(f.trust);
	f.trust = NULL;
}
