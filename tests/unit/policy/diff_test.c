/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list as a bag of rules: whatever comes and goes, the image has those that are there at least once. */
#include <errno.h>

#include "base/random.h"
#include "policy/twice.h"
#include "world.h"

enum {
	SUBJECTS = 40,
	KINDS = 4,
	ROUNDS = 30,
	STEPS = 10,
};

static char folder[64], image_path[80], overlay_path[80];
static unsigned bag[SUBJECTS][KINDS]; /* how often each is in it */
static unsigned other[SUBJECTS];      /* and in another list, which stays */

static struct policy_rule rule_of(unsigned kind)
{
	static struct addr addrs[2];
	static struct policy_data data[2];
	for (unsigned i = 0; i < 2; i++) {
		addrs[i] = addr_v4(0x0a000000U + i);
		data[i] = (struct policy_data){ .addrs = &addrs[i], .n_addrs = 1 };
	}
	return (struct policy_rule){
		.scope = kind == 0 ? POLICY_SCOPE_TREE : POLICY_SCOPE_EXACT,
		.action = kind >= 2 ? POLICY_ADDRESS : POLICY_NONE,
		.data = kind >= 2 ? &data[kind - 2] : NULL,
	};
}

static struct name name_of(unsigned subject)
{
	char text[32];
	snprintf(text, sizeof text, "n%u.example", subject);
	return world_name(text);
}

static struct addr_prefix prefix_of(unsigned subject)
{
	return (struct addr_prefix){ .addr = addr_v4(0xc0000200U + (subject << 4)), .length = 28 };
}

static struct policy_list_spec *spec_of(const char *name)
{
	static struct policy_list_spec spec;
	memset(&spec, 0, sizeof spec);
	snprintf(spec.name, sizeof spec.name, "%s", name);
	snprintf(spec.path, sizeof spec.path, "/lists/%s", name);
	return &spec;
}

/* A fifth of the subjects are prefixes. */
static void add(struct policy_builder *b, uint16_t list, unsigned subject, unsigned kind)
{
	struct policy_rule r = rule_of(kind);
	struct name n = name_of(subject);
	struct addr_prefix p = prefix_of(subject);
	assert_int_equal(subject % 5 == 0 ? policy_builder_add_prefix(b, list, &p, &r)
	                                  : policy_builder_add_name(b, list, n.wire, &r),
	                 0);
}

static void differ(struct policy_diff *d, bool is_gone, unsigned subject, unsigned kind)
{
	struct policy_rule r = rule_of(kind);
	struct name n = name_of(subject);
	struct addr_prefix p = prefix_of(subject);
	assert_int_equal(subject % 5 == 0 ? policy_diff_prefix(d, is_gone, &p, &r)
	                                  : policy_diff_name(d, is_gone, n.wire, &r),
	                 0);
}

static struct policy_image *start(struct policy_twice *ret_twice)
{
	struct policy_builder *b;
	struct policy_image *image;
	uint16_t list, second;
	assert_int_equal(policy_builder_new(0, &b), 0);
	assert_int_equal(policy_builder_add_list(b, spec_of("other"), &second), 0);
	assert_int_equal(policy_builder_add_list(b, spec_of("bag"), &list), 0);
	assert_int_equal(policy_builder_watch(b, list), 0);
	for (unsigned i = 0; i < SUBJECTS; i++) {
		other[i] = random_below(2);
		if (other[i] > 0)
			add(b, second, i, 0);
		for (unsigned k = 0; k < KINDS; k++) {
			bag[i][k] = random_below(3) == 0 ? random_below(4) : 0;
			for (unsigned n = 0; n < bag[i][k]; n++)
				add(b, list, i, k);
		}
	}
	policy_builder_end_list(b, list, 0, 0);
	assert_int_equal(policy_builder_write(b, image_path, world_tag), 0);
	const struct policy_twice *t = policy_builder_twice(b, list);
	assert_non_null(t);
	ret_twice->items = calloc(t->n + 1U, sizeof *t->items);
	ret_twice->n = t->n;
	memcpy(ret_twice->items, t->items, t->n * sizeof *t->items);
	policy_builder_free(b);
	assert_int_equal(policy_image_open(image_path, false, &image), 0);
	return image;
}

