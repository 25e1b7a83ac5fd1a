/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whatever sequence of overlays, changes and whole images led there: the rules are those that were
 * asked for, as an image made from nothing has them.
 */
#include <errno.h>

#include "base/random.h"
#include "policy/stream.h"
#include "world.h"

enum {
	LISTS = 4,
	NAMES = 60,
	PREFIXES = 8,
	ROUNDS = 40,
	STEPS = 12,
};

static const char *const list_names[LISTS] = { "nxdomain", "allow", "address", "answer-drop" };

/* What should be there: for each list and subject a rule, as kind + 1, or 0. */
static uint8_t wanted[LISTS][NAMES + PREFIXES];
static bool is_there[LISTS]; /* the list */

static char folder[64], image_path[80], overlay_path[80];

static struct policy_rule rule_of_kind(unsigned kind)
{
	static struct addr addrs[3];
	static struct policy_data data[3];
	unsigned i = kind % 3;
	addrs[i] = addr_v4(0x0a000000U + i);
	data[i] = (struct policy_data){ .addrs = &addrs[i], .n_addrs = 1 };
	return (struct policy_rule){
		.scope = (enum policy_scope)(kind % 3),
		.is_important = kind >= 6,
		.action = kind >= 3 && kind < 6 ? POLICY_ADDRESS : POLICY_NONE,
		.data = kind >= 3 && kind < 6 ? &data[i] : NULL,
	};
}

static struct policy_list_spec *spec_of(unsigned list)
{
	static struct policy_list_spec specs[LISTS];
	struct policy_list_spec *s = &specs[list];
	memset(s, 0, sizeof *s);
	snprintf(s->name, sizeof s->name, "%s", list_names[list]);
	snprintf(s->path, sizeof s->path, "/lists/%u", random_below(3));
	s->action = list == 1 ? POLICY_ALLOW : POLICY_NXDOMAIN;
	s->match = list == 3 ? POLICY_MATCH_ANSWER : POLICY_MATCH_NAME;
	return s;
}

static struct name subject_name(unsigned i)
{
	char text[64];
	snprintf(text, sizeof text, "%s%u.example",
	         i % 3 == 0   ? "www.n"
	         : i % 3 == 1 ? "n"
	                      : "m",
	         i / 3);
	return world_name(text);
}

static struct addr_prefix subject_prefix(unsigned i)
{
	struct addr_prefix p = { .addr = addr_v4(0xc0000200U + (i << 4)), .length = 24 + i % 8 };
	return p;
}

static void put(struct policy_builder *b, uint16_t list, unsigned subject, unsigned kind)
{
	struct policy_rule r = rule_of_kind(kind);
	if (subject < NAMES) {
		struct name n = subject_name(subject);
		assert_int_equal(policy_builder_add_name(b, list, n.wire, &r), 0);
	} else {
		struct addr_prefix p = subject_prefix(subject - NAMES);
		assert_int_equal(policy_builder_add_prefix(b, list, &p, &r), 0);
	}
}

static void take(struct policy_builder *b, uint16_t list, unsigned subject, unsigned kind)
{
	struct policy_rule r = rule_of_kind(kind);
	bool all = random_below(2) == 0; /* there is but one */
	if (subject < NAMES) {
		struct name n = subject_name(subject);
		assert_int_equal(all ? policy_builder_clear_name(b, list, n.wire)
		                     : policy_builder_remove_name(b, list, n.wire, &r),
		                 0);
	} else {
		struct addr_prefix p = subject_prefix(subject - NAMES);
		assert_int_equal(all ? policy_builder_clear_prefix(b, list, &p)
		                     : policy_builder_remove_prefix(b, list, &p, &r),
		                 0);
	}
}

static void put_all(struct policy_builder *b, uint16_t list, unsigned at)
{
	for (unsigned i = 0; i < NAMES + PREFIXES; i++) {
		if (wanted[at][i] == 0)
			continue;
		for (unsigned times = 1 + random_below(2); times > 0; times--)
			put(b, list, i, wanted[at][i] - 1U); /* twice is once */
	}
}

