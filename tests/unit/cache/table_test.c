/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "cache/cache.h"

static struct name name_number(unsigned i)
{
	char text[64];
	struct name n;
	int len = snprintf(text, sizeof text, "n%u.example.com", i);
	assert_int_equal(name_from_text(text, (size_t)len, &n), 0);
	return n;
}

static struct answer *make_answer(const struct name *name, uint16_t type, uint32_t now_s,
                                  uint32_t ttl_s, uint8_t last)
{
	uint8_t addr[16] = { 192, 0, 2, last };
	const struct answer_rr rr = {
		name->wire, addr, type, type == DNS_A ? 4 : 16, ttl_s, false
	};
	struct answer_plan plan = { .name = name->wire,
		                    .hash = name_hash(name->wire),
		                    .type = type,
		                    .now_s = now_s,
		                    .ttl_s = ttl_s,
		                    .rrs = &rr,
		                    .n_rrs = 1 };
	struct answer *a;
	assert_int_equal(answer_new(&plan, &a), 0);
	return a;
}

static const struct answer *find(struct cache *c, const struct name *n, uint16_t type)
{
	return cache_find_answer(c, name_hash(n->wire), n->wire, type);
}

static void newest_is_found_by_name_and_type(void **state)
{
	(void)state;
	struct cache *c;
	struct name a = name_number(1);
	struct name b = name_number(2);
	assert_int_equal(cache_new(1 << 20, &c), 0);
	assert_null(find(c, &a, DNS_A));
	cache_put_answer(c, make_answer(&a, DNS_A, 10, 60, 1));
	cache_put_answer(c, make_answer(&a, DNS_AAAA, 10, 60, 2));
	cache_put_answer(c, make_answer(&a, DNS_A, 20, 60, 3));
	assert_non_null(find(c, &a, DNS_A));
	assert_int_equal(find(c, &a, DNS_A)->item.stored_s, 20);
	assert_int_equal(find(c, &a, DNS_AAAA)->type, DNS_AAAA);
	assert_null(find(c, &b, DNS_A));
	assert_null(find(c, &a, DNS_TXT));

	struct cache_counts counts;
	cache_count(c, &counts);
	assert_int_equal(counts.answers, 2);

	/* Freshness, at the second. */
	assert_true(item_is_fresh(&find(c, &a, DNS_A)->item, 79));
	assert_false(item_is_fresh(&find(c, &a, DNS_A)->item, 80));
	assert_true(item_is_fresh(&find(c, &a, DNS_A)->item, 19)); /* another worker's clock */

	/* What does not keep is not kept. */
	cache_put_answer(c, make_answer(&b, DNS_A, 10, 0, 1));
	assert_null(find(c, &b, DNS_A));

	assert_int_equal(cache_flush(c, a.wire, false), 2);
	assert_null(find(c, &a, DNS_A));
	rcu_drain();
	cache_free(c);
}

/* An answer to `text` whose chain is `alias`, NULL: none; from the zone `zone`. */
static void put_from(struct cache *c, const char *text, const char *alias, const char *zone,
                     uint8_t rcode)
{
	static const uint8_t addr[4] = { 192, 0, 2, 1 };
	struct name n, to, cut_name;
	struct cut *cut;
	struct answer *a;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	assert_int_equal(name_from_text(alias != NULL ? alias : text,
	                                strlen(alias != NULL ? alias : text), &to),
	                 0);
	assert_int_equal(name_from_text(zone, strlen(zone), &cut_name), 0);
	const struct cut_plan cut_plan = {
		.zone = cut_name.wire, .hash = name_hash(cut_name.wire), .now_s = 10, .ttl_s = 600
	};
	assert_int_equal(cut_new(&cut_plan, &cut), 0);
	const struct answer_rr rrs[] = {
		{ n.wire, to.wire, DNS_CNAME, to.len, 600, false },
		{ to.wire, addr, DNS_A, 4, 600, false },
	};
	const struct cut *cuts[] = { cut };
	struct answer_plan plan = { .name = n.wire,
		                    .hash = name_hash(n.wire),
		                    .type = DNS_A,
		                    .rcode = rcode,
		                    .now_s = 10,
		                    .ttl_s = 600,
		                    .rrs = alias != NULL ? rrs : rrs + 1,
		                    .n_rrs = rcode != 0      ? 0
		                             : alias != NULL ? 2
		                                             : 1,
		                    .cuts = cuts,
		                    .n_cuts = 1 };
	assert_int_equal(answer_new(&plan, &a), 0);
	cache_put_cut(c, cut);
	cache_put_answer(c, a);
}

