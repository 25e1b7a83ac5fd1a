/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/zone_layers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "layers.h"

#define SOA(n) "rpz.\t300\tSOA\tns.rpz. mail.rpz. " #n " 60 60 600 60"

static char folder[64], zones[80], layers_folder[80], path[96];
static struct name zone;
static uint64_t n_records;

static struct zone_layers_terms terms(const char *soa)
{
	return (struct zone_layers_terms){
		.path = path, .zone = &zone, .comment = "a test", .soa = soa, .max_bytes = 100
	};
}

static int put(const char *soa, const char *lines)
{
	struct zone_layers_terms t = terms(soa);
	struct sorter *s;
	assert_int_equal(sorter_new(folder, &s), 0);
	for (; *lines != 0; lines++)
		assert_int_equal(sorter_add(s, lines, 1), 0);
	int e = zone_layers_put(&t, s, &n_records);
	sorter_free(s);
	return e;
}

/* "-a+b" */
static int change(const char *soa, uint32_t serial, const char *lines)
{
	struct zone_layers_terms t = terms(soa);
	struct delta d = { 0 };
	for (; *lines != 0; lines += 2)
		assert_int_equal(delta_add(&d, *lines == '+', lines + 1, 1), 0);
	assert_int_equal(delta_seal(&d), 0);
	int e = zone_layers_change(&t, serial, &d, &n_records);
	delta_done(&d);
	return e;
}

static void expect(uint32_t serial, const char *letters)
{
	struct zone_reader r;
	char all[64];
	assert_int_equal(zone_reader_open(&r, path, &zone), 0);
	assert_int_equal(r.numbers.serial, serial);
	zone_reader_close(&r);
	layers_letters(path, all, sizeof all);
	assert_string_equal(all, letters);
	assert_int_equal(n_records, strlen(letters));
	assert_int_equal(zone_layers_check(path, true), 0);
}

static void versions_follow_each_other(void **state)
{
	(void)state;
	assert_int_equal(put(SOA(1), "dcba"), 0);
	expect(1, "abcd");
	assert_int_equal(change(SOA(2), 1, "-a+x"), 0);
	expect(2, "bcdx");
	assert_int_equal(change(SOA(3), 2, "+a-x"), 0);
	expect(3, "abcd");
	assert_int_equal(change(SOA(4), 2, "+q"), -ESTALE); /* not of this version */
	assert_int_equal(change(SOA(4), 3, "+b"), -ESTALE);
	assert_int_equal(change(SOA(4), 3, "-y"), -ESTALE);
	expect(3, "abcd");
	assert_int_equal(put(SOA(9), "z"), 0);
	expect(9, "z");
}

static void a_file_of_before_is_gone_on_from(void **state)
{
	(void)state;
	struct zone_writer w;
	assert_int_equal(zone_writer_open(&w, path, "of before", SOA(1)), 0);
	assert_int_equal(zone_writer_add(&w, "a", 1), 0);
	assert_int_equal(zone_writer_add(&w, "b", 1), 0);
	assert_int_equal(zone_writer_commit(&w), 0);
	assert_int_equal(zone_layers_check(path, true), 0);
	assert_int_equal(change(SOA(2), 1, "-z"), -ESTALE);
	assert_int_equal(change(SOA(2), 1, "-a+c"), 0);
	expect(2, "bc");
}

static void bounds_hold(void **state)
{
	(void)state;
	char many[101];
	for (int i = 0; i < 100; i++)
		many[i] = (char)(' ' + i);
	many[100] = 0;
	assert_int_equal(put(SOA(1), many), -EFBIG);
	assert_int_equal(access(path, F_OK), -1);
	many[50] = 0;
	assert_int_equal(put(SOA(1), many), 0);
	assert_int_equal(change(SOA(2), 1, "+w"), -EFBIG);
	assert_int_equal(change(SOA(2), 1, "-!+w"), 0);
}

static void what_cannot_be_written_changes_nothing(void **state)
{
	(void)state;
	char beside[128];
	assert_int_equal(put(SOA(1), "ab"), 0);
	/* The head's place is taken: the layer that was made is of no use. */
	snprintf(beside, sizeof beside, "%s/.zone.new", zones);
	assert_int_equal(mkdir(beside, 0700), 0);
	assert_int_equal(change(SOA(2), 1, "+c"), -EISDIR);
	assert_int_equal(put(SOA(2), "abc"), -EISDIR);
	n_records = 2;
	expect(1, "ab");
	unsigned n = 0;
	DIR *d = opendir(layers_folder);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	assert_int_equal(n, 1);
	assert_int_equal(rmdir(beside), 0);
	assert_int_equal(change(SOA(2), 1, "+c"), 0);
	expect(2, "abc");
}

/* In the lines: noticed by whoever reads all of it. */
static void damage_within_is_found(void **state)
{
	(void)state;
	char text[LAYERS_HEAD_MAX], layer[PATH_MAX];
	struct layers_head h;
	size_t n;
	assert_int_equal(put(SOA(1), "ab"), 0);
	int fd = open(path, O_RDONLY);
	assert_int_equal(layers_head_read(fd, text, &n, &h), 0);
	close(fd);
	assert_int_equal(layers_path(path, h.names[0], layer, sizeof layer), 0);
	fd = open(layer, O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 1), 1);
	close(fd);
	assert_int_equal(zone_layers_check(path, true), -EBADMSG);
	assert_int_equal(change(SOA(2), 1, "-a"), -EBADMSG);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/zone_layers_test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(zones, sizeof zones, "%s/zones", folder);
	snprintf(layers_folder, sizeof layers_folder, "%s/layers", folder);
	assert_int_equal(mkdir(zones, 0700), 0);
	snprintf(path, sizeof path, "%s/zone", zones);
	return name_from_text("rpz", 3, &zone);
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	unsigned unfinished = layers_folder_remove(layers_folder);
	return unfinished != 0 || rmdir(zones) != 0 || rmdir(folder) != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(versions_follow_each_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_of_before_is_gone_on_from, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(bounds_hold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damage_within_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_written_changes_nothing, set_up,
		                                tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