static void change_some(struct policy_builder *b, uint16_t list, unsigned at)
{
	for (unsigned n = random_below(20); n > 0; n--) {
		unsigned i = random_below(NAMES + PREFIXES);
		unsigned kind = random_below(9);
		if (wanted[at][i] != 0)
			take(b, list, i, wanted[at][i] - 1U);
		wanted[at][i] = 0;
		if (random_below(3) > 0) {
			put(b, list, i, kind);
			wanted[at][i] = (uint8_t)(kind + 1);
		}
	}
}

/* Each list in the next builder: as it is, changed, or anew; or no longer there at all. */
static void lists_step(struct policy_builder *b, bool can_keep)
{
	for (unsigned at = 0; at < LISTS; at++) {
		unsigned dice = random_below(10);
		uint16_t list;
		if (can_keep && is_there[at] && dice < 4) {
			assert_int_equal(policy_builder_keep_list(b, spec_of(at), &list), 0);
		} else if (can_keep && is_there[at] && dice < 7) {
			assert_int_equal(policy_builder_change_list(b, spec_of(at), &list), 0);
			change_some(b, list, at);
		} else if (dice == 9 && can_keep) {
			is_there[at] = false;
			memset(wanted[at], 0, sizeof wanted[at]);
		} else {
			for (unsigned n = random_below(30); n > 0; n--)
				wanted[at][random_below(NAMES + PREFIXES)] =
					(uint8_t)random_below(10);
			is_there[at] = true;
			assert_int_equal(policy_builder_add_list(b, spec_of(at), &list), 0);
			put_all(b, list, at);
		}
	}
}

static struct policy *snapshot(struct policy_image *image)
{
	struct policy_list_spec specs[LISTS];
	static uint16_t order[LISTS] = { 0, 1, 2, 3 };
	struct policy_group_spec g = { .name = "all", .lists = order };
	struct policy *p;
	unsigned n = 0;
	for (unsigned at = 0; at < LISTS; at++) {
		if (is_there[at])
			specs[n++] = *spec_of(at);
	}
	g.n_lists = n;
	assert_int_equal(policy_new(image, specs, n, &g, 1, &p), 0);
	return p;
}

static void matches_equal(const struct policy *a, const struct policy *b, const struct name *name,
                          const struct addr *addr)
{
	struct policy_match_found x[64], y[64];
	struct name_hashes h = { 0 };
	enum policy_trigger t = name != NULL ? POLICY_TRIGGER_QUESTION : POLICY_TRIGGER_ANSWER;
	if (name != NULL)
		name_hash_all(name->wire, &h);
	unsigned n = policy_find_all(a, 0, t, name != NULL ? name->wire : NULL, &h, addr, x, 64);
	assert_int_equal(
		policy_find_all(b, 0, t, name != NULL ? name->wire : NULL, &h, addr, y, 64), n);
	for (unsigned i = 0; i < n && i < 64; i++) {
		assert_int_equal(x[i].action, y[i].action);
		assert_int_equal(x[i].scope, y[i].scope);
		assert_int_equal(x[i].list, y[i].list);
		assert_int_equal(x[i].rule_depth, y[i].rule_depth);
		assert_int_equal(x[i].is_important, y[i].is_important);
		assert_int_equal(x[i].is_winner, y[i].is_winner);
		assert_int_equal(x[i].data == NULL, y[i].data == NULL);
		if (x[i].data != NULL)
			assert_int_equal(x[i].data->n_addrs, y[i].data->n_addrs);
		if (x[i].data != NULL && x[i].data->n_addrs > 0)
			assert_memory_equal(x[i].data->addrs, y[i].data->addrs,
			                    sizeof(struct addr));
	}
}

