/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/anchors_state.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "key_pair.h"
#include "validate/anchors_disk.h"

enum {
	NOW_S = 1795399200, /* 2026-11-23T02:00:00Z */
};

/* ---- times ---- */

static void test_times(void **state)
{
	(void)state;
	char text[STATE_TIME_MAX];
	uint64_t s = 1;
	assert_string_equal(state_time_text(NOW_S, text), "2026-11-23T02:00:00Z");
	assert_int_equal(state_time_read(text, strlen(text), &s), 0);
	assert_int_equal(s, NOW_S);
	assert_string_equal(state_time_text(UINT64_MAX, text), "9999-12-31T23:59:59Z");
	static const char *const bad[] = {
		"",
		"2026-11-23T02:00:00",
		"2026-11-23 02:00:00Z",
		"2026-02-30T02:00:00Z",
		"2026-11-23T25:00:00Z",
		"2026-13-23T02:00:00Z",
		" 026-11-23T02:00:00Z",
		"2026-11-23T02:00:00Z ",
		"1960-11-23T02:00:00Z",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(state_time_read(bad[i], strlen(bad[i]), &s), -EINVAL);
}

/* ---- keys ---- */

static const struct {
	enum anchor_state state;
	unsigned key;
	bool is_ds, is_configured;
	uint64_t until_s;
} kept[] = {
	{ ANCHOR_VALID, 0, false, true, 0 },
	{ ANCHOR_PENDING, 1, false, false, NOW_S + TRACK_ADD_HOLD_S },
	{ ANCHOR_MISSING, 2, false, false, 0 },
	{ ANCHOR_REVOKED, 3, false, true, NOW_S + TRACK_REMOVE_HOLD_S },
	{ ANCHOR_REMOVED, 4, false, true, 0 },
	{ ANCHOR_SEEN, 0, true, true, 0 },
	{ ANCHOR_VALID, 5, true, true, 0 },
};

static struct tracked_zone *make_zone(struct key_ring *ring, const char *name)
{
	struct tracked_zone *z = calloc(1, sizeof *z);
	key_ring_init(ring, name);
	z->name = ring->zone;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		struct answer_rr ds = key_ring_ds(ring, kept[i].key);
		const struct answer_rr *rr =
			kept[i].is_ds ? &ds : key_ring_publish(ring, kept[i].key, KEY_FLAGS);
		struct tracked_key *k =
			track_add(z, rr->type, rr->rdata, rr->rdata_len, kept[i].state, NOW_S + i);
		k->until_s = kept[i].until_s;
		k->is_configured = kept[i].is_configured;
	}
	return z;
}

static void free_zone(struct tracked_zone *z)
{
	track_done(z);
	free(z);
}

static void check_zone(struct tracked_zone *made, struct tracked_zone *read)
{
	assert_int_equal(made->n, read->n);
	assert_true(name_equal(made->name.wire, read->name.wire));
	for (unsigned i = 0; i < made->n; i++) {
		const struct tracked_key *a = &made->keys[i], *b = &read->keys[i];
		assert_int_equal(a->state, b->state);
		assert_int_equal(a->type, b->type);
		assert_int_equal(a->is_configured, b->is_configured);
		assert_int_equal(a->since_s, b->since_s);
		assert_int_equal(a->until_s, b->until_s);
		assert_int_equal(a->rdata_len, b->rdata_len);
		assert_memory_equal(a->rdata, b->rdata, a->rdata_len);
	}
}

/* What is wrong with the text; "" if nothing. */
static const char *trouble(const char *text, size_t n)
{
	static char why[STATE_WHY_MAX];
	struct tracked_zone *zones[ANCHOR_ZONES_MAX];
	unsigned n_zones = 0;
	int e = state_read_zones(text, n, zones, &n_zones, why);
	assert_true(e == 0 || (e == -EBADMSG && why[0] != 0));
	if (e != 0)
		return why;
	for (unsigned i = 0; i < n_zones; i++)
		free_zone(zones[i]);
	return "";
}

static void test_keys_and_back(void **state)
{
	(void)state;
	static struct key_ring rings[2];
	struct tracked_zone *made[2] = { make_zone(&rings[0], "."),
		                         make_zone(&rings[1], "a\\.b.example") };
	struct tracked_zone *read[ANCHOR_ZONES_MAX];
	char *text, why[STATE_WHY_MAX];
	size_t n;
	unsigned n_read;
	assert_int_equal(state_write_zones((const struct tracked_zone *const *)made, 2, &text, &n),
	                 0);
	assert_non_null(strstr(text, "state=pending since=2026-11-23T02:00:01Z "
	                             "until=2026-12-23T02:00:00Z tag="));
	assert_int_equal(state_read_zones(text, n, read, &n_read, why), 0);
	assert_int_equal(n_read, 2);
	for (unsigned i = 0; i < 2; i++) {
		check_zone(made[i], read[i]);
		free_zone(made[i]);
		free_zone(read[i]);
		key_ring_done(&rings[i]);
	}
	/* A file that lost its end, anywhere, is not taken for a whole one. */
	for (size_t cut = 0; cut < n; cut++)
		assert_string_not_equal(trouble(text, cut), "");
	assert_string_equal(trouble(text, n), "");
	free(text);
}

