/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of a cut's addresses to ask: mostly the fast ones, now and then another. */
#include "base/random.h"
#include "resolve/task.h"

enum {
	FAMILY_SILENT_MAX = 6, /* in a row, while the other one answers: it does not work here */
	FAMILY_PENALTY_US = 2000000,
	FAMILY_PROBE_S = 10,
	SAMPLE_MAX = 8,      /* addresses weighed; a cut of 64 costs no more than one of 8 */
	EXPLORE_ONE_IN = 32, /* how often a slower one is asked, to learn of it */
	BAND_US = 5000,      /* so near to the fastest counts as equally fast */
};

unsigned task_n_addrs(const struct task *t)
{
	return t->forward != NULL ? t->forward->n_to : t->cut->n_addrs;
}

struct endpoint task_endpoint(const struct task *t, unsigned at)
{
	if (t->forward != NULL)
		return t->forward->to[at];
	return (struct endpoint){ .addr = t->cut->addrs[at], .port = t->r->config.upstream_port };
}

static bool is_usable(const struct resolver *r, const struct addr *a, uint64_t now_ns)
{
	bool is_used = a->is_v4 ? r->config.use_ipv4 : r->config.use_ipv6;
	return is_used && now_ns >= r->family_down_ns[a->is_v4 ? 0 : 1];
}

static uint64_t usable_addrs(const struct task *t, uint64_t now_ns)
{
	uint64_t mask = 0;
	unsigned n = task_n_addrs(t);
	for (unsigned i = 0; i < n; i++) {
		const struct addr *a =
			t->forward != NULL ? &t->forward->to[i].addr : &t->cut->addrs[i];
		if (is_usable(t->r, a, now_ns))
			mask |= 1ULL << i;
	}
	return mask & ~t->excluded;
}

/* One of the set bits, at random. */
static unsigned draw_bit(uint64_t mask)
{
	unsigned n = (unsigned)__builtin_popcountll(mask);
	for (unsigned skip = n > 1 ? random_below(n) : 0; skip > 0; skip--)
		mask &= mask - 1;
	return (unsigned)__builtin_ctzll(mask);
}

/* What is left of them after dropping lame and resting ones, which are noted and excluded. */
static bool is_worth_asking(struct task *t, unsigned at, const struct endpoint *e, uint64_t tag,
                            const struct server *s, uint64_t now_ns)
{
	uint32_t now_s = (uint32_t)(now_ns / NS_PER_S);
	const char *why = NULL;
	if (server_is_resting(s, now_ns))
		why = "did not answer lately";
	else if (t->forward == NULL && server_is_lame(tag, t->cut->item.hash, now_s))
		why = "does not serve the zone";
	else if (task_is_limited(t) && load_is_full(t->r->servers, tag)) {
		why = "over the limit of questions for one server (resolver: server-questions)";
		count_up(&t->r->counts.server_limited);
	}
	if (why == NULL)
		return true;
	t->excluded |= 1ULL << at;
	if (t->trouble.what == NULL) {
		t->ask.server = *e;
		iterate_note(t, EDE_NO_REACHABLE_AUTHORITY, why, true);
	}
	return false;
}

/*
 * Happy choice: IPv4 and IPv6 compete by their round trips. A family of which nothing comes back
 * while the other one works is left to the end, but for one try now and then.
 */
static bool is_family_silent(struct resolver *r, bool is_v4, uint64_t now_ns)
{
	int here = is_v4 ? 0 : 1;
	return r->n_silent[here] >= FAMILY_SILENT_MAX &&
	       r->n_silent[1 - here] < FAMILY_SILENT_MAX && now_ns < r->family_probe_ns[here];
}

static void note_family_probe(struct resolver *r, bool is_v4, uint64_t now_ns)
{
	int here = is_v4 ? 0 : 1;
	if (r->n_silent[here] >= FAMILY_SILENT_MAX && now_ns >= r->family_probe_ns[here])
		r->family_probe_ns[here] = now_ns + FAMILY_PROBE_S * NS_PER_S;
}

/* Weigh a few of the addresses in `left`; -1 when none of those is worth asking. */
static int weigh(struct task *t, uint64_t left, uint64_t now_ns)
{
	uint32_t now_s = (uint32_t)(now_ns / NS_PER_S);
	unsigned at[SAMPLE_MAX];
	bool is_silent[SAMPLE_MAX];
	bool is_any_heard = false;
	uint64_t tags[SAMPLE_MAX];
	uint32_t score_us[SAMPLE_MAX];
	uint32_t best_us = UINT32_MAX;
	unsigned n = 0;
	for (unsigned k = 0; k < SAMPLE_MAX && left != 0; k++) {
		unsigned i = draw_bit(left);
		left &= ~(1ULL << i);
		struct endpoint e = task_endpoint(t, i);
		uint64_t tag = server_tag(&e);
		const struct server *s = server_find_tag(tag);
		if (!is_worth_asking(t, i, &e, tag, s, now_ns))
			continue;
		at[n] = i;
		tags[n] = tag;
		score_us[n] = server_score_us(s, now_s);
		is_silent[n] = is_family_silent(t->r, e.addr.is_v4, now_ns);
		if (is_silent[n])
			score_us[n] += FAMILY_PENALTY_US;
		is_any_heard |= !is_silent[n];
		n++;
	}
	if (n == 0)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		if (score_us[i] < best_us && (!is_silent[i] || !is_any_heard))
			best_us = score_us[i];
	}
	uint32_t limit_us = best_us + best_us / 4 + BAND_US;
	if (n > 1 && random_below(EXPLORE_ONE_IN) == 0)
		limit_us = UINT32_MAX;
	/* They were drawn in random order: the first in the band will do. */
	for (unsigned i = 0; i < n; i++) {
		if (score_us[i] > limit_us || (is_silent[i] && is_any_heard))
			continue;
		struct endpoint e = task_endpoint(t, at[i]);
		note_family_probe(t->r, e.addr.is_v4, now_ns);
		t->ask.server_tag = tags[i];
		return (int)at[i];
	}
	return -1;
}

int choose_server(struct task *t)
{
	uint64_t now_ns = loop_now_ns(t->r->loop);
	for (;;) {
		uint64_t usable = usable_addrs(t, now_ns);
		uint64_t left = usable & ~t->tried;
		if (usable == 0)
			return -1;
		if (left == 0) {
			if (t->round + 1 >= TASK_ROUNDS)
				return -1;
			t->round++;
			t->tried = 0;
			continue;
		}
		int at = weigh(t, left, now_ns);
		if (at >= 0)
			return at;
	}
}