/* The image against one that was made from nothing. */
static void compare(struct policy_image *image)
{
	struct policy_builder *b;
	struct policy_image *whole;
	char path[80];
	snprintf(path, sizeof path, "%s/whole", folder);
	assert_int_equal(policy_builder_new(0, &b), 0);
	for (unsigned at = 0; at < LISTS; at++) {
		uint16_t list;
		if (!is_there[at])
			continue;
		assert_int_equal(policy_builder_add_list(b, spec_of(at), &list), 0);
		put_all(b, list, at);
	}
	assert_int_equal(policy_builder_write(b, path, world_tag), 0);
	policy_builder_free(b);
	assert_int_equal(policy_image_open(path, false, &whole), 0);
	unlink(path);
	struct policy *have = snapshot(image);
	struct policy *want = snapshot(whole);
	for (unsigned i = 0; i < NAMES; i++) {
		struct name n = subject_name(i);
		matches_equal(have, want, &n, NULL);
	}
	for (unsigned i = 0; i < PREFIXES; i++) {
		struct addr a = subject_prefix(i).addr;
		matches_equal(have, want, NULL, &a);
	}
	for (uint16_t i = 0; i < policy_n_lists(want); i++) {
		struct policy_list_view x, y;
		policy_list_view(have, i, &x);
		policy_list_view(want, i, &y);
		assert_string_equal(x.name, y.name);
		assert_int_equal(x.n_names, y.n_names);
		assert_int_equal(x.n_prefixes, y.n_prefixes);
	}
	policy_free(have);
	policy_free(want);
	policy_image_put(whole);
}

/* Away with what is mapped; the files again, as after a restart. */
static struct policy_image *reopen(struct policy_image *image, bool has_overlay)
{
	struct policy_image *base, *over;
	policy_image_put(image);
	assert_int_equal(policy_image_open(image_path, false, &base), 0);
	if (!has_overlay)
		return base;
	assert_int_equal(policy_overlay_open(overlay_path, base, &over), 0);
	policy_image_put(base);
	return over;
}

/* One step from image to image; at random as an overlay, or as a whole. */
static struct policy_image *step(struct policy_image *image, bool *has_overlay)
{
	struct policy_builder *b;
	assert_int_equal(policy_builder_new(random_below(2) * 1000, &b), 0);
	if (random_below(2) == 0)
		assert_int_equal(policy_builder_spill(b, folder), 0);
	bool from = image != NULL && random_below(8) > 0;
	if (from)
		assert_int_equal(policy_builder_from(b, image), 0);
	lists_step(b, from);
	int e = -EFBIG;
	if (from && random_below(4) > 0) {
		struct policy_image *base = policy_image_base(image);
		struct policy_image *over;
		uint32_t max = random_below(4) == 0 ? random_below(30) : NAMES + PREFIXES;
		e = policy_builder_write_overlay(b, overlay_path, world_tag, max);
		if (e == 0) {
			assert_int_equal(policy_overlay_open(overlay_path, base, &over), 0);
			policy_image_put(image);
			image = over;
			*has_overlay = true;
		}
		policy_image_put(base);
	}
	if (e != 0) {
		assert_int_equal(e, -EFBIG);
		assert_int_equal(policy_builder_write(b, image_path, world_tag), 0);
		if (image != NULL)
			policy_image_put(image);
		assert_int_equal(policy_image_open(image_path, false, &image), 0);
		*has_overlay = false;
	}
	policy_builder_free(b);
	return image;
}

static void any_sequence_gives_what_was_asked_for(void **state)
{
	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct policy_image *image = NULL;
		bool has_overlay = false;
		memset(wanted, 0, sizeof wanted);
		memset(is_there, 0, sizeof is_there);
		for (unsigned i = 0; i < STEPS; i++) {
			image = step(image, &has_overlay);
			if (random_below(3) == 0)
				image = reopen(image, has_overlay);
			compare(image);
		}
		policy_image_put(image);
	}
}

