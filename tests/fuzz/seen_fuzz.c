/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as STATE/seen and STATE/seen.log: a table comes out that can be asked, noted in, written
 * and read again, and then has the same. The first byte says which file the rest is; with its highest
 * bit the entries are as given, and the sum and checks are made to fit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/disk.h"
#include "seen/file.h"

enum {
	SIZE = 1 << 14
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char folder[] = "/tmp/weir-seen-fuzz-XXXXXX";

static void path_in(const char *name, char ret[128])
{
	snprintf(ret, 128, "%s/%s", folder, name);
}

static void remove_all(void)
{
	static const char *const names[] = { "seen",     "seen.new",     "seen.log",
		                             "seen.bad", "seen.log.old", "seen.log.new" };
	char path[128];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		path_in(names[i], path);
		unlink(path);
	}
}

static void remove_folder(void)
{
	remove_all();
	rmdir(folder);
}

static void put_file(const char *name, const void *bytes, size_t n)
{
	char path[128];
	path_in(name, path);
	must(disk_save(path, bytes, n, 0600) == 0);
}

/* A good head, the entries, a good sum. */
static void put_snapshot(const uint8_t *data, size_t n)
{
	uint8_t file[40 + SIZE + 8] = "WEIRSEEN\1";
	n = (n < SIZE ? n : SIZE) / 16 * 16;
	memcpy(file + 40, data, n);
	uint64_t sum = XXH3_64bits(file, 40 + n);
	memcpy(file + 40 + n, &sum, 8);
	put_file("seen", file, 40 + n + 8);
}

static void put_log(const uint8_t *data, size_t n)
{
	static const struct siphash_key key;
	uint8_t file[16 + SIZE] = "WEIRSLOG";
	uint64_t which = siphash13(&key, "WEIRSLOG", 8);
	size_t at = 16;
	memcpy(file + 8, &which, 8);
	put_snapshot(data, 0);
	for (; n >= 16 && at + 24 <= sizeof file; n -= 16, data += 16, at += 24) {
		memcpy(file + at, data, 16);
		uint64_t check = siphash13(&key, data, 16);
		memcpy(file + at + 16, &check, 8);
	}
	put_file("seen.log", file, at);
}

static struct seen *open_table(uint64_t bytes)
{
	struct seen *s;
	char why[SEEN_WHY_MAX];
	const struct seen_plan plan = { .size_bytes = bytes,
		                        .state_dir = folder,
		                        .now_s = SEEN_EPOCH_S + 1000000 };
	must(seen_new(&plan, &s, why) == 0);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t name[] = "\7example\3com";
	static bool is_ready;
	struct addr a = addr_v4(1);
	struct seen_domain d;
	struct seen_counts before, after;
	if (n == 0)
		return 0;
	if (!is_ready) {
		must(mkdtemp(folder) != NULL);
		atexit(remove_folder);
		is_ready = true;
	}
	remove_all();
	switch (data[0] >> 6) {
	case 0:
		put_file("seen", data + 1, n - 1);
		break;
	case 1:
		put_snapshot(data, 0);
		put_file("seen.log", data + 1, n - 1);
		break;
	case 2:
		put_snapshot(data + 1, n - 1);
		break;
	default:
		put_log(data + 1, n - 1);
		break;
	}
	struct seen *s = open_table(4096);
	seen_note(s, NULL, name, &a, SEEN_EPOCH_S + 1000000);
	seen_confirm(s, NULL, name);
	seen_find(s, name, &d);
	(void)seen_age_s(s, name, SEEN_EPOCH_S + 1000000);
	seen_count(s, &before);
	must(before.domains <= before.room);
	seen_file_set_due(s->file);
	must(seen_sync(s, NULL, 0) == 0);
	seen_free(s);
	s = open_table(1 << 16);
	seen_count(s, &after);
	must(after.domains <= before.domains);
	seen_free(s);
	return 0;
}
