/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/image.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/random.h"
#include "world.h"

static void build_small(struct world *w)
{
	static const char *const rules[] = {
		"nxdomain tree evil.example",     "nxdomain exact evil.example",
		"nxdomain tree evil.example",     "refused tree evil.example !",
		"address exact sink.example",     "answer-drop tree 192.0.2.0/24",
		"answer-drop tree 2001:db8::/32", "redirect below garden.example",
	};
	world_start(w);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		assert_int_equal(world_rule(w, rules[i]), 0);
	struct addr own = world_addr("192.0.2.99");
	struct policy_data data = { .addrs = &own, .n_addrs = 1, .target = (uint8_t *)"\1t" };
	struct policy_rule rule = { .data = &data };
	struct name name = world_name("own.example");
	assert_int_equal(policy_builder_add_name(w->builder, 0, name.wire, &rule), 0);
}

static uint8_t *file_read(const char *path, size_t *ret_n)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	uint8_t *bytes = malloc((size_t)st.st_size + 1);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_n = (size_t)st.st_size;
	return bytes;
}

static void file_write(const char *path, const uint8_t *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void what_went_in_comes_out(void **state)
{
	(void)state;
	struct world w;
	uint8_t tag[32];
	build_small(&w);
	world_write(&w);
	policy_image_tag(w.opened, tag);
	assert_memory_equal(tag, world_tag, 32);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "nxdomain", NULL);
	world_snapshot(&w, &g, 1);
	struct policy_list_view v;
	policy_list_view(w.policy, 0, &v);
	assert_string_equal(v.name, "nxdomain");
	assert_int_equal(v.n_names, 3); /* the rule that was given twice counts once */
	assert_int_equal(v.n_prefixes, 0);
	assert_int_equal(v.n_skipped, 3);
	assert_int_equal(v.loaded_s, 1795000000);
	assert_string_equal(v.path, "/lists/nxdomain");
	policy_list_view(w.policy, 3, &v);
	assert_string_equal(v.name, "answer-drop");
	assert_int_equal(v.n_names, 0);
	assert_int_equal(v.n_prefixes, 2);
	world_end(&w);
}