/* An image of one list with n names, and a builder that starts from it. */
static struct policy_image *start(unsigned n, struct policy_builder **ret)
{
	struct policy_builder *b;
	struct policy_image *image;
	struct policy_rule r = { .scope = POLICY_SCOPE_TREE };
	uint16_t list;
	assert_int_equal(policy_builder_new(n, &b), 0);
	assert_int_equal(policy_builder_add_list(b, spec_of(0), &list), 0);
	for (unsigned i = 0; i < n; i++) {
		struct name name = subject_name(i);
		assert_int_equal(policy_builder_add_name(b, list, name.wire, &r), 0);
	}
	assert_int_equal(policy_builder_write(b, image_path, world_tag), 0);
	policy_builder_free(b);
	assert_int_equal(policy_image_open(image_path, false, &image), 0);
	assert_int_equal(policy_builder_new(0, ret), 0);
	assert_int_equal(policy_builder_from(*ret, image), 0);
	return image;
}

static void the_stream_has_every_hash(void **state)
{
	(void)state;
	enum {
		N = 70000 /* more than one read of high bits */
	};
	struct policy_builder *b;
	struct policy_image *image = start(N, &b);
	struct stream s;
	uint64_t sum = 0;
	unsigned n = 0;
	assert_int_equal(stream_init(&s, image), 0);
	for (; stream_next(&s) == 1; n++)
		sum += s.hash;
	stream_done(&s);
	assert_int_equal(n, N);
	for (unsigned i = 0; i < N; i++)
		sum -= name_hash(subject_name(i).wire);
	assert_true(sum == 0);
	policy_builder_free(b);
	policy_image_put(image);
}

/* A table that is not as the header says, under a good checksum. */
static void an_image_that_lies_is_no_base(void **state)
{
	(void)state;
	struct policy_builder *b;
	struct policy_image *image = start(1000, &b);
	uint16_t list;
	struct policy_image forged = *image;
	size_t bytes = ((size_t)image->n_slots + image->max_probe + 1) * sizeof(uint64_t);
	uint64_t *slots = malloc(bytes);
	assert_non_null(slots);
	for (int what = 0; what < 3; what++) {
		memcpy(slots, image->slots, bytes);
		struct stream s;
		int got;
		forged.slots = slots;
		uint32_t at = 0;
		while (slots[at] == 0)
			at++;
		uint32_t free_at = at;
		while (slots[free_at] != 0)
			free_at++;
		if (what == 0)
			slots[at] |= IMAGE_MAX_SETS - 1; /* a set that is not there */
		else if (what == 1)
			slots[free_at] = 1; /* one entry too many */
		else
			slots[at] = 0; /* and one too few: all others have wrong bits */
		assert_int_equal(stream_init(&s, &forged), 0);
		while ((got = stream_next(&s)) == 1)
			;
		assert_int_equal(got, -EBADMSG);
		stream_done(&s);
	}
	free(slots);
	assert_int_equal(policy_builder_keep_list(b, spec_of(0), &list), 0);
	policy_builder_free(b);
	policy_image_put(image);
}

static void overlays_that_do_not_belong(void **state)
{
	(void)state;
	struct policy_builder *b;
	struct policy_image *first = start(10, &b);
	struct policy_image *over, *second;
	uint16_t list;
	assert_int_equal(policy_builder_change_list(b, spec_of(0), &list), 0);
	put(b, list, 11, 0);
	assert_int_equal(policy_builder_write_overlay(b, overlay_path, world_tag, 0), -EFBIG);
	assert_int_equal(policy_builder_write_overlay(b, overlay_path, world_tag, 1), 0);
	policy_builder_free(b);
	assert_int_equal(policy_overlay_open(overlay_path, first, &over), 0);
	uint32_t n_base, n_over;
	policy_image_count(over, &n_base, &n_over);
	assert_int_equal(n_base, 10);
	assert_int_equal(n_over, 1);
	policy_image_put(over);
	assert_int_equal(policy_image_open(overlay_path, false, &over), -EBADMSG);
	second = start(12, &b);
	policy_builder_free(b);
	assert_int_equal(policy_overlay_open(overlay_path, second, &over), -ESTALE);
	assert_int_equal(policy_overlay_open("/nonexistent/x", second, &over), -ENOENT);
	assert_int_equal(policy_builder_new(0, &b), 0);
	assert_int_equal(policy_builder_write_overlay(b, overlay_path, world_tag, 1), -EINVAL);
	policy_builder_free(b);
	policy_image_put(first);
	policy_image_put(second);
}