static void a_flush_takes_what_depends_on_the_name(void **state)
{
	(void)state;
	static const struct {
		const char *name, *alias, *zone;
		uint8_t rcode;
		bool is_gone; /* with b.example and all below it */
	} put[] = {
		{ "www.b.example", NULL, "b.example", 0, true },
		{ "b.example", NULL, "b.example", 0, true },
		{ "example", NULL, "example", 0, false },
		{ "ab.example", NULL, "example", 0, false },
		{ "one.test", "X.B.Example", "test", 0, true }, /* leads there */
		{ "two.test", "bb.example", "test", 0, false },
		{ "three.test", NULL, "sub.b.example", 0, true }, /* came through there */
		{ "gone.test", NULL, "test", 3, false },
	};
	struct cache *c;
	struct name at, gone, below;
	assert_int_equal(name_from_text("b.example", 9, &at), 0);
	assert_int_equal(name_from_text("gone.test", 9, &gone), 0);
	assert_int_equal(name_from_text("deep.gone.test", 14, &below), 0);
	assert_int_equal(cache_new(1 << 20, &c), 0);
	for (unsigned i = 0; i < sizeof put / sizeof *put; i++)
		put_from(c, put[i].name, put[i].alias, put[i].zone, put[i].rcode);
	assert_int_equal(cache_flush(c, at.wire, true), 4 + 2); /* and the zones' cuts */
	for (unsigned i = 0; i < sizeof put / sizeof *put; i++) {
		struct name n;
		assert_int_equal(name_from_text(put[i].name, strlen(put[i].name), &n), 0);
		assert_int_equal(find(c, &n, DNS_A) == NULL, put[i].is_gone);
	}
	/* What is denied is so with all below it: flushing one of those takes the denial. */
	assert_int_equal(cache_flush(c, below.wire, true), 1);
	assert_null(find(c, &gone, DNS_A));
	assert_int_equal(cache_flush(c, (const uint8_t *)"", true), 3 + 2);
	struct cache_counts counts;
	cache_count(c, &counts);
	assert_int_equal(counts.answers + counts.cuts, 0);
	rcu_drain();
	cache_free(c);
}

static void memos_belong_to_generation_and_group(void **state)
{
	(void)state;
	struct name n = name_number(1);
	struct answer *a = make_answer(&n, DNS_A, 10, 60, 1);
	assert_false(cache_memo_is_clean(&a->item, 1, 0));
	cache_memo_set_clean(&a->item, 1, 0);
	assert_true(cache_memo_is_clean(&a->item, 1, 0));
	assert_false(cache_memo_is_clean(&a->item, 2, 0));
	assert_false(cache_memo_is_clean(&a->item, 1, CACHE_MEMOS)); /* same place, other group */
	assert_false(cache_memo_is_clean(&a->item, 1, 1));
	a->item.release(a);
}

static void memory_stays_within_its_bound(void **state)
{
	(void)state;
	enum {
		SIZE = 2 << 20,
		MANY = 60000
	};
	struct cache *c;
	struct cache_counts counts;
	struct name hot = name_number(1000000);
	assert_int_equal(cache_new(SIZE, &c), 0);
	cache_put_answer(c, make_answer(&hot, DNS_A, 10, 600, 1));
	unsigned lost = 0;
	for (unsigned i = 0; i < MANY; i++) {
		struct name n = name_number(i);
		cache_put_answer(c, make_answer(&n, DNS_A, 10, 600, 1));
		if (find(c, &hot, DNS_A) == NULL) { /* in use all the time */
			cache_put_answer(c, make_answer(&hot, DNS_A, 10, 600, 1));
			lost++;
		}
		if (i % 1000 == 0) {
			cache_count(c, &counts);
			assert_true(counts.bytes <= SIZE);
			rcu_quiet();
		}
	}
	cache_count(c, &counts);
	assert_true(counts.bytes <= SIZE);
	assert_true(counts.answers > 3000);
	assert_true(counts.evicted > 0);
	assert_true(lost < 20); /* a flood of other names does not wash it out */
	rcu_drain();
	cache_free(c);
}