static void the_file_appears_whole_and_nothing_beside_it(void **state)
{
	(void)state;
	struct world w;
	struct stat st;
	char beside[160];
	build_small(&w);
	snprintf(beside, sizeof beside, "%s.new", w.image);
	file_write(beside, (const uint8_t *)"left by a crash", 15);
	world_write(&w);
	assert_int_equal(stat(beside, &st), -1);
	assert_int_equal(stat(w.image, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	world_end(&w);
}

static void a_folder_that_is_not_there(void **state)
{
	(void)state;
	struct world w;
	struct policy_image *i;
	build_small(&w);
	assert_int_equal(policy_builder_write(w.builder, "/nonexistent/folder/image", world_tag),
	                 -ENOENT);
	assert_int_equal(policy_image_open("/nonexistent/folder/image", false, &i), -ENOENT);
	assert_int_equal(policy_image_open(w.folder, false, &i), -EBADMSG);
	world_end(&w);
}

static void each_flipped_byte_is_noticed(void **state)
{
	(void)state;
	struct world w;
	size_t n;
	build_small(&w);
	world_write(&w);
	uint8_t *bytes = file_read(w.image, &n);
	assert_in_range(n, 100, 4000);
	struct policy_image *i;
	for (size_t at = 0; at < n; at++) {
		bytes[at] ^= 0x10;
		file_write(w.image, bytes, n);
		bytes[at] ^= 0x10;
		int e = policy_image_open(w.image, false, &i);
		if (e != -EBADMSG)
			fail_msg("byte %zu: %d", at, e);
	}
	file_write(w.image, bytes, n);
	assert_int_equal(policy_image_open(w.image, false, &i), 0);
	policy_image_put(i);
	free(bytes);
	world_end(&w);
}

static void each_cut_is_noticed(void **state)
{
	(void)state;
	struct world w;
	size_t n;
	struct policy_image *i;
	build_small(&w);
	world_write(&w);
	uint8_t *bytes = file_read(w.image, &n);
	for (size_t at = 0; at < n; at += 7) {
		file_write(w.image, bytes, at);
		assert_int_equal(policy_image_open(w.image, false, &i), -EBADMSG);
	}
	bytes[n] = 0;
	file_write(w.image, bytes, n + 1);
	assert_int_equal(policy_image_open(w.image, false, &i), -EBADMSG);
	free(bytes);
	world_end(&w);
}

static const uint8_t soa[] = "\0\0\0\0\0\x07\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1";

/* What a policy zone has beside names: rules with a match of their own, records, its SOA. */
static void a_policy_zone_comes_out_as_it_went_in(void **state)
{
	(void)state;
	static const uint8_t records[] = { 0, 1,  0, 0, 0, 9, 0, 4, 192, 0,  2, 1, /* A */
		                           0, 16, 0, 0, 0, 8, 0, 2, 1,   'x' };
	struct world w;
	struct verdict v;
	struct policy_list_view view;
	struct policy_group_spec g;
	struct policy_group_view group;
	struct policy_record r;
	world_start(&w);
	uint16_t list = world_list(&w, "zone");
	struct policy_data data = {
		.has_ttl = true, .ttl_s = 7, .records = records, .records_bytes = sizeof records
	};
	struct policy_rule rule = { .action = POLICY_RECORDS, .data = &data, .own_match = 1 };
	struct name name = world_name("local.example");
	assert_int_equal(policy_builder_add_name(w.builder, list, name.wire, &rule), 0);
	struct addr_prefix prefix = world_prefix("10.1.0.0/16");
	rule = (struct policy_rule){ .action = POLICY_DROP, .own_match = POLICY_MATCH_CLIENT + 1 };
	assert_int_equal(policy_builder_add_prefix(w.builder, list, &prefix, &rule), 0);
	rule.own_match = POLICY_MATCH_COUNT + 1;
	assert_int_equal(policy_builder_add_prefix(w.builder, list, &prefix, &rule), -EINVAL);
	data.records_bytes--;
	rule = (struct policy_rule){ .action = POLICY_RECORDS, .data = &data, .own_match = 1 };
	assert_int_equal(policy_builder_add_name(w.builder, list, name.wire, &rule), -EINVAL);
	assert_int_equal(policy_builder_set_soa(w.builder, list, name.wire, 60, soa, 21), -EINVAL);
	assert_int_equal(policy_builder_set_soa(w.builder, list, name.wire, 60, soa, 22), 0);
	world_write(&w);
	world_group(&w, &g, "all", "zone", NULL);
	world_snapshot(&w, &g, 1);
	v = world_judge(w.policy, 0, POLICY_TRIGGER_QUESTION, "local.example");
	assert_int_equal(v.action, POLICY_RECORDS);
	assert_true(v.data->has_ttl);
	assert_int_equal(v.data->ttl_s, 7);
	size_t at = 0;
	assert_true(policy_record_next(v.data, &at, &r));
	assert_int_equal(r.type, 1);
	assert_true(policy_record_next(v.data, &at, &r));
	assert_int_equal(r.type, 16);
	assert_int_equal(r.ttl_s, 8);
	assert_memory_equal(r.rdata, "\1x", 2);
	assert_false(policy_record_next(v.data, &at, &r));
	policy_list_view(w.policy, 0, &view);
	assert_true(view.is_rpz);
	assert_int_equal(view.serial, 7);
	assert_int_equal(view.soa_bytes, 22);
	assert_true(name_equal(view.soa_owner, name.wire));
	policy_group_view(w.policy, 0, &group);
	assert_false(group.has_answer_rules);
	assert_false(group.has_server_rules);
	world_end(&w);
}

/* The checksum is no defence against who can write it: indices are checked by themselves. */
static void forged_indices_are_noticed(void **state)
{
	(void)state;
	struct world w;
	size_t n;
	struct policy_image *i;
	build_small(&w);
	world_write(&w);
	uint8_t *bytes = file_read(w.image, &n);
	struct image_header *h = (struct image_header *)bytes;
	struct image_layout l = image_layout(h);
	struct image_set *sets = (struct image_set *)(bytes + l.sets);
	struct image_member *members = (struct image_member *)(bytes + l.members);
	struct image_data *data = (struct image_data *)(bytes + l.data);
	struct image_list *lists = (struct image_list *)(bytes + l.lists);
	uint32_t *forged[] = { &sets[1].first,        &sets[1].n,
		               &members[0].data,      &data[1].n_addrs,
		               &data[1].target_bytes, &lists[0].path_bytes,
		               &lists[0].soa_bytes,   &data[1].records_bytes,
		               &data[1].flags,        &data[1].n_types };
	for (size_t at = 0; at < ARRAY_LEN(forged); at++) {
		uint32_t honest = *forged[at];
		*forged[at] = 0x7fffffff;
		h->checksum = image_checksum(bytes, n);
		file_write(w.image, bytes, n);
		if (policy_image_open(w.image, false, &i) != -EBADMSG)
			fail_msg("forged index %zu", at);
		*forged[at] = honest;
	}
	members[0].list = 100;
	h->checksum = image_checksum(bytes, n);
	file_write(w.image, bytes, n);
	assert_int_equal(policy_image_open(w.image, false, &i), -EBADMSG);
	free(bytes);
	world_end(&w);
}

static void set_ids_that_lie_are_no_rules(void **state)
{
	(void)state;
	struct world w;
	size_t n;
	build_small(&w);
	world_write(&w);
	uint8_t *bytes = file_read(w.image, &n);
	struct image_header *h = (struct image_header *)bytes;
	uint64_t *slots = (uint64_t *)(bytes + image_layout(h).table);
	for (uint32_t at = 0; at < h->n_slots + h->max_probe + 1; at++)
		slots[at] |= slots[at] != 0 ? 0xffffff : 0;
	h->checksum = image_checksum(bytes, n);
	file_write(w.image, bytes, n);
	policy_image_put(w.opened);
	assert_int_equal(policy_image_open(w.image, false, &w.opened), 0);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "nxdomain", NULL);
	world_snapshot(&w, &g, 1);
	assert_int_equal(world_judge(w.policy, 0, POLICY_TRIGGER_QUESTION, "evil.example").action,
	                 POLICY_NONE);
	free(bytes);
	world_end(&w);
}

static void the_key_comes_with_the_image(void **state)
{
	(void)state;
	struct world w;
	struct policy_image *i;
	struct siphash_key ours = name_hash_key();
	struct siphash_key other = { 1, 2 };
	build_small(&w);
	world_write(&w);
	name_set_hash_key(&other);
	assert_int_equal(policy_image_open(w.image, false, &i), -EBADMSG);
	assert_int_equal(policy_image_open(w.image, true, &i), 0);
	assert_int_equal(name_hash_key().k0, ours.k0);
	assert_int_equal(name_hash_key().k1, ours.k1);
	policy_image_put(i);
	world_end(&w);
}

static void lists_that_cannot_be_added(void **state)
{
	(void)state;
	struct world w;
	static struct policy_list_spec spec = { .name = "nxdomain" };
	uint16_t list;
	build_small(&w);
	assert_int_equal(policy_builder_add_list(w.builder, &spec, &list), -EEXIST);
	spec.name[0] = 0;
	assert_int_equal(policy_builder_add_list(w.builder, &spec, &list), -EINVAL);
	memset(spec.name, 'x', sizeof spec.name);
	assert_int_equal(policy_builder_add_list(w.builder, &spec, &list), -EINVAL);
	struct policy_rule rule = { .scope = POLICY_SCOPE_TREE };
	struct name name = world_name("a.example");
	assert_int_equal(policy_builder_add_name(w.builder, 99, name.wire, &rule), -EINVAL);
	world_end(&w);
}

static void an_empty_image(void **state)
{
	(void)state;
	struct world w;
	world_start(&w);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "", NULL);
	world_snapshot(&w, &g, 1);
	assert_int_equal(world_judge(w.policy, 0, POLICY_TRIGGER_QUESTION, "a.example").action,
	                 POLICY_NONE);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_went_in_comes_out),
		cmocka_unit_test(the_file_appears_whole_and_nothing_beside_it),
		cmocka_unit_test(a_folder_that_is_not_there),
		cmocka_unit_test(each_flipped_byte_is_noticed),
		cmocka_unit_test(each_cut_is_noticed),
		cmocka_unit_test(a_policy_zone_comes_out_as_it_went_in),
		cmocka_unit_test(forged_indices_are_noticed),
		cmocka_unit_test(set_ids_that_lie_are_no_rules),
		cmocka_unit_test(the_key_comes_with_the_image),
		cmocka_unit_test(lists_that_cannot_be_added),
		cmocka_unit_test(an_empty_image),
	};
	struct siphash_key key = { random_u64(), random_u64() };
	name_set_hash_key(&key);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