static void expect_bag(struct policy_image *image, const struct policy_twice *twice)
{
	struct policy_image_list l;
	unsigned n_names = 0, n_prefixes = 0, n_twice = 0;
	for (unsigned i = 0; i < SUBJECTS; i++) {
		for (unsigned k = 0; k < KINDS; k++) {
			/* Scopes mean nothing for prefixes: the first two kinds are one. */
			if (i % 5 == 0 && k == 1)
				continue;
			unsigned n = bag[i][k] + (i % 5 == 0 && k == 0 ? bag[i][1] : 0);
			n_names += i % 5 != 0 && n > 0;
			n_prefixes += i % 5 == 0 && n > 0;
			n_twice += n > 1;
		}
	}
	assert_int_equal(policy_image_find_list(image, "bag", &l), 0);
	assert_int_equal(l.n_names, n_names);
	assert_int_equal(l.n_prefixes, n_prefixes);
	assert_int_equal(twice->n, n_twice);
	assert_int_equal(policy_image_find_list(image, "other", &l), 0);
	unsigned n_other = 0;
	for (unsigned i = 0; i < SUBJECTS; i++)
		n_other += other[i];
	assert_int_equal(l.n_names + l.n_prefixes, n_other);
}

/* The next version, as an overlay or whole. */
static struct policy_image *step(struct policy_image *from, struct policy_twice *twice)
{
	struct policy_builder *b;
	struct policy_diff *d;
	struct policy_image *image;
	struct policy_twice next;
	uint16_t list, second;
	assert_int_equal(policy_diff_new(&d), 0);
	for (unsigned n = random_below(30); n > 0; n--) {
		unsigned i = random_below(SUBJECTS), k = random_below(KINDS);
		bool is_gone = bag[i][k] > 0 && random_below(2) == 0;
		differ(d, is_gone, i, k);
		bag[i][k] += is_gone ? -1U : 1U;
	}
	assert_int_equal(policy_builder_new(0, &b), 0);
	assert_int_equal(policy_builder_from(b, from), 0);
	assert_int_equal(policy_builder_keep_list(b, spec_of("other"), &second), 0);
	assert_int_equal(policy_builder_change_list(b, spec_of("bag"), &list), 0);
	assert_int_equal(policy_builder_apply(b, list, d, twice, false, &next), 0);
	free(twice->items);
	*twice = next;
	policy_diff_free(d);
	if (random_below(3) > 0) {
		struct policy_image *base = policy_image_base(from);
		assert_int_equal(policy_builder_write_overlay(b, overlay_path, world_tag, 1000), 0);
		assert_int_equal(policy_overlay_open(overlay_path, base, &image), 0);
		policy_image_put(base);
	} else {
		assert_int_equal(policy_builder_write(b, image_path, world_tag), 0);
		assert_int_equal(policy_image_open(image_path, false, &image), 0);
	}
	policy_builder_free(b);
	policy_image_put(from);
	return image;
}

static void a_bag_of_rules(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct policy_twice twice = { 0 };
		struct policy_image *image = start(&twice);
		expect_bag(image, &twice);
		for (unsigned i = 0; i < STEPS; i++) {
			image = step(image, &twice);
			expect_bag(image, &twice);
		}
		policy_image_put(image);
		free(twice.items);
	}
}