#define KEY "example.net. DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4= ;"
#define DS                                                                                   \
	"example.net. DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e" \
	"37df61d17 ;"
#define SINCE " since=2026-11-23T02:00:00Z"
#define UNTIL " until=2026-12-23T02:00:00Z"
#define END   "\n; end, 1 record\n"

/* clang-format off */
static const struct {
	const char *text, *why;
} broken[] = {
	{ KEY " state=valid" SINCE END, "" },
	{ KEY "   state=valid  " SINCE " tag=1 configured " END, "" },
	{ "; end, 0 records\n", "" },
	{ "", "the last line" },
	{ KEY " state=valid" SINCE "\n", "the last line" },
	{ KEY " state=valid" SINCE "\n; end, 2 records\n", "the last line" },
	{ KEY " state=valid" SINCE END "x", "line " },
	{ KEY END, "line 1: state or since is missing" },
	{ KEY " state=valid" END, "state or since" },
	{ KEY SINCE END, "state or since" },
	{ KEY " state=trusted" SINCE END, "no such state" },
	{ KEY " state=start" SINCE END, "no such state" },
	{ KEY " state=valid since=yesterday" END, "no time: since" },
	{ KEY " state=valid" SINCE " until=never" END, "no time: until" },
	{ KEY " state=valid" SINCE " colour=red" END, "not known" },
	{ KEY " state=valid" SINCE UNTIL END, "an until that" },
	{ KEY " state=pending" SINCE END, "until is missing" },
	{ KEY " state=revoked" SINCE END, "until is missing" },
	{ KEY " state=seen" SINCE END, "cannot have" },
	{ DS " state=seen" SINCE END, "" },
	{ DS " state=valid" SINCE END, "" },
	{ DS " state=pending" SINCE UNTIL END, "cannot have" },
	{ DS " state=missing" SINCE END, "cannot have" },
	{ KEY " state=valid" SINCE "\n" KEY " state=valid" SINCE "\n; end, 2 records\n", "line 2: the same" },
	{ "example.net. A 192.0.2.1 ; state=valid" SINCE END, "neither DS nor DNSKEY" },
	{ "example.net. DNSKEY 257 3 15 AAAA ; state=valid" SINCE END, "cannot be read" },
	{ "what\n" KEY " state=valid" SINCE END, "line 1: " },
};
/* clang-format on */

static void test_broken_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		const char *why = trouble(broken[i].text, strlen(broken[i].text));
		if (broken[i].why[0] == 0 ? why[0] != 0 : strstr(why, broken[i].why) == NULL)
			fail_msg("row %zu: '%s', not '%s'", i, why, broken[i].why);
	}
}

/* ---- negative anchors ---- */

static void test_negatives_and_back(void **state)
{
	(void)state;
	static struct negative_anchor made[3], read[NEGATIVE_ANCHORS_MAX];
	char *text, why[STATE_WHY_MAX];
	size_t n;
	unsigned n_read;
	for (unsigned i = 0; i < 3; i++) {
		static const char *const names[] = { "broken.example", ".", "a\\032b.example" };
		assert_int_equal(name_from_text(names[i], strlen(names[i]), &made[i].name), 0);
		made[i].since_s = NOW_S;
		made[i].expires_s = NOW_S + 60 * i + 1;
		snprintf(made[i].who, sizeof made[i].who, "alice (%u)", i);
	}
	memset(made[0].reason, '"', sizeof made[0].reason - 1);
	memset(made[0].who, '\\', sizeof made[0].who - 1);
	snprintf(made[1].reason, sizeof made[1].reason, "sie r\xc3\xbchren: \"gleich\" \\ # x=y");
	assert_int_equal(state_write_negatives(made, 3, &text, &n), 0);
	assert_int_equal(state_read_negatives(text, n, read, &n_read, why), 0);
	assert_int_equal(n_read, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(name_equal(made[i].name.wire, read[i].name.wire));
		assert_int_equal(made[i].since_s, read[i].since_s);
		assert_int_equal(made[i].expires_s, read[i].expires_s);
		assert_string_equal(made[i].who, read[i].who);
		assert_string_equal(made[i].reason, read[i].reason);
	}
	free(text);
	/* what is configured is not written */
	made[1].is_configured = true;
	assert_int_equal(state_write_negatives(made, 3, &text, &n), 0);
	assert_int_equal(state_read_negatives(text, n, read, &n_read, why), 0);
	assert_int_equal(n_read, 2);
	free(text);
}

#define WHEN "until=2026-11-23T03:00:00Z since=2026-11-23T02:00:00Z "