static void closest_cut_is_the_deepest_fresh_one(void **state)
{
	(void)state;
	static const struct {
		const char *zone;
		uint32_t ttl_s;
	} zones[] = { { ".", 1000 }, { "com", 1000 }, { "example.com", 50 } };
	struct cache *c;
	struct name q = name_number(7);
	struct name_hashes hashes;
	char text[NAME_TEXT_MAX];
	assert_int_equal(cache_new(1 << 20, &c), 0);
	name_hash_all(q.wire, &hashes);
	assert_null(cache_closest_cut(c, q.wire, &hashes, 10));
	for (size_t i = 0; i < 3; i++) {
		struct name zone;
		struct cut *cut;
		assert_int_equal(name_from_text(zones[i].zone, strlen(zones[i].zone), &zone), 0);
		struct cut_plan plan = { .zone = zone.wire,
			                 .hash = name_hash(zone.wire),
			                 .now_s = 10,
			                 .ttl_s = zones[i].ttl_s };
		assert_int_equal(cut_new(&plan, &cut), 0);
		cache_put_cut(c, cut);
	}
	name_to_text(cache_closest_cut(c, q.wire, &hashes, 20)->zone, text);
	assert_string_equal(text, "example.com");
	name_to_text(cache_closest_cut(c, q.wire, &hashes, 100)->zone, text);
	assert_string_equal(text, "com");
	rcu_drain();
	cache_free(c);
}

struct load {
	struct cache *cache;
	unsigned seed;
};

static void *put_and_find(void *arg)
{
	struct load *l = arg;
	rcu_thread_start();
	for (unsigned i = 0; i < 20000; i++) {
		unsigned k = (i * 2654435761U + l->seed) % 3000;
		struct name n = name_number(k);
		const struct answer *a = find(l->cache, &n, DNS_A);
		if (a == NULL || i % 7 == 0)
			cache_put_answer(l->cache, make_answer(&n, DNS_A, i, 600, (uint8_t)k));
		else
			must(a->blocks[a->an_bytes - 1U] == (uint8_t)k);
		if (i % 16 == 0)
			rcu_quiet();
	}
	rcu_thread_stop();
	return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	(void)state;
	struct cache *c;
	struct cache_counts counts;
	pthread_t threads[4];
	struct load loads[4];
	assert_int_equal(cache_new(1 << 20, &c), 0);
	for (unsigned i = 0; i < 4; i++) {
		loads[i] = (struct load){ .cache = c, .seed = i * 1000 };
		assert_int_equal(pthread_create(&threads[i], NULL, put_and_find, &loads[i]), 0);
	}
	rcu_sleep();
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	rcu_wake();
	cache_count(c, &counts);
	assert_true(counts.bytes <= 1 << 20);
	rcu_drain();
	cache_free(c);
}

static int start(void **state)
{
	(void)state;
	struct siphash_key key = { .k0 = 1, .k1 = 2 };
	name_set_hash_key(&key);
	rcu_thread_start();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	rcu_drain();
	rcu_thread_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_is_found_by_name_and_type),
		cmocka_unit_test(a_flush_takes_what_depends_on_the_name),
		cmocka_unit_test(memos_belong_to_generation_and_group),
		cmocka_unit_test(memory_stays_within_its_bound),
		cmocka_unit_test(closest_cut_is_the_deepest_fresh_one),
		cmocka_unit_test(threads_do_not_disturb_each_other),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