/* Differences that are not of this list are told, and nothing else happens. */
static void what_does_not_fit(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		int how[3]; /* +(1 + kind): comes, -(1 + kind): goes; of a name with one rule of kind 2 */
		bool is_single;
		int expected;
	} rows[] = {
		{ "the same again", { 3 }, false, 0 },
		{ "the same again, where one is all there may be", { 3 }, true, -ESTALE },
		{ "one goes that is not there", { -4 }, false, -ESTALE },
		{ "goes twice", { -3, -3 }, false, -ESTALE },
		{ "comes and goes twice", { -3, 3, -3 }, false, 0 },
		{ "another beside it", { 4 }, false, 0 },
		{ "another beside it, where one is all there may be", { 4 }, true, -ESTALE },
		{ "another in its place", { 4, -3 }, true, 0 },
		{ "another kind beside it", { 1 }, true, 0 },
		{ "two others in its place", { 4, -3, 2 }, true, -ESTALE },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy_builder *b;
		struct policy_diff *d;
		struct policy_image *image;
		struct policy_twice none = { 0 }, next = { 0 };
		uint16_t list;
		assert_int_equal(policy_builder_new(0, &b), 0);
		assert_int_equal(policy_builder_add_list(b, spec_of("bag"), &list), 0);
		add(b, list, 1, 2);
		assert_int_equal(policy_builder_write(b, image_path, world_tag), 0);
		policy_builder_free(b);
		assert_int_equal(policy_image_open(image_path, false, &image), 0);
		assert_int_equal(policy_diff_new(&d), 0);
		for (unsigned k = 0; k < 3 && rows[i].how[k] != 0; k++)
			differ(d, rows[i].how[k] < 0, 1, (unsigned)abs(rows[i].how[k]) - 1);
		assert_int_equal(policy_builder_new(0, &b), 0);
		assert_int_equal(policy_builder_from(b, image), 0);
		assert_int_equal(policy_builder_change_list(b, spec_of("bag"), &list), 0);
		int e = policy_builder_apply(b, list, d, &none, rows[i].is_single, &next);
		if (e != rows[i].expected)
			fail_msg("%s: %d", rows[i].why, e);
		free(next.items);
		policy_diff_free(d);
		policy_builder_free(b);
		policy_image_put(image);
	}
}

/* The 65th rule of one name is left out of a list that is read; of one that is changed it is told. */
static void too_many_rules_of_a_name(void **state)
{
	(void)state;
	struct policy_builder *b;
	struct policy_image *image;
	struct policy_twice none = { 0 }, next;
	uint16_t list;
	for (unsigned n = 64; n <= 65; n++) {
		assert_int_equal(policy_builder_new(0, &b), 0);
		assert_int_equal(policy_builder_add_list(b, spec_of("bag"), &list), 0);
		assert_int_equal(policy_builder_watch(b, list), 0);
		struct policy_diff *d;
		assert_int_equal(policy_diff_new(&d), 0);
		for (unsigned i = 0; i <= n; i++) {
			struct addr a = addr_v4(i);
			struct policy_data data = { .addrs = &a, .n_addrs = 1 };
			struct policy_rule r = { .action = POLICY_ADDRESS, .data = &data };
			struct name name = name_of(1);
			assert_int_equal(i < n ? policy_builder_add_name(b, list, name.wire, &r)
			                       : policy_diff_name(d, false, name.wire, &r),
			                 0);
		}
		assert_int_equal(policy_builder_write(b, image_path, world_tag), 0);
		assert_int_equal(policy_builder_twice(b, list) != NULL, n == 64);
		policy_builder_free(b);
		assert_int_equal(policy_image_open(image_path, false, &image), 0);
		assert_int_equal(policy_builder_new(0, &b), 0);
		assert_int_equal(policy_builder_from(b, image), 0);
		assert_int_equal(policy_builder_change_list(b, spec_of("bag"), &list), 0);
		assert_int_equal(policy_builder_apply(b, list, d, &none, false, &next), 0);
		assert_int_equal(policy_builder_write_overlay(b, overlay_path, world_tag, 10),
		                 -ERANGE);
		assert_int_equal(policy_builder_write(b, image_path, world_tag), -ERANGE);
		free(next.items);
		policy_diff_free(d);
		policy_builder_free(b);
		policy_image_put(image);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bag_of_rules),
		cmocka_unit_test(what_does_not_fit),
		cmocka_unit_test(too_many_rules_of_a_name),
	};
	struct siphash_key key = { 1, 2 };
	name_set_hash_key(&key);
	snprintf(folder, sizeof folder, "/dev/shm/weir-diff-XXXXXX");
	if (mkdtemp(folder) == NULL) {
		snprintf(folder, sizeof folder, "/tmp/weir-diff-XXXXXX");
		assert_non_null(mkdtemp(folder));
	}
	snprintf(image_path, sizeof image_path, "%s/image", folder);
	snprintf(overlay_path, sizeof overlay_path, "%s/overlay", folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(image_path);
	unlink(overlay_path);
	rmdir(folder);
	return failed;
}
