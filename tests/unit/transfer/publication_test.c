/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/publication.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/random.h"
#include "base/rcu.h"
#include "folder.h"
#include "policy/policy.h"
#include "transfer/journal.h"
#include "transfer/zone_layers.h"

static struct loop *loop;
static struct config *config;
static struct keyring *ring;

static void load(void)
{
	char yaml[600];
	struct config_problems problems = { 0 };
	snprintf(yaml, sizeof yaml,
	         "state: %s\nlists: [{name: main, file: the.list, action: address, "
	         "addresses: [192.0.2.1]}]\npublish:\n"
	         "  - {zone: edits.rpz, edits: true, allow: [127.0.0.1]}\n"
	         "  - {zone: list.rpz, list: main, allow: [127.0.0.1]}\n",
	         folder);
	char path[100];
	snprintf(path, sizeof path, "%s/weir.yaml", folder);
	int e = config_load_text(path, yaml, strlen(yaml), &config, &problems);
	config_problems_print(&problems, stderr);
	config_problems_done(&problems);
	assert_int_equal(e, 0);
	assert_int_equal(keyring_new(config, &ring), 0);
}

static void write_list(const char *text)
{
	char path[100];
	snprintf(path, sizeof path, "%s/the.list", folder);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int set_up(void **state)
{
	struct policy *p;
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	rcu_thread_start();
	snprintf(folder, sizeof folder, "/tmp/publication_test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(policy_new(NULL, NULL, 0, NULL, 0, &p), 0);
	policy_publish(p);
	assert_int_equal(policy_edits_open(""), 0);
	write_list("a.example\n");
	load();
	return loop_new(&loop);
}

static int tear_down(void **state)
{
	char command[100];
	(void)state;
	keyring_put(ring);
	config_free(config);
	policy_edits_close();
	policy_publish(NULL);
	loop_free(loop);
	rcu_drain();
	rcu_thread_stop();
	static const char *const names[] = { "publish/edits.rpz", "publish/list.rpz" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(command, sizeof command, "%s/%s/zone", folder, names[i]);
		unlink(command);
	}
	return 0;
}

/* Until a version is made; its serial. */
static uint32_t make(struct publication *p)
{
	publication_changed(p);
	for (int i = 0; i < 1000; i++) {
		loop_turn(loop, 10);
		if (publication_finish(p))
			break;
	}
	uint64_t version = atomic_load(publication_version(p));
	assert_true(version >> 32 == 1);
	return (uint32_t)version;
}

static void expect(const struct publication *p, const char *const *lines)
{
	char path[300];
	struct zone_reader r;
	journal_zone_path(publication_folder(p), path, sizeof path);
	assert_int_equal(zone_reader_open(&r, path, publication_zone(p)), 0);
	int got;
	while ((got = zone_reader_next(&r)) == 1) {
		assert_non_null(*lines);
		assert_string_equal(r.line, *lines++);
	}
	assert_int_equal(got, 0);
	assert_null(*lines);
	zone_reader_close(&r);
}

static void edit(const char *name, enum policy_action action, enum policy_scope scope)
{
	struct policy_edit e = { .action = action, .scope = scope, .group = POLICY_NO_GROUP };
	assert_int_equal(name_from_text(name, strlen(name), &e.name), 0);
	assert_int_equal(policy_edit_add(&e), 0);
}

static void edits_are_published(void **state)
{
	(void)state;
	struct publication *p;
	struct transfer_published v;
	assert_int_equal(publication_new(loop, config, &config->publish.at[0], NULL, ring, &p), 0);
	assert_true(publication_is_of_edits(p));
	publication_view(p, &v);
	assert_false(v.has_version);
	uint32_t first = make(p);
	static const char *const none[] = { "edits.rpz.\t60\tNS\tlocalhost.", NULL };
	expect(p, none);
	edit("evil.example", POLICY_NXDOMAIN, POLICY_SCOPE_TREE);
	edit("drop.example", POLICY_DROP, POLICY_SCOPE_EXACT);
	edit("good.example", POLICY_ALLOW, POLICY_SCOPE_BELOW);
	edit("refused.example", POLICY_REFUSED, POLICY_SCOPE_EXACT);
	uint32_t second = make(p);
	assert_true(second != first);
	static const char *const some[] = { "*.evil.example.edits.rpz.\t60\tCNAME\t.",
		                            "*.good.example.edits.rpz.\t60\tCNAME\trpz-passthru.",
		                            "drop.example.edits.rpz.\t60\tCNAME\trpz-drop.",
		                            "edits.rpz.\t60\tNS\tlocalhost.",
		                            "evil.example.edits.rpz.\t60\tCNAME\t.",
		                            "refused.example.edits.rpz.\t60\tCNAME\t.",
		                            NULL };
	expect(p, some);
	assert_int_equal(make(p), second); /* nothing changed */
	assert_true(publication_stop(p));
	publication_free(p);
	/* Where it was left off. */
	assert_int_equal(publication_new(loop, config, &config->publish.at[0], NULL, ring, &p), 0);
	publication_view(p, &v);
	assert_true(v.has_version);
	assert_int_equal(v.serial, second);
	assert_true(publication_stop(p));
	publication_free(p);
}

static void lists_are_published(void **state)
{
	(void)state;
	struct publication *p;
	struct transfer_published v;
	struct policy_list_spec spec = { .name = "main", .action = POLICY_ADDRESS };
	struct addr address = addr_v4(0xc0000201);
	spec.data = (struct policy_data){ .addrs = &address, .n_addrs = 1 };
	snprintf(spec.path, sizeof spec.path, "%s/the.list", folder);
	const struct feeds_list feed = { .spec = &spec };
	assert_int_equal(publication_new(loop, config, &config->publish.at[1], &feed, ring, &p), 0);
	uint32_t first = make(p);
	static const char *const one[] = { "*.a.example.list.rpz.\t60\tA\t192.0.2.1",
		                           "a.example.list.rpz.\t60\tA\t192.0.2.1",
		                           "list.rpz.\t60\tNS\tlocalhost.", NULL };
	expect(p, one);
	write_list("b.example\n");
	assert_true(make(p) != first);
	static const char *const two[] = { "*.b.example.list.rpz.\t60\tA\t192.0.2.1",
		                           "b.example.list.rpz.\t60\tA\t192.0.2.1",
		                           "list.rpz.\t60\tNS\tlocalhost.", NULL };
	expect(p, two);
	/* A list that cannot be read leaves the version of before. */
	unlink(spec.path);
	(void)make(p);
	publication_view(p, &v);
	assert_true(v.error[0] != 0);
	expect(p, two);
	assert_true(publication_stop(p));
	publication_free(p);
}

/* ---- a list that is a zone in layers ---- */

enum {
	N_NAMES = 300
};

static const char *const layered_targets[] = { ".", "*.", "rpz-passthru.", "rpz-drop.",
	                                       "other.example." };
static int layered[N_NAMES]; /* 1 + the target of each name; 0: it is not there */

static void layered_path(const char *folder_name, char ret[200])
{
	snprintf(ret, 200, "%s/%s/main", folder, folder_name);
}

/* Names of all kinds: some are addresses, some stand for what is below, some cannot be said. */
static size_t layered_line(int i, int target, char ret[200])
{
	char name[60];
	if (i % 4 == 2)
		snprintf(name, sizeof name, "32.%d.2.0.192.rpz-ip", i / 4);
	else
		snprintf(name, sizeof name, "%sn%d.example%s", i % 4 == 1 ? "*." : "", i,
		         i % 4 == 3 ? ".rpz-nsdname" : "");
	int n = snprintf(ret, 200, "%s.src.\t%d\tCNAME\t%s", name, i % 7 == 0 ? 60 : 300,
	                 layered_targets[target]);
	return (size_t)n;
}

/* The zone with this serial, and what the loader keeps of it: its last good copy. */
static void layered_put(uint32_t serial, struct delta *d)
{
	char path[200], copy[200], soa[200];
	struct name zone;
	uint64_t records;
	assert_int_equal(name_from_text("src", 3, &zone), 0);
	layered_path("zones", path);
	layered_path("lists", copy);
	snprintf(soa, sizeof soa, "src.\t300\tSOA\tlocalhost. root.localhost. %u 60 60 60 60",
	         serial);
	const struct zone_layers_terms t = { path, &zone, "zone src", soa, 0 };
	if (serial == 1) {
		struct sorter *s;
		assert_int_equal(sorter_new(folder, &s), 0);
		for (size_t i = 0; i < d->n_lines; i++)
			assert_int_equal(sorter_add(s, delta_text(d, i), d->lines[i].n), 0);
		assert_int_equal(zone_layers_put(&t, s, &records), 0);
		sorter_free(s);
	} else {
		assert_int_equal(delta_seal(d), 0);
		assert_int_equal(zone_layers_change(&t, serial - 1, d, &records), 0);
	}
	delta_done(d);
	(void)unlink(copy);
	assert_int_equal(link(path, copy), 0);
}

/* So many names change: they go, come, or mean something else. */
static void layered_change(uint32_t serial, unsigned n)
{
	struct delta d = { 0 };
	char line[200];
	for (unsigned k = 0; k < n; k++) {
		int i = (int)random_below(N_NAMES), now = (int)random_below(6);
		if (layered[i] != 0)
			assert_int_equal(
				delta_add(&d, false, line, layered_line(i, layered[i] - 1, line)),
				0);
		layered[i] = now;
		if (now != 0)
			assert_int_equal(delta_add(&d, true, line, layered_line(i, now - 1, line)),
			                 0);
	}
	layered_put(serial, &d);
}

static bool is_in_layers(const struct publication *p)
{
	char path[300];
	struct zone_reader r;
	journal_zone_path(publication_folder(p), path, sizeof path);
	assert_int_equal(zone_reader_open(&r, path, publication_zone(p)), 0);
	bool is = r.has_head;
	zone_reader_close(&r);
	return is;
}

/* What comes by deltas is what the whole list is published as. */
static void deltas_come_to_the_whole(void **state)
{
	(void)state;
	struct publication *p, *whole;
	struct delta none = { 0 };
	char line[200];
	struct policy_list_spec spec = { .name = "main", .action = POLICY_NONE, .is_rpz = true };
	layered_path("zones", spec.path);
	static const char *const folders[] = { "zones", "lists" };
	for (unsigned i = 0; i < 2; i++) {
		snprintf(line, sizeof line, "%s/%s", folder, folders[i]);
		assert_int_equal(mkdir(line, 0700), 0);
	}
	const struct feeds_list feed = { .spec = &spec, .format = FEEDS_RPZ };
	assert_int_equal(delta_add(&none, true, line, layered_line(0, 0, line)), 0);
	layered[0] = 1;
	layered_put(1, &none);
	assert_int_equal(publication_new(loop, config, &config->publish.at[1], &feed, ring, &p), 0);
	uint32_t serial = make(p);
	assert_false(is_in_layers(p)); /* the first is whole */
	for (uint32_t step = 2; step < 60; step++) {
		layered_change(step, 1 + random_below(step % 10 == 0 ? 200 : 5));
		uint32_t next = make(p);
		assert_true(next >= serial);
		serial = next;
		assert_true(step < 12 || is_in_layers(p));
		/* One that begins anew reads the whole list, and finds nothing to change. */
		if (step % 5 == 0) {
			assert_int_equal(publication_new(loop, config, &config->publish.at[1],
			                                 &feed, ring, &whole),
			                 0);
			assert_int_equal(make(whole), serial);
			assert_true(publication_stop(whole));
			publication_free(whole);
		}
	}
	/* The layers of before are gone: the whole is published. */
	snprintf(line, sizeof line, "%s/publish/layers", folder);
	assert_int_equal(folder_remove_at(line), 0);
	layered_change(60, 5);
	assert_true(make(p) > serial);
	assert_false(is_in_layers(p));
	assert_true(publication_stop(p));
	publication_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_are_published),
		cmocka_unit_test(lists_are_published),
		cmocka_unit_test(deltas_come_to_the_whole),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