/* clang-format off */
static const struct {
	const char *text, *why;
} lines[] = {
	{ "", "" },
	{ "# nothing\n\n", "" },
	{ "a. " WHEN "who=\"x\" reason=\"y\"\n", "" },
	{ "a. " WHEN "who=\"x\" reason=\"y\"", "line 1: the line does not end" },
	{ "\na.. " WHEN "who=\"x\" reason=\"y\"\n", "line 2: not a domain name" },
	{ " " WHEN "who=\"x\" reason=\"y\"\n", "not a domain name" },
	{ "a.\n", "until=" },
	{ "a. since=2026-11-23T02:00:00Z\n", "until=" },
	{ "a. until=2026-11-23T03:00:00Z\n", "since=" },
	{ "a. until=1970-01-01T00:00:00Z since=2026-11-23T02:00:00Z who=\"\" reason=\"\"\n", "until=" },
	{ "a. " WHEN "reason=\"y\"\n", "who=" },
	{ "a. " WHEN "who=\"x\"\n", "reason=" },
	{ "a. " WHEN "who=\"x\" reason=\"y\" \n", "" },
	{ "a. " WHEN "who=\"x\" reason=\"y\" more\n", "reason=" },
	{ "a. " WHEN "who=\"x\"reason=\"y\"\n", "who=" },
	{ "a. " WHEN "who=\"x\" reason=\"y\n", "reason=" },
	{ "a. " WHEN "who=\"x\" reason=\"y\\\n", "reason=" },
	{ "a. " WHEN "who=\"\x1b\" reason=\"y\"\n", "who=" },
	{ "a. " WHEN "who=\"x\" reason=\"y\"\nA. " WHEN "who=\"x\" reason=\"y\"\n", "line 2: the same" },
};
/* clang-format on */

static void test_broken_negatives(void **state)
{
	(void)state;
	static struct negative_anchor read[NEGATIVE_ANCHORS_MAX];
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char why[STATE_WHY_MAX] = "";
		unsigned n;
		int e = state_read_negatives(lines[i].text, strlen(lines[i].text), read, &n, why);
		if ((e == 0) != (lines[i].why[0] == 0) || strstr(why, lines[i].why) == NULL)
			fail_msg("row %zu: %d '%s', not '%s'", i, e, why, lines[i].why);
	}
}

static void test_many_negatives(void **state)
{
	(void)state;
	static struct negative_anchor read[NEGATIVE_ANCHORS_MAX];
	char *text, why[STATE_WHY_MAX];
	size_t n;
	unsigned n_read;
	FILE *f = open_memstream(&text, &n);
	for (unsigned i = 0; i <= NEGATIVE_ANCHORS_MAX; i++)
		fprintf(f, "n%u. " WHEN "who=\"\" reason=\"\"\n", i);
	fclose(f);
	assert_int_equal(state_read_negatives(text, n, read, &n_read, why), -EBADMSG);
	assert_non_null(strstr(why, "line 257: too many"));
	free(text);
}

/* ---- the disk ---- */

static void test_files(void **state)
{
	(void)state;
	char folder[] = "/tmp/weir-anchors-XXXXXX", path[64], new_path[80], *text;
	size_t n;
	struct stat st;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/file", folder);
	snprintf(new_path, sizeof new_path, "%s.new", path);
	assert_int_equal(anchors_load(path, &text, &n), -ENOENT);
	assert_int_equal(anchors_load(folder, &text, &n), -EISDIR);
	assert_int_equal(anchors_save(path, "one", 3), 0);
	assert_int_equal(anchors_save(path, "", 0), 0);
	assert_int_equal(anchors_load(path, &text, &n), 0);
	assert_int_equal(n, 0);
	free(text);
	assert_int_equal(anchors_save(path, "two\n", 4), 0);
	assert_int_equal(anchors_load(path, &text, &n), 0);
	assert_int_equal(n, 4);
	assert_string_equal(text, "two\n");
	free(text);
	assert_int_equal(stat(new_path, &st), -1);
	/* When the new one cannot be written, the old one stands. */
	assert_int_equal(mkdir(new_path, 0700), 0);
	assert_int_equal(anchors_save(path, "three", 5), -EISDIR);
	assert_int_equal(anchors_load(path, &text, &n), 0);
	assert_string_equal(text, "two\n");
	free(text);
	rmdir(new_path);
	/* A link planted there is not followed. */
	assert_int_equal(symlink("/tmp/weir-anchors-elsewhere", new_path), 0);
	assert_int_equal(anchors_save(path, "three", 5), -ELOOP);
	assert_int_equal(stat("/tmp/weir-anchors-elsewhere", &st), -1);
	unlink(new_path);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(anchors_load(path, &text, &n), -EINVAL);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_keys_and_back),
		cmocka_unit_test(test_broken_keys),
		cmocka_unit_test(test_negatives_and_back),
		cmocka_unit_test(test_broken_negatives),
		cmocka_unit_test(test_many_negatives),
		cmocka_unit_test(test_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