static void what_cannot_be_asked_of_a_list(void **state)
{
	(void)state;
	struct policy_builder *b;
	struct policy_image *image = start(3, &b);
	struct policy_image_list known;
	struct policy_list_source source = { 1, 2, 3 };
	struct policy_rule r = { .scope = POLICY_SCOPE_TREE };
	struct name name = subject_name(1);
	uint16_t list;
	assert_int_equal(policy_builder_keep_list(b, spec_of(1), &list), -ENOENT);
	assert_int_equal(policy_builder_keep_list(b, spec_of(0), &list), 0);
	assert_int_equal(policy_builder_keep_list(b, spec_of(0), &list), -EEXIST);
	assert_int_equal(policy_builder_remove_name(b, list, name.wire, &r), -EINVAL);
	assert_int_equal(policy_builder_clear_name(b, list, name.wire), -EINVAL);
	policy_builder_set_source(b, list, &source);
	assert_int_equal(policy_builder_write_overlay(b, overlay_path, world_tag, 0), 0);
	policy_builder_free(b);
	struct policy_image *over;
	assert_int_equal(policy_overlay_open(overlay_path, image, &over), 0);
	assert_int_equal(policy_image_find_list(over, list_names[0], &known), 0);
	assert_int_equal(known.source.text, 2);
	assert_int_equal(known.n_names, 3);
	assert_int_equal(policy_image_find_list(over, "other", &known), -ENOENT);
	policy_image_put(over);
	policy_image_put(image);
}

/* The 65th different rule of a list on one name is left out, and said to be. */
static void too_many_rules_on_one_name(void **state)
{
	(void)state;
	struct policy_builder *b;
	struct policy_image *image;
	struct name name = subject_name(1);
	struct policy_image_list known;
	uint16_t list;
	assert_int_equal(policy_builder_new(0, &b), 0);
	assert_int_equal(policy_builder_add_list(b, spec_of(0), &list), 0);
	for (uint32_t i = 0; i < 70; i++) {
		struct addr a = addr_v4(i);
		struct policy_data data = { .addrs = &a, .n_addrs = 1 };
		struct policy_rule r = { .action = POLICY_ADDRESS, .data = &data };
		assert_int_equal(policy_builder_add_name(b, list, name.wire, &r), 0);
	}
	policy_builder_end_list(b, list, 5, 0);
	assert_int_equal(policy_builder_write(b, image_path, world_tag), 0);
	policy_builder_free(b);
	assert_int_equal(policy_image_open(image_path, false, &image), 0);
	assert_int_equal(policy_image_find_list(image, list_names[0], &known), 0);
	assert_int_equal(known.n_names, 64);
	assert_int_equal(known.n_skipped, 11);
	policy_image_put(image);
}

static int set_up(void **state)
{
	(void)state;
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	rcu_thread_start();
	snprintf(folder, sizeof folder, "%s/weir-merge-test-XXXXXX",
	         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(image_path, sizeof image_path, "%s/image", folder);
	snprintf(overlay_path, sizeof overlay_path, "%s/overlay", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(image_path);
	unlink(overlay_path);
	rcu_drain();
	rcu_thread_stop();
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_sequence_gives_what_was_asked_for),
		cmocka_unit_test(the_stream_has_every_hash),
		cmocka_unit_test(an_image_that_lies_is_no_base),
		cmocka_unit_test(overlays_that_do_not_belong),
		cmocka_unit_test(what_cannot_be_asked_of_a_list),
		cmocka_unit_test(too_many_rules_on_one_name),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
